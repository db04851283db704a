"""Notebooks and plain scripts as assets: declared in toolkit.yml, run in processes of their own."""
