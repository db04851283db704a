"""The grammar of ``--select`` and ``--exclude``: text -> terms.

::

    argument  = union of groups, separated by blanks
    group     = intersection of terms, separated by commas
    term      = ["@" | [N] "+"] [method ["." argument]* ":"] value ["+" [N]]
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import msgspec

from toolkit.errors import SelectionError

_TERM = re.compile(
    r"(?P<at>@)?"
    r"(?:(?P<up>\d*)\+)?"
    r"(?:(?P<method>[\w.]+):)?"
    r"(?P<value>.*?)"
    r"(?:\+(?P<down>\d*))?"
)
_FILE_ENDINGS = (".sql", ".py", ".csv")


class Term(msgspec.Struct, frozen=True):
    """One criterion of a selector.

    Attributes:
        raw: as it was written.
        method: how ``value`` is compared, e.g. ``tag``.
        arguments: what follows the method after dots (``config.meta.owner`` -> two).
        value: what to look for.
        at: ``@``: also all children, and all parents of these.
        up: edges to go upstream; ``None`` for "all of them", 0 for "none".
        down: the same downstream.
        implied: no method was written; ``method`` was guessed from the value.
    """

    raw: str
    method: str
    arguments: tuple[str, ...]
    value: str
    at: bool
    up: int | None
    down: int | None
    implied: bool


class Group(msgspec.Struct, frozen=True):
    """Terms joined by commas: what all of them match."""

    raw: str
    terms: tuple[Term, ...]


def parse(arguments: Iterable[str], methods: Iterable[str]) -> tuple[Group, ...]:
    """Read the values of one option, given once or more often.

    Args:
        arguments: as the user wrote them; each may hold several groups.
        methods: names of the methods that exist.

    Raises:
        SelectionError: a term that cannot be read, or an unknown method.
    """
    known = frozenset(methods)
    return tuple(
        Group(raw, tuple(_term(part, raw, known) for part in raw.split(",")))
        for argument in arguments
        for raw in argument.split()
    )


def _term(part: str, group: str, methods: frozenset[str]) -> Term:
    match = _TERM.fullmatch(part)
    if match is None or not (match["value"] or match["method"]):
        raise SelectionError(
            f"The selector {group!r} has an empty part.",
            "Nothing was selected, because a part that is missing can mean anything.",
            "Write a value there; an intersection is written without blanks: tag:a,tag:b.",
        )
    found: Mapping[str, str | None] = match.groupdict()
    if found["at"] and found["down"] is not None:
        raise SelectionError(
            f"{part!r} has both a leading @ and a trailing +.",
            "@ takes all children already, so the two together mean nothing.",
            f"Write {part.split('+')[0]!r}, or {part.lstrip('@')!r}.",
        )
    method, *rest = (found["method"] or _implied_method(match["value"])).split(".")
    if method not in methods:
        raise _unknown_method(method, part, methods)
    if rest and method != "config":
        raise SelectionError(
            f"The method {method!r} in {part!r} takes nothing after a dot.",
            "Nothing was selected.",
            f"Write {method}:{match['value']}; only config takes names: config.materialized:view.",
        )
    return Term(
        raw=part,
        method=method,
        arguments=tuple(rest),
        value=match["value"],
        at=bool(found["at"]),
        up=_depth(found["up"]),
        down=_depth(found["down"]),
        implied=found["method"] is None,
    )


def _implied_method(value: str) -> str:
    if "/" in value:
        return "path"
    return "file" if value.lower().endswith(_FILE_ENDINGS) else "fqn"


def _depth(text: str | None) -> int | None:
    """0 where there is no operator, ``None`` (no limit) where it has no number."""
    if text is None:
        return 0
    return int(text) if text else None


def _unknown_method(method: str, part: str, methods: frozenset[str]) -> SelectionError:
    return SelectionError(
        f"{part!r} uses the method {method!r}, which does not exist.",
        "Nothing was selected.",
        nearest(method, methods) + f"The methods: {', '.join(sorted(methods))}.",
    )


def nearest(text: str, known: Iterable[str]) -> str:
    """``Did you mean ...? `` with what is most like ``text``, empty where nothing is."""
    near = get_close_matches(text, sorted(known), n=1, cutoff=0.7)
    return f"Did you mean {near[0]!r}? " if near else ""
