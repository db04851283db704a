"""What one query is and reads, and on what its answer depends: for skipping what is up to date."""
