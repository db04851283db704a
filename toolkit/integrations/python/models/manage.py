"""What people do with stored models: look at them, choose the one that counts, clear away."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from toolkit.errors import AssetFailedError, UsageError
from toolkit.integrations.python.models import formats
from toolkit.integrations.python.models.info import ModelInfo, Storing
from toolkit.integrations.python.models.store import ModelStore, verified
from toolkit.ledger import Ledger, ModelEvent
from toolkit.text import nearest

State = Literal["current", "candidate", "refused", "promoted before", "not promoted"]
NOTHING = "Nothing was changed."


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version as one target sees it.

    Attributes:
        why: what is to be said of its state: the check that refused it.
        problem: why it cannot be used, if so.
    """

    version: str
    state: State
    why: str = ""
    target: str = ""
    created_at: str = ""
    format: str = ""
    metrics: Mapping[str, float] = {}
    problem: str = ""


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One model of one target; ``versions`` with the newest first."""

    name: str
    target: str
    current: str | None
    candidate: str | None
    versions: tuple[VersionRow, ...]

    def row(self, version: str | None) -> VersionRow | None:
        """One of its versions."""
        return next((row for row in self.versions if row.version == version), None)


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a version.

    Attributes:
        change: of each metric that the promoted one has too, how much it is more than there.
        history: what happened to it and to the model's other versions, the newest first.
    """

    model: ModelRow
    version: VersionRow
    info: ModelInfo | None
    change: Mapping[str, float]
    history: tuple[ModelEvent, ...]


def model(store: ModelStore, ledger: Ledger | None, name: str) -> ModelRow:
    """A model with all of its versions."""
    events = _events(ledger, name, store.target)
    return ModelRow(
        name=name,
        target=store.target,
        current=store.current(name),
        candidate=store.candidate(name),
        versions=tuple(
            _row(store, name, version, events) for version in reversed(store.versions(name))
        ),
    )


def _row(store: ModelStore, name: str, version: str, events: Sequence[ModelEvent]) -> VersionRow:
    state, why = _state(store, name, version, events)
    try:
        info = store.info(name, version)
    except AssetFailedError as error:
        return VersionRow(version=version, state=state, why=why, problem=error.fact)
    return VersionRow(
        version=version,
        state=state,
        why=why,
        target=info.target,
        created_at=info.created_at,
        format=info.format,
        metrics=info.metrics,
    )


def _state(
    store: ModelStore, name: str, version: str, events: Sequence[ModelEvent]
) -> tuple[State, str]:
    own = [event for event in events if event.version == version]
    refused = next((e.why for e in reversed(own) if e.event == "refused"), "")
    if version == store.current(name):
        return "current", ""
    if version == store.candidate(name):
        return "candidate", refused or "its checks have not passed yet"
    if any(event.event in ("promoted", "rolled back") for event in own):
        return "promoted before", ""
    return ("refused", refused) if refused else ("not promoted", "")


def _events(ledger: Ledger | None, name: str, target: str) -> list[ModelEvent]:
    found = ledger.models.events(name) if ledger is not None else []
    return [event for event in found if event.target == target and event.counts]


def details(store: ModelStore, ledger: Ledger | None, name: str, version: str | None) -> Details:
    """All that is known of a version; of the current one, else the newest, where none is named.

    Raises:
        UsageError: there is no such model or version.
    """
    found = model(store, ledger, name)
    if version is None:
        version = found.current or (found.versions[0].version if found.versions else "")
    row = found.row(chosen(store, name, version))
    assert row is not None
    info = None if row.problem else store.info(name, row.version)
    promoted = found.row(found.current)
    change = {}
    if promoted is not None and info is not None and promoted is not row:
        change = {
            metric: value - promoted.metrics[metric]
            for metric, value in info.metrics.items()
            if metric in promoted.metrics
        }
    history = reversed(_events(ledger, name, store.target))
    return Details(model=found, version=row, info=info, change=change, history=tuple(history))


def known(store: ModelStore, name: str) -> str:
    """The name, if something of that model is stored.

    Raises:
        UsageError: nothing is.
    """
    names = store.names()
    if name not in names:
        there = f"There are: {', '.join(names)}." if names else "`toolkit build` makes them."
        raise UsageError(
            f"There is no stored ML model {name!r}.",
            NOTHING,
            nearest(name, names).strip() or there,
        )
    return name


