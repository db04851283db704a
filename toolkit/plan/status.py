"""Is an asset up to date, and if not, why? A pure function of graph and ledger."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import FAILED
from toolkit.ledger import Materialization, StepRow
from toolkit.plan.decide import is_gate
from toolkit.plan.history import History
from toolkit.plan.versions import current_versions, inputs

StateName = Literal["fresh", "stale", "failed", "never", "outside"]

# the worse one of two parents is what a dashboard shows
_WORST: tuple[StateName, ...] = ("failed", "never", "stale", "outside", "fresh")


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What we know of one asset.

    Attributes:
        state: ``fresh``; ``stale`` (something that it is made from is newer or changed);
            ``failed`` (its last step failed, or a check on it did); ``never`` (not built here);
            ``outside`` (nobody in the graph makes it, so nothing is known).
        reason: why, for people; empty for ``fresh``.
        at: when it was last made, seconds since the epoch.
    """

    state: StateName
    reason: str = ""
    at: float | None = None


def states(graph: AssetGraph, history: History, made_by_us: frozenset[str]) -> dict[str, State]:
    """The state of every asset.

    Args:
        made_by_us: keys of the assets for which some integration has a step.
    """
    found: dict[str, State] = {}
    versions = current_versions(graph, history.latest, history.seen, history.standing)
    for asset in graph:  # parents first
        if asset.key in made_by_us:
            found[asset.key] = _of_made(asset, graph, history, versions, found)
        else:
            found[asset.key] = _of_reader(asset, found)
    return found


def _of_made(
    asset: Asset,
    graph: AssetGraph,
    history: History,
    versions: Mapping[str, str],
    found: Mapping[str, State],
) -> State:
    last = history.last_steps
    latest = history.latest.get(asset.key)
    at = latest.at if latest else None
    if _failed(last.get(asset.key)):
        message = last[asset.key].message.partition("\n")[0]
        return State(state="failed", reason=message or "its last build failed", at=at)
    broken = [
        check.name
        for check in graph.checks_on(asset.key)
        if check.severity == "error" and _failed(last.get(check.key))
    ]
    waiting = history.standing.get(asset.key)
    if waiting is not None and waiting.current is not None and waiting.candidate is None:
        gates = {check.name for check in graph.checks_on(asset.key) if is_gate(check, graph)}
        broken = [name for name in broken if name not in gates]  # somebody decided otherwise
    if waiting is not None and waiting.candidate is not None:
        why = f"check {broken[0]} failed" if broken else "its checks have not passed yet"
        said = f"the candidate {waiting.name} is not promoted: {why}"
        return State(state="failed" if broken else "stale", reason=said, at=at)
    if broken:
        return State(state="failed", reason=f"check {broken[0]} failed", at=at)
    if latest is None:
        return State(state="never", reason="never built here")
    stale = _stale_reason(asset, graph, latest, history, versions, found)
    return State(state="stale", reason=stale, at=at) if stale else State(state="fresh", at=at)


def _failed(row: StepRow | None) -> bool:
    return row is not None and row.status in FAILED


def _stale_reason(
    asset: Asset,
    graph: AssetGraph,
    latest: Materialization,
    history: History,
    versions: Mapping[str, str],
    found: Mapping[str, State],
) -> str | None:
    sampled = latest.metadata.get("sampled")
    if sampled is not None:
        return f"sampled: it has at most {sampled:,} rows"
    if latest.code_version != asset.code_version:
        return "its code changed since"
    for parent in inputs(asset.depends_on, graph, history.latest).known:
        if parent in history.standing and latest.inputs.get(parent) != versions.get(parent):
            return f"another version of {graph[parent].name} counts than it was made with"
        newest, read = history.latest[parent], latest.inputs.get(parent)
        # By versions where they are known: a clock may be set back.
        newer = newest.at > latest.at
        if read is not None:
            newer = read not in (versions.get(parent), newest.data_version)
        if newer:
            return f"{graph[parent].name} was made after it"
        if found[parent].state in ("stale", "failed"):
            return f"it reads {graph[parent].name}, which is {found[parent].state}"
    return None


_OUTSIDE = {"stream": "no connector here syncs it", "source": "something else loads it"}


def _of_reader(asset: Asset, found: Mapping[str, State]) -> State:
    parents = [(found[key], key) for key in asset.depends_on]
    if not parents:
        return State(state="outside", reason=_OUTSIDE.get(asset.kind, "it reads nothing"))
    worst, key = min(parents, key=lambda pair: _WORST.index(pair[0].state))
    at = max((state.at for state, _ in parents if state.at is not None), default=None)
    reason = "" if worst.state == "fresh" else f"it reads {key}, which is {worst.state}"
    return State(state=worst.state, reason=reason, at=at)
