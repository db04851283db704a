"""As much of a terminal as the live display uses."""

import re


class Screen:
    """What is on a terminal, and the colours that were asked for."""

    def __init__(self) -> None:
        self.lines = [""]
        self.row = 0
        self.seen = ""
        self.begun = ""
        self.colors: set[str] = set()

    def feed(self, text: str) -> None:
        """Take what came; a sequence that is cut in two waits for its end."""
        self.seen += text
        text = self.begun + text
        cut = re.search(r"\x1b(\[[?\d;]*)?$", text)
        self.begun = cut[0] if cut else ""
        text = text.removesuffix(self.begun)
        for part in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", text):
            if part == "\n":
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif part.startswith("\x1b["):
                self._obey(part[-1], part[2:-1])
            elif part != "\r":
                self.lines[self.row] += part

    def _obey(self, what: str, number: str) -> None:
        if what == "A":
            self.row = max(0, self.row - int(number or 1))
        elif what == "K":
            self.lines[self.row] = ""
        elif what == "m":
            self.colors |= {code for code in number.split(";") if code[:1] == "3"}
        else:
            assert (what, number) in {("l", "?25"), ("h", "?25")}, (what, number)

    def text(self) -> list[str]:
        return [line.rstrip() for line in self.lines if line.strip()]
