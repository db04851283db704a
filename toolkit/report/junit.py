"""JUnit XML, one test case for each step: what every CI system can show."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec

from toolkit.graph import AssetGraph
from toolkit.ledger import Run, RunError, StepRow
from toolkit.masking import Masker
from toolkit.report.files import write_atomically

# XML 1.0 cannot carry these at all, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FAILURES = frozenset({"fail"})
_ERRORS = frozenset({"error", "running", "runtime error", "partial success"})
_SKIPPED = frozenset({"skipped", "no-op", "planned"})


def write_junit(
    path: Path,
    run: Run,
    steps: Iterable[StepRow],
    graph: AssetGraph,
    project: str = "toolkit",
    secrets: Iterable[str] = (),
) -> None:
    """Write the XML, all of it or nothing, with ``secrets`` masked.

    Raises:
        OSError: the folder cannot be written.
    """
    masker = Masker(secrets)
    clear = [
        msgspec.structs.replace(s, message=masker.mask(s.message), reason=masker.mask(s.reason))
        for s in steps
    ]
    errors = tuple(msgspec.structs.replace(e, message=masker.mask(e.message)) for e in run.errors)
    clear_run = msgspec.structs.replace(run, errors=errors)
    write_atomically(path, junit_xml(project, clear_run, clear, graph))


def junit_xml(project: str, run: Run, steps: Iterable[StepRow], graph: AssetGraph) -> str:
    """A failed check is a ``failure``; a step that broke, or never ended, is an ``error``.

    So is what failed beside the steps: a hook, or the run as a whole.
    """
    steps = [*steps, *(_error_step(run, error) for error in run.errors)]
    finished = run.finished_at if run.finished_at is not None else run.started_at
    totals = {
        "tests": str(len(steps)),
        "failures": str(sum(s.status in _FAILURES for s in steps)),
        "errors": str(sum(s.status in _ERRORS for s in steps)),
        "skipped": str(sum(s.status in _SKIPPED for s in steps)),
        "time": f"{max(0.0, finished - run.started_at):.3f}",
    }
    root = ET.Element("testsuites", {"name": _clean(f"{project} {run.command}"), **totals})
    started = datetime.fromtimestamp(run.started_at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.SubElement(
        root, "testsuite", {"name": _clean(project), "timestamp": started, "id": run.id, **totals}
    )
    for step in steps:
        _case(suite, step, _path(step, graph))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _error_step(run: Run, error: RunError) -> StepRow:
    kind, key = ("hook", error.key) if error.key else ("run", run.id)
    return StepRow(
        run_id=run.id, step=key, kind=kind, name=key, status="error", message=error.message,
        integration="dbt" if error.key else "toolkit",
    )  # fmt: skip


def _case(suite: ET.Element, step: StepRow, path: str | None) -> None:
    attributes = {
        "classname": _clean(f"{step.integration}.{step.kind}"),
        "name": _clean(step.step),
        "time": f"{step.seconds:.3f}",
    }
    if path:
        attributes["file"] = _clean(path)
    case = ET.SubElement(suite, "testcase", attributes)
    message = _clean(step.message or step.reason)
    if step.status in _FAILURES or step.status in _ERRORS:
        tag = "failure" if step.status in _FAILURES else "error"
        first = message.splitlines()[0] if message else step.status
        ET.SubElement(case, tag, {"message": first, "type": step.status}).text = message
    elif step.status in _SKIPPED:
        ET.SubElement(case, "skipped", {"message": message})
    elif step.status == "warn":
        ET.SubElement(case, "system-out").text = f"warning: {message}"


def _path(step: StepRow, graph: AssetGraph) -> str | None:
    if step.step in graph:
        return graph[step.step].path
    check = graph.checks.get(step.step)
    return check.path if check else None


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
