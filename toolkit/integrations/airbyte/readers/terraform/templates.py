"""Texts with ``${...}`` and ``%{ if }``, ``%{ for }``: from their pieces to an expression."""

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from toolkit.integrations.airbyte.readers.terraform.scan import pieces
from toolkit.integrations.airbyte.readers.terraform.syntax import (
    Conditional,
    Expression,
    For,
    Literal,
    Template,
)

_IF = re.compile(r"\s*if\b(?P<condition>.*)", re.DOTALL)
_FOR = re.compile(
    r"\s*for\s+(?P<first>[^\W\d][\w-]*)\s*(?:,\s*(?P<second>[^\W\d][\w-]*)\s*)?\bin\b(?P<in>.*)",
    re.DOTALL,
)


class Malformed(Exception):
    """A template whose directives do not fit."""


class Piece(msgspec.Struct, kw_only=True):
    """A part of a template, as it stands.

    Attributes:
        kind: ``text``, ``value``, ``if``, ``else``, ``endif``, ``for`` or ``endfor``.
        expression: the value, condition or collection.
        names: of ``for``: of the key, if it has one, and of the value.
        before / after: it takes the white space there away (``~``).
    """

    kind: str
    text: str = ""
    expression: Expression | None = None
    names: tuple[str | None, str] = (None, "")
    before: bool = False
    after: bool = False


def parse_template(text: str, parse: Callable[[str, int], Expression]) -> Expression:
    """The text of a heredoc, of a JSON string or of a template file.

    Args:
        parse: reads one expression; the number is how many lines come before it.

    Raises:
        Malformed: directives that do not fit.
        Unbalanced: a placeholder that does not end.
    """
    if "${" not in text and "%{" not in text:
        return Literal(text)
    found: list[Piece] = []
    for kind, inside, at in pieces(text):
        if not kind:
            found.append(Piece(kind="text", text=inside))
            continue
        before, after = inside.startswith("~"), inside.endswith("~")
        inside = inside.removeprefix("~").removesuffix("~")
        line = text.count("\n", 0, at)
        piece = _directive(inside, line, parse) if kind == "%" else None
        piece = piece or Piece(kind="value", expression=parse(inside, line))
        piece.before, piece.after = before, after
        found.append(piece)
    return assemble(found)


def _directive(text: str, line: int, parse: Callable[[str, int], Expression]) -> Piece:
    word = text.strip()
    if word in ("else", "endif", "endfor"):
        return Piece(kind=word)
    if (found := _IF.fullmatch(text)) is not None:
        return Piece(kind="if", expression=parse(found["condition"], line))
    if (found := _FOR.fullmatch(text)) is not None:
        names = (found["first"], found["second"]) if found["second"] else (None, found["first"])
        return Piece(kind="for", names=names, expression=parse(found["in"], line))
    raise Malformed("a directive that is neither `if` nor `for`")


def assemble(parts: Sequence[Piece]) -> Expression:
    """One expression: directives become conditionals and loops.

    Raises:
        Malformed: directives that do not fit.
    """
    parts = _stripped(parts)
    if len(parts) == 1 and parts[0].kind == "value":
        assert parts[0].expression is not None
        return Template((parts[0].expression,), alone=True)
    position = 0

    def body(*ends: str) -> tuple[Expression, str]:
        nonlocal position
        found: list[Expression] = []
        while position < len(parts):
            part = parts[position]
            position += 1
            if part.kind in ends:
                return _text(found), part.kind
            if part.kind == "text":
                found.append(Literal(part.text))
                continue
            inner = part.expression
            if inner is None:
                raise Malformed(f"a `{part.kind}` that ends nothing")
            if part.kind == "if":
                yes, end = body("else", "endif")
                no = body("endif")[0] if end == "else" else Literal("")
                inner = Conditional(inner, yes, no)
            elif part.kind == "for":
                inner = For(part.names[0], part.names[1], inner, body("endfor")[0], text=True)
            found.append(inner)
        if ends:
            raise Malformed(f"`{ends[-1]}` is missing")
        return _text(found), ""

    return body()[0]


def _text(parts: Iterable[Expression]) -> Expression:
    found = tuple(parts)
    texts = [part.value for part in found if isinstance(part, Literal)]
    plain = [text for text in texts if isinstance(text, str)]
    if len(plain) == len(found):
        return Literal("".join(plain))
    return Template(found)


def _stripped(parts: Sequence[Piece]) -> list[Piece]:
    found = list(parts)
    for index, part in enumerate(found):
        if part.before and index and found[index - 1].kind == "text":
            left = found[index - 1]
            found[index - 1] = msgspec.structs.replace(left, text=left.text.rstrip())
        if part.after and index + 1 < len(found) and found[index + 1].kind == "text":
            right = found[index + 1]
            found[index + 1] = msgspec.structs.replace(right, text=right.text.lstrip())
    return [part for part in found if part.kind != "text" or part.text]
