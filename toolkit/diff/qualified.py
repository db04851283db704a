"""A query whose columns all say which table they are of, and whose tables are assets."""

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from toolkit.graph import Asset
from toolkit.lineage.places import SELF, Places
from toolkit.lineage.sql.tables import real_tables

Columns = Mapping[str, Mapping[str, str | None]]


def qualified(
    tree: exp.Expr, asset: Asset, places: Places, columns: Columns, dialect: str
) -> exp.Expr:
    """``tree`` with stars spelled out, aliases of the select list put in, and tables by key.

    Where an asset lives is no part of what a query means: the same project is built into one
    schema for each developer. So each table is called by its asset's key.

    Args:
        columns: of each asset, in output order.

    Raises:
        SqlglotError: names cannot be told apart.
    """
    tree = tree.copy()
    parents = frozenset(asset.depends_on)
    _use_ephemeral(tree, places, parents)
    schema: dict[str, object] = {}
    numbers: dict[str, str] = {}
    for table in list(real_tables(tree)):
        key = _key(table, asset, places, parents)
        name = numbers.setdefault(key, f"t{len(numbers)}")
        if known := columns.get(key):
            schema[name] = dict.fromkeys(known, "unknown")
        _call(table, name)
    query = qualify(
        tree, dialect=dialect, schema=schema, validate_qualify_columns=False,
        quote_identifiers=False,
    )  # fmt: skip
    keys = {name: key for key, name in numbers.items()}
    for table in query.find_all(exp.Table):
        if table.meta.get("asset"):
            table.set("this", exp.to_identifier(keys[table.meta["asset"]], quoted=True))
    return query


def _key(table: exp.Table, asset: Asset, places: Places, parents: frozenset[str]) -> str:
    """The asset that a table is; what is none goes by its name."""
    where = (table.catalog or None, table.db or None, table.name)
    found = places.ephemeral(table.name, parents) or places.find(where, asset, parents)
    if found == SELF:
        return asset.key
    return found or ".".join(part for part in where if part).casefold()


def _call(table: exp.Table, name: str) -> None:
    """Name a table anew; what called it by its name goes on to."""
    if not table.alias:
        table.set("alias", exp.TableAlias(this=table.this.copy()))
    table.set("this", exp.to_identifier(name))
    table.set("db", None)
    table.set("catalog", None)
    table.meta["asset"] = name


def _use_ephemeral(tree: exp.Expr, places: Places, parents: frozenset[str]) -> None:
    """Take out the ephemeral models that dbt put in as CTEs: they are assets of their own."""
    for cte in list(tree.find_all(exp.CTE)):
        if places.ephemeral(cte.alias, parents) is None:
            continue
        all_of_them = cte.parent
        cte.pop()
        if isinstance(all_of_them, exp.With) and not all_of_them.expressions:
            all_of_them.pop()
