"""What differs in one asset itself, not counting what its parents bring about."""

from collections.abc import Mapping

import msgspec

from toolkit.diff.definition import Clause, Definition, Undefined
from toolkit.diff.model import ColumnHow, Extent
from toolkit.diff.side import Side
from toolkit.diff.words import same_words
from toolkit.graph import Asset


class OwnColumn(msgspec.Struct, frozen=True):
    """A column that its asset's own change concerns; names as spelled on their side."""

    name: str
    how: ColumnHow
    was: str | None = None
    now: str | None = None

    @property
    def former(self) -> str:
        """Its name before."""
        return self.was if self.how == "renamed" and self.was is not None else self.name


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """The change of one asset's query or code.

    Attributes:
        said: a clause that says what it is.
        by_itself: ``False``: the text that people wrote is the same, and a macro, a variable or
            the like made other SQL of it.
    """

    extent: Extent
    said: str = ""
    columns: tuple[OwnColumn, ...] = ()
    gone: tuple[Clause, ...] = ()
    new: tuple[Clause, ...] = ()
    by_itself: bool = True


UNCHANGED = Own(extent="none")


def own_change(base: Side, head: Side, was: Asset, now: Asset) -> Own:
    """How the query, code or rows that make an asset differ."""
    if was.language == "python" or now.language == "python" or now.integration == "python":
        return _opaque_code(was, now)
    if now.sql is not None or was.sql is not None:
        return _query(base, head, was, now)
    if now.kind == "stream":
        return _stream(base, head, was, now)
    if now.kind in ("model", "snapshot"):
        return _uncompiled(was, now)
    if now.kind in ("source", "exposure") or not _differs(was, now, "body"):
        return UNCHANGED
    if now.kind == "seed":
        columns = listed_columns(base, head, was, now)
        return Own(extent="model_wide", said="its rows differ", columns=columns)
    return Own(extent="model_wide", said=f"the definition of this {now.kind} differs")


def listed_columns(base: Side, head: Side, was: Asset, now: Asset) -> tuple[OwnColumn, ...]:
    """Columns that only one side lists."""
    before, after = base.columns(was.key), head.columns(now.key)
    if before is None or after is None:
        return ()
    gone = [OwnColumn(name, "removed") for fold, name in before.items() if fold not in after]
    new = [OwnColumn(name, "added") for fold, name in after.items() if fold not in before]
    return (*gone, *new)


def _differs(was: Asset, now: Asset, part: str) -> bool:
    return was.fingerprints.get(part) != now.fingerprints.get(part)


def _opaque_code(was: Asset, now: Asset) -> Own:
    if not _differs(was, now, "body"):
        return UNCHANGED
    declared = {name.casefold(): name for name in was.columns}
    declares = {name.casefold(): name for name in now.columns}
    gone = [OwnColumn(name, "removed") for fold, name in declared.items() if fold not in declares]
    new = [OwnColumn(name, "added") for fold, name in declares.items() if fold not in declared]
    said = "its Python code differs, of which nobody can tell what it makes"
    return Own(extent="unknown", said=said, columns=(*gone, *new))


def _stream(base: Side, head: Side, was: Asset, now: Asset) -> Own:
    columns = listed_columns(base, head, was, now)
    if columns:
        additive = all(column.how == "added" for column in columns)
        return Own(extent="additive" if additive else "column", columns=columns,
                   said="it lands other columns")  # fmt: skip
    if was.config == now.config and was.code_version != now.code_version:
        return Own(extent="unknown", said="the configuration or version of its source differs")
    return UNCHANGED


def _uncompiled(was: Asset, now: Asset) -> Own:
    if not _differs(was, now, "body") and not _differs(was, now, "macros"):
        return UNCHANGED
    said = "its template differs, and it is not compiled, so nobody can tell what it makes"
    return Own(extent="unknown", said=said)


