"""The part of the payload that comes from the ledger: runs, their steps, and what became of
assets from run to run."""

from collections.abc import Callable
from typing import Any

from toolkit.ledger.timing import timing
from toolkit.report.page.columnar import Interner, delta
from toolkit.report.page.data import ReportData

MOST_POINTS = 40  # of one asset over time; of more runs, the newest

Text = Callable[[str | None], int]


def runs_table(data: ReportData, intern: Interner) -> dict[str, Any]:
    """One row for each run, newest first."""
    runs = [record.run for record in data.runs]
    return {
        "id": [intern(r.id) for r in runs],
        "command": [intern(r.command) for r in runs],
        "target": [intern(r.target) for r in runs],
        "status": [intern(r.status) for r in runs],
        "selection": [intern(r.selection or None) for r in runs],
        "started_at": [r.started_at for r in runs],
        "finished_at": [r.finished_at for r in runs],
        "up_to_date": [sum(step.up_to_date for step in record.steps) for record in data.runs],
    }


def steps_table(data: ReportData, intern: Interner, text: Text) -> dict[str, Any]:
    """Steps of all runs; what was up to date in a run only of the newest, else it is counted.

    Begins are milliseconds since the run's, the other times milliseconds: small numbers.
    """
    times = [timing(record.run, record.steps) for record in data.runs]
    steps = [
        (n, s)
        for n, record in enumerate(data.runs)
        for s in record.steps
        if n == 0 or not s.up_to_date
    ]
    paths = [frozenset(found.path) for found in times]
    return {
        "run": delta(n for n, _ in steps),
        "key": [intern(s.step) for _, s in steps],
        "name": [intern(s.name) for _, s in steps],
        "kind": [intern(s.kind) for _, s in steps],
        "tool": [intern(s.integration) for _, s in steps],
        "status": [intern(s.status) for _, s in steps],
        "reason": [text(s.reason or None) for _, s in steps],
        "message": [text(s.message or None) for _, s in steps],
        "thread": [intern(s.thread or None) for _, s in steps],
        "begin": [_since(s.started_at, data.runs[n].run.started_at) for n, s in steps],
        "took": [_since(s.finished_at, s.started_at) for _, s in steps],
        "waited": [round(times[n].waited.get(s.step, 0.0) * 1000) for n, s in steps],
        "critical": [int(s.step in paths[n]) for n, s in steps],
        "attempts": [s.attempts for _, s in steps],
        "rows": [s.rows for _, s in steps],
        "failures": [s.failures for _, s in steps],
    }


def past_table(data: ReportData, numbers: dict[str, int], intern: Interner) -> list[list[Any]]:
    """For each asset that was made in these runs: in which, with how many rows and metrics.

    Args:
        numbers: of the assets by key.

    Returns:
        ``[asset, [run, as distances], [rows], [[metric, [value]]]]``, the newest run first.
    """
    made: dict[int, list[tuple[int, int | None, dict[str, float]]]] = {}
    for n, record in enumerate(data.runs):
        for point in record.made:
            number = numbers.get(point.asset)
            if number is not None:
                made.setdefault(number, []).append((n, point.rows, dict(point.metrics)))
    table: list[list[Any]] = []
    for number, points in sorted(made.items()):
        points = points[:MOST_POINTS]
        names = sorted({name for _, _, metrics in points for name in metrics})
        series = [[intern(name), [m.get(name) for _, _, m in points]] for name in names]
        rows = [rows for _, rows, _ in points]
        table.append([number, delta(n for n, _, _ in points), rows, series])
    return table


def _since(at: float | None, begin: float | None) -> int | None:
    """Milliseconds between two times, where both are known."""
    return None if at is None or begin is None else round((at - begin) * 1000)
