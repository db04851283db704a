"""JUnit XML, what every CI system can show: one test case for each step of a run, or any cases."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
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


class JunitCase(msgspec.Struct, frozen=True, kw_only=True):
    """One test case.

    Attributes:
        outcome: a ``warning`` has passed, and says something.
        kind: of what is wrong, a word.
        message: its first line is shown first.
        path / line: where to look.
    """

    classname: str
    name: str
    outcome: Literal["passed", "warning", "failure", "error", "skipped"] = "passed"
    kind: str = ""
    message: str = ""
    seconds: float = 0.0
    path: str | None = None
    line: int | None = None


def junit_document(name: str, cases: Iterable[JunitCase], secrets: Iterable[str] = ()) -> str:
    """The XML of one suite with these cases, in their order, with ``secrets`` masked."""
    masker = Masker(secrets)
    cases = [msgspec.structs.replace(c, message=masker.mask(c.message)) for c in cases]
    totals = _totals(cases, sum(case.seconds for case in cases))
    root = ET.Element("testsuites", {"name": clean(name), **totals})
    suite = ET.SubElement(root, "testsuite", {"name": clean(name), **totals})
    for case in cases:
        _add(suite, case)
    return _text(root)


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
    cases = [_case(step, _path(step, graph)) for step in steps]
    finished = run.finished_at if run.finished_at is not None else run.started_at
    totals = _totals(cases, max(0.0, finished - run.started_at))
    root = ET.Element("testsuites", {"name": clean(f"{project} {run.command}"), **totals})
    started = datetime.fromtimestamp(run.started_at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.SubElement(
        root, "testsuite", {"name": clean(project), "timestamp": started, "id": run.id, **totals}
    )
    for case in cases:
        _add(suite, case)
    return _text(root)


def _error_step(run: Run, error: RunError) -> StepRow:
    kind, key = ("hook", error.key) if error.key else ("run", run.id)
    return StepRow(
        run_id=run.id, step=key, kind=kind, name=key, status="error", message=error.message,
        integration="dbt" if error.key else "toolkit",
    )  # fmt: skip


def _case(step: StepRow, path: str | None) -> JunitCase:
    outcome: Literal["passed", "warning", "failure", "error", "skipped"] = "passed"
    if step.status in _FAILURES:
        outcome = "failure"
    elif step.status in _ERRORS:
        outcome = "error"
    elif step.status in _SKIPPED:
        outcome = "skipped"
    elif step.status == "warn":
        outcome = "warning"
    return JunitCase(
        classname=f"{step.integration}.{step.kind}",
        name=step.step,
        outcome=outcome,
        kind=step.status,
        message=step.message or step.reason,
        seconds=step.seconds,
        path=path,
    )


def _totals(cases: Sequence[JunitCase], seconds: float) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.outcome == "failure" for case in cases)),
        "errors": str(sum(case.outcome == "error" for case in cases)),
        "skipped": str(sum(case.outcome == "skipped" for case in cases)),
        "time": f"{seconds:.3f}",
    }


def _add(suite: ET.Element, case: JunitCase) -> None:
    attributes = {
        "classname": clean(case.classname),
        "name": clean(case.name),
        "time": f"{case.seconds:.3f}",
    }
    if case.path:
        attributes["file"] = clean(case.path)
    if case.line:
        attributes["line"] = str(case.line)
    element = ET.SubElement(suite, "testcase", attributes)
    message = clean(case.message)
    if case.outcome in ("failure", "error"):
        first = message.splitlines()[0] if message else clean(case.kind)
        said = {"message": first, "type": clean(case.kind)}
        ET.SubElement(element, case.outcome, said).text = message
    elif case.outcome == "skipped":
        ET.SubElement(element, "skipped", {"message": message})
    elif case.outcome == "warning":
        ET.SubElement(element, "system-out").text = f"warning: {message}"


def _path(step: StepRow, graph: AssetGraph) -> str | None:
    if step.step in graph:
        return graph[step.step].path
    check = graph.checks.get(step.step)
    return check.path if check else None


def _text(root: ET.Element) -> str:
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def clean(text: str) -> str:
    """``text`` without what XML cannot carry."""
    return _FORBIDDEN.sub("\ufffd", text)
