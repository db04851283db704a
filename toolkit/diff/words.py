"""A query as its words, with assets for relations: equal words are the same query.

Cheap, for the many queries that did not change: comments, blanks and case do not count, nor
in which schema a developer's or a CI job's copy of the project lives.
"""

from collections.abc import Iterator

from toolkit.graph import Asset
from toolkit.lineage.places import SELF, Places

_MOST_PARTS = 3


def same_words(base: Asset, head: Asset, places: tuple[Places, Places], dialect: str) -> bool:
    """Whether two compiled queries are the same but for formatting and where assets live."""
    if base.sql is None or head.sql is None:
        return False
    if base.sql == head.sql and base.depends_on == head.depends_on:
        return True
    theirs = _words(base, places[0], dialect)
    return theirs is not None and theirs == _words(head, places[1], dialect)


def _words(asset: Asset, places: Places, dialect: str) -> list[str] | None:
    import sqlglot
    from sqlglot.errors import SqlglotError

    from toolkit.lineage.sql.dialects import facts_of

    try:
        tokens = sqlglot.tokenize(asset.sql or "", read=facts_of(dialect).name)
    except SqlglotError:
        return None
    parents = frozenset(asset.depends_on)
    words: list[str] = []
    named: list[str] = []  # parts of a dotted name
    dot = False
    for token in tokens:
        kind = token.token_type.name
        is_name = kind in ("VAR", "IDENTIFIER") or (
            not kind.endswith("STRING") and token.text.isidentifier()
        )
        if dot and is_name:
            named.append(token.text)
            dot = False
        elif kind == "DOT" and named:
            dot = True
        else:
            words += _name(named, asset, places, parents)
            named, dot = ([token.text], False) if is_name else ([], False)
            if not is_name:
                words.append(f"{kind}:{token.text}")
    words += _name(named, asset, places, parents)
    return words


def _name(parts: list[str], asset: Asset, places: Places, parents: frozenset[str]) -> Iterator[str]:
    """A dotted name: an asset's key if it is one's relation in full, else its parts."""
    if 1 < len(parts) <= _MOST_PARTS:
        database = parts[0] if len(parts) == _MOST_PARTS else None
        found = places.find((database, parts[-2], parts[-1]), asset, parents)
        if found is not None:
            yield f"asset:{asset.key if found == SELF else found}"
            return
    for part in parts:
        yield part.casefold()
