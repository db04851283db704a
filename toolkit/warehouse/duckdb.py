"""DuckDB as the warehouse: one process, one instance, many cursors."""

import contextlib
import hashlib
import json
import re
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.errors import WarehouseError, WarehouseLockedError
from toolkit.graph import Relation
from toolkit.settings import Profile

if TYPE_CHECKING:
    import duckdb


_TRIES = 20
_PAUSE = 0.05  # seconds


def quote(name: str) -> str:
    """``name`` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def quote_relation(relation: Relation) -> str:
    """``relation`` as quoted, dotted SQL, without the parts that are not known."""
    parts = (relation.database, relation.schema, relation.identifier)
    return ".".join(quote(part) for part in parts if part)


class Content(NamedTuple):
    """What is in a table: ``rows``, and ``version``, equal for equal content in any order."""

    rows: int
    version: str


def content_hash(
    cursor: "duckdb.DuckDBPyConnection", relation: Relation, columns: Sequence[str] | None = None
) -> Content:
    """Fingerprint of a relation's column names, types and rows, as ``cursor`` sees them.

    Args:
        columns: of these columns alone, in this order; of none of them, the number of rows.

    Neither the order of rows nor when they were written counts; duplicates do. Costs one
    scan (22 ms for 2 million rows of two columns). Values of ``hash`` may change with
    DuckDB's version, and then everything looks new once.
    """
    listed = "*" if columns is None else ", ".join(map(quote, columns)) or "1"
    table = quote_relation(relation)
    shape = cursor.sql(f"SELECT {listed} FROM {table}")
    taken = {name.casefold() for name in shape.columns}
    kinds = [str(kind) for kind in shape.types]
    seen = {quote(n): kind for n, kind in zip(shape.columns, kinds, strict=True) if columns != []}
    more = [text for column, kind in seen.items() if (text := _beside(column, kind))]
    extra = "".join(f", {text} AS {_free(f'extra{n}_', taken)}" for n, text in enumerate(more))
    # A column of the alias's name would be hashed in place of the whole row.
    row = _free("row", taken)
    sql = f"SELECT {listed}{extra} FROM {table}"
    [(rows, xor, total)] = cursor.execute(
        f"SELECT count(*), bit_xor(hash({row})), sum(hash({row})::HUGEINT) FROM ({sql}) AS {row}"
    ).fetchall()
    described = [shape.columns, kinds, rows, xor, str(total)]
    return Content(rows, hashlib.sha256(json.dumps(described).encode()).hexdigest()[:32])


def _beside(column: str, kind: str) -> str | None:
    """What to hash beside a column where ``hash`` takes different values for the same.

    It does so for NULL and an empty list, for ``[[1], [2]]`` and ``[[1, 2]]``, a month and 30
    days, 0.0 and -0.0 (measured in DuckDB 2.0).
    """
    if kind in ("FLOAT", "DOUBLE"):
        return f"signbit({column})"
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))
    return f"{column}::VARCHAR" if nested or kind == "INTERVAL" else None


def _free(prefix: str, taken: Collection[str]) -> str:
    """A name that none of the folded names ``taken`` is."""
    return next(name for n in range(len(taken) + 1) if (name := f"{prefix}{n}") not in taken)


class Warehouse:
    """The target's DuckDB, open in this process.

    Any number of connections to one file share one instance as long as their
    configuration is the same (a DuckDB rule), so this uses exactly the
    configuration that dbt-duckdb uses and can stay open beside it.

    Args:
        profile: of type ``duckdb``.
        read_only: only look, beside whoever reads the file as well; nobody who reads is kept
            out. Where this process has it open for writing, that is shared instead.

    Raises:
        WarehouseLockedError: another process holds the file; names its pid.
        WarehouseError: the file cannot be opened.

    Attributes:
        is_open: not released to another process.
    """

    def __init__(self, profile: Profile, *, read_only: bool = False) -> None:
        assert profile.path is not None
        self.path = profile.path
        self.database = profile.database
        self.schema = profile.schema
        self._settings: Mapping[str, Any] = profile.settings
        self._options = dict(profile.config_options)
        self._read_only = read_only
        self._connection = self._open()
        self._guests = threading.Lock()
        self._guest: duckdb.DuckDBPyConnection | None = None
        self.is_open = True

    def _open(self) -> "duckdb.DuckDBPyConnection":
        import duckdb

        try:
            if self._read_only:
                # a ConnectionException: this process has it open in another way
                with contextlib.suppress(duckdb.ConnectionException):
                    return duckdb.connect(self.path, read_only=True, config=dict(self._options))
            return duckdb.connect(self.path, read_only=False, config=dict(self._options))
        except duckdb.Error as error:
            raise open_error(self.path, str(error)) from error

    @contextmanager
    def released(self) -> Iterator[None]:
        """Within, another process may open the file: we have let go of it.

        Raises:
            WarehouseLockedError: afterwards, when another process still holds it.
        """
        self.is_open = False
        while not self._guests.acquire(timeout=_PAUSE):
            self.interrupt_guest()  # again and again: it may be just about to begin
        try:
            self._connection.close()
        finally:
            self._guests.release()
        try:
            yield
        finally:
            self._connection = self._open()
            self.is_open = True

    def cursor(self) -> "duckdb.DuckDBPyConnection":
        """A new cursor: a connection of its own to the same instance. Close it after use.

        DuckDB 2.0: a fetched-from result that is not drained blocks later calls on the
        same cursor, so use ``fetchall`` and never ``fetchone``.
        """
        cursor = self._connection.cursor()
        for name, value in self._settings.items():
            with self._explained(f"SET {name}"):
                cursor.execute(f"SET {name} = {literal(str(value))}")
        return cursor

    @contextmanager
    def guest(self) -> "Iterator[duckdb.DuckDBPyConnection | None]":
        """A cursor for work that nobody waits for, one at a time.

        ``None`` while another process may have the file. What it does is interrupted when we are
        to let go of the file.
        """
        with self._guests:
            if not self.is_open:
                yield None
                return
            self._guest = cursor = self.cursor()
            try:
                yield cursor
            finally:
                self._guest = None
                cursor.close()

    def interrupt_guest(self) -> None:
        """Break off what a guest does, if there is one; from any thread."""
        import duckdb

        guest = self._guest
        if guest is not None:
            with contextlib.suppress(duckdb.Error):  # it has just ended
                guest.interrupt()

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            raise WarehouseError(
                f"{what} failed in {self.path}: {error}",
                "What needs it was not done.",
                "Mend what DuckDB names, then run `toolkit build` again.",
            ) from error

    def create_schema(self, schema: str) -> None:
        """Create ``schema`` unless it is there.

        Two transactions that do this at once conflict (13 of 160 times measured), so a run
        creates all its schemas here, up front, before anything runs in parallel.
        """
        with self.cursor() as cursor, self._explained(f"Creating schema {schema}"):
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")

    def exists(self, relation: Relation) -> bool:
        """Whether a table or view is there (case is not kept, as in DuckDB)."""
        return bool(self.columns(relation))

    def columns(self, relation: Relation) -> dict[str, str]:
        """Names and types of a relation's columns, in order; empty when it is not there."""
        with self.cursor() as cursor, self._explained(f"Looking for {relation}"):
            rows = cursor.execute(
                "SELECT column_name, data_type FROM duckdb_columns() "
                "WHERE lower(table_name) = lower(?) AND lower(schema_name) = lower(?) "
                "AND (? IS NULL OR lower(database_name) = lower(?)) ORDER BY column_index",
                [
                    relation.identifier,
                    relation.schema or self.schema or "main",
                    relation.database,
                    relation.database,
                ],
            ).fetchall()
        return dict(rows)

    def row_count(self, relation: Relation) -> int:
        """Rows in a relation.

        Raises:
            WarehouseError: it is not there.
        """
        with self.cursor() as cursor, self._explained(f"Counting {relation}"):
            sql = f"SELECT count(*) FROM {quote_relation(relation)}"
            return int(cursor.execute(sql).fetchall()[0][0])

    def content_hash(self, relation: Relation, columns: Sequence[str] | None = None) -> Content:
        """Rows and fingerprint of what is in a relation; see :func:`content_hash`.

        Raises:
            WarehouseError: it is not there.
        """
        with self.cursor() as cursor, self._explained(f"Reading {relation}"):
            return content_hash(cursor, relation, columns)

    def close(self) -> None:
        """Let go of the file.

        After an interruption a thread may still be at it: it is waited for a moment, and then
        left to the end of the process.
        """
        import duckdb

        for _ in range(_TRIES):
            try:
                self._connection.close()
            except duckdb.Error:
                time.sleep(0.05)
            else:
                return


def open_error(path: str, message: str) -> WarehouseError:
    """What DuckDB said when it could not open a file, in our words."""
    held = re.search(r"held in (.*?) ?\(PID (\d+)\)", message)
    if held:
        if _builds(int(held[2])):
            return WarehouseLockedError(
                f"{path} is held by a toolkit build that is running (process {held[2]}).",
                "DuckDB lets one process write a file, so nothing was run.",
                "Wait for that build to end, or stop it with Ctrl-C where it runs.",
            )
        return WarehouseLockedError(
            f"{path} is held by process {held[2]} ({Path(held[1]).name or 'unknown program'}).",
            "DuckDB lets one process write a file, so nothing was run.",
            f"Close that program (kill {held[2]} if it hangs), then try again.",
        )
    return WarehouseError(
        f"The DuckDB file {path} cannot be opened: {message}",
        "Nothing was run.",
        "Check that its folder exists and can be written, and that the file is a DuckDB file.",
    )


def _builds(pid: int) -> bool:
    """Whether a process is a ``toolkit build``, as far as its command line can be seen."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:  # not Linux, or not ours to see
        return False
    ours = {"toolkit", "toolkit.cli"}
    return "build" in words and any(Path(word).name in ours for word in words)
