"""A program on a terminal of its own, and what stands there as an SVG."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

COLUMNS, ROWS = 104, 30
CELL, LINE, PAD = 8.4, 18, 14  # of the SVG, in pixels, at 14 pixels of font size
INK, PAPER = "#d6deeb", "#0d1117"
COLOURS = {
    30: "#6e7681", 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff",
    36: "#76e3ea", 37: INK, 90: "#8b949e", 91: "#ffa198", 92: "#9be9a8", 93: "#f2cc60",
}  # fmt: skip
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

_TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Style(NamedTuple):
    """How a character looks."""

    colour: str = INK
    bold: bool = False
    dim: bool = False


class Screen:
    """What a terminal shows, as far as our programs write to one: lines, colours, lines anew."""

    def __init__(self) -> None:
        self.lines: list[list[tuple[str, Style]]] = [[]]
        self._row = 0
        self._column = 0
        self._style = Style()

    def write(self, text: str) -> None:
        """Do what the text and its control sequences say."""
        for match in _TOKEN.finditer(text):
            arguments, command, control, plain = match.groups()
            if command is not None:
                self._command(command, [int(n) for n in arguments.split(";") if n.isdigit()])
            elif control == "\r":
                self._column = 0
            elif control == "\n":
                self._row += 1
                while len(self.lines) <= self._row:
                    self.lines.append([])
            else:
                for character in plain:
                    self._put(character)

    def text(self) -> list[str]:
        """The lines without their looks."""
        return ["".join(character for character, _ in line).rstrip() for line in self.lines]

    def _put(self, character: str) -> None:
        if self._column == COLUMNS:
            self.write("\r\n")
        line = self.lines[self._row]
        line += [(" ", Style())] * (self._column + 1 - len(line))
        line[self._column] = (character, self._style)
        self._column += 1

    def _command(self, command: str, numbers: Sequence[int]) -> None:
        if command == "A":
            self._row = max(0, self._row - (numbers[0] if numbers else 1))
        elif command == "K":
            line = self.lines[self._row]
            del line[0 if numbers[:1] == [2] else self._column :]
        elif command == "m":
            for number in numbers or [0]:
                self._look(number)

    def _look(self, number: int) -> None:
        style = self._style
        if number == 0:
            style = Style()
        elif number == 1:
            style = style._replace(bold=True)
        elif number == 2:
            style = style._replace(dim=True)
        elif number == 22:
            style = style._replace(bold=False, dim=False)
        elif number == 39:
            style = style._replace(colour=INK)
        elif number in COLOURS:
            style = style._replace(colour=COLOURS[number])
        self._style = style


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str],
    seen: Callable[[Screen], None],
) -> Screen:  # fmt: skip
    """Run a program on a pseudo-terminal; ``seen`` is called each time that it has written."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=its, stdout=its, stderr=its, close_fds=True
    )
    os.close(its)
    screen = Screen()
    rest = b""
    while True:
        try:
            chunk = os.read(ours, 65_536)
        except OSError:  # Linux says so that the last writer has gone
            break
        if not chunk:
            break
        text = rest + chunk
        cut = text.rfind(b"\x1b")  # a sequence may be cut in two
        whole = cut < 0 or re.match(rb"\x1b\[[?0-9;]*[A-Za-z]", text[cut:])
        rest = b"" if whole else text[cut:]
        screen.write((text if whole else text[:cut]).decode(errors="replace"))
        seen(screen)
    os.close(ours)
    if process.wait() != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n"
                         + "\n".join(screen.text()))  # fmt: skip
    return screen


def svg(lines: Sequence[Sequence[tuple[str, Style]]], title: str) -> str:
    """These lines of a screen as a picture that loads nothing."""
    width = round(COLUMNS * CELL + 2 * PAD)
    height = len(lines) * LINE + 2 * PAD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
        f'<g font-family="{FONT}" font-size="14">',
    ]
    for number, line in enumerate(lines):
        y = PAD + LINE * number + 13
        parts += [_run(text, style, at, y) for at, text, style in _runs(line) if text.strip()]
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _runs(line: Sequence[tuple[str, Style]]) -> list[tuple[int, str, Style]]:
    """Neighbours that look alike, with the column where they begin."""
    found: list[tuple[int, str, Style]] = []
    for at, (character, style) in enumerate(line):
        if found and found[-1][2] == style:
            found[-1] = (found[-1][0], found[-1][1] + character, style)
        else:
            found.append((at, character, style))
    return found


def _run(text: str, style: Style, at: int, y: int) -> str:
    shown = text.rstrip()
    at += len(shown) - len(shown.lstrip())
    shown = shown.lstrip().replace(" ", "\u00a0")  # several in a row would be shown as one
    look = f' fill="{style.colour}"' + ' font-weight="bold"' * style.bold
    look += ' opacity="0.65"' * style.dim
    length = round(len(shown) * CELL, 1)
    return (
        f'<text x="{round(PAD + at * CELL, 1)}" y="{y}" textLength="{length}" '
        f'lengthAdjust="spacingAndGlyphs"{look}>{escape(shown)}</text>'
    )
