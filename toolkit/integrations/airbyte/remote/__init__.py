"""Connections that an Airbyte server runs: read, started and followed over its API."""
