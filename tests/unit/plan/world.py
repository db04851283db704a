"""A shop of which all is known and up to date, to change one thing and see what is decided.

The shop: ``raw (a source) -> orders (a table) -> report (a table)``, with the view ``recent``
between orders and report in some cases, and the check ``unique`` on orders.
"""

from typing import Any

import msgspec

from toolkit.graph import Asset, AssetGraph, Check, Relation
from toolkit.integrations.base import Step
from toolkit.ledger import Materialization, Passed, StepRow
from toolkit.plan import History, Plan, Seen, make_plan, unit_test_inputs, view_version


def asset(key: str, reads: str = "", **more: Any) -> Asset:
    facts: dict[str, Any] = {
        "key": key, "name": key, "kind": "model", "integration": "dbt", "materialized": "table",
        "depends_on": tuple(reads.split()), "code_version": f"{key} 1",
        "relation": Relation(None, "main", key),
    }  # fmt: skip
    return Asset(**(facts | more))


def check(key: str, reads: str, **more: Any) -> Check:
    facts: dict[str, Any] = {
        "key": key, "name": key, "kind": "data_test", "integration": "dbt",
        "assets": tuple(reads.split()), "code_version": f"{key} 1",
    }  # fmt: skip
    return Check(**(facts | more))


RAW = asset("raw", kind="source", materialized=None)
ORDERS, REPORT = asset("orders", "raw"), asset("report", "orders")
RECENT = asset("recent", "orders", materialized="view")
UNIQUE = check("unique", "orders")


class World:
    """All is up to date here; each case changes something.

    Attributes:
        latest / last / passed / versions: by key, to be changed.
        seen: nobody wrote to the warehouse.
    """

    def __init__(self, *things: Asset | Check) -> None:
        self.assets = {a.key: a for a in things if isinstance(a, Asset)}
        self.checks = {c.key: c for c in things if isinstance(c, Check)}
        self.latest: dict[str, Materialization] = {}
        self.last: dict[str, StepRow] = {}
        self.passed: dict[str, Passed] = {}
        outside = {a.key: f"{a.key} v1" for a in self.assets.values() if self.is_outside(a)}
        self.seen = Seen(state="as left", outside=outside)
        self.resumed: set[str] = set()
        self.how: dict[str, Any] = {}
        self.asks_source = True
        versions = dict(outside)
        for one in AssetGraph(self.assets.values()):
            if self.is_outside(one):
                continue
            read = {key: versions[key] for key in one.depends_on if key in versions}
            is_view = one.materialized == "view"
            version = view_version(one.code_version, read) if is_view else f"{one.key} v1"
            versions[one.key] = version
            self.latest[one.key] = Materialization(
                asset=one.key, run_id="run1", at=1.0, code_version=one.code_version,
                data_version=version, inputs=read,
                metadata={"view": f"text of {one.key}"} if is_view else {},
            )  # fmt: skip
            self.end(one.key, "success")
        for test in self.checks.values():
            read = {key: versions[key] for key in test.assets}
            if test.kind == "unit_test":
                read = unit_test_inputs(test, AssetGraph(self.assets.values()))
            self.passed[test.key] = Passed(
                step=test.key, run_id="run1", at=1.0, code_version=test.code_version, inputs=read
            )
            self.end(test.key, "pass")

    @staticmethod
    def is_outside(one: Asset) -> bool:
        return one.kind == "source" and not one.depends_on

    def end(self, key: str, status: str, message: str = "") -> None:
        self.last[key] = StepRow(
            run_id="run1", step=key, kind="dbt", name=key, integration="dbt", status=status,
            message=message, started_at=1.0,
        )  # fmt: skip

    def code(self, key: str, version: str = "2") -> None:
        for things in (self.assets, self.checks):
            if key in things:
                things[key] = msgspec.structs.replace(things[key], code_version=version)  # type: ignore[attr-defined]

    def made(self, key: str, **facts: Any) -> None:
        self.latest[key] = msgspec.structs.replace(self.latest[key], **facts)

    def looked(self, **found: str | None) -> None:
        """Somebody may have written: there is what was there, but for ``found``."""
        there = {
            key: made.metadata.get("view") or made.data_version or ""
            for key, made in self.latest.items()
        } | dict(self.seen.outside)
        there |= {key: version for key, version in found.items() if version is not None}
        for key, version in found.items():
            if version is None:
                del there[key]
        outside = {key: there[key] for key in self.seen.outside if key in there}
        self.seen = Seen(state="looked at", found=there, outside=outside)

    def plan(self) -> Plan:
        graph = AssetGraph(self.assets.values(), self.checks.values())
        steps = [
            Step(key=a.key, kind="sync" if a.kind == "stream" else "dbt", integration="dbt",
                 makes=(a.key,), reads=a.depends_on, name=a.name,
                 asks_source=self.asks_source)
            for a in graph
            if not self.is_outside(a) and a.materialized != "ephemeral" and a.kind != "source"
        ]  # fmt: skip
        steps += [
            Step(key=c.key, kind="check", integration="dbt", makes=(), reads=c.assets, name=c.name)
            for c in graph.checks.values()
        ]
        history = History(
            latest=self.latest, last_steps=self.last, passed=self.passed, seen=self.seen,
            resumed=frozenset(self.resumed),
        )  # fmt: skip
        return make_plan(graph, steps, frozenset(graph.assets), history, **self.how)

    def decided(self) -> dict[str, tuple[str, str]]:
        return {p.step.key: (p.action, p.reason) for p in self.plan().steps}


def changes(what: str) -> tuple[str, str]:
    return ("if changed", f"if {what} changes")


UP_TO_DATE = ("skip", "up to date")
NEVER = ("run", "never built here")


def shop() -> World:
    return World(RAW, ORDERS, REPORT, UNIQUE)
