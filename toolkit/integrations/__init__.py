"""The tools that we bring into the graph: dbt, Airbyte, Python; more by entry point."""
