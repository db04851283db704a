"""A disk that is full: everywhere, or only where the journal or the logs and the report are.

The shop lies on a small tmpfs, and a ballast file leaves so much room: from nothing to as much
as a build takes. Where no tmpfs may be mounted (no root), no file may grow beyond a size instead
(RLIMIT_FSIZE). A build must end with 1 or 2 and a message, every table and the report are the
old or the new ones, and a resumed build must succeed once there is room.
TOOLKIT_FULL_DISKS says how many times (default 3).
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(3600)]

PIPELINE = sys.modules["fault_pipeline"]

POINTS = int(os.environ.get("TOOLKIT_FULL_DISKS", "1"))
SEED = int(os.environ.get("TOOLKIT_FAULT_SEED", "1"))
PLACES = {"everything": ".", "journal": ".toolkit", "logs and report": "target"}
SIZE = 64 * 1024 * 1024


class Disk:
    """A file system of its own, whose room we set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    @property
    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def leave(self, room: int) -> None:
        """Fill it, but for so many bytes."""
        self.empty()
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, self.free - room))

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def taken(self, shop: Any) -> int:
        """The most that a build takes while it runs, in bytes."""
        before = least = self.free
        process = shop.start("build")
        while process.poll() is None:
            least = min(least, self.free)
            threading.Event().wait(0.002)
        assert process.code == 0, process.err
        return before - least


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[list[Path]]:
    """File systems that are given back."""
    mounted: list[Path] = []
    yield mounted
    for folder in reversed(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mount(folder: Path, mounted: list[Path]) -> Disk | None:
    """A tmpfs there, if we may."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "fault", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    if done.returncode != 0:
        return None
    mounted.append(folder)
    return Disk(folder)


def explained(process: Any) -> bool:
    """Whether a failure says what, what that means, and what to do."""
    text = process.err
    if "Traceback" in text or "internal error" in text or not text.strip():
        return False
    return process.code != 2 or ("Error: " in text and "\nNext: " in text)


@pytest.mark.soak
@pytest.mark.parametrize("place", PLACES)
def test_a_full_disk(
    tmp_path: Path, disks: list[Path], make_twins: Any, warm: Any, place: str
) -> None:
    disk = mount(tmp_path / "killed" / PLACES[place], disks)
    if disk is None and place != "everything":
        pytest.skip("mounting a tmpfs is not allowed here; the sizes of files are limited instead")
    twins = make_twins(tmp_path, PIPELINE.write_small, warm, SEED, codes=(1, 2))
    shop = twins.killed
    twins.source.change()
    twins.build_calm()
    # DuckDB does not fail when it cannot enlarge its file, but keeps its WAL: the ledger does
    ledger = shop.folder / ".toolkit" / "ledger.db"
    taken = disk.taken(shop) if disk else int(shop.build() and ledger.stat().st_size)
    assert shop.run("report").code == 0
    report = shop.folder / "target" / "toolkit" / "report.html"

    unexplained, lost = [], []

    def fill(twins: Any, words: tuple[str, ...], room: int) -> Any:
        page, before = report.read_bytes(), shop.tables()
        if disk is not None:
            disk.leave(room)
            process = shop.start(*words)
        else:
            process = shop.start(*words, file_size=room)
        process.wait()
        if process.code != 0 and not explained(process):
            unexplained.append(f"{room} bytes: {process.err[-1500:]}")
        if report.read_bytes() != page:
            lost.append(f"{room} bytes: the report is another one")
        if disk is not None:
            disk.empty()
        after, right = shop.tables(), twins.calm.tables()
        lost.extend(
            f"{room} bytes: {name} is neither the old nor the new one"
            for name in before
            if after.get(name) not in (before[name], right[name])
        )
        return process

    points = POINTS if place == "everything" else max(1, POINTS // 5)
    rooms = [round(taken * (number + 0.5) / points) for number in range(points)]
    outcomes = {
        room: twins.run(lambda twins, words, room=room: fill(twins, words, room)) for room in rooms
    }
    wrong = {room: outcome.wrong for room, outcome in outcomes.items() if outcome.wrong}
    full = sum(outcome.kills for outcome in outcomes.values())
    print(
        f"\ndisk full ({place}): {points} points from 0 to {taken // 1024} KB of room, "
        f"{full} builds failed, {len(wrong)} did not recover, {len(unexplained)} unexplained, "
        f"{len(lost)} tables or reports lost, seed {SEED}; "
        f"{'tmpfs' if disk else 'RLIMIT_FSIZE'}"
    )
    assert not wrong
    assert not unexplained, unexplained[0]
    assert not lost
    assert full
