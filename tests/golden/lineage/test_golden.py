import importlib.util
import sys
from pathlib import Path

import pytest

from toolkit.lineage import trace

_spec = importlib.util.spec_from_file_location(
    "lineage_golden_cases", Path(__file__).with_name("cases.py")
)
assert _spec is not None
assert _spec.loader is not None
cases = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = cases
_spec.loader.exec_module(cases)
CASES = cases.all_cases()


def said(source: tuple[str, str], subtype: str) -> str:
    return ".".join(source) + ("" if subtype == "IDENTITY" else f" {subtype}")


@pytest.mark.parametrize("name", CASES)
def test_edges(name: str) -> None:
    case = CASES[name]
    graph, catalog = case.graph()
    lineage = trace(graph, dialect=case.dialect, catalog=catalog)
    found: dict[str, set[str]] = {column: set() for column in lineage.columns["model"]}
    for edge in lineage.column_edges:
        found[edge.target[1]].add(said(edge.source, edge.subtype))
    assert found == case.columns
    assert list(found) == list(case.columns)
    assert {said(e.source, e.subtype) for e in lineage.asset_edges} == case.rows
    assert {p.code for p in lineage.problems} == case.partial
    assert lineage.status["model"] == ("partial" if case.partial else "full")


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c.dialect == "duckdb"])
def test_columns_are_those_of_duckdb(name: str) -> None:
    case = CASES[name]
    if any("?" in spec or "..." in spec for spec in case.tables.values()) or not case.runs:
        pytest.skip("its tables are not described, or the query is invalid on purpose")
    if "open-star" in case.partial:
        pytest.skip("not all of its columns are known, and that is said")
    import duckdb

    with duckdb.connect() as connection:
        for statement in case.create_statements():
            connection.execute(statement)
        if "dynamic-pivot" in case.partial:
            connection.execute("insert into raw.m values (1, 1, 1)")
        columns = [d[0] for d in connection.execute(case.sql).description]
    assert [name.lower() for name in case.columns] == [name.lower() for name in columns]
