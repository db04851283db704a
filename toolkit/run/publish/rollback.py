"""Bring back the version before: the same swap as a publication's, the other way round."""

import contextlib
import os
from importlib.metadata import version

import msgspec

from toolkit.errors import WarehouseError
from toolkit.files import sync
from toolkit.ledger import Ledger, Run
from toolkit.run.lock import RunLock
from toolkit.run.publish.record import Pending, Places, Record, Version, load, save
from toolkit.run.publish.settle import settle
from toolkit.run.publish.stage import duckdb_file, held, made_ready, swap
from toolkit.run.runs import ended, holding, new_run
from toolkit.settings import Settings
from toolkit.warehouse import stamp_of

_ALL_RUNS = 1_000_000


class RolledBack(msgspec.Struct, frozen=True, kw_only=True):
    """What a rollback did.

    Attributes:
        live: the file that people read.
        made_by: runs whose work is live again.
        taken_back: runs whose work is not live any more.
        at: when the version that was live until now was put there.
    """

    live: str
    made_by: tuple[str, ...]
    taken_back: tuple[str, ...]
    at: float


def rollback(settings: Settings, *, force: bool = False) -> RolledBack:
    """Swap the version before with the live one; called again, it swaps them back.

    Args:
        force: also when the live file was changed since it was published.

    Raises:
        RunLockedError: another run goes on.
        WarehouseError: there is no version before; or the live file was changed since.
        WarehouseLockedError: another process writes the live file.
    """
    places = Places(duckdb_file(settings))
    profile = settings.profile
    assert profile is not None
    with contextlib.ExitStack() as stack:
        ledger = stack.enter_context(holding(settings))
        record = load(settings.state_dir, settings.target, places.live)
        previous = record.previous
        if record.live is None or previous is None or not places.previous.exists():
            raise _nothing(places)
        made_ready(places)
        stack.enter_context(RunLock(places.lock))
        if stamp_of(places.live) != record.live.stamp and not force:
            raise _changed(places)
        source = held(profile, places)
        if source is not None:
            stack.callback(os.close, source)
        stamp = stamp_of(places.previous)
        if stamp is None:
            raise _nothing(places)
        outgoing = _outgoing(ledger, settings, record, record.live, places, previous)
        coming = msgspec.structs.replace(previous, stamp=stamp)
        pending = Pending(before=outgoing, source=places.previous, coming=coming)
        sync(places.previous)
        save(settings.state_dir, msgspec.structs.replace(record, pending=pending))
        swap(places, places.previous)
        settle(ledger, settings.state_dir)
        # For the history; and whatever was planned before must be planned again.
        run = new_run(settings.target, command="rollback", version=version("toolkit"))
        ledger.start_run(ended(run))
        return RolledBack(
            live=str(places.live), made_by=coming.runs, taken_back=outgoing.runs, at=record.at
        )


def _outgoing(
    ledger: Ledger, settings: Settings, record: Record, live: Version, places: Places, to: Version
) -> Version:
    """The live version as it is now: with what later runs have made in it."""
    later = tuple(run.id for run in _later(ledger, record) if run.id not in live.runs)
    files = {}
    for name in {*to.files, *live.files}:
        path = settings.state_dir / name
        files[name] = path.read_text(encoding="utf-8") if path.exists() else None
    return Version(
        stamp=stamp_of(places.live) or "",
        runs=(*live.runs, *later),
        left=ledger.left(settings.target),
        files=files,
    )


def _later(ledger: Ledger, record: Record) -> list[Run]:
    """Published runs that began after the live version was put there, oldest first."""
    runs = reversed(ledger.runs(_ALL_RUNS))
    return [
        run for run in runs
        if run.target == record.target and run.published and run.command == "build"
        and run.started_at > record.at
    ]  # fmt: skip


def _nothing(places: Places) -> WarehouseError:
    return WarehouseError(
        f"There is no version of {places.live} to go back to.",
        "Nothing was changed.",
        "`toolkit build --publish` keeps the version before each time that it publishes one.",
    )


def _changed(places: Places) -> WarehouseError:
    return WarehouseError(
        f"{places.live} was changed since it was published.",
        "What was written to it since would not be live any more, so nothing was changed.",
        "If that is what you want: toolkit rollback --force (a second rollback brings it back).",
    )
