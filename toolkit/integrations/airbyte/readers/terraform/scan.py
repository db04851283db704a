"""Finding the ends of things in HCL text without parsing what is in them.

python-hcl2 needs seconds for a megabyte. So a file is first cut into its top-level blocks, and
only blocks that matter are parsed; and the text of a heredoc, which python-hcl2 leaves as it
is, is cut into its placeholders.
"""

import re
from collections.abc import Iterator

import msgspec

# Levels of braces, brackets, parentheses and placeholders: what comes later recurses.
_DEEPEST = 100

# Strings and brackets in one line. Nobody writes such a line, and parsing it takes minutes.
_MOST_IN_LINE = 10_000

_TOKEN = re.compile(
    r"#[^\n]*|//[^\n]*|/\*.*?\*/|<<-?(?P<heredoc>[^\W\d][\w.-]*)\r?\n|[\"{}()\[\]]", re.DOTALL
)
_IN_STRING = re.compile(r"\\.|\"|\n|[$%]{2}\{|[$%]\{", re.DOTALL)
_SPACE = re.compile(r"(?:\s|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"[^\W\d][\w-]*|\"(?:[^\"\\\n]|\\.)*\"")
_PLACEHOLDER = re.compile(r"[$%]{2}\{|[$%]\{")


class Unbalanced(Exception):
    """Something that begins at ``position`` does not end."""

    def __init__(self, position: int, what: str) -> None:
        super().__init__(what)
        self.position = position
        self.what = what


class RawBlock(msgspec.Struct, frozen=True):
    """One top-level block, not parsed: ``text[start:end]``, beginning in ``line``."""

    type: str
    labels: tuple[str, ...]
    start: int
    end: int
    line: int


def raw_blocks(text: str) -> Iterator[RawBlock]:
    """The top-level blocks of a ``.tf`` file.

    Raises:
        Unbalanced: a brace, string or comment that does not end, or no block where one must be.
    """
    position, line, counted = 0, 1, 0
    while True:
        position = _after_space(text, position)
        if position >= len(text):
            return
        start = position
        words: list[str] = []
        while (word := _WORD.match(text, position)) is not None:
            words.append(word[0].strip('"'))
            position = _after_space(text, word.end())
        if not words or not text.startswith("{", position):
            raise Unbalanced(start, "this begins no block")
        end = closing(text, position)
        line += text.count("\n", counted, start)
        counted = start
        yield RawBlock(words[0], tuple(words[1:]), start, end, line)
        position = end


def closing(text: str, opening: int, level: int = 0) -> int:
    """Position after the brace that closes the one at ``opening``.

    Args:
        level: how deep that one stands.

    Raises:
        Unbalanced: there is none, or too much is open at once.
    """
    braces, others, position = 0, 0, opening
    seen, since = 0, opening
    while (token := _TOKEN.search(text, position)) is not None:
        position = token.end()
        sign = token[0]
        seen += 1
        if seen > _MOST_IN_LINE:
            if text.find("\n", since, position) < 0:
                raise Unbalanced(since, "this line is unreasonably long")
            seen, since = 0, position
        if token["heredoc"]:
            position = _after_heredoc(text, token)
        elif sign == '"':
            position = _after_string(text, token.start(), level + braces + others)
        elif sign == "{":
            braces += 1
        elif sign == "}":
            braces -= 1
            if braces == 0:
                return position
        elif sign in "([":
            others += 1
        elif sign in ")]":
            others -= 1
        if level + braces + others > _DEEPEST:
            raise Unbalanced(token.start(), "this is nested too deeply")
    raise Unbalanced(opening, "this `{` is not closed")


def pieces(text: str) -> Iterator[tuple[str, str, int]]:
    """A template cut up: ``("", text, at)``, and ``("$" or "%", inside of the braces, at)``.

    Raises:
        Unbalanced: a placeholder that does not end.
    """
    position = 0
    while (found := _PLACEHOLDER.search(text, position)) is not None:
        if found.start() > position:
            yield "", text[position : found.start()], position
        if len(found[0]) == 3:  # $${ and %%{ are a plain ${ and %{
            yield "", found[0][1:], found.start()
            position = found.end()
            continue
        end = closing(text, found.end() - 1)
        yield found[0][0], text[found.end() : end - 1], found.start()
        position = end
    if position < len(text):
        yield "", text[position:], position


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    assert found is not None
    if text.startswith("/*", found.end()):
        raise Unbalanced(found.end(), "this comment does not end")
    return found.end()


def _after_string(text: str, opening: int, level: int) -> int:
    position = opening + 1
    while (token := _IN_STRING.search(text, position)) is not None:
        position = token.end()
        if token[0] == '"':
            return position
        if token[0] == "\n":
            break
        if token[0] in ("${", "%{"):
            position = closing(text, token.end() - 1, level)
    raise Unbalanced(opening, "this string does not end in its line")


def _after_heredoc(text: str, opening: re.Match[str]) -> int:
    end = re.compile(rf"^[ \t]*{re.escape(opening['heredoc'])}[ \t\r]*$", re.MULTILINE)
    found = end.search(text, opening.end())
    if found is None:
        raise Unbalanced(opening.start(), f"the end `{opening['heredoc']}` of this text is missing")
    return found.end()
