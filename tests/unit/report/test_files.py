"""Files are written whole; links and pipes stay what they are."""

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from toolkit.files import write_whole
from toolkit.report.files import write_atomically


def test_a_file_is_replaced_and_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_atomically(path, "one")
    write_atomically(path, "two\n")
    assert path.read_bytes() == b"two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in path.parent.iterdir()] == ["b.txt"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """As /dev/stdout and /dev/null are: replacing those would break the machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write_atomically(pipe, "text")
    reader.join(timeout=240)
    assert read == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, "text")


@pytest.mark.parametrize(("data", "raised"), [(b"bytes", OSError), ("no bytes", TypeError)])
def test_what_cannot_be_written_leaves_nothing(
    data: Any, raised: type[Exception], tmp_path: Path
) -> None:
    """A folder that is not empty stays, and people are told of it, not of a file of ours."""
    place = tmp_path / "place"
    (place / "kept").mkdir(parents=True)
    with pytest.raises(raised) as error:
        write_whole(place, data)
    assert [one.name for one in tmp_path.iterdir()] == ["place"]
    assert getattr(error.value, "filename", str(place)) == str(place)
