"""Files that somebody drops into the folder ``drops`` of the project, as tables.

Each CSV or Parquet file is a stream: ``drops/visits.csv`` lands in the table
``dropped.visits``, and so feeds the dbt source that reads that table.
"""

import csv
import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path

import duckdb

from toolkit.errors import WarehouseError
from toolkit.graph import Asset, AssetGraph, Column, Relation
from toolkit.integrations.base import Loaded, Made, RunContext, Step, Watched
from toolkit.integrations.steps import Outcome, StepRunner
from toolkit.settings import Settings
from toolkit.warehouse import quote_relation

SCHEMA = "dropped"
READERS = {".csv": "read_csv", ".parquet": "read_parquet"}


class FileDrop:
    """Gives a stream for each file, and a sync that lands it."""

    name = "filedrop"
    batches = False

    def load(self, settings: Settings, known: Mapping[str, Asset]) -> Loaded:
        return Loaded(assets=[self._stream(path, settings) for path in _files(settings)])

    def _stream(self, path: Path, settings: Settings) -> Asset:
        database = settings.profile.database if settings.profile else None
        return Asset(
            key=f"stream.drops.{path.stem}",
            kind="stream",
            name=path.stem,
            integration=self.name,
            source_name="drops",
            relation=Relation(database, SCHEMA, path.stem),
            columns={name: Column(name=name) for name in _header(path)},
            path=path.relative_to(settings.project_dir).as_posix(),
            code_version=_stamp(path),
        )

    def watched(self, settings: Settings) -> Watched:
        return Watched(
            files={str(path) for path in _files(settings)},
            folders={str(settings.project_dir / "drops")},
        )

    def steps(self, graph: AssetGraph, keys: frozenset[str]) -> list[Step]:
        return [
            Step(
                key=asset.key,
                kind="sync",
                integration=self.name,
                makes=(asset.key,),
                reads=(),
                name=asset.name,
                asks_source=False,  # the files are here: their stamps say whether they changed
            )
            for asset in graph
            if asset.integration == self.name and asset.key in keys
        ]

    def open(self, context: RunContext) -> "FileDropRunner":
        return FileDropRunner(context)


class FileDropRunner(StepRunner):
    """Lands files, each in one transaction: a reader sees the old rows or the new ones."""

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        if context.warehouse is None:
            raise WarehouseError(
                "Files land in DuckDB, and this target has no DuckDB warehouse.",
                "No file was loaded.",
                "Use a target of type duckdb.",
            )
        self._warehouse = context.warehouse
        self._warehouse.create_schema(SCHEMA)

    def do(self, step: Step, cancel: threading.Event) -> Outcome:
        stream = self.context.graph[step.key]
        assert stream.relation is not None
        assert stream.path is not None
        path = self.context.settings.project_dir / stream.path
        if cancel.is_set():
            return Outcome(status="skipped", message="The run was stopped before it began.")
        self._land(path, stream.relation)
        rows = self._warehouse.row_count(stream.relation)
        return Outcome(message=f"{rows:,} rows", made=(Made(asset=stream.key, rows=rows),))

    def _land(self, path: Path, relation: Relation) -> None:
        sql = (
            f"CREATE OR REPLACE TABLE {quote_relation(relation)} AS "
            f"SELECT * FROM {READERS[path.suffix]}(?)"
        )
        with self._warehouse.cursor() as cursor:
            try:
                cursor.execute(sql, [str(path)])
            except duckdb.Error as error:
                raise WarehouseError(
                    f"{path} cannot be loaded: {str(error).splitlines()[0]}",
                    f"{relation} holds what it held before.",
                    "Correct the file, then run `toolkit build` again.",
                ) from error


def _files(settings: Settings) -> list[Path]:
    folder = settings.project_dir / "drops"
    return sorted(path for path in folder.glob("*") if path.suffix in READERS)


def _header(path: Path) -> list[str]:
    """The columns, where they can be had without a library; else the landed table says them."""
    if path.suffix != ".csv" or not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file), [])


def _stamp(path: Path) -> str:
    """Another one whenever the file may hold something else."""
    facts = path.stat()
    return hashlib.sha256(f"{facts.st_mtime_ns}:{facts.st_size}".encode()).hexdigest()[:16]
