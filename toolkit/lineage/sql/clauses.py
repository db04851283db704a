"""What a name means in HAVING, GROUP BY and ORDER BY that is an alias and a column at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlglot import exp

from toolkit.lineage.sql.aggregate import is_aggregate
from toolkit.lineage.sql.relation import Value
from toolkit.lineage.sql.scope import NO_NAMES, Scope
from toolkit.lineage.sql.select_list import Projection


@contextmanager
def ahead(scope: Scope, names: dict[str, Value]) -> Iterator[None]:
    """For a while these go before columns of their name."""
    around = scope.ahead
    if not scope.context.facts.alias_first:
        scope.ahead = names
    yield
    scope.ahead = around


def bare(key: exp.Expr) -> exp.Expr:
    """A key without direction and brackets."""
    while isinstance(key, exp.Ordered | exp.Paren):
        key = key.this
    return key


def place_of(key: exp.Expr, width: int) -> int | None:
    """``2`` means the second of so many columns: its index; ``None`` for another key."""
    node = bare(key)
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        place = int(node.name) - 1
        return place if 0 <= place < width else None
    return None


def grouping_keys(group: exp.Expr) -> list[exp.Expr]:
    """All keys of a GROUP BY, those in its sets too."""
    keys = list(group.expressions)
    for name in ("cube", "rollup", "grouping_sets"):
        for extra in group.args.get(name) or ():
            if isinstance(extra, exp.Expr):
                keys.extend(extra.expressions)
    return keys


def aggregates(item: exp.Expr) -> bool:
    """The select item holds an aggregate of this SELECT."""
    found = item.find(exp.AggFunc, exp.Anonymous)
    return found is not None and is_aggregate(found)


def names_ahead(
    clause: str, query: exp.Expr, scope: Scope, projection: Projection
) -> dict[str, Value]:
    """Aliases that go before columns of their name in HAVING or QUALIFY."""
    rule = scope.context.facts.having
    if rule == "alias":
        return scope.aliases
    if rule == "column" or clause != "having":
        return NO_NAMES
    grouped = _grouped(query, projection)
    return {name: value for name, value in scope.aliases.items() if name not in grouped}


def _grouped(query: exp.Expr, projection: Projection) -> set[str]:
    """Folded names of the columns that have one value in each group."""
    group = query.args.get("group")
    if group is None:
        return set()
    items = projection.items
    if group.args.get("all"):
        keys = [item for item in items if not aggregates(item)]
    else:
        keys = []
        for key in grouping_keys(group):
            place = place_of(key, len(items))
            keys.append(key if place is None else items[place])
    names: set[str] = set()
    for key in keys:
        node = bare(key.this if isinstance(key, exp.Alias) else key)
        if isinstance(node, exp.Column):
            names.add(node.name.lower())
        elif any(node == part for part in query.args["having"].find_all(node.__class__)):
            names.update(column.name.lower() for column in node.find_all(exp.Column))
    return names
