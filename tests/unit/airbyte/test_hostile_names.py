"""Names that mean to break something: they land and come back, or are refused; all else stays."""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from airbyte_harness import Project, complete
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import WarehouseError
from toolkit.integrations.airbyte import AirbyteIntegration
from toolkit.integrations.airbyte.naming import column_names, normalise
from toolkit.integrations.airbyte.naming.rules import OTHER, SPELLINGS
from toolkit.warehouse.duckdb import quote_relation

KNOWN = [
    'users"; DROP TABLE raw.canary; --',
    "users'); DROP SCHEMA raw CASCADE; --",
    "`users`", "[users]", "a..b", "..", ".", "/", "../../etc/passwd", "C:\\x", "a\\",
    "select", "table", "order", "user", "group", "null", "main", "temp", "rowid", "_",
    "id", "ID ", " id", "Straße", "İstanbul", "ﬁ", "é", "e\u0301", "用户", "\u202egnp.exe",
    "\u200b", "\N{PILE OF POO}", "x" * 300, "é" * 300, "2024", "1; --", "a\tb", "a\nb", "a\rb",
    "${SOURCE_NAMESPACE}", "%s", "?", "$1", ":name", "--", "/* x", "#",
    "_airbyte_raw_id", "_airbyte_meta", "_toolkit_sequence", "_toolkit_stage_0", "true", "~", "!x",
    "- a", "a: b", "a #b", "'", '"', '""', "''",
]  # fmt: skip
ALPHABETS = [
    "ab_",
    "\"'`;-. ",
    "ÄßİıſKé\u0301\u202e\u200b",
    "用户😀",
    "{}$%?:/\\\t\n",
    "SELECT drop ",
]


# `make fault` sets the variable, and then there are many more.
GENERATED = 300 if "TOOLKIT_FAULT_RUNS" in os.environ else 60


def generated(count: int) -> list[str]:
    """The same names on every machine."""
    dice = random.Random(20240817)
    names: dict[str, None] = {}
    while len(names) < count:
        parts = dice.choices(ALPHABETS, k=dice.randint(1, 3))
        name = "".join(dice.choice(part) for part in parts for _ in range(dice.randint(1, 9)))
        if not any(mark in name for mark in ("{{", "{%", "{#")):  # the fake's config is a template
            names[name] = None
    return list(names)


class Hostile:
    """A project with canaries, and one stream for each name, its one field called the same."""

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder)
        self.project.sql("CREATE SCHEMA raw")
        for schema in ("raw", "main"):
            self.project.sql(f"CREATE TABLE {schema}.canary AS SELECT 42 AS sings")

    def canaries_sing(self) -> bool:
        rows = self.project.sql("SELECT sings FROM raw.canary UNION ALL FROM main.canary")
        return rows == [(42,), (42,)]

    def write(self, names: Sequence[str], **document: Any) -> None:
        schemas = {n: {"type": "object", "properties": {n: {"type": "string"}}} for n in names}
        records = [
            {
                "message": {
                    "type": "RECORD",
                    "record": {"stream": n, "data": {n: n}, "emitted_at": 1},
                }
            }
            for n in names
        ]
        self.project.fake(
            [*records, *complete(*names)],
            streams=[{"name": name} for name in names],
            config={"schemas": schemas},
            **document,
        )

    def landed(self, name: str) -> Any:
        loaded = AirbyteIntegration().load(self.project.settings, {})
        (asset,) = [a for a in loaded.assets if a.config["stream"] == name]
        assert asset.relation is not None
        (column,) = column_names([name]).values()
        quoted = column.replace('"', '""')
        return self.project.sql(f'SELECT "{quoted}" FROM {quote_relation(asset.relation)}')


