"""``toolkit build`` on a real terminal: the tree of what runs, then what it leaves behind."""

import codecs
import fcntl
import importlib.util
import os
import re
import struct
import subprocess
import termios
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

SCREEN = Path(__file__).parents[1] / "unit" / "run" / "screen.py"


def new_screen() -> Any:
    spec = importlib.util.spec_from_file_location("screen", SCREEN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Screen()


def build(mixed: Any, *words: str) -> tuple[Any, list[str], str]:
    """What is on the screen at the end, each line of the tree that ever was, standard output."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 160, 0, 0))
    drop = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CI"}
    kept = {k: v for k, v in mixed.environment.items() if k not in drop}
    screen = new_screen()
    tree: dict[str, None] = {}
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    with subprocess.Popen(
        mixed.command("build", *words), cwd=mixed.folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=slave, text=True, env={**kept, "TERM": "xterm-256color"},
    ) as process:  # fmt: skip
        os.close(slave)
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:  # nobody has the other side any more
                break
            screen.feed(decode(data))
            tree |= dict.fromkeys(screen.text())
        assert process.stdout is not None
        out = process.stdout.read()
    os.close(master)
    assert process.returncode == 0, screen.text()
    return screen, [*tree], out


def test_a_build_on_a_terminal(mixed: Any) -> None:
    screen, tree, out = build(mixed)
    assert out == ""
    left = screen.text()
    assert left[0].startswith("Building ")
    total = re.match(r"Building (\d+) steps", left[0])
    assert total is not None
    ended = [line for line in left if re.match(rf"\d\d:\d\d:\d\d +\d+ of {total[1]}  ", line)]
    assert len(ended) == int(total[1])
    assert re.fullmatch(rf"{total[1]} steps done in .*, 3 rows landed\. Run \S+\.", left[-1])
    assert not [line for line in left if " done, " in line]  # the tree is gone
    assert "Airbyte  0 of 1" in [re.sub(" +of", " of", line) for line in tree]
    assert [line for line in tree if re.match(r" +\d+\.\d s  sync app", line)]  # never timed
    assert [line for line in tree if re.match(rf"\d+ of {total[1]} done, \d+\.\d s", line)]

    _, tree, _ = build(mixed, "--force", "-s", "+landed")
    of_about = r" +\d+\.\d s of about \d+(\.\d)? s  sync app"
    assert [line for line in tree if re.match(of_about, line)], tree
