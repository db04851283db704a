"""Reading and writing the ledger. All SQL of ours on it lives here."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from toolkit.errors import LedgerError
from toolkit.ledger.rows import Materialization, Run, RunError, RunStatus, StepRow
from toolkit.ledger.schema import migrate

_JSON = {"timing", "adapter_response", "metrics", "metadata", "inputs", "errors"}


class Ledger:
    """The SQLite file that remembers runs, steps and materializations.

    WAL with ``synchronous=FULL``: what was noted survives a kill and a power cut,
    because a lost row here would make the next plan a lie. One process writes at a
    time (the run lock sees to that); its threads take turns.

    Args:
        path: the file; made, with its folder, when it is not there.

    Raises:
        LedgerError: it cannot be opened, or a newer toolkit wrote it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=10
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            migrate(self._connection, str(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    # ---- writing ----

    def start_run(self, run: Run) -> None:
        """Note that a run begins."""
        self._insert("run", [_row(run)])

    def finish_run(
        self, run_id: str, status: RunStatus, at: float, errors: Iterable[RunError] = ()
    ) -> None:
        """Note how a run ended, and what failed in it beside its steps."""
        self._write(
            "UPDATE run SET status = ?, finished_at = ?, errors = ? WHERE id = ?",
            status, at, msgspec.json.encode(list(errors)).decode(), run_id,
        )  # fmt: skip

    def close_abandoned(self) -> None:
        """End the runs whose process is gone (killed, power cut) as interrupted.

        To be called only while no run goes on: see :class:`toolkit.run.RunLock`. Such a run
        ended, as far as anyone knows, when it last wrote here.
        """
        with self._transaction():
            self._connection.execute(
                "UPDATE step SET status = 'error', message = 'its process was killed', "
                "finished_at = started_at WHERE status = 'running' "
                "AND run_id IN (SELECT id FROM run WHERE status = 'running')"
            )
            self._connection.execute(
                "UPDATE run SET status = 'interrupted', finished_at = (SELECT "
                "max(started_at, coalesce(max(coalesce(s.finished_at, s.started_at)), 0)) "
                "FROM step AS s WHERE s.run_id = run.id) WHERE status = 'running'"
            )

    def plan_steps(self, steps: Iterable[StepRow]) -> None:
        """Note the steps of a run, in order, in one transaction, before the first begins."""
        self._insert("step", [{**_row(s), "position": i} for i, s in enumerate(steps)])

    def start_step(self, run_id: str, step: str, at: float, thread: str = "") -> None:
        """Note that a step begins."""
        self._write(
            "UPDATE step SET status = 'running', started_at = ?, thread = ? "
            "WHERE run_id = ? AND step = ?",
            at, thread, run_id, step,
        )  # fmt: skip

    def finish_step(self, step: StepRow, made: Iterable[Materialization] = ()) -> None:
        """Note how a step ended and what it made, in one transaction."""
        with self._transaction():
            self._connection.execute(
                "UPDATE step SET status = :status, started_at = :started_at, "
                'finished_at = :finished_at, message = :message, "rows" = :rows, '
                "failures = :failures, relation = :relation, thread = :thread, "
                "timing = :timing, adapter_response = :adapter_response, reason = :reason "
                "WHERE run_id = :run_id AND step = :step",
                _row(step),
            )
            self._insert("materialization", [_row(m) for m in made])

    # ---- reading ----

    def runs(self, limit: int = 50) -> list[Run]:
        """The newest runs, newest first."""
        rows = self._read("SELECT * FROM run ORDER BY started_at DESC, id DESC LIMIT ?", limit)
        return [msgspec.convert(row, Run) for row in rows]

    def run(self, run_id: str) -> Run | None:
        """One run, by its id or a unique beginning of it."""
        rows = list(self._read("SELECT * FROM run WHERE substr(id, 1, ?) = ?", len(run_id), run_id))
        exact = [row for row in rows if row["id"] == run_id]
        found = exact or (rows if len(rows) == 1 else [])
        return msgspec.convert(found[0], Run) if found else None

    def steps(self, run_id: str) -> list[StepRow]:
        """Steps of one run, in planned order."""
        rows = self._read("SELECT * FROM step WHERE run_id = ? ORDER BY position", run_id)
        return [msgspec.convert(row, StepRow) for row in rows]

    def last_steps(self, target: str) -> dict[str, StepRow]:
        """For each step key the last time that it was begun in a run of ``target``."""
        rows = self._read(
            "SELECT step.*, max(step.started_at) FROM step JOIN run ON run.id = step.run_id "
            "WHERE step.started_at IS NOT NULL AND run.target = ? GROUP BY step.step",
            target,
        )
        return {row["step"]: msgspec.convert(row, StepRow) for row in rows}

    def latest(self, target: str) -> dict[str, Materialization]:
        """For each asset its last materialization in a run of ``target``.

        What dev has made says nothing of what is in prod.
        """
        rows = self._read(
            "SELECT m.*, max(m.at) FROM materialization AS m JOIN run ON run.id = m.run_id "
            "WHERE run.target = ? GROUP BY m.asset",
            target,
        )
        return {row["asset"]: msgspec.convert(row, Materialization) for row in rows}

    def materializations(self, asset: str, limit: int = 50) -> list[Materialization]:
        """The newest materializations of one asset, newest first."""
        rows = self._read(
            "SELECT * FROM materialization WHERE asset = ? ORDER BY at DESC LIMIT ?", asset, limit
        )
        return [msgspec.convert(row, Materialization) for row in rows]

    # ---- the SQL ----

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        names = ", ".join(f'"{name}"' for name in rows[0])
        marks = ", ".join(f":{name}" for name in rows[0])
        with self._transaction():
            self._connection.executemany(
                f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", rows
            )

    def _write(self, sql: str, *values: object) -> None:
        with self._transaction():
            self._connection.execute(sql, values)

    def _read(self, sql: str, *values: object) -> Iterator[Mapping[str, Any]]:
        with self._lock, _explained(self.path):
            rows = self._connection.execute(sql, values).fetchall()
        for row in rows:
            yield {
                name: msgspec.json.decode(row[name]) if name in _JSON else row[name]
                for name in row.keys()  # noqa: SIM118 - sqlite3.Row iterates over values
            }

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, _explained(self.path):
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _row(value: msgspec.Struct) -> dict[str, Any]:
    return {
        name: msgspec.json.encode(field).decode() if name in _JSON else field
        for name, field in msgspec.structs.asdict(value).items()
    }


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LedgerError(
            f"The ledger {path} cannot be used: {error}.",
            "Without it no run can be remembered or resumed, so nothing was done.",
            "Check that its folder can be written and the disk has room; "
            "if the file is damaged, move it away and build again.",
        ) from error
