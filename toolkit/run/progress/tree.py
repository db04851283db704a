"""What runs now, as a tree by tool with the whole below it. Pure: text from events."""

import time
from collections.abc import Mapping
from typing import Literal

import msgspec

from toolkit.graph import AssetGraph
from toolkit.integrations.base import FAILED, StepEvent, StepFinished, StepStarted
from toolkit.plan import Plan
from toolkit.plan.forecast import Forecast
from toolkit.run.progress.words import (
    about,
    clock,
    is_up_to_date,
    kind_of,
    one_line,
    skipped_ahead,
    tool_name,
)
from toolkit.text import printable

Part = Literal["tool", "step", "more", "whole"]


_WORTH_SAYING = 0.05  # seconds


class _Tool(msgspec.Struct):
    total: int = 0
    done: int = 0
    failed: int = 0


class _Running(msgspec.Struct):
    at: float
    message: str = ""
    attempt: int = 1


class Tree:
    """Where a run stands.

    Args:
        durations: seconds that each step took when it last succeeded, by key.
        threads: how many steps a tool runs at once; 0 = not known.
    """

    def __init__(
        self, plan: Plan, graph: AssetGraph, durations: Mapping[str, float], threads: int = 0
    ) -> None:
        ahead = skipped_ahead(plan)
        steps = {p.step.key: p for p in plan.steps if p.step.key not in ahead}
        self._names = {
            key: f"{kind_of(p.step, graph)} {printable(p.step.name)}" for key, p in steps.items()
        }
        self._tool_of = {key: p.step.integration for key, p in steps.items()}
        self._tools: dict[str, _Tool] = {}
        for tool in self._tool_of.values():
            self._tools.setdefault(tool, _Tool()).total += 1
        self._running: dict[str, _Running] = {}
        self._durations = durations
        after = {key: p.after for key, p in steps.items()}
        self._forecast = Forecast(after, durations, dict(self._tool_of), threads)
        self._begun: float | None = None

    def take(self, event: StepEvent) -> None:
        """Take one event; those of steps that were up to date before the run count as nothing."""
        key = event.step
        if isinstance(event, StepFinished):
            self._running.pop(key, None)
            if key in self._tool_of:
                self._end(event)
        elif key not in self._tool_of:
            return
        elif isinstance(event, StepStarted):
            self._begun = event.at if self._begun is None else self._begun
            self._forecast.waits_no_longer(key)
            before = self._running.get(key)  # begun again: an attempt failed
            attempt = before.attempt + 1 if before else 1
            self._running[key] = _Running(event.at, attempt=attempt)
        else:
            self._forecast.waits_no_longer(key)
            self._running.setdefault(key, _Running(time.time())).message = one_line(event.message)

    def _end(self, event: StepFinished) -> None:
        tool = self._tools[self._tool_of.pop(event.step)]
        self._forecast.waits_no_longer(event.step)
        if is_up_to_date(event):
            tool.total -= 1  # it turned out not to be needed
            return
        tool.done += 1
        tool.failed += event.status in FAILED

    def lines(self, now: float, height: int) -> list[tuple[Part, str]]:
        """The tree in at most ``height`` lines; what is left out is counted."""
        whole: tuple[Part, str] = ("whole", self._whole(now))
        tools = [name for name, tool in self._tools.items() if tool.total]
        room = height - 1 - len(tools)
        if room < 0:
            return [whole]
        shown = sorted(self._running, key=lambda key: self._running[key].at)
        hidden = 0
        if len(shown) > room:
            hidden = len(shown) - max(0, room - 1)
            shown = shown[: max(0, room - 1)]
        found: list[tuple[Part, str]] = []
        for name in tools:
            found.append(("tool", self._tool_line(name, tools)))
            found += [("step", self._step_line(k, now)) for k in shown if self._is(k, name)]
        if hidden and room:
            found.append(("more", f"  ... and {hidden:,} more run"))
        return [*found, whole]

    def _is(self, key: str, tool: str) -> bool:
        return self._tool_of.get(key) == tool

    def _tool_line(self, name: str, tools: list[str]) -> str:
        width = max(len(tool_name(tool)) for tool in tools)
        digits = max(len(f"{self._tools[tool].done:,}") for tool in tools)
        tool = self._tools[name]
        failed = f", {tool.failed:,} failed" if tool.failed else ""
        return f"{tool_name(name):<{width}}  {tool.done:>{digits},} of {tool.total:,}{failed}"

    def _step_line(self, key: str, now: float) -> str:
        step = self._running[key]
        took = f"{clock(now - step.at):>10}"
        if key in self._durations:
            took += f" of about {about(self._durations[key])}"
        attempt = [f"attempt {step.attempt}"] if step.attempt > 1 else []
        return "  ".join([f"  {took}", self._names[key], *attempt, step.message]).rstrip()

    def _whole(self, now: float) -> str:
        done = sum(tool.done for tool in self._tools.values())
        total = sum(tool.total for tool in self._tools.values())
        parts = [f"{done:,} of {total:,} done"]
        if self._begun is not None:
            parts.append(clock(now - self._begun))
        running = {key: step.at for key, step in self._running.items()}
        left = self._forecast.left(running, now)
        if left.seconds >= _WORTH_SAYING:
            sure = "at least" if left.untimed else "about"
            parts.append(f"{sure} {about(left.seconds)} left")
        return ", ".join(parts)
