"""Reading and writing the ledger. All SQL of ours on it lives here."""

import math
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import msgspec

from toolkit.errors import LedgerError
from toolkit.ledger.models import Models
from toolkit.ledger.profiles import Profiles
from toolkit.ledger.rows import (
    KILLED,
    Left,
    Materialization,
    Passed,
    Point,
    Run,
    RunError,
    RunStatus,
    StepRow,
)
from toolkit.ledger.schema import migrate

_JSON = {
    "timing",
    "adapter_response",
    "metrics",
    "metadata",
    "inputs",
    "errors",
    "outside",
    "options",
}
_KEPT_RUNS = 100


class Ledger:
    """The SQLite file that remembers runs, steps and materializations.

    A WAL: what was noted survives a kill of the process. The begin and end of a run and how it
    leaves the warehouse survive a power cut, too (``synchronous=FULL``). The steps in between
    do not wait for the disk: a power cut may take the last of them, never their order. That
    is no lie, as the warehouse commits first: the next plan sees a run that has not ended and
    a file that nobody has stamped, looks into it, and makes again what it cannot be sure of.
    One process writes at a time (the run lock sees to that); its threads take turns.

    Args:
        path: the file; made, with its folder, when it is not there.

    Attributes:
        models: versions of ML models.
        profiles: what was counted of assets over time.

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
            self._durable = False
            self._set_durable(True)
            self._connection.execute("PRAGMA foreign_keys = ON")
            migrate(self._connection, str(path))
        self.models = Models(self._transaction, self._connection.execute, self._read)
        self.profiles = Profiles(self._transaction, self._connection.execute, self._read)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    # ---- writing ----

    def steps_may_wait(self, wait: bool) -> None:
        """Whether what is noted from here on need not be on the disk when that returns."""
        with self._lock, _explained(self.path):
            self._set_durable(not wait)

    def _set_durable(self, durable: bool) -> None:
        if durable != self._durable:
            self._durable = durable
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")

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

    def set_published(self, run_id: str, published: bool) -> None:
        """Note whether what a run made is in the warehouse that people see."""
        self._write("UPDATE run SET published = ? WHERE id = ?", int(published), run_id)

    def leave(self, target: str, left: Left | None) -> None:
        """Note how the warehouse of ``target`` is left; ``None`` before it is written to."""
        if left is None:
            self._write("DELETE FROM warehouse WHERE target = ?", target)
        else:
            self._insert("warehouse", [{"target": target, **_row(left)}])

    def forget_old(self) -> None:
        """Drop the steps of runs beyond the newest 100, and what newer runs made again.

        Else the file grows with every build. The last time of each step and the last
        materialization of each asset stay, however old they are.
        """
        with self._transaction():
            old = f"(SELECT id FROM run ORDER BY rowid DESC LIMIT -1 OFFSET {_KEPT_RUNS})"
            self._connection.execute(
                f"DELETE FROM step WHERE run_id IN {old} AND started_at IS NULL"
            )
            for table, key in (("step", "step"), ("materialization", "asset"), ("passed", "step")):
                begun = "AND newer.started_at IS NOT NULL" if table == "step" else ""
                self._connection.execute(
                    f"DELETE FROM {table} WHERE run_id IN {old} AND EXISTS (SELECT 1 FROM {table} "
                    f"AS newer JOIN run AS n ON n.id = newer.run_id JOIN run AS o ON o.id = "
                    f"{table}.run_id WHERE newer.{key} = {table}.{key} AND n.rowid > o.rowid "
                    f"AND n.target = o.target AND n.published >= o.published {begun})"
                )
            self._connection.execute(
                f"DELETE FROM run WHERE id IN {old} "
                "AND NOT EXISTS (SELECT 1 FROM materialization AS m WHERE m.run_id = run.id) "
                "AND NOT EXISTS (SELECT 1 FROM passed AS p WHERE p.run_id = run.id) "
                "AND NOT EXISTS (SELECT 1 FROM profile AS f WHERE f.run_id = run.id) "
                "AND NOT EXISTS (SELECT 1 FROM step AS s WHERE s.run_id = run.id)"
            )

    def close_abandoned(self) -> None:
        """End the runs whose process is gone (killed, power cut) as interrupted.

        To be called only while no run goes on: see :class:`toolkit.run.RunLock`. Such a run
        ended, as far as anyone knows, when it last wrote here.
        """
        with self._transaction():
            self._connection.execute(
                "UPDATE step SET status = 'error', message = ?, "
                "finished_at = started_at WHERE status = 'running' "
                "AND run_id IN (SELECT id FROM run WHERE status = 'running')",
                (KILLED,),
            )
            self._connection.execute(
                "UPDATE run SET status = 'interrupted', finished_at = (SELECT "
                "max(run.started_at, coalesce(max(coalesce(s.finished_at, s.started_at)), 0)) "
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

    def finish_step(
        self, step: StepRow, made: Iterable[Materialization] = (), passed: Passed | None = None
    ) -> None:
        """Note how a step ended and what it made, in one transaction."""
        with self._transaction():
            self._connection.execute(
                "UPDATE step SET status = :status, started_at = :started_at, "
                'finished_at = :finished_at, message = :message, "rows" = :rows, '
                "failures = :failures, relation = :relation, thread = :thread, "
                "waited_for = :waited_for, "
                "timing = :timing, adapter_response = :adapter_response, reason = :reason "
                "WHERE run_id = :run_id AND step = :step",
                _row(step),
            )
            self._insert("materialization", [_row(m) for m in made])
            self._insert("passed", [_row(passed)] if passed is not None else [])

    def note(self, made: Iterable[Materialization], passed: Iterable[Passed] = ()) -> None:
        """Note more of what was made or passed; what is known of it already is replaced."""
        with self._transaction():
            self._insert("materialization", [_row(m) for m in made])
            self._insert("passed", [_row(p) for p in passed])

    def confirm(
        self,
        key: str,
        run_id: str,
        *,
        inputs: Mapping[str, str] | None = None,
        code_version: str | None = None,
    ) -> None:
        """Note that what a run made, or a check that passed, agrees with newer inputs or code."""
        with self._transaction():
            for table, column in (("materialization", "asset"), ("passed", "step")):
                for name, value in (("inputs", inputs), ("code_version", code_version)):
                    if value is not None:
                        text = value if isinstance(value, str) else _json(value)
                        self._connection.execute(
                            f"UPDATE {table} SET {name} = ? WHERE {column} = ? AND run_id = ?",
                            (text, key, run_id),
                        )

    # ---- reading ----

    def runs(self, limit: int = 50) -> list[Run]:
        """The newest runs, newest first: as they were begun, whatever the clock said then."""
        rows = self._read("SELECT * FROM run ORDER BY rowid DESC LIMIT ?", limit)
        return [_run(row) for row in rows]

    def run(self, run_id: str) -> Run | None:
        """One run, by its id or a unique beginning of it."""
        rows = list(self._read("SELECT * FROM run WHERE substr(id, 1, ?) = ?", len(run_id), run_id))
        exact = [row for row in rows if row["id"] == run_id]
        found = exact or (rows if len(rows) == 1 else [])
        return _run(found[0]) if found else None

    def steps(self, run_id: str) -> list[StepRow]:
        """Steps of one run, in planned order."""
        rows = self._read("SELECT * FROM step WHERE run_id = ? ORDER BY position", run_id)
        return [msgspec.convert(row, StepRow) for row in rows]

    def last_steps(self, target: str) -> dict[str, StepRow]:
        """For each step key the last time that it was begun in a published run of ``target``."""
        rows = self._read(
            "SELECT step.*, max(run.rowid) FROM step JOIN run ON run.id = step.run_id "
            "WHERE step.started_at IS NOT NULL AND run.target = ? AND run.published "
            "GROUP BY step.step",
            target,
        )
        return {row["step"]: msgspec.convert(row, StepRow) for row in rows}

    def latest(self, target: str) -> dict[str, Materialization]:
        """For each asset its last materialization in a published run of ``target``.

        What dev has made says nothing of what is in prod.
        """
        rows = self._read(
            "SELECT m.*, max(run.rowid) FROM materialization AS m JOIN run ON run.id = m.run_id "
            "WHERE run.target = ? AND run.published GROUP BY m.asset",
            target,
        )
        return {row["asset"]: msgspec.convert(row, Materialization) for row in rows}

    def passed(self, target: str) -> dict[str, Passed]:
        """For each check the last time that it passed in a published run of ``target``."""
        rows = self._read(
            "SELECT p.*, max(run.rowid) FROM passed AS p JOIN run ON run.id = p.run_id "
            "WHERE run.target = ? AND run.published GROUP BY p.step",
            target,
        )
        return {row["step"]: msgspec.convert(row, Passed) for row in rows}

    def left(self, target: str) -> Left | None:
        """How the last run left the warehouse of ``target``; ``None``: it did not come to that."""
        rows = list(self._read("SELECT * FROM warehouse WHERE target = ?", target))
        return msgspec.convert(rows[0], Left) if rows else None

    def durations(self, target: str, before: float = math.inf) -> dict[str, float]:
        """For each step key how many seconds it took when it last succeeded for ``target``.

        Args:
            before: only what began earlier than this counts.
        """
        rows = self._read(
            "SELECT step.step, step.finished_at - step.started_at AS seconds, "
            "max(run.rowid) FROM step JOIN run ON run.id = step.run_id "
            "WHERE step.status IN ('success', 'pass', 'warn') AND step.finished_at IS NOT NULL "
            "AND step.started_at < ? AND run.target = ? GROUP BY step.step",
            before, target,
        )  # fmt: skip
        return {row["step"]: max(0.0, row["seconds"]) for row in rows}

    def materializations(self, asset: str, limit: int = 50) -> list[Materialization]:
        """The newest materializations of one asset, newest first."""
        rows = self._read(
            "SELECT m.* FROM materialization AS m JOIN run ON run.id = m.run_id "
            "WHERE m.asset = ? ORDER BY run.rowid DESC LIMIT ?",
            asset, limit,
        )  # fmt: skip
        return [msgspec.convert(row, Materialization) for row in rows]

    def points(self, target: str, runs: Iterable[str]) -> dict[str, list[Point]]:
        """For each of these published runs of ``target`` what it made, sorted by asset."""
        wanted = set(runs)
        rows = self._read(
            "SELECT m.asset, m.run_id, m.rows, m.metrics FROM materialization AS m "
            "JOIN run ON run.id = m.run_id WHERE run.target = ? AND run.published "
            "ORDER BY m.asset",
            target,
        )
        found: dict[str, list[Point]] = {}
        for row in rows:
            if row["run_id"] in wanted:
                found.setdefault(row["run_id"], []).append(msgspec.convert(row, Point))
        return found

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
            with self._connection:  # commits, or rolls back what SQLite itself has not yet
                self._connection.execute("BEGIN IMMEDIATE")
                yield


def _run(row: Mapping[str, Any]) -> Run:
    return msgspec.convert({**row, "published": bool(row["published"])}, Run)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


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
