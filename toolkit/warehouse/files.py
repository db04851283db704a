"""DuckDB files as files: held still and copied. Imports no duckdb."""

import contextlib
import errno
import fcntl
import os
import shutil
import struct
from pathlib import Path

from toolkit.errors import WarehouseError

_FICLONE = 0x40049409  # ioctl of Linux: both files share their blocks until one is written
_ALL = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
_BLOCK = 64 * 1024 * 1024
# what systems say that cannot copy within the kernel
_NO_RANGES = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.EPERM})


def hold(path: Path) -> int | None:
    """Open a file and keep other processes from writing it, as DuckDB's own readers do.

    The lock belongs to the open file and not to the process: DuckDB's own locks are lost when
    any descriptor of the process on the same file is closed. Systems without such locks give
    a descriptor without one.

    Returns:
        the descriptor, whose closing lets go; ``None`` when somebody writes the file now.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    command = getattr(fcntl, "F_OFD_SETLK", None)
    try:
        if command is not None:
            fcntl.fcntl(file, command, _ALL)
    except (BlockingIOError, PermissionError):
        os.close(file)
        return None
    except OSError:  # a file system without locks, where DuckDB itself can have none
        pass
    return file


def copy(source: int, path: Path) -> None:
    """Copy an open file to ``path``, with mode and owner; shares blocks where the system can.

    Raises:
        WarehouseError: there is no room for it, or it cannot be written.
    """
    path.unlink(missing_ok=True)
    with contextlib.ExitStack() as undo:
        undo.callback(path.unlink, missing_ok=True)
        try:
            target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                if not _clone(source, target):
                    _refuse_without_room(source, path)
                    _copy_bytes(source, target)
                _copy_facts(source, target)
            finally:
                os.close(target)
        except OSError as error:
            raise WarehouseError(
                f"A copy cannot be written to {path}: {error.strerror}.",
                "Nothing was run, and the DuckDB file is as it was.",
                "Check the folder's permissions and the room on the disk.",
            ) from error
        undo.pop_all()


def _clone(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:  # not this file system
        return False
    return True


def _refuse_without_room(source: int, path: Path) -> None:
    needed, free = os.fstat(source).st_size, shutil.disk_usage(path.parent).free
    if needed > free:
        raise WarehouseError(
            f"A copy of the DuckDB file needs {_megabytes(needed)}, and the disk of "
            f"{path.parent} has {_megabytes(free)} left.",
            "Nothing was run, and the DuckDB file is as it was.",
            "Make room there, or build without --publish.",
        )


def _copy_bytes(source: int, target: int) -> None:
    size, done = os.fstat(source).st_size, 0
    while done < size:
        try:
            sent = os.copy_file_range(source, target, min(_BLOCK, size - done), done, done)
        except OSError as error:
            if error.errno in _NO_RANGES and done == 0:
                break
            raise
        if sent == 0:
            break
        done += sent
    while done < size:
        block = os.pread(source, min(_BLOCK, size - done), done)
        if not block:
            break
        done += os.pwrite(target, block, done)


def _copy_facts(source: int, target: int) -> None:
    """Owner, mode, access lists and time: whoever can read the file shall read the copy."""
    stat = os.fstat(source)
    with contextlib.suppress(PermissionError):  # another's file: the copy is ours
        os.fchown(target, stat.st_uid, stat.st_gid)
    os.fchmod(target, stat.st_mode & 0o7777)
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):  # a file system without them
            for name in os.listxattr(source):
                with contextlib.suppress(OSError):
                    os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
