"""The shared case files: written by others, half of them proven by experiment."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.lineage import Lineage, trace

DATA = Path(__file__).parents[4] / "shared" / "data"

Edge = tuple[str, str, str]


def cases(name: str) -> list[Any]:
    path = DATA / name
    if not path.exists():
        reason = f"{name} is not beside the repository (../shared/data)"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id=name)]
    return [pytest.param(case, id=case["name"]) for case in json.loads(path.read_text())]


def traced(case: dict[str, Any]) -> Lineage:
    tables = {*case["schema"], *re.findall(r"\b(?:raw|analytics)\.\w+", case["sql"])}
    assets = [
        Asset(
            key=table,
            kind="source",
            name=table,
            integration="dbt",
            relation=Relation("db", *table.split(".")),
        )
        for table in sorted(tables)
    ]
    model = Asset(
        key="model",
        kind="model",
        name="model",
        integration="dbt",
        sql=case["sql"],
        depends_on=tuple(sorted(tables)),
    )
    catalog = {table: dict.fromkeys(names, "") for table, names in case["schema"].items() if names}
    return trace(AssetGraph([*assets, model]), dialect=case["dialect"], catalog=catalog)


def columns_of(lineage: Lineage) -> dict[str, set[Edge]]:
    found: dict[str, set[Edge]] = {name.lower(): set() for name in lineage.columns["model"]}
    for edge in lineage.column_edges:
        key, column = edge.source
        found[edge.target[1].lower()].add((key, column.lower(), edge.subtype))
    return found


def rows_of(lineage: Lineage) -> set[Edge]:
    return {(e.source[0], e.source[1].lower(), e.subtype) for e in lineage.asset_edges}


def edges(listed: list[list[str]]) -> set[Edge]:
    return {(key, column.lower(), kind) for key, column, kind in listed}


@pytest.mark.parametrize("case", cases("lineage_cases_verified.json"))
def test_exactly_what_was_verified(case: dict[str, Any]) -> None:
    lineage = traced(case)
    missing = case.get("tolerate", {}).get("missing", {})
    extra = case.get("tolerate", {}).get("extra", {})
    found = columns_of(lineage)
    assert list(found) == [name.lower() for name in case["expected"]]
    found["<indirect>"] = rows_of(lineage)
    for name, listed in {**case["expected"], "<indirect>": case["indirect"]}.items():
        expected = edges(listed)
        assert found[name.lower()] >= expected - edges(missing.get(name, []))
        assert found[name.lower()] <= expected | edges(extra.get(name, []))
    assert lineage.status["model"] == "full"


@pytest.mark.parametrize("case", cases("lineage_cases.json"))
def test_what_the_first_set_asks_for(case: dict[str, Any]) -> None:
    """It lists value flow exactly, but influence only in part and in one kind of several."""
    lineage = traced(case)
    found = columns_of(lineage)
    assert list(found) == [name.lower() for name in case["expected"]]
    for name, listed in case["expected"].items():
        expected = edges(listed)
        decides = {e for e in found[name.lower()] if e[2] in ("CONDITIONAL", "WINDOW")}
        assert found[name.lower()] - decides == {e for e in expected if e[2] != "CONDITIONAL"}
        assert expected <= found[name.lower()]
    on_columns = {
        (key, column) for edges_ in found.values() for key, column, kind in edges_ if len(kind) < 12
    }
    for edge in edges(case["indirect"]):
        assert edge in rows_of(lineage) or edge[:2] in on_columns
    assert lineage.status["model"] == "full"