def chosen(store: ModelStore, name: str, given: str) -> str:
    """A version by its name, or by a beginning or end of it that no other has.

    Raises:
        UsageError: there is none, or there are several.
    """
    versions = store.versions(known(store, name))
    if given in versions:
        return given
    found = [v for v in versions if given and (v.startswith(given) or v.endswith(given))]
    if len(found) != 1:
        some = ", ".join(versions[-3:][::-1]) or "none"
        what = "more than one version" if found else "no version"
        raise UsageError(
            f"{name} has {what} {given!r}.",
            NOTHING,
            f"The newest are {some}; `toolkit models show {name}` lists all.",
        )
    return found[0]


def promote(
    store: ModelStore,
    ledger: Ledger,
    name: str,
    version: str,
    storing: Storing,
    *,
    force: bool = False,
) -> ModelInfo:
    """Make a version the target's current one; what waits for its checks waits no more.

    Args:
        storing: how the asset's models may be loaded.
        force: although its checks did not pass.

    Raises:
        UsageError: there is no such version.
        AssetFailedError: it is not what was written; it holds types that are not trusted; its
            checks did not pass.
    """
    version = chosen(store, name, version)
    info = _usable(store, name, version, storing)
    events = [event for event in ledger.models.events(name) if event.version == version]
    passed = any(event.event in ("promoted", "rolled back") for event in events)
    refused = next((e.why for e in reversed(events) if e.event == "refused"), "")
    if not passed and events and not force:
        raise AssetFailedError(
            f"{name} {version} has not passed its checks"
            + (f": {refused}." if refused else ": they have not all run on it."),
            NOTHING,
            f"If you want it all the same: toolkit models promote {name} {version} --force",
        )
    store.promote(info, why="by hand" + (", forced" if force and not passed else ""))
    return info


def _usable(store: ModelStore, name: str, version: str, storing: Storing) -> ModelInfo:
    info = store.info(name, version)
    data = verified(info, store.path(info) / info.file)
    formats.refuse_unreadable(info, data, storing)
    return info


def before(store: ModelStore, ledger: Ledger, name: str) -> str:
    """The version that was promoted before the current one, and not taken back.

    Raises:
        AssetFailedError: there is none.
    """
    order: list[str] = []
    there = set(store.versions(known(store, name)))
    for event in _events(ledger, name, store.target):
        if event.event == "promoted" and event.version in there:
            order = [*(one for one in order if one != event.version), event.version]
        elif event.event == "rolled back" and event.version in order:
            order = order[: order.index(event.version) + 1]
    current = store.current(name)
    earlier = order[: order.index(current)] if current in order else order
    if not earlier or earlier[-1] == current:
        raise AssetFailedError(
            f"No version of {name} was promoted for the target {store.target!r} before the "
            "current one.",
            NOTHING,
            f"`toolkit models show {name}` lists what there is; `toolkit models promote` takes "
            "any of them.",
        )
    return earlier[-1]


def rollback(store: ModelStore, ledger: Ledger, name: str, storing: Storing) -> ModelInfo:
    """Make the version that was promoted before the current one the current one.

    Raises:
        AssetFailedError: there is none, or it cannot be used.
    """
    info = _usable(store, name, before(store, ledger, name), storing)
    store.promote(info, why="by hand", back=True)
    return info


def prune(stores: Iterable[ModelStore], ledger: Ledger, name: str, keep: int) -> list[str]:
    """Remove the files of old versions.

    Never those that a target uses or that wait for their checks, nor the one to go back to, nor
    the newest that was trained for a target: by that one a build knows that it has nothing to do.

    Args:
        stores: of all targets that have pointers, or versions of their own.
        keep: how many of the newest stay besides.

    Returns:
        what was removed, the oldest first.
    """
    stores = list(stores)
    versions = stores[0].versions(known(stores[0], name))
    needed = set(versions[len(versions) - keep :] if keep else ())
    for store in stores:
        needed |= {version for version in (store.current(name), store.candidate(name)) if version}
        with contextlib.suppress(AssetFailedError):
            needed.add(before(store, ledger, name))
    newest: dict[str, str] = {}
    for version in versions:
        row = ledger.models.version(name, version)
        if row is not None:
            newest[row.target] = version
    removed = [version for version in versions if version not in needed | set(newest.values())]
    for version in removed:
        stores[0].remove(name, version)
    stores[0].sweep(name)
    return removed
