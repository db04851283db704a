"""The HTML report: what is in its one file, and the file."""
