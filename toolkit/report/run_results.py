"""run_results.json in dbt's schema (v6), with the steps of all tools in it.

Whatever reads dbt's file (elementary, dbt's own ``result:`` selection, a CI script)
reads this one, and finds syncs, Python assets and their checks beside the models.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from toolkit.graph import AssetGraph
from toolkit.ledger import Run, StepRow
from toolkit.report.files import write_json

SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v6.json"
_NOT_RUN = frozenset({"skipped", "no-op"})


def write_run_results(
    path: Path,
    run: Run,
    steps: Iterable[StepRow],
    graph: AssetGraph,
    secrets: Iterable[str] = (),
) -> None:
    """Write run_results.json, all of it or nothing, with ``secrets`` masked.

    Raises:
        OSError: the folder cannot be written.
    """
    # From the package's metadata: importing dbt costs seconds.
    version = metadata.version("dbt-core")
    write_json(path, run_results_document(run, steps, graph, dbt_version=version), secrets)


def run_results_document(
    run: Run,
    steps: Iterable[StepRow],
    graph: AssetGraph,
    *,
    dbt_version: str,
) -> dict[str, Any]:
    """One result for each asset or check that the run touched, ready for JSON.

    A sync stands there once for each stream that it lands, as streams are the assets;
    all of them have the sync's timing.

    Args:
        dbt_version: of the dbt that was used; readers decide by it what to expect.
    """
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
        "results": [_result(step, key, graph) for step in steps for key in _assets(step, graph)],
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
    # dbt has no word for a step that had not ended; one that was cut off has failed.
    status = "error" if step.status == "running" else step.status
    return {
        "unique_id": key,
        "status": status,
        "timing": _timing(step),
        "thread_id": step.thread or "MainThread",
        "execution_time": step.seconds,
        "adapter_response": step.adapter_response,
        "message": step.message or None,
        "failures": step.failures,
        "compiled": sql is not None,
        "compiled_code": sql,
        "relation_name": step.relation,
        "batch_results": None,
    }


def _timing(step: StepRow) -> list[dict[str, str]]:
    if step.timing:
        return list(step.timing)
    if step.started_at is None or step.finished_at is None or step.status in _NOT_RUN:
        return []
    started, completed = _iso(step.started_at), _iso(step.finished_at)
    return [{"name": "execute", "started_at": started, "completed_at": completed}]


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
