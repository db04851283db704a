"""Findings of the rules, as text, Markdown, JSON, SARIF and JUnit."""
