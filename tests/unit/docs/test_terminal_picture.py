"""The terminal's picture: what stands there after control sequences; it loads nothing."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PICTURES = Path(__file__).parents[3] / "docs" / "pictures"


@pytest.fixture(scope="module")
def terminal() -> ModuleType:
    spec = importlib.util.spec_from_file_location("terminal", PICTURES / "terminal.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ("one\r\ntwo\r\n", ["one", "two", ""]),
        ("one\rtwo", ["two"]),
        ("a\r\nb\r\nc\r\n\x1b[1A\x1b[2K\x1b[1A\x1b[2Kd\r\n", ["a", "d", "", ""]),
        ("\x1b[1;32mOK\x1b[0m  done\x1b[?25l", ["OK  done"]),
        ("x" * 105, ["x" * 104, "x"]),
    ],
)
def test_what_stands_on_the_screen(terminal: Any, written: str, lines: list[str]) -> None:
    screen = terminal.Screen()
    screen.write(written)
    assert screen.text() == lines


def test_colours_and_spaces_are_kept(terminal: Any) -> None:
    screen = terminal.Screen()
    screen.write("\x1b[32mOK\x1b[39m   <b>")
    drawn = terminal.svg(screen.lines, "t")
    assert f'fill="{terminal.COLOURS[32]}">OK</text>' in drawn
    assert ">&lt;b&gt;</text>" in drawn
    assert 'x="56.0"' in drawn  # five cells to the right


def test_a_program_is_seen_while_it_writes(terminal: Any, tmp_path: Path) -> None:
    seen: list[str] = []
    code = "import sys; print('first', flush=True); print(sys.stdout.isatty())"
    screen = terminal.run(
        [sys.executable, "-c", code], tmp_path, {"TERM": "xterm"}, lambda s: seen.extend(s.text())
    )
    assert screen.text()[:2] == ["first", "True"]
    assert seen[0] == "first"
    with pytest.raises(SystemExit, match="ended with 3"):
        terminal.run([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, {}, lambda _: None)


def test_the_picture_loads_nothing() -> None:
    drawn = (PICTURES / "build.svg").read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\"]+", drawn) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<(image|script|style|foreignObject)|@import|url\(|href", drawn)
    assert "ml_model" in drawn.replace("\u00a0", " ")
    assert len(drawn) < 20_000
