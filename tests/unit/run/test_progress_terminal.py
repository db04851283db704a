"""The live display on a real pseudo-terminal, read as a terminal would read it."""

import fcntl
import importlib.util
import io
import os
import re
import select
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from toolkit.graph import AssetGraph
from toolkit.integrations.base import Step, StepFinished
from toolkit.plan import Plan, PlannedStep

_SPEC = importlib.util.spec_from_file_location("screen", Path(__file__).with_name("screen.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
_SCREEN: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_SCREEN)

SCRIPT = """
import sys
from toolkit.graph import AssetGraph
from toolkit.integrations.base import Step, StepFinished, StepProgress, StepStarted
from toolkit.plan import Plan, PlannedStep
from toolkit.run.progress import progress
import time

def planned(key, tool, action="run"):
    step = Step(key=key, kind="dbt", integration=tool, makes=(), reads=(), name=key)
    return PlannedStep(step=step, after=frozenset(), reason="", action=action)

keys = [f"m{n}" for n in range(9)]
plan = Plan(steps=tuple([planned("app", "airbyte"), *(planned(k, "dbt") for k in keys),
                         planned("long_" * 30, "python"), planned("old", "dbt", "skip")]))
display = progress(plan, AssetGraph([]), log_format="text", quiet=False,
                   durations={"app": 400.0}, threads=2)
now = time.time()

def drawn():
    display._live.refresh()
    print("drawn", flush=True)
    sys.stdin.readline()

def end(key, status="success", message=""):
    display.on_event(StepFinished(step=key, status=status, started_at=now, finished_at=now + 1,
                                  message=message))

from toolkit.ledger import Run
with display:
    display.on_run(Run(id="r", command="build", target="dev", started_at=now))
    for key in ["app", *keys, "long_" * 30]:
        display.on_event(StepStarted(step=key, at=now))
    display.on_event(StepProgress(step="app", message="users: 12,000 rows \\x1b[2J"))
    drawn()
    for key in keys[:-1]:
        end(key)
    drawn()
    end("m8", "error", "no such table")
    drawn()
print("done", flush=True)
"""


class Terminal:
    """A process whose standard error is a terminal of this size."""

    def __init__(self, columns: int, lines: int, **environ: str) -> None:
        self.screen = _SCREEN.Screen()
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        drop = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}
        kept = {k: v for k, v in os.environ.items() if k not in drop}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=slave, text=True, env={**kept, "TERM": "xterm-256color", **environ},
        )  # fmt: skip
        os.close(slave)

    def next(self) -> list[str]:
        """What is on the screen when the process has drawn again (or ended)."""
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        out = self.process.stdout.fileno()
        while not select.select([out], [], [], 0)[0]:
            self._read(out)
        said = self.process.stdout.readline()
        assert said in ("drawn\n", "done\n"), "\n".join(self.screen.text())
        while select.select([self._master], [], [], 0)[0] and self._read():
            pass
        shown: list[str] = self.screen.text()
        if said == "drawn\n":
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        return shown

    def _read(self, *others: int) -> bool:
        ready, _, _ = select.select([self._master, *others], [], [], 30)
        assert ready, self.screen.seen
        if self._master not in ready:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other side is closed
            return False
        self.screen.feed(data.decode())
        return bool(data)

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        os.close(self._master)
        self.process.wait(30)


@contextmanager
def terminal(columns: int, lines: int, **environ: str) -> Iterator[Terminal]:
    made = Terminal(columns, lines, **environ)
    try:
        yield made
    finally:
        made.close()


def test_the_tree_is_below_what_has_ended_and_goes_at_the_end() -> None:
    with terminal(100, 40) as tty:
        first = tty.next()
        assert first[:2] == ["1 of 12 steps is up to date.", "Airbyte  0 of 1"]
        assert re.fullmatch(
            r" +\d\.\d s of about 6 min 40 s  app app  users: 12,000 rows \\x1b\[2J",
            first[2].replace("dbt app", "app app"),
        )
        assert [line for line in first if line.startswith(("dbt", "Python"))] == [
            "dbt      0 of 9", "Python   0 of 1",
        ]  # fmt: skip
        assert re.fullmatch(r"0 of 11 done, \d\.\d s, at least 6 min \d\d s left", first[-1])
        then = tty.next()
        ended = [line for line in then if " OK " in line]
        assert [line.split("  ")[1].strip() for line in ended] == [
            f"{n} of 11" for n in range(1, 9)
        ]
        assert then.index("Airbyte  0 of 1") == len(ended) + 1
        assert "dbt      8 of 9" in then
        assert then[-1].startswith("8 of 11 done")
        last = tty.next()
        assert "dbt      9 of 9, 1 failed" in last
        end = tty.next()
        assert len([line for line in end if " of 11 " in line]) == 9
        assert "no such table" in end[-1]  # the tree is gone
        assert tty.process.wait(30) == 0
        assert {"32", "31"} <= tty.screen.colors