def apart(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names of different tables; and the rest, whose table is taken."""
    tables: dict[str, str] = {}
    for name in names:
        tables.setdefault(normalise(name), name)
    first = list(tables.values())
    return first, [name for name in names if name not in first]


@pytest.mark.slow
def test_hostile_names_come_back(tmp_path: Path) -> None:
    hostile = Hostile(tmp_path)
    names, twins = apart([*KNOWN, *generated(GENERATED)])
    assert len(names) > GENERATED / 2
    assert len(twins) > 10
    hostile.write(names)
    finished = hostile.project.sync()
    assert finished.status == "success", finished.message
    assert hostile.canaries_sing()
    loaded = AirbyteIntegration().load(hostile.project.settings, {})
    places = {a.config["stream"]: a.relation for a in loaded.assets}
    assert len({str(place) for place in places.values()}) == len(names)
    parts = []
    for number, name in enumerate(names):
        relation = places[name]
        assert relation is not None
        (column,) = column_names([name]).values()
        quoted = column.replace('"', '""')
        parts.append(f'SELECT {number}, "{quoted}" FROM {quote_relation(relation)}')
    read = hostile.project.sql(" UNION ALL ".join(parts) + " ORDER BY 1")
    assert read == list(enumerate(names))


def test_twins_are_refused_and_said(tmp_path: Path) -> None:
    hostile = Hostile(tmp_path)
    hostile.write(["Order Lines", "order-lines", "ORDER_LINES"])
    loaded = AirbyteIntegration().load(hostile.project.settings, {})
    shared = [p for p in loaded.problems if p.code == "shared-table"]
    assert [p.severity for p in shared] == ["error", "error"]
    finished = hostile.project.sync()
    assert finished.status == "error"
    assert "land in the same table" in finished.message
    assert hostile.canaries_sing()
    assert hostile.project.tables() == ["main.canary", "raw.canary"]


def test_a_table_that_no_sync_made_is_not_touched(tmp_path: Path) -> None:
    hostile = Hostile(tmp_path)
    hostile.write(["Canary"])
    finished = hostile.project.sync()
    assert finished.status == "error"
    assert "no sync made it" in finished.message
    assert hostile.canaries_sing()


@pytest.mark.parametrize("schema", ["information_schema", "pg_catalog"])
def test_the_databases_own_schemas_are_refused(schema: str, tmp_path: Path) -> None:
    hostile = Hostile(tmp_path)
    hostile.write(["users"], destination={"type": "duckdb", "schema": schema})
    with pytest.raises(WarehouseError, match=f"Creating schema {schema} failed"):
        hostile.project.sync()
    assert hostile.canaries_sing()


@pytest.mark.parametrize("schema", ["temp", "system", "main"])
def test_schemas_that_are_called_like_a_catalog(schema: str, tmp_path: Path) -> None:
    hostile = Hostile(tmp_path)
    hostile.write(["users"], destination={"type": "duckdb", "schema": schema})
    assert hostile.project.sync().status == "success"
    assert hostile.landed("users") == [("users",)]
    assert f"{schema}.users" in hostile.project.tables()
    assert hostile.canaries_sing()


@pytest.mark.parametrize("schema", ['raw"; DROP SCHEMA raw CASCADE; --', "..", "Ünï", "x" * 300])
def test_hostile_schemas(schema: str, tmp_path: Path) -> None:
    hostile = Hostile(tmp_path)
    hostile.write(["users"], destination={"type": "duckdb", "schema": schema}, prefix='"; --')
    assert hostile.project.sync().status == "success"
    assert hostile.landed("users") == [("users",)]
    assert hostile.canaries_sing()


def test_fields_that_want_one_column(tmp_path: Path) -> None:
    hostile = Hostile(tmp_path)
    fields = [
        "Is Default",
        "is_default",
        "IS-DEFAULT",
        "_airbyte_meta",
        "_airbyte_raw_id",
        "用",
        "户",
    ]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
    record = {"stream": "s", "data": {name: name for name in fields}, "emitted_at": 1}
    hostile.project.fake(
        [{"message": {"type": "RECORD", "record": record}}, *complete("s")],
        streams=[{"name": "s", "json_schema": schema}],
        config={"schemas": {"s": schema}},
    )
    loaded = AirbyteIntegration().load(hostile.project.settings, {})
    collided = [p for p in loaded.problems if p.code == "column-collision"]
    assert len(collided) == 6  # all but `is_default`, which is spelled like its column
    assert hostile.project.sync().status == "success"
    names = column_names(fields)
    columns = ", ".join(f'"{names[name]}"' for name in fields)
    assert hostile.project.sql(f"SELECT {columns} FROM raw.s") == [tuple(fields)]


TYPES = [None, "never heard of", *SPELLINGS]


@given(st.lists(st.text(max_size=70), max_size=12, unique=True), st.sampled_from(TYPES))
def test_no_two_fields_get_one_column(fields: list[str], kind: str | None) -> None:
    names = column_names(fields, kind)
    assert list(names) == fields
    assert column_names(fields, kind) == names
    keeps = kind in SPELLINGS and SPELLINGS[kind].columns_case_counts
    seen = {name if keeps else name.casefold() for name in names.values()}
    assert len(seen) == len(fields)
    assert all(names.values())
    assert not seen & {"_airbyte_meta", "_airbyte_raw_id", "_toolkit_sequence"}


@given(st.lists(st.text(max_size=20), max_size=8, unique=True), st.randoms())
def test_in_duckdb_the_order_of_fields_does_not_matter(
    fields: list[str], dice: random.Random
) -> None:
    shuffled = dice.sample(fields, len(fields))
    assert column_names(fields) == column_names(shuffled)


@given(st.text(max_size=400), st.sampled_from([OTHER, *SPELLINGS.values()]))
def test_spelling_is_total(name: str, spelling: Any) -> None:
    for rule in (spelling.current, *spelling.older):
        for spell in (rule.table, rule.schema, rule.column):
            made = spell(name)
            assert made
            assert made == spell(name)
