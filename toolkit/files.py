"""Files that others may read at any moment: one of two versions, whole. Imports nothing."""

import os
import time


def write_whole(
    path: str | os.PathLike[str], data: bytes, *, mode: int = 0o666, durable: bool = False
) -> None:
    """Put ``data`` in a file's place, in one step; the folder is made where it is not there.

    Args:
        mode: who may read and write it, as far as the umask lets them.
        durable: it is on the disk before this returns, should the power go.

    Raises:
        OSError: it cannot be written; what was there still is.
    """
    place = os.path.abspath(path)
    folder = os.path.dirname(place)
    os.makedirs(folder, exist_ok=True)
    fresh = f"{place}.{os.getpid()}.{time.monotonic_ns()}.tmp"
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(fresh, place)
    except OSError as error:
        error.filename, error.filename2 = place, None  # what was to be written, for people
        raise
    finally:
        if os.path.lexists(fresh):  # it could not be written, or somebody interrupted
            os.unlink(fresh)
    if durable:
        sync(folder)


def age_of(path: str | os.PathLike[str]) -> float | None:
    """Seconds since a file was written; ``None`` where there is none."""
    try:
        return max(0.0, time.time() - os.stat(path).st_mtime)
    except OSError:
        return None


def sync(path: str | os.PathLike[str]) -> None:
    """Have a file, or which files a folder has, on the disk before going on."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
