"""Reads the .sql files beside it. One case::

-- # title
-- dialect: duckdb                        (may be left out)
-- raw.a(k, x); raw.u(?); raw.d(id, ...)   known from a catalog; not described; declared
select ...
-- column <- raw.a.k, raw.a.x CONDITIONAL  (no kind: IDENTITY)
-- (rows) <- raw.a.k JOIN
-- (partial) code-of-the-problem           (may be left out: full)
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from toolkit.graph import Asset, AssetGraph, Column, Relation

FOLDER = Path(__file__).parent


class Case(NamedTuple):
    title: str
    dialect: str
    tables: dict[str, str]
    sql: str
    columns: dict[str, set[str]]
    rows: set[str]
    partial: set[str]
    runs: bool

    def graph(self) -> tuple[AssetGraph, dict[str, dict[str, str]]]:
        """The tables as sources and the SQL as the one model, and the catalog."""
        assets, catalog = [], {}
        for key, spec in self.tables.items():
            schema, name = key.split(".")
            parts = [p.strip() for p in _commas(spec)]
            names = [re.match(r'"[^"]*"|\S+', p)[0].strip('"') for p in parts]
            columns: dict[str, Column] = {}
            if names[-1] == "...":
                columns = {n: Column(name=n) for n in names[:-1]}
            elif names != ["?"]:
                catalog[key] = dict.fromkeys(names, "")
            assets.append(
                Asset(
                    key=key,
                    kind="source",
                    name=name,
                    integration="dbt",
                    relation=Relation("db", schema, name),
                    columns=columns,
                )
            )
        model = Asset(
            key="model",
            kind="model",
            name="model",
            integration="dbt",
            relation=Relation("db", "marts", "model"),
            sql=self.sql,
            language="sql",
            depends_on=tuple(self.tables),
        )
        return AssetGraph([*assets, model]), catalog

    def create_statements(self) -> list[str]:
        """DuckDB statements that make the tables; a column without a type is an INTEGER."""
        statements = ["create schema raw"]
        for key, spec in self.tables.items():
            parts = []
            for part in _commas(spec):
                name = re.match(r'"[^"]*"|\S+', part.strip())[0]
                parts.append(f"{name} {part.strip()[len(name) :] or 'integer'}")
            statements.append(f"create table {key} ({', '.join(parts)})")
        return statements


def _commas(spec: str) -> list[str]:
    """Split at commas outside of brackets."""
    return re.split(r",\s*(?![^()]*\))", spec)


def read(path: Path) -> Iterator[Case]:
    for text in re.split(r"^-- # ", path.read_text(), flags=re.M)[1:]:
        title, *lines = text.strip().splitlines()
        dialect, tables, sql = "duckdb", {}, []
        columns: dict[str, set[str]] = {}
        rows: set[str] = set()
        partial: set[str] = set()
        runs = True
        for line in lines:
            if found := re.fullmatch(r"-- dialect: (\w+)", line):
                dialect = found[1]
            elif line == "-- (invalid in DuckDB)":
                runs = False
            elif found := re.fullmatch(r"-- \(partial\) (.+)", line):
                partial = set(found[1].split(", "))
            elif found := re.fullmatch(r"-- \(rows\) <- (.+)", line):
                rows = set(found[1].split(", "))
            elif found := re.fullmatch(r"-- (.+) <-(.*)", line):
                columns[found[1]] = {s for s in found[2].strip().split(", ") if s}
            elif not sql and (found := re.fullmatch(r"-- (raw\..+)", line)):
                for table in found[1].split("; "):
                    key, spec = table.removesuffix(")").split("(", 1)
                    tables[key] = spec
            else:
                sql.append(line)
        yield Case(title, dialect, tables, "\n".join(sql), columns, rows, partial, runs)


def all_cases() -> dict[str, Case]:
    return {
        f"{path.stem}: {case.title}": case
        for path in sorted(FOLDER.glob("*.sql"))
        for case in read(path)
    }
