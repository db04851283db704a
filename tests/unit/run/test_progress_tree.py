"""The tree of what runs, as text that a person can check."""

import pytest

from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import Status, Step, StepEvent, StepFinished
from toolkit.integrations.base import StepProgress as Said
from toolkit.integrations.base import StepStarted as Begun
from toolkit.plan import Plan, PlannedStep
from toolkit.run.progress.tree import Tree

GRAPH = AssetGraph(
    [Asset(key=f"model.shop.m{n}", kind="model", name=f"m{n}", integration="dbt") for n in range(9)]
)


def planned(key: str, tool: str, name: str, after: str = "", action: str = "run") -> PlannedStep:
    kind = {"airbyte": "sync", "python": "python"}.get(tool, "dbt")
    step = Step(key=key, kind=kind, integration=tool, makes=(), reads=(), name=name)  # type: ignore[arg-type]
    return PlannedStep(
        step=step, after=frozenset(after.split()), reason="", action=action,  # type: ignore[arg-type]
    )  # fmt: skip


PLAN = Plan(
    steps=(
        planned("sync.app", "airbyte", "app"),
        planned("sync.crm", "airbyte", "crm"),
        planned("model.shop.old", "dbt", "old", action="skip"),
        *(planned(f"model.shop.m{n}", "dbt", f"m{n}", "sync.app") for n in range(9)),
        planned("python.scores", "python", "scores", "model.shop.m0", action="if changed"),
    )
)
SECONDS = {"sync.app": 40.0, "sync.crm": 2.5, "model.shop.m0": 1.0, "python.scores": 95.0}


def ended(step: str, status: Status = "success", message: str = "") -> StepFinished:
    return StepFinished(
        step=step, status=status, started_at=1000.0, finished_at=1001.0, message=message
    )


def drawn(events: list[StepEvent], now: float, height: int = 99) -> str:
    tree = Tree(PLAN, GRAPH, SECONDS)
    for event in events:
        tree.take(event)
    return "".join(f"{line}\n" for _, line in tree.lines(now, height))


BEGUN: list[StepEvent] = [
    Begun(step="sync.app", at=1000.0), Said(step="sync.app", message="users: 12,000\nrows"),
    Begun(step="sync.crm", at=1001.0), Begun(step="sync.crm", at=1009.0),
]  # fmt: skip
MIDDLE: list[StepEvent] = [
    *BEGUN, ended("model.shop.old", "no-op", "up to date: nothing changed"), ended("sync.app"),
    *(Begun(step=f"model.shop.m{n}", at=1040.0 + n) for n in range(4)),
    ended("model.shop.m0", "error"), ended("model.shop.m1"),
]  # fmt: skip
LAST: list[StepEvent] = [
    ended("sync.crm"), *(ended(f"model.shop.m{n}") for n in range(2, 9)),
    ended("python.scores", "no-op", "up to date: nothing that it reads changed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("events", "now", "expected"),
    [
        pytest.param([], 1000.0, """\
Airbyte  0 of 2
dbt      0 of 9
Python   0 of 1
0 of 12 done, at least 2 min 16 s left
""", id="nothing began"),
        pytest.param(BEGUN, 1012.34, """\
Airbyte  0 of 2
      12.3 s of about 40 s  sync app  users: 12,000 rows
       3.3 s of about 2.5 s  sync crm  attempt 2
dbt      0 of 9
Python   0 of 1
0 of 12 done, 12.3 s, at least 2 min 04 s left
""", id="with a second attempt"),
        pytest.param(MIDDLE, 1101.0, """\
Airbyte  1 of 2
  1 min 32 s of about 2.5 s  sync crm  attempt 2
dbt      2 of 9, 1 failed
      59.0 s  model m2
      58.0 s  model m3
Python   0 of 1
3 of 12 done, 1 min 41 s, at least 1 min 35 s left
""", id="some have ended"),
        pytest.param([*MIDDLE, *LAST], 1200.0, """\
Airbyte  2 of 2
dbt      9 of 9, 1 failed
11 of 11 done, 3 min 20 s
""", id="the last was not needed"),
    ],
)  # fmt: skip
def test_tree(events: list[StepEvent], now: float, expected: str) -> None:
    assert drawn(events, now) == expected


@pytest.mark.parametrize("height", range(1, 16))
def test_it_is_never_higher_than_the_terminal(height: int) -> None:
    events = [Begun(step=f"model.shop.m{n}", at=1000.0 + n) for n in range(9)]
    lines = drawn([*events], 1010.0, height).splitlines()
    assert len(lines) <= height
    assert lines[-1].startswith("0 of 12 done, 10.0 s")
    steps = sum("model m" in line for line in lines)
    hidden = [line for line in lines if "more run" in line]
    assert steps == 9 or height < 5 or hidden == [f"  ... and {9 - steps} more run"]
    assert steps == {13: 9, 12: 7, 6: 1, 5: 0}.get(height, steps)


def test_all_that_is_known_is_sure() -> None:
    plan = Plan(steps=PLAN.steps[:2])
    tree = Tree(plan, GRAPH, SECONDS)
    tree.take(Begun(step="sync.app", at=1000.0))
    assert tree.lines(1010.0, 9)[-1] == ("whole", "0 of 2 done, 10.0 s, about 30 s left")


def test_what_never_ran_is_no_work_that_is_left() -> None:
    tree = Tree(PLAN, GRAPH, SECONDS | {f"model.shop.m{n}": 7.0 for n in range(9)}, threads=1)
    tree.take(Begun(step="sync.app", at=1000.0))
    assert tree.lines(1000.0, 9)[-1] == ("whole", "0 of 12 done, 0.0 s, about 2 min 22 s left")
    tree.take(ended("sync.app", "error"))
    for n in range(8):
        tree.take(ended(f"model.shop.m{n}", "skipped", "skipped: app has an error"))
    for key in ("sync.crm", "python.scores"):
        tree.take(ended(key))
    assert tree.lines(1001.0, 9)[-1] == ("whole", "11 of 12 done, 1.0 s, about 7.0 s left")


def test_no_text_is_obeyed() -> None:
    plan = Plan(steps=(planned("python.odd", "py\x1b[2J", "o\x1b]0;title\x07dd"),))
    tree = Tree(plan, GRAPH, {})
    tree.take(Begun(step="python.odd", at=1000.0))
    tree.take(Said(step="python.odd", message="\x1b[2J\r\n\u202egone"))
    text = "\n".join(line for _, line in tree.lines(1000.0, 9))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"o\x1b]0;title\x07dd" in text