@pytest.mark.parametrize("columns", [20, 60])
def test_on_a_small_terminal_it_is_cut(columns: int) -> None:
    with terminal(columns, 8) as tty:
        shown = tty.next()[1:]  # below the line that came first
        assert len(shown) == 6  # of 8: two stay free
        assert max(map(len, shown)) <= columns
        assert shown[-2] == "  ... and 10 more run"[: columns - 1] + (
            "…" if columns == 20 else shown[-2][columns - 1 :]
        )
        if columns == 20:
            assert shown[1].endswith("…")


def test_without_colours() -> None:
    with terminal(80, 24, NO_COLOR="1") as tty:
        for _ in range(4):
            tty.next()
        assert tty.screen.colors == set()


def test_a_terminal_that_can_do_nothing_gets_lines() -> None:
    with terminal(80, 24, TERM="dumb") as tty:
        assert tty.process.wait(30) == 1  # the script wants the live display to draw
        tty._read()
        assert "'Lines' object has no attribute '_live'" in tty.screen.seen


def test_drawing_and_ending_do_not_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """rich draws under a lock of its own: an event must not print under ours."""
    from toolkit.run.progress.live import Live

    step = Step(key="m", kind="dbt", integration="dbt", makes=(), reads=(), name="m")
    plan = Plan(steps=(PlannedStep(step=step, after=frozenset(), reason=""),))
    display = Live(plan, AssetGraph([]), {})
    drawing, printing = threading.Event(), threading.Event()
    below, put = display._below, display._console.print

    def slow_below() -> object:
        drawing.set()
        printing.wait(10)
        return below()

    def slow_print(*parts: object, **how: bool) -> None:
        printing.set()
        put(*parts, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(display._console, "is_interactive", True)
    monkeypatch.setattr(display._live, "auto_refresh", False)
    display._live.start()
    monkeypatch.setattr(display._live, "_get_renderable", slow_below)
    draw = threading.Thread(target=display._live.refresh, daemon=True)
    draw.start()
    assert drawing.wait(10)
    monkeypatch.setattr(display._console, "print", slow_print)
    end = StepFinished(step="m", status="success", started_at=1.0, finished_at=2.0)
    tell = threading.Thread(target=display.on_event, args=(end,), daemon=True)
    tell.start()
    tell.join(20)
    draw.join(20)
    assert not tell.is_alive()
    assert not draw.is_alive()
    display._live.stop()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_outlives_a_drawing_of_another_height(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread prints; before it draws the tree below, another one wants to, and a lower one."""
    from rich.text import Text

    from toolkit.run.progress.live import Live

    for name, value in (("TERM", "xterm"), ("COLUMNS", "80"), ("LINES", "24")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", _Terminal())
    steps = [
        Step(key=key, kind="dbt", integration="dbt", makes=(), reads=(), name=key) for key in "ab"
    ]
    plan = Plan(steps=tuple(PlannedStep(step=s, after=frozenset(), reason="") for s in steps))
    display = Live(plan, AssetGraph([]), {})
    heights = [5]
    monkeypatch.setattr(display._live, "auto_refresh", False)
    monkeypatch.setattr(
        display._live, "_get_renderable", lambda: Text("\n".join(["tree"] * heights[-1]))
    )
    display._live.start()
    reckon = display._live.process_renderables
    other = threading.Thread(target=display._live.refresh, daemon=True)

    def reckon_then_let_others_draw(parts: Any) -> Any:
        found = reckon(parts)
        if len(heights) == 1 and threading.current_thread() is threading.main_thread():
            heights.append(1)
            other.start()
            other.join(0.5)  # which it cannot use, if all is well
        return found

    display._live.refresh()
    display.on_event(StepFinished(step="a", status="success", started_at=1.0, finished_at=2.0))
    monkeypatch.setattr(display._live, "process_renderables", reckon_then_let_others_draw)
    display.on_event(StepFinished(step="b", status="success", started_at=1.0, finished_at=2.0))
    other.join(20)
    assert not other.is_alive()
    display._live.stop()
    screen = _SCREEN.Screen()
    screen.feed(sys.stderr.getvalue())  # type: ignore[attr-defined]
    ended = [line for line in screen.text() if " of 2 " in line]
    assert [line.split()[-3] for line in ended] == ["a", "b"], ended
