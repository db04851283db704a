"""What is known of the two versions of a published DuckDB file, kept beside the ledger.

Two things have to change together: which file is live, and which runs the ledger counts as
published. No transaction spans a file system and a database. So what is about to happen is
written down first (:class:`Pending`), then it happens in one system call, and the rest
follows from looking: whether the live file is the one that was to come. That look is
:func:`toolkit.run.publish.settle.settle`; it does the same after a crash as without one.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

from toolkit.errors import LedgerError
from toolkit.files import write_whole
from toolkit.ledger import Left


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two versions, as far as it differs from the other.

    Attributes:
        stamp: of its file at rest; empty where there was no file.
        runs: ids of the runs whose work is in this version and not in the other one.
        left: what the ledger has to say of the file while this version is live.
        files: texts of small files in the state folder that go with it, by relative path;
            ``None`` for one that is not there.
    """

    stamp: str
    runs: tuple[str, ...] = ()
    left: Left | None = None
    files: Mapping[str, str | None] = {}


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A build or a rollback that has begun, and whose end nobody has noted yet.

    Attributes:
        before: the live file as it was, with what must be as it was should nothing come of this.
        coming: what shall be live; ``None`` until it is ready.
        source: where the file of ``coming`` is until it is live.
    """

    before: Version
    source: Path
    coming: Version | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The versions of one target's DuckDB file.

    Attributes:
        live_file: where everybody looks.
        at: when the live version was put there; seconds since the epoch.
        live / previous: the two versions; ``None`` where nothing was published, or there is
            nothing to go back to.
    """

    target: str
    live_file: Path
    at: float = 0.0
    live: Version | None = None
    previous: Version | None = None
    pending: Pending | None = None


class Places:
    """Where the files of one DuckDB file are.

    All are beside the live file, so that they are on its file system: only there can a file be
    swapped in with one call. A copy has the live file's name, because DuckDB names the
    catalog after the file, and views are stored with that name in them.

    Attributes:
        live: the file itself, behind any symbolic link.
        staging: the copy that a build works on.
        previous: the version before.
        outgoing: the live version while it is about to become the previous one.
        lock: held by whoever works on these.
    """

    def __init__(self, file: Path) -> None:
        self.live = Path(os.path.realpath(file))
        self.folder = self.live.parent / ".toolkit-staging"
        self.staging = self.folder / "building" / file.name
        self.previous = self.folder / "previous" / file.name
        self.outgoing = self.folder / "outgoing" / file.name
        self.lock = self.folder / f"{file.name}.lock"

    def make(self) -> None:
        """Make the folders; git is told to leave them alone."""
        for path in (self.staging, self.previous, self.outgoing):
            path.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / ".gitignore").write_text("*\n")


def load(state_dir: Path, target: str, live_file: Path) -> Record:
    """The record of a target's file; an empty one where there is none, or of another file."""
    record = _read(_path(state_dir, target))
    if record is None or record.live_file != live_file:
        return Record(target=target, live_file=live_file)
    return record


def records(state_dir: Path) -> Iterator[Record]:
    """All that there are in a project."""
    folder = state_dir / "publish"
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        record = _read(path)
        if record is not None:
            yield record


def save(state_dir: Path, record: Record) -> None:
    """Write a record, whole or not at all, and have it on the disk before going on."""
    text = msgspec.json.format(msgspec.json.encode(record, enc_hook=str))
    write_whole(_path(state_dir, record.target), text, durable=True)


def _path(state_dir: Path, target: str) -> Path:
    return state_dir / "publish" / f"{quote(target, safe='')}.json"


def _read(path: Path) -> Record | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record, dec_hook=_decode)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise LedgerError(
            f"{path} cannot be read: {error}.",
            "It says which version of the DuckDB file is live, so nothing was done.",
            "Move it away if it is damaged; the next `toolkit build --force` starts from what is "
            "in the warehouse.",
        ) from error


def _decode(kind: type, value: object) -> object:
    return kind(value)
