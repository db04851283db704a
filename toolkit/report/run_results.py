"""run_results.json in dbt's schema (v6), with the steps of all tools in it.

Whatever reads dbt's file (elementary, dbt's own ``result:`` selection, a CI script)
reads this one, and finds syncs, Python assets and their checks beside the models.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from toolkit.graph import AssetGraph
from toolkit.ledger import Run, RunError, StepRow
from toolkit.report.files import write_json

SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v6.json"
_NOT_RUN = frozenset({"skipped", "no-op", "planned"})
# dbt has no word for a step that had not ended, or not begun, when the run was cut off
_CUT_OFF = {"running": "error", "planned": "skipped"}
_FAILED = frozenset({"error", "fail"})
_LOOKED_AT = frozenset({"exposure", "saved_query"})  # nothing makes them, and dbt has results


def write_run_results(
    path: Path,
    run: Run,
    steps: Iterable[StepRow],
    graph: AssetGraph,
    secrets: Iterable[str] = (),
    unmade: Iterable[str] = (),
) -> None:
    """Write run_results.json, all of it or nothing, with ``secrets`` masked.

    Raises:
        OSError: the folder cannot be written.
    """
    # From the package's metadata: importing dbt costs seconds.
    version = metadata.version("dbt-core")
    document = run_results_document(run, steps, graph, dbt_version=version, unmade=unmade)
    write_json(path, document, secrets)


def run_results_document(
    run: Run,
    steps: Iterable[StepRow],
    graph: AssetGraph,
    *,
    dbt_version: str,
    unmade: Iterable[str] = (),
) -> dict[str, Any]:
    """One result for each asset or check that the run touched, ready for JSON.

    A sync stands there once for each stream that it lands, as streams are the assets;
    all of them have the sync's timing. Exposures and hooks that failed stand there, too. What
    was not made because it is up to date is a no-op that says so.

    Args:
        dbt_version: of the dbt that was used; readers decide by it what to expect.
        unmade: keys of selected assets that no step makes.
    """
    steps = list(steps)
    results = [_result(step, key, graph) for step in steps for key in _assets(step, graph)]
    looked_at = [key for key in unmade if key in graph and graph[key].kind in _LOOKED_AT]
    results += [_looked_at(key, steps, graph) for key in looked_at]
    results += [_hook(error) for error in run.errors if error.key is not None]
    finished = run.finished_at if run.finished_at is not None else run.started_at
    return {
        "metadata": {
            "dbt_schema_version": SCHEMA,
            "dbt_version": dbt_version,
            "generated_at": _iso(finished),
            "invocation_id": run.id,
            "invocation_started_at": _iso(run.started_at),
            "env": {},
        },
        "results": results,
        "elapsed_time": max(0.0, finished - run.started_at),
        "args": {"which": run.command, "target": run.target, "select": run.selection.split()},
    }


def _assets(step: StepRow, graph: AssetGraph) -> list[str]:
    prefix = "sync."
    if step.step in graph or not step.step.startswith(prefix):
        return [step.step]
    connection = step.step.removeprefix(prefix)
    streams = [a.key for a in graph if a.key.startswith(f"stream.{connection}.")]
    return streams or [step.step]


def _result(step: StepRow, key: str, graph: AssetGraph) -> dict[str, Any]:
    sql = graph[key].sql if key in graph else None
    return {
        "unique_id": key,
        "status": _CUT_OFF.get(step.status, step.status),
        "timing": _timing(step),
        "thread_id": step.thread or "MainThread",
        "execution_time": step.seconds,
        "adapter_response": step.adapter_response,
        "message": step.message or None,
        "failures": step.failures,
        "compiled": True if sql is not None else None,
        "compiled_code": sql,
        "relation_name": step.relation or _relation(step, key, graph),
        "batch_results": None,
    }


def _relation(step: StepRow, key: str, graph: AssetGraph) -> str | None:
    """Where an asset is that was not made because it is there."""
    made = graph[key].relation if step.status == "no-op" and key in graph else None
    return str(made) if made is not None else None


def _looked_at(key: str, steps: Sequence[StepRow], graph: AssetGraph) -> dict[str, Any]:
    """An exposure, as dbt has it: a no-op, or skipped where what it shows is not there."""
    above = graph.ancestors([key])
    blocked = any(_blocks(step, above, graph) for step in steps)
    return {
        **_EMPTY,
        "unique_id": key,
        "status": "skipped" if blocked else "no-op",
        "message": None if blocked else "NO-OP",
        "failures": None if blocked else 0,
    }


def _blocks(step: StepRow, above: Collection[str], graph: AssetGraph) -> bool:
    """Whether the way a step ended blocks what has ``above`` upstream of it."""
    status = _CUT_OFF.get(step.status, step.status)
    check = graph.checks.get(step.step)
    if check is not None:
        bad = status in _FAILED and check.severity == "error"
        return (
            bad
            and any(k in above for k in check.assets)
            and all(k in above for k in check.assets if k in graph)
        )
    bad = status in _FAILED or status == "skipped"
    return bad and any(key in above for key in _assets(step, graph))


def _hook(error: RunError) -> dict[str, Any]:
    return {**_EMPTY, "unique_id": error.key, "status": "error", "message": error.message}


_EMPTY: Mapping[str, Any] = {
    "unique_id": "", "status": "", "timing": [], "thread_id": "MainThread", "execution_time": 0.0,
    "adapter_response": {}, "message": None, "failures": None, "compiled": None,
    "compiled_code": None, "relation_name": None, "batch_results": None,
}  # fmt: skip


def _timing(step: StepRow) -> list[dict[str, str]]:
    if step.timing:
        return list(step.timing)
    if step.started_at is None or step.finished_at is None or step.status in _NOT_RUN:
        return []
    started, completed = _iso(step.started_at), _iso(step.finished_at)
    return [{"name": "execute", "started_at": started, "completed_at": completed}]


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
