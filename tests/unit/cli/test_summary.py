"""What a build says at its end, and what `toolkit runs` says of it later."""

import json
import re
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.cli.commands.build_summary import summarize
from toolkit.cli.commands.runs import show_run
from toolkit.graph import Asset, AssetGraph
from toolkit.ledger import Run, RunError, StepRow
from toolkit.run import BuildResult

GRAPH = AssetGraph(
    [Asset(key="model.shop.a", kind="model", name="a", integration="dbt", path="models/a.sql"),
     Asset(key="model.shop.b", kind="model", name="b", integration="dbt")]
)  # fmt: skip
PROJECT: Any = SimpleNamespace(graph=GRAPH)
FRESH: dict[str, Any] = {"status": "no-op", "message": "up to date: nothing that it reads changed"}


def row(key: str, begin: float | None = None, end: float | None = None, **more: Any) -> StepRow:
    kind = {"sync": "sync", "test": "check"}.get(key.partition(".")[0], "dbt")
    fields = {"status": "success", "kind": kind, "name": key.rpartition(".")[2], **more}
    return StepRow(
        run_id="r1", step=key, integration="dbt", started_at=begin, finished_at=end, **fields
    )


def result(*steps: StepRow, errors: tuple[RunError, ...] = ()) -> BuildResult:
    bad = errors or any(step.status in ("fail", "error") for step in steps)
    run = Run(
        id="r1", command="build", target="dev", started_at=1000.0, finished_at=1040.0,
        status="failed" if bad else "success", errors=errors,
    )  # fmt: skip
    return BuildResult(run=run, steps=steps)


SYNC = row("sync.app", 1001.0, 1011.0, rows=2000, adapter_response={"attempts": 2})
DONE = (
    SYNC,
    row("model.shop.a", 1011.5, 1020.0, waited_for="sync.app"),
    row("model.shop.b", **FRESH),
    row("test.shop.t", 1022.0, 1039.0, waited_for="model.shop.a", status="pass"),
)
BAD = row("model.shop.a", 1011.0, 1012.0, status="error", message="Binder Error\n[red] \x1b[2J")


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    summarize(PROJECT, result(*DONE))
    assert (
        capsys.readouterr().err
        == """
kind   success  pass  up to date
sync         1
model        1                 1
check              1

3 steps done in 40 s, 2,000 rows landed, 1 step up to date. Run r1.
"""
    )


def test_something_failed(capsys: pytest.CaptureFixture[str]) -> None:
    hook = RunError(key="operation.shop.start", message="no such table")
    steps = (SYNC, BAD, row("model.shop.b", status="skipped", message="skipped: a has an error"))
    summarize(PROJECT, result(*steps, errors=(hook,)))
    table, *failures, last = capsys.readouterr().err.strip().split("\n\n")
    assert table.splitlines()[0] == "kind   success  error  skipped"
    assert failures == [
        "ERROR model.shop.a\n  models/a.sql\n  Binder Error\n  [red] \\x1b[2J",
        "ERROR operation.shop.start\n  no such table",
    ]
    assert last == ("1 of 3 steps and 1 hook failed in 40 s, 2,000 rows landed. Run r1; "
                    "`toolkit runs r1` shows all steps.")  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ((row("model.shop.a", **FRESH),), "The step is up to date. Run r1."),
        ((row("model.shop.a", **FRESH), row("model.shop.b", **FRESH)),
         "All 2 steps are up to date. Run r1."),
        ((row("model.shop.a", status="no-op", message="NO-OP"),), "1 step done in 40 s. Run r1."),
        ((), "0 steps done in 40 s. Run r1."),
    ],
)  # fmt: skip
def test_nothing_ran(
    steps: tuple[StepRow, ...], last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    summarize(PROJECT, result(*steps))
    assert capsys.readouterr().err.splitlines()[-1] == last


def test_quiet_says_only_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    summarize(PROJECT, result(*DONE), only_failures=True)
    assert capsys.readouterr().err == ""
    summarize(PROJECT, result(BAD), only_failures=True)
    assert capsys.readouterr().err.startswith("\nERROR model.shop.a\n")


def test_the_end_of_a_build_loads_nothing_heavy() -> None:
    code = (
        "import sys, toolkit.cli.commands.build_summary, toolkit.run.progress; print([m for m in "
        "('rich', 'dbt', 'sqlglot', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


RUN = result(*DONE).run


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("utc")
def test_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    error = RunError(message="no disk\nat all")
    failed = result(*DONE, errors=(error,)).run
    show_run(failed, list(DONE), {"sync.app": 8.0, "model.shop.b": 0.5}, as_json=False)
    assert (
        capsys.readouterr().out
        == """\
r1  failed  1970-01-01 00:16:40  target dev
  status         took     before     waited  step
* success        10 s     8.00 s     1.00 s  sync.app      attempt 2
* success      8.50 s          -     0.50 s  model.shop.a
  no-op             -     0.50 s          -  model.shop.b  up to date: nothing that it reads changed
* pass           17 s          -     2.00 s  test.shop.t
  error             -          -          -  run           no disk

Critical path: 36 s of 40 s (89%), 3 steps: app -> a -> t
"""
    )


def test_one_run_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    show_run(RUN, list(DONE), {"sync.app": 8.0}, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["run"]["id"] == "r1"
    assert document["critical_path"] == {
        "steps": ["sync.app", "model.shop.a", "test.shop.t"], "seconds": 35.5, "wall": 40.0,
    }  # fmt: skip
    names = ("step", "seconds", "expected", "waited", "attempts", "critical", "waited_for")
    assert [[step[name] for name in names] for step in document["steps"]] == [
        ["sync.app", 10.0, 8.0, 1.0, 2, True, None],
        ["model.shop.a", 8.5, None, 0.5, 1, True, "sync.app"],
        ["model.shop.b", 0.0, None, None, 1, False, None],
        ["test.shop.t", 17.0, None, 2.0, 1, True, "model.shop.a"],
    ]


def test_a_run_in_which_nothing_ran_has_no_path(capsys: pytest.CaptureFixture[str]) -> None:
    show_run(RUN, [row("model.shop.a", **FRESH)], {}, as_json=False)
    assert not re.search("Critical path", capsys.readouterr().out)
