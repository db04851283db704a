"""Calling functions: inputs handed over, results judged and written, checks and resources."""
