"""Governance: what a graph and its lineage say of how a project is kept. Pure.

Few rules, each with an id, a default severity and a chapter in docs/rules.md.
"""

from toolkit.rules.book import RULES, findings, follows_tags, severities
from toolkit.rules.model import Finding, Rule

__all__ = ["RULES", "Finding", "Rule", "findings", "follows_tags", "severities"]
