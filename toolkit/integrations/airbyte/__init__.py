"""Airbyte: its connections as assets, its syncs as steps.

In the order in which data flows::

    readers/        files of any format -> model.Connection
    remote/         a server: its connections, kept in a snapshot; its jobs, started and followed
    naming/         where a stream lands, and what its columns are called
    mappers.py      Airbyte's own transformations, and in mapping.py what fields become by them
    described.py    a stream's columns for the graph
    integration.py  the protocol: assets, steps, runners
    source/         a connector as a process: its environment, configuration and protocol
    local/          what it says, into DuckDB, checkpoint by checkpoint
    drift/          what changed at a source, and what that breaks
"""

from toolkit.integrations.airbyte.integration import AirbyteIntegration

__all__ = ["AirbyteIntegration"]
