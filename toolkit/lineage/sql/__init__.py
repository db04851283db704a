"""One SQL query -> its columns and what flows into them. Knows no graph."""
