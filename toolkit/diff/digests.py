"""Syntax trees as words, and words as digests."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from sqlglot import exp


def digest(*parts: str) -> str:
    """A fingerprint of some words in their order."""
    found = hashlib.blake2b(digest_size=12)
    for part in parts:
        found.update(part.encode(errors="surrogatepass"))
        found.update(b"\0")
    return found.hexdigest()


def flat(node: Any, below: Any = None) -> Iterator[str]:  # noqa: ANN401 - as above
    """A tree as words; names without case, and nothing of how they are quoted."""
    go = below or flat
    if isinstance(node, exp.Identifier):
        yield f"name={node.name.casefold()}"
    elif isinstance(node, exp.Expr):
        yield f"({type(node).__name__}"
        for name, value in node.args.items():
            if value is None or value is False or value == []:
                continue
            yield f".{name}"
            if isinstance(value, list):
                yield from _listed(value, go)
            else:
                yield from go(value)
        yield ")"
    elif isinstance(node, list | tuple):
        yield from _listed(node, go)
    else:
        yield f"{type(node).__name__}={node}"


def _listed(values: Iterable[Any], go: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    yield "["
    for value in values:
        yield from go(value)
        yield ";"
    yield "]"
