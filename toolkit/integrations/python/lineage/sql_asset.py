"""SQL assets: ``@asset(sql="select ... from {orders}")``; DuckDB runs the text, and it is traced.

``{orders}`` is a parameter of the function, and becomes the table of the asset that it names. So
the graph, the code version and the columns are those of a query, known without running anything.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from toolkit.errors import AssetFailedError
from toolkit.graph import Asset, Relation
from toolkit.integrations.python.declared.validate import reject
from toolkit.integrations.python.registry import Callee
from toolkit.warehouse import quote_relation

if TYPE_CHECKING:
    import duckdb

    from toolkit.integrations.python.running.session import Session

SQL = "sql"
"""The language of such an asset."""

_DIALECT = "duckdb"
_NAMED = re.compile(r"\{([A-Za-z_]\w*)\}")


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """The SQL of an asset.

    Attributes:
        written: as its author wrote it.
        sql: with the tables of its inputs.
        frame_version: fingerprint of all that makes it but the text.
        code_version: and of the text's syntax tree: neither comments nor formatting count.
    """

    written: str
    sql: str
    frame_version: str
    code_version: str


def sql_text(given: object, kind: str, callee: Callee, who: str, made: object) -> Text | None:
    """What ``sql=`` says; ``None`` for an asset of Python code.

    Args:
        made: what else decides what is made; JSON.

    Raises:
        AssetError: it is no query over just the inputs.
    """
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip():
        raise reject(who, f"sql={given!r} is no text of SQL.", "Write a query.")
    _check_fit(kind, callee, who)
    tables: dict[str, Relation] = {
        item.parameter: item.relation for item in callee.inputs if item.relation is not None
    }
    _check_names(given, tables, who)
    sql = _NAMED.sub(lambda found: quote_relation(tables[found[1]]), given)
    _check_query(sql, tables, who)
    from toolkit.lineage.queries.facts import canonical

    frame = hashlib.sha256(json.dumps([SQL, made]).encode()).hexdigest()[:32]
    code = hashlib.sha256(f"{frame}/{canonical(sql, _DIALECT)}".encode()).hexdigest()[:32]
    return Text(written=given, sql=sql, frame_version=frame, code_version=code)


def as_sql(asset: Asset, text: Text | None, volatile: bool | None) -> Asset:
    """The asset as one that is made by this SQL, if there is any.

    Args:
        volatile: what its author says; ``None``: its SQL is judged when it runs.
    """
    if text is None:
        return asset
    config = asset.config if volatile is None else {**asset.config, "volatile": volatile}
    return msgspec.structs.replace(
        asset,
        language=SQL,
        raw_sql=text.written,
        sql=text.sql,
        config=config,
        frame_version=text.frame_version,
        code_version=text.code_version,
        fingerprints={**asset.fingerprints, "body": text.code_version},
        volatile="it is declared volatile" if volatile else "",
    )


def relation_of(asset: Asset, callee: Callee, session: "Session") -> "duckdb.DuckDBPyRelation":
    """The asset's query on the step's connection; nothing is read yet.

    Raises:
        AssetFailedError: an input is not in the warehouse, or DuckDB refuses the SQL.
    """
    import duckdb

    assert asset.sql is not None
    for item in callee.inputs:
        session.relation(item, session.cursor)
    try:
        # In brackets nothing but a query is one, whatever the text says.
        return session.cursor.sql(f"SELECT * FROM (\n{asset.sql}\n)")
    except duckdb.Error as error:
        raise AssetFailedError(
            f"DuckDB refuses its SQL: {' '.join(str(error).split())}",
            "What it makes is as it was before.",
            "Mend it, then `toolkit build` again.",
        ) from error


def _check_fit(kind: str, callee: Callee, who: str) -> None:
    """What a query cannot have."""
    wrong: Mapping[str, bool] = {
        "a kind of its own: only tables are made by SQL": kind != "python",
        "a process of its own": callee.isolate is not None,
        f"the resource {', '.join(callee.resources)}": bool(callee.resources),
        "parameters that are no tables": bool(callee.values),
        "a model among its inputs": any(item.relation is None for item in callee.inputs),
    }
    for what, is_there in wrong.items():
        if is_there:
            raise reject(who, f"it has `sql`, and {what}.", "Remove one of the two.")
    if _does_something(callee.function):
        raise reject(
            who,
            "it has `sql`, so its code is never run, but there is some.",
            "Leave nothing but a docstring in the function, or remove `sql`.",
        )


def _does_something(function: Callable[..., Any]) -> bool:
    """Whether there is more than a docstring, ``...`` or ``pass`` in a function."""
    code = getattr(function, "__code__", None)
    if code is None:
        return True
    harmless = (None, Ellipsis, function.__doc__)
    return bool(code.co_names) or any(value not in harmless for value in code.co_consts)


def _check_names(given: str, tables: Mapping[str, Relation], who: str) -> None:
    named = set(_NAMED.findall(given))
    inputs = ", ".join(tables) or "none"
    for name in sorted(named - tables.keys()):
        raise reject(
            who,
            f"its SQL reads {{{name}}}, which is no parameter; the parameters are: {inputs}.",
            f"Add the parameter {name!r}, or correct the name.",
        )
    for name in sorted(tables.keys() - named):
        raise reject(
            who,
            f"its SQL does not read its parameter {name!r}.",
            f"Write {{{name}}} where the table is read, or remove the parameter.",
        )


def _check_query(sql: str, tables: Mapping[str, Relation], who: str) -> None:
    """One query, which reads its inputs and no table besides, as far as it can be parsed."""
    from toolkit.lineage.sql.parse import Unreadable, parse
    from toolkit.lineage.sql.tables import real_tables

    try:
        query = parse(sql, _DIALECT, 2.0).query
    except Unreadable as error:
        if error.code == "not-a-query":
            raise reject(who, f"{error.message}.", "Write one SELECT.") from error
        return  # DuckDB may know better; what is made of it is opaque, with this reason
    known = {
        (r.database or "", r.schema or "", r.identifier)
        for r in (relation.folded() for relation in tables.values())
    }
    for table in real_tables(query):
        place = (table.catalog.casefold(), table.db.casefold(), table.name.casefold())
        if place not in known and table.name:
            raise reject(
                who,
                f"its SQL reads {table.sql(_DIALECT)}, which is none of its inputs.",
                "Make it a parameter of the function, and write its name in braces: {orders}. "
                "Where the names differ, `deps` maps the parameter.",
            )
