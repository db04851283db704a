"""Which steps must run, and why; which are up to date. Pure.

A step is left out only when all of this is known to hold: it ended well, its code is the
same, what it reads has the versions that it was made of, what it made is still there and
was not touched, its checks did not fail, and nothing about it is volatile. Whatever is not
known counts as changed.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from toolkit.graph import Asset, AssetGraph, Check
from toolkit.graph.gates import decides
from toolkit.integrations.base import Step
from toolkit.ledger import Materialization
from toolkit.plan.history import History
from toolkit.plan.versions import (
    current_versions,
    inputs,
    left_as,
    restless_views,
    tables_behind,
)

Action = Literal["run", "if changed", "skip"]
Why = Literal[
    "asked", "never", "failed", "code", "volatile", "touched", "check", "sample", "source",
    "inputs", "order", "fresh",
]  # fmt: skip
"""The kind of a reason, for machines: ``stale:code`` selects by it."""

_ENDED_WELL = frozenset({"success", "no-op", "pass", "warn"})


class Decision(NamedTuple):
    """What becomes of a step, and why: for people, and in one word."""

    action: Action
    reason: str
    why: Why


class Decider:
    """Decides over the steps of one plan, parents first.

    Args:
        steps: all steps of the plan, parents first.
        same_code: assets whose code version differs, but whose SQL is known to be the same.
        everything: why all steps run (``--force``); ``None`` where that was not asked for.
    """

    def __init__(
        self,
        graph: AssetGraph,
        steps: Sequence[Step],
        history: History,
        *,
        same_code: frozenset[str] = frozenset(),
        everything: str | None = None,
    ) -> None:
        self._graph = graph
        self._history = history
        self._same_code = same_code
        self._everything = everything
        self._maker = {asset: step.key for step in steps for asset in step.makes}
        self._versions = current_versions(graph, history.latest, history.seen, history.standing)
        self._restless = restless_views(graph, self._volatile)
        self._decided: dict[str, Decision] = {}

    def decide(self, step: Step) -> Decision:
        """What becomes of ``step``; to be asked for its parents before."""
        check = self._graph.checks.get(step.key)
        if self._everything is not None and step.key not in self._history.resumed:
            decision = Decision("run", self._everything, "asked")
        elif check is not None:
            decision = self._of_check(check)
        else:
            decision = self._of_maker(step)
        self._decided[step.key] = decision
        return decision

    # ---- what makes assets ----

    def _of_maker(self, step: Step) -> Decision:
        done = step.key in self._history.resumed
        last = self._history.last_steps.get(step.key)
        for key in step.makes:
            made = self._history.latest.get(key)
            if made is None or last is None:
                return Decision("run", "never built here", "never")
            if last.status not in _ENDED_WELL:
                said = f"its last run ended as {last.status}: {_first(last.message)}"
                return Decision("run", said, "failed")
            own = self._own_reason(self._graph[key], made, done=done)
            if own is not None:
                return own
        if step.kind == "sync" and step.asks_source:
            asks = Decision("run", "a sync asks its source for what is new", "source")
            return _done if done else asks
        waits: dict[str, None] = {}
        for key in step.makes:
            made = self._history.latest[key]
            found = self._of_inputs(self._graph[key].depends_on, made.inputs, waits, done=done)
            found = found or self._of_order(key, made)
            if found is not None:
                return found
        tested = self._unit_tested(step)
        if tested is not None:
            return tested
        candidate = self._candidate(step.makes[0]) if len(step.makes) == 1 else ""
        if candidate and not waits:
            return Decision("skip", candidate, "fresh")
        return self._at_rest(waits, done=done)

    def _candidate(self, key: str) -> str:
        """What is said of an asset whose newest version does not count; empty where it does.

        It is not made again for that: the same code and inputs would make the same. Its checks
        run again, and what they say may have changed.
        """
        standing = self._history.standing.get(key)
        if standing is None or standing.candidate is None:
            return ""
        failed = self._failed_check(key)
        why = f"check {failed} failed" if failed else "its checks have not passed yet"
        return f"the candidate {standing.name} is not promoted: {why}"

    def _of_order(self, key: str, made: Materialization) -> Decision | None:
        """A fingerprint of rows does not see their order, on which some queries depend."""
        ordered = made.metadata.get("ordered")
        if not ordered:
            return None
        on = made.metadata.get("ordered_on", {})
        for parent in sorted(tables_behind(self._graph[key].depends_on, self._graph)):
            newer = self._history.latest.get(parent)
            if newer is not None and newer.run_id != on.get(parent):
                said = f"{self._graph[parent].name} was made again, and its order counts"
                return Decision("run", f"{said} ({ordered})", "order")
        return None

    def _unit_tested(self, step: Step) -> Decision | None:
        """dbt runs a unit test only together with its model."""
        for key in step.makes:
            for check in self._graph.checks_on(key):
                decision = self._decided.get(check.key)
                if check.kind == "unit_test" and decision is not None and decision.action == "run":
                    return Decision("run", f"its unit test {check.name} runs", "check")
        return None

    def _own_reason(self, asset: Asset, made: Materialization, *, done: bool) -> Decision | None:
        """Why it must be made anew, whatever its inputs are."""
        sampled = made.metadata.get("sampled")
        if sampled is not None:
            said = f"{asset.name} is a sample of at most {sampled:,} rows"
            return Decision("run", said, "sample")
        if made.code_version != asset.code_version and asset.key not in self._same_code:
            return Decision("run", "its code changed", "code")
        if not done:
            volatile = asset.volatile or made.volatile
            if volatile:
                return Decision("run", f"volatile: {volatile}", "volatile")
            # A model that its checks refuse is not trained again: it would be the same one.
            failed = self._failed_check(asset.key) if asset.kind != "ml_model" else ""
            if failed:
                return Decision("run", f"check {failed} failed", "check")
        touched = self._touched(asset, made)
        return Decision("run", touched, "touched") if touched else None

    def _touched(self, asset: Asset, made: Materialization) -> str:
        seen = self._history.seen
        if asset.relation is None:
            return ""
        if seen.state == "unseen":
            return seen.why
        expected = left_as(asset, made)
        if not expected:
            return "what is in it is not known"
        if seen.state == "as left":
            return ""
        if asset.key not in seen.found:
            return f"{asset.relation} is not there any more"
        return (
            "" if seen.found[asset.key] == expected else f"{asset.relation} was changed by others"
        )

    def _failed_check(self, key: str) -> str:
        last = self._history.last_steps
        for check in self._graph.checks_on(key):
            row = last.get(check.key)
            if check.severity == "error" and row is not None and row.status == "fail":
                return check.name
        return ""

    # ---- checks ----

    def _of_check(self, check: Check) -> Decision:
        done = check.key in self._history.resumed
        last, passed = self._history.last_steps.get(check.key), self._history.passed.get(check.key)
        standing = self._history.standing.get(check.attached or "")
        counts = standing is not None and standing.current and not standing.candidate
        if counts and is_gate(check, self._graph):
            moves = self._moves(check.assets[0])
            return self._at_rest(dict.fromkeys(check.assets), done=done) if moves else _decided
        if passed is None or last is None:
            return Decision("run", f"never passed on {self._names(check.assets)}", "never")
        if last.status != "pass":
            return Decision("run", f"its last run ended as {last.status}", "failed")
        if standing is not None and standing.candidate is not None:
            return Decision("run", f"the candidate {standing.name} waits for it", "check")
        if passed.code_version != check.code_version:
            return Decision("run", "its code changed", "code")
        volatile = check.volatile or passed.volatile
        if volatile and not done:
            return Decision("run", f"volatile: {volatile}", "volatile")
        if check.kind == "unit_test":
            return self._of_unit_test(check, passed.inputs)
        waits: dict[str, None] = {}
        found = self._of_inputs(check.assets, passed.inputs, waits, done=done)
        return found if found is not None else self._at_rest(waits, done=done)

    def _of_unit_test(self, check: Check, read: Mapping[str, str]) -> Decision:
        """It reads no data: the code of its model, and that of what the model reads, count."""
        if dict(read) != unit_test_inputs(check, self._graph):
            return Decision("run", "its model's code changed", "code")
        return _fresh

    # ---- shared ----

    def _of_inputs(
        self,
        parents: tuple[str, ...],
        read: Mapping[str, str],
        waits: dict[str, None],
        *,
        done: bool,
    ) -> Decision | None:
        """A reason to run because of what is read; else what may still change is in ``waits``."""
        now = inputs(parents, self._graph, self._versions)
        moving = [k for k in (*now.known, *now.unknown) if self._moves(k)]
        waits.update(dict.fromkeys(moving))
        for key in now.unknown:
            if key not in moving:
                said = f"nothing is known of {self._graph[key].name}, which it reads"
                return Decision("run", said, "inputs")
        restless = next((self._restless[key] for key in now.known if key in self._restless), "")
        if restless and not done:
            return Decision("run", f"it reads {restless}", "volatile")
        if not moving and set(read) != set(now.known):
            return Decision("run", "it reads other assets than before", "inputs")
        for key in now.known:
            if key not in moving and read.get(key) != self._versions[key]:
                return Decision("run", f"{self._graph[key].name} changed since", "inputs")
        return None

    def _moves(self, key: str) -> bool:
        step = self._maker.get(key)
        if step is not None and step in self._decided and self._decided[step].action != "skip":
            return True
        standing = self._history.standing.get(key)  # its checks may make another version count
        return (
            standing is not None
            and standing.candidate is not None
            and any(
                decides(check, self._graph)
                and check.key in self._decided
                and self._decided[check.key].action != "skip"
                for check in self._graph.checks_on(key)
            )
        )

    def _at_rest(self, waits: Mapping[str, None], *, done: bool) -> Decision:
        if waits:
            return Decision(
                "if changed", f"if {self._names(tuple(waits), ' or ')} changes", "inputs"
            )
        return _done if done else _fresh

    def _volatile(self, key: str) -> str:
        made = self._history.latest.get(key)
        return self._graph[key].volatile or (made.volatile if made is not None else "")

    def _names(self, keys: tuple[str, ...], between: str = ", ") -> str:
        names = [self._graph[key].name for key in keys if key in self._graph]
        if len(names) > 3:
            return f"{', '.join(names[:3])}{between}{len(names) - 3} more"
        return between.join(names)


_decided = Decision("skip", "no new version waits for it", "fresh")
_fresh = Decision("skip", "up to date", "fresh")
_done = Decision("skip", "done in the run that is resumed", "fresh")


def is_gate(check: Check, graph: AssetGraph) -> bool:
    """Whether a check only decides if a new version of an ML model counts.

    Of the version that counts that was decided, by the check or by hand. A check that reads
    more than the model may find something new of that one.
    """
    return check.assets == (check.attached,) and decides(check, graph)


def unit_test_inputs(check: Check, graph: AssetGraph) -> dict[str, str]:
    """Code versions that a unit test's outcome depends on: its model's, and its parents'."""
    models = [key for key in check.assets if key in graph]
    read = {parent for key in models for parent in graph[key].depends_on}
    return {key: graph[key].code_version for key in sorted({*models, *read})}


def _first(message: str) -> str:
    return message.strip().partition("\n")[0][:100]
