"""Bring ledger and small files in line with whichever version of the file is live."""

import contextlib
import os
import time
from pathlib import Path

import msgspec

from toolkit.errors import PublishError
from toolkit.files import sync, write_whole
from toolkit.ledger import Ledger
from toolkit.run.publish.record import Pending, Places, Record, Version, records, save
from toolkit.warehouse import stamp_of


def settle(ledger: Ledger, state_dir: Path) -> None:
    """End what a build into a copy, or a rollback, has begun and not ended.

    To be called only while no run goes on. It asks one question, was the file swapped in, and
    then does what follows; each part may be done twice, and the record is written last. So a
    crash at any point in here is mended by the next call.

    Raises:
        PublishError: a file of it cannot be written or removed.
    """
    for record in records(state_dir):
        if record.pending is None:
            continue
        try:
            _end(ledger, state_dir, record, record.pending)
        except OSError as error:
            raise PublishError(
                f"{error.filename or record.live_file} cannot be used: {error.strerror}.",
                f"It is not noted yet which version of {record.live_file} is live.",
                "See to it; whichever command of toolkit comes next notes it then.",
            ) from error


def _end(ledger: Ledger, state_dir: Path, record: Record, pending: Pending) -> None:
    places = Places(record.live_file)
    coming = pending.coming
    if coming is not None and is_live(places, coming, pending.source):
        for run in pending.before.runs:
            ledger.set_published(run, False)
        for run in coming.runs:
            ledger.set_published(run, True)
        stands, at = coming, time.time()
        previous = pending.before if pending.before.stamp else None
        if previous is None:
            places.previous.unlink(missing_ok=True)
        else:
            with contextlib.suppress(FileNotFoundError):  # done before the crash
                os.replace(places.outgoing, places.previous)
            sync(places.previous.parent)
    else:
        stands, previous, at = pending.before, record.previous, record.at
        places.outgoing.unlink(missing_ok=True)
    ledger.leave(record.target, stands.left)
    put_files(state_dir, stands)
    done = msgspec.structs.replace(record, pending=None)
    if stands is coming:
        done = msgspec.structs.replace(done, live=coming, previous=previous, at=at)
    save(state_dir, done)


def is_live(places: Places, version: Version, source: Path) -> bool:
    """Whether a version's file is the live one.

    A swap keeps a file's inode, size and time. Somebody may have written to it since: then it
    is still the same inode, and gone from where it was before.
    """
    if stamp_of(places.live) == version.stamp:
        return True
    inode = int(version.stamp.split(":")[2])
    return _inode(places.live) == inode != _inode(source)


def _inode(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


def put_files(state_dir: Path, version: Version) -> None:
    """Write the small files that go with a version."""
    for name, text in version.files.items():
        path = state_dir / name
        if text is None:
            path.unlink(missing_ok=True)
            continue
        with contextlib.suppress(FileNotFoundError):
            if path.read_text(encoding="utf-8") == text:
                continue
        write_whole(path, text.encode())
