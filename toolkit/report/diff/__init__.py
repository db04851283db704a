"""A diff, as text, Markdown, JSON, SARIF and JUnit."""