def _query(base: Side, head: Side, was: Asset, now: Asset) -> Own:
    if was.sql is None or now.sql is None:
        return _uncompiled(was, now)
    if same_words(was, now, (base.places, head.places), head.dialect):
        return _template(was, now)
    by_itself = _differs(was, now, "body")
    try:
        before, after = base.definitions.of(was), head.definitions.of(now)
    except Undefined as why:
        columns = listed_columns(base, head, was, now)
        said = f"its SQL differs, and what it means cannot be told: {why}"
        return Own(extent="unknown", said=said, columns=columns, by_itself=by_itself)
    found = _meanings(before, after, _spelled(base, was), _spelled(head, now))
    if found.extent == "none" and not found.said:
        return _template(was, now)
    return msgspec.structs.replace(found, by_itself=by_itself)


def _template(was: Asset, now: Asset) -> Own:
    """The same SQL now. An incremental model compiles to more than one query."""
    if now.materialized != "incremental" or not _differs(was, now, "body"):
        return UNCHANGED
    if _without_comments(was.raw_sql) == _without_comments(now.raw_sql):
        return UNCHANGED
    said = (
        "its template differs where it does not show in the compiled SQL "
        "(`is_incremental()`), so nobody can tell which rows it takes"
    )
    return Own(extent="unknown", said=said)


def _without_comments(raw: str | None) -> str:
    import re

    text = re.sub(r"\{#.*?#\}", " ", raw or "", flags=re.DOTALL)
    text = re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    return " ".join(text.split())


def _spelled(side: Side, asset: Asset) -> Mapping[str, str]:
    return {name.casefold(): name for name in side.lineage.columns.get(asset.key, {})}


def _meanings(
    was: Definition, now: Definition, before: Mapping[str, str], after: Mapping[str, str]
) -> Own:
    columns = tuple(_columns(was, now, before, after))
    gone = tuple(sorted(was.clauses - now.clauses))
    new = tuple(sorted(now.clauses - was.clauses))
    if was.rows != now.rows:
        kinds = sorted({clause.kind for clause in (*gone, *new)})
        verb = "differs" if len(kinds) == 1 else "differ"
        said = f"its {_listed(kinds)} {verb}" if kinds else "its rows are others"
        return Own(extent="model_wide", said=said, columns=columns, gone=gone, new=new)
    if not columns:
        said = "only the order in which its rows are written differs"
        return Own(extent="none", said=said if was.order != now.order else "")
    extent: Extent = "additive" if all(c.how == "added" for c in columns) else "column"
    return Own(extent=extent, said="its columns differ", columns=columns)


def _columns(
    was: Definition, now: Definition, before: Mapping[str, str], after: Mapping[str, str]
) -> list[OwnColumn]:
    gone = [name for name in was.columns if name not in now.columns]
    new = [name for name in now.columns if name not in was.columns]
    found: list[OwnColumn] = []
    renamed: set[str] = set()
    for name in gone:
        same = [other for other in new if now.columns[other] == was.columns[name]]
        rivals = [other for other in gone if was.columns[other] == was.columns[name]]
        if len(same) == 1 and len(rivals) == 1:
            renamed.update((name, same[0]))
            spelled = before.get(name, name), after.get(same[0], same[0])
            found.append(OwnColumn(spelled[1], "renamed", *spelled))
    found += [OwnColumn(before.get(n, n), "removed", was.expressions.get(n))
              for n in gone if n not in renamed]  # fmt: skip
    found += [OwnColumn(after.get(n, n), "added", None, now.expressions.get(n))
              for n in new if n not in renamed]  # fmt: skip
    for name, meaning in now.columns.items():
        if name not in was.columns or was.columns[name] == meaning:
            continue
        cast, recast = was.casts.get(name), now.casts.get(name)
        if cast and recast and cast[1] == recast[1]:
            found.append(OwnColumn(after.get(name, name), "retyped", cast[0], recast[0]))
        else:
            texts = was.expressions.get(name), now.expressions.get(name)
            found.append(OwnColumn(after.get(name, name), "changed", *texts))
    return found


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
