"""Handing inputs over: one step's cursors, temporary files and delivered values."""

import tempfile
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self
from uuid import uuid4

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.registry import Input
from toolkit.warehouse import quote, quote_relation

if TYPE_CHECKING:
    import duckdb

_MARK = "toolkit_session"


class GivesCursors(Protocol):
    """The warehouse, or what stands for it in another process."""

    def cursor(self) -> "duckdb.DuckDBPyConnection":
        """A new connection to the same instance."""


class Session:
    """What one step holds while it runs; leaving it gives all back.

    A ``DuckDBPyRelation`` lives on the cursor that made it, so every relation of a step is
    made by :attr:`cursor` and a returned one is written by it. A reader holds an unfinished
    result, which blocks its cursor (DuckDB 2.0), so each reader gets a cursor of its own.
    """

    def __init__(self, warehouse: GivesCursors) -> None:
        self._warehouse = warehouse
        self._cursors: list[duckdb.DuckDBPyConnection] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()
        self._mark = uuid4().hex
        self.span: tuple[datetime, datetime] | None = None  # of the batch that is made
        self.cursor = self.new_cursor()
        self.cursor.execute(f"SET VARIABLE {_MARK} = '{self._mark}'")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            cursors, self._cursors = self._cursors, []
        for cursor in cursors:
            cursor.close()
        if self._folder is not None:
            self._folder.cleanup()

    def new_cursor(self) -> "duckdb.DuckDBPyConnection":
        """A cursor that is closed with the session."""
        cursor = self._warehouse.cursor()
        with self._lock:
            self._cursors.append(cursor)
        return cursor

    def interrupt(self) -> None:
        """Stop what DuckDB is doing for this step; any thread may call it."""
        with self._lock:
            for cursor in self._cursors:
                cursor.interrupt()

    def owns(self, relation: "duckdb.DuckDBPyRelation") -> bool:
        """Whether a relation lives on this session's cursor and not on another connection."""
        found = relation.query("toolkit_mark", f"SELECT getvariable('{_MARK}')")
        return found is not None and found.fetchall() == [(self._mark,)]

    def table(self, wanted: Input) -> Any:  # noqa: ANN401  # one of the six forms
        """The asset's table as the function wants it.

        Raises:
            AssetFailedError: it is not in the warehouse.
        """
        cursor = self.new_cursor() if wanted.form == "reader" else self.cursor
        relation = self.relation(wanted, cursor)
        if wanted.form == "path":
            return self._export(wanted, relation)
        return delivered(relation, wanted.form)

    def relation(
        self, wanted: Input, cursor: "duckdb.DuckDBPyConnection"
    ) -> "duckdb.DuckDBPyRelation":
        """The asset's table as a query of ``cursor``; nothing is read yet.

        Raises:
            AssetFailedError: it is not in the warehouse.
        """
        import duckdb

        assert wanted.relation is not None
        try:
            rows = cursor.sql(f"SELECT * FROM {quote_relation(wanted.relation)}")
            if self.span is not None and wanted.event_time:
                column, (start, end) = quote(wanted.event_time), self.span
                rows = rows.filter(
                    f"{column} >= TIMESTAMP '{start}' AND {column} < TIMESTAMP '{end}'"
                )
            return rows
        except duckdb.CatalogException as error:
            raise AssetFailedError(
                f"Its input {wanted.key} is not in the warehouse: there is no {wanted.relation}.",
                "It was not run.",
                f"Make the input first: toolkit build --select {wanted.name}",
            ) from error
        except duckdb.Error as error:
            raise AssetFailedError(
                f"Its input {wanted.key} ({wanted.relation}) cannot be read: {error}",
                "It was not run.",
                f"Make the input anew: toolkit build --select {wanted.name}",
            ) from error

    def _export(self, wanted: Input, relation: "duckdb.DuckDBPyRelation") -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="toolkit-")
        path = Path(self._folder.name, f"{wanted.parameter}.parquet")
        relation.write_parquet(str(path))
        return path


def delivered(relation: "duckdb.DuckDBPyRelation", form: str) -> Any:  # noqa: ANN401  # one of the forms
    """A query's rows in the form that a function asks for, all but a path."""
    if form == "relation":
        return relation
    if form == "reader":
        return relation.to_arrow_reader()
    if form == "pandas":
        return relation.to_df()
    if form == "polars":
        return relation.pl()
    if form == "lazy":
        return relation.pl().lazy()
    return relation.to_arrow_table()
