"""Small graphs, traced for real, and what the rules say of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.graph import Asset, AssetGraph, Check, Column, Relation
from toolkit.graph.matching import link
from toolkit.lineage import Lineage, trace
from toolkit.rules import Finding, findings
from toolkit.settings import RuleSettings, RulesSettings, Settings

PII = {"tags": ("pii",)}


def columns(said: str | Mapping[str, Mapping[str, Any]]) -> dict[str, Column]:
    if isinstance(said, str):
        return {name: Column(name=name) for name in said.split()}
    return {name: Column(name=name, **more) for name, more in said.items()}


def asset(key: str, reads: str = "", cols: Any = "", **more: Any) -> Asset:
    """A node of the dbt project ``shop``; of other integrations by its key."""
    kind, *_, name = key.split(".")
    tool = {"stream": "airbyte", "python": "python"}.get(kind, "dbt")
    fields: dict[str, Any] = {
        "kind": kind, "name": name, "integration": tool, "depends_on": tuple(reads.split()),
        "columns": columns(cols), "package": "shop" if tool == "dbt" else None,
        "fqn": tuple(key.split(".")[1:]),
    }  # fmt: skip
    if kind in ("source", "stream"):
        fields |= {"source_name": key.split(".")[-2], "relation": Relation("db", "raw", name)}
    if kind in ("source", "exposure"):
        fields["path"] = "models/sources.yml"
    return Asset(key=key, **{**fields, **more})


def model(name: str, sql: str, reads: str = "", cols: Any = "", **more: Any) -> Asset:
    folder = more.pop("folder", "staging")
    fields = {
        "relation": Relation("db", "main", name), "materialized": "table", "language": "sql",
        "path": f"models/{folder}/{name}.sql", "sql": sql, "raw_sql": sql,
    }  # fmt: skip
    return asset(f"model.shop.{name}", reads, cols, **{**fields, **more})


def source(name: str, cols: Any, reads: str = "", **more: Any) -> Asset:
    return asset(f"source.shop.raw.{name}", reads, cols, **more)


def check(name: str, *keys: str, column: str | None = None, **more: Any) -> Check:
    return Check(
        key=f"test.shop.{name}", name=name, kind="data_test", integration="dbt", assets=keys,
        attached=keys[-1] if keys else None, column=column, **more,
    )  # fmt: skip


class World:
    """A graph with its lineage."""

    def __init__(self, *parts: Asset | Check, matched: bool = False) -> None:
        assets = [part for part in parts if isinstance(part, Asset)]
        checks = [part for part in parts if isinstance(part, Check)]
        self.graph = (
            link(assets, checks, [], adapter="duckdb") if matched else AssetGraph(assets, checks)
        )
        self.lineage: Lineage = trace(self.graph, dialect="duckdb")

    def findings(self, rule: str, marts: tuple[str, ...] = (), **said: Any) -> list[Finding]:
        """What one rule says, which is switched on."""
        from toolkit.settings.rules import RULE_IDS

        own = {"severity": "error", **said}
        rules = {name: RuleSettings(where="toolkit.yml:1", severity="off") for name in RULE_IDS}
        rules[rule] = RuleSettings(where="toolkit.yml:9", **own)
        given = settings(RulesSettings(marts=marts, marts_where="toolkit.yml:2", rules=rules))
        return list(findings(self.graph, self.lineage, given))

    def about(self, rule: str, **said: Any) -> list[str]:
        """The assets and columns of these findings: ``customers``, ``customers.email``."""
        return [
            ".".join(
                [self.graph[found.asset or ""].name, *([found.column] if found.column else [])]
            )
            for found in self.findings(rule, **said)
        ]


def settings(rules: RulesSettings, folder: Path = Path("/project")) -> Settings:
    return Settings(
        project_name="shop", project_dir=folder, target="dev", target_path=folder / "target",
        state_dir=folder / ".toolkit", adapter="duckdb", rules=rules,
    )  # fmt: skip
