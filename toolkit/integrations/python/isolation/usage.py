"""What a family of processes uses: memory and processor time, as Linux says it in /proc.

Standard library only: :mod:`supervisor` runs as a program of its own, with any Python.
"""

import contextlib
import os
from collections.abc import Collection, Iterator

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
# Of /proc/PID/status: what nobody else can give back. Mapped files, among them our inputs, are
# not in it: the kernel drops them when it needs room.
_OWN = (b"RssAnon:", b"RssShmem:", b"VmSwap:")
# Of /proc/PID/smaps_rollup: the same, with pages that several share divided among them.
_SHARES = (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")


def descendants(root: int) -> dict[int, float]:
    """Processes below ``root`` that are not dead, and the CPU seconds of each.

    In whatever group or session they are; the time of children that one has waited for is in
    its own.
    """
    children: dict[int, list[int]] = {}
    seconds: dict[int, float] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
            # "pid (name) state ppid ...": the name may hold spaces and brackets.
            fields = stat.read().rpartition(b")")[2].split()
            if fields[0] != b"Z":
                children.setdefault(int(fields[1]), []).append(int(name))
                seconds[int(name)] = sum(map(int, fields[11:15])) / _TICKS
    found: dict[int, float] = {}
    pending = list(children.get(root, ()))
    while pending:
        pid = pending.pop()
        found[pid] = seconds[pid]
        pending += children.get(pid, ())
    return found


def memory(pids: Collection[int], limit: int) -> int:
    """Bytes that processes hold together; exact where that is more than ``limit``.

    Below the limit what forks share may be counted more than once: it is cheaper to ask.
    """
    rough = sum(sum(_kilobytes(f"/proc/{pid}/status", _OWN)) for pid in pids) * 1024
    if rough <= limit or len(pids) < 2:
        return rough
    exact = 0
    for pid in pids:
        shares = list(_kilobytes(f"/proc/{pid}/smaps_rollup", _SHARES))
        exact += sum(shares or _kilobytes(f"/proc/{pid}/status", _OWN)) * 1024
    return exact


def _kilobytes(path: str, names: tuple[bytes, ...]) -> Iterator[int]:
    try:
        with open(path, "rb") as file:
            lines = file.read().splitlines()
    except OSError:  # it has ended, or is not ours
        return
    for line in lines:
        if line.startswith(names):
            yield int(line.split()[1])
