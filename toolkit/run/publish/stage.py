"""One build into a copy of the DuckDB file, and the swap at its end.

The order, and why:

1. A record says that a build into a copy begins, with all that must be as it was should
   nothing come of it. From here on a crash means: nothing was published.
2. The build works on the copy. The live file is only read, and held so that nobody else
   writes to it: what they wrote would be lost by the swap.
3. Everything is closed, and the copy is on the disk with all its bytes, before the record
   says that it is to become live: a power cut must not leave a file that was never written.
4. The live file gets a second name, so that there is never a moment without it.
5. One ``rename`` puts the copy in its place. Whoever opens the file sees the one or the other.
   Whoever has it open goes on reading what it had.
6. :func:`settle` looks which one is live and brings the rest in line, as after a crash.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from toolkit.errors import PublishError, WarehouseError, WarehouseLockedError
from toolkit.files import sync
from toolkit.graph import AssetGraph
from toolkit.integrations.base import Integration
from toolkit.ledger import Ledger
from toolkit.run.lock import RunLock
from toolkit.run.publish.profile import staged_settings
from toolkit.run.publish.record import Pending, Places, Record, Version, load, save
from toolkit.run.publish.settle import settle
from toolkit.run.publish.suitable import refuse_what_is_elsewhere, texts
from toolkit.settings import Profile, Settings
from toolkit.warehouse import Warehouse, stamp_of
from toolkit.warehouse.files import copy, hold

_TRIES = 5

Texts = Mapping[str, str | None]


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a build into a copy.

    Attributes:
        live: the file that people read.
        staging: the copy, where it was not published.
        published: what was built is live.
        swapped: the live file is another one now; not so where the build changed nothing.
    """

    live: Path
    staging: Path | None = None
    published: bool = False
    swapped: bool = False


class Stage:
    """A build into a copy, from its beginning to its end.

    Attributes:
        settings: what the build has to work with.
        publication: what has become of it.
    """

    def __init__(
        self, settings: Settings, ledger: Ledger, run_id: str, files: Callable[[], Texts]
    ) -> None:
        file = duckdb_file(settings)
        self._own, self._ledger, self._run, self._files = settings, ledger, run_id, files
        self._places = Places(file)
        places = self._places
        self.publication = Publication(live=places.live, staging=places.staging)
        self.settings = staged_settings(settings, places.staging)
        self._before = stamp_of(places.live) or ""
        self._copied: str | None = None
        self._texts = dict(files())

    @property
    def _record(self) -> Record:
        return load(self._own.state_dir, self._own.target, self._places.live)

    def begin(self, source: int | None) -> None:
        """Copy the live file, and note that a build begins that nobody has published yet."""
        places = self._places
        for leftover in (places.staging, Path(f"{places.staging}.wal")):
            leftover.unlink(missing_ok=True)
        if source is not None:
            copy(source, places.staging)
            self._copied = stamp_of(places.staging)
        left = self._ledger.left(self._own.target)
        before = Version(stamp=self._before, left=left, files=self._texts)
        pending = Pending(before=before, source=places.staging)
        save(self._own.state_dir, msgspec.structs.replace(self._record, pending=pending))

    def publish(self) -> Publication:
        """Put the copy in the live file's place; everything that had it open is closed.

        Raises:
            PublishError: the live file was changed meanwhile or cannot be replaced, or the copy
                is not at rest.
        """
        places, pending = self._places, self._record.pending
        assert pending is not None
        stamp = stamp_of(places.staging)
        now = dict(self._files())
        changed = {k for k in {*now, *self._texts} if now.get(k) != self._texts.get(k)}
        if stamp is not None and stamp == self._copied and not changed:
            return self._unchanged()
        if stamp is None:
            raise self._refused(f"{places.staging} is still being written by somebody.")
        if (stamp_of(places.live) or "") != self._before or (
            not self._before and places.live.exists()
        ):
            raise self._refused(
                f"{places.live} was changed by another program while the build ran."
            )
        left = self._ledger.left(self._own.target)
        coming = Version(
            stamp=stamp,
            runs=(self._run,),
            left=left if left is not None and left.stamp == stamp else None,
            files={name: now.get(name) for name in changed},
        )
        old = {name: self._texts.get(name) for name in changed}
        before = msgspec.structs.replace(pending.before, files=old)
        self._swap(Pending(before=before, source=places.staging, coming=coming))
        self.publication = Publication(live=places.live, published=True, swapped=True)
        return self.publication

    def _swap(self, pending: Pending) -> None:
        """Steps 3 to 6 of the order above."""
        places, failed = self._places, ""
        try:
            sync(places.staging)
            sync(places.staging.parent)
            save(self._own.state_dir, msgspec.structs.replace(self._record, pending=pending))
            swap(places, places.staging)
        except OSError as error:
            failed = f"{error.filename or places.folder}: {error.strerror}"
        settle(self._ledger, self._own.state_dir)  # it may be live all the same
        live = self._record.live
        if live is None or self._run not in live.runs:
            raise self._refused(f"{places.live} cannot be replaced: {failed}.")

    def _unchanged(self) -> Publication:
        """The copy is what the live file is: what was found out of it holds for that one."""
        self._ledger.set_published(self._run, True)
        settle(self._ledger, self._own.state_dir)
        self._places.staging.unlink(missing_ok=True)
        self.publication = Publication(live=self._places.live, published=True)
        return self.publication

    def give_up(self) -> None:
        """Forget what the build has made beside the copy; nothing where it was published."""
        record = self._record
        if record.pending is None:
            return
        new = {name: None for name in self._files() if name not in self._texts}
        if new and record.pending.coming is None:
            before = record.pending.before
            before = msgspec.structs.replace(before, files={**before.files, **new})
            pending = msgspec.structs.replace(record.pending, before=before)
            save(self._own.state_dir, msgspec.structs.replace(record, pending=pending))
        settle(self._ledger, self._own.state_dir)

    def _refused(self, fact: str) -> PublishError:
        return PublishError(
            fact,
            f"Nothing was published. What was built is in {self._places.staging}.",
            "See to it, then run `toolkit build --publish` again: it begins with the file as it "
            "is then.",
        )


