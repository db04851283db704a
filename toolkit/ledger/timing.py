"""What the time of a run went into: who waited for whom, and the chain that decided its end.

Pure functions of rows.
"""

from collections.abc import Iterable

import msgspec

from toolkit.ledger.rows import Run, StepRow


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time of one run went. Durations are seconds.

    Attributes:
        waited: for each step that began: from when it could have begun (the last step that it
            had to wait for had ended, or the run begun) until it did.
        path: the critical path: the step that ended last, before it the one that it waited for
            last, and so on to the begin; the first one first.
        path_seconds: that the steps of the path took.
        wall: from the begin of the run to its end (or the end of its last step).
    """

    waited: dict[str, float]
    path: tuple[str, ...]
    path_seconds: float
    wall: float


def timing(run: Run, steps: Iterable[StepRow]) -> Timing:
    """Where the time of ``run`` went."""
    rows = {step.step: step for step in steps}
    ran = {key: row for key, row in rows.items() if did_run(row)}
    waited = {}
    for key, row in ran.items():
        before = rows.get(row.waited_for) if row.waited_for is not None else None
        ready = before.finished_at if before is not None else None
        started = row.started_at or 0.0
        waited[key] = max(0.0, started - max(ready or run.started_at, run.started_at))
    path = _path(rows)
    ends = [row.finished_at for row in ran.values() if row.finished_at is not None]
    end = run.finished_at if run.finished_at is not None else max(ends, default=run.started_at)
    return Timing(
        waited=waited,
        path=path,
        path_seconds=sum(ran[key].seconds for key in path),
        wall=max(0.0, end - run.started_at),
    )


def did_run(step: StepRow) -> bool:
    """Whether a step was really begun in its run, however it ended."""
    return step.started_at is not None and step.status not in ("skipped", "no-op", "planned")


def _path(rows: dict[str, StepRow]) -> tuple[str, ...]:
    """Back from the step that ended last; what was waited for and then not needed is left out."""
    ended = (row for row in rows.values() if did_run(row) and row.finished_at is not None)
    last = max(ended, key=lambda row: (row.finished_at, row.step), default=None)
    seen: dict[str, None] = {}
    while last is not None and last.step not in seen:
        seen[last.step] = None
        last = rows.get(last.waited_for) if last.waited_for is not None else None
    return tuple(key for key in reversed(seen) if did_run(rows[key]))
