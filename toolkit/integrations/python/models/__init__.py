"""The store of ML models."""