@contextlib.contextmanager
def staging(
    makes: Iterable[str],
    graph: AssetGraph,
    settings: Settings,
    integrations: Mapping[str, Integration],
    ledger: Ledger,
    run_id: str,
) -> Iterator[Stage]:
    """A stage for one build, to be called while the run lock is held.

    What was not published when it is left, for whatever reason, leaves no trace but the copy.

    Args:
        makes: keys of the assets that the build will make.

    Raises:
        WarehouseError: the target is no DuckDB file, or it cannot be copied.
        WarehouseLockedError: another process writes it.
        RunLockedError: another project builds into a copy of the same file.
    """
    places = Places(duckdb_file(settings))
    refuse_what_is_elsewhere(makes, graph, settings)
    with contextlib.ExitStack() as stack:
        made_ready(places)
        stack.enter_context(RunLock(places.lock))
        assert settings.profile is not None
        source = held(settings.profile, places)
        if source is not None:
            stack.callback(os.close, source)
        stage = Stage(settings, ledger, run_id, lambda: texts(integrations, settings))
        stack.callback(stage.give_up)
        stage.begin(source)
        yield stage


def duckdb_file(settings: Settings) -> Path:
    """The target's DuckDB file.

    Raises:
        WarehouseError: it is another warehouse.
    """
    profile = settings.profile
    if profile is not None and profile.file is not None:
        return profile.file
    if profile is None or profile.type != "duckdb":
        kind = f"is {profile.type}" if profile is not None else "is not known"
    else:
        kind = f"is {profile.path}"
    raise WarehouseError(
        f"The warehouse of target {settings.target!r} {kind}, and not a DuckDB file.",
        "Only a file can be copied and swapped, so nothing was run.",
        "Choose a target whose profile has type duckdb and the path of a file, or leave out "
        "--publish.",
    )


def made_ready(places: Places) -> None:
    """Make the folders beside the live file.

    Raises:
        WarehouseError: they cannot be made.
    """
    try:
        places.make()
    except OSError as error:
        raise WarehouseError(
            f"{error.filename or places.folder} cannot be made: {error.strerror}.",
            "The copy has to be on the DuckDB file's own disk, so nothing was run.",
            "Make the folder of the DuckDB file writable, or build without --publish.",
        ) from error


def held(profile: Profile, places: Places) -> int | None:
    """Hold the live file, at rest; ``None`` where there is none.

    A WAL beside it is what a program that did not end cleanly had not brought into the file:
    DuckDB does that when it opens it, for which nobody else may have it open.

    Raises:
        WarehouseLockedError: another process writes it, or reads it while there is a WAL.
    """
    given = Path(str(profile.path))
    wals = {Path(f"{path}.wal") for path in (given, places.live)}
    if places.live.exists() and any(wal.exists() for wal in wals):
        try:
            Warehouse(profile).close()
        except WarehouseLockedError as error:
            error.fact = (
                f"{given} has a WAL beside it, which must be brought into it first. {error.fact}"
            )
            raise
    for _ in range(_TRIES):
        if not places.live.exists():
            return None
        source = hold(places.live)
        if source is not None:
            return source
        Warehouse(profile).close()  # says who holds it, unless they have gone meanwhile
    raise WarehouseLockedError(
        f"{places.live} is opened for writing again and again.",
        "It must be at rest to be copied, so nothing was done.",
        "Stop the programs that write to it, then try again.",
    )


def swap(places: Places, incoming: Path) -> None:
    """Make ``incoming`` the live file, in one step; the live one is at ``outgoing`` then."""
    places.outgoing.unlink(missing_ok=True)
    if places.live.exists():
        os.link(places.live, places.outgoing)
        sync(places.outgoing.parent)
    os.replace(incoming, places.live)
    sync(places.live.parent)
