"""The SQL of relations that functions returned: seen when they run, traced from then on.

A DuckDB relation is a query that has not been run. Its inputs are ``SELECT * FROM <table>``, so
what a function returns is plain SQL over tables of the warehouse, whatever its code looks like.
It is kept for each target by the code version that returned it: other code, other SQL.
"""

import contextlib
import inspect
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from toolkit.files import write_whole
from toolkit.graph import Asset
from toolkit.integrations.python.declared.annotations import form_of
from toolkit.integrations.python.registry import PythonAsset
from toolkit.integrations.python.running.session import Session
from toolkit.masking import Masker
from toolkit.settings import Settings

RELATION = "relation"
"""The subtype of an asset whose function is annotated to return a DuckDB relation."""

MOST_LETTERS = 200_000
_IN_MEMORY = re.compile(r'"__duckdb_source_[^"]*"')  # what DuckDB calls a frame, or a variable


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What a function returned, once.

    Attributes:
        sql: of the relation; empty where it is not known.
        why: it is not known; empty if it is.
    """

    code_version: str
    sql: str = ""
    why: str = ""


def returned_form(function: Callable[..., Any]) -> str | None:
    """:data:`RELATION` where a function says that it returns one; else nothing."""
    annotation = inspect.signature(function).return_annotation
    return RELATION if form_of(annotation, function) == RELATION else None


def query_of(relation: Any, code_version: str, masker: Masker) -> Query:  # noqa: ANN401  # a DuckDBPyRelation
    """The SQL of a relation that the step's own connection made.

    A relation that reads what is in memory (a frame, another connection's result) cannot be
    traced to tables: then nothing of it is claimed.
    """
    import duckdb

    try:
        sql = str(relation.sql_query())
    except duckdb.Error as error:
        return Query(code_version=code_version, why=f"DuckDB does not tell its SQL: {error}")
    if _IN_MEMORY.search(sql):
        return Query(
            code_version=code_version,
            why="the relation reads a Python variable (a frame, or another relation by its name "
            'in a text), whose rows come from nowhere in the warehouse; use orders.query("orders", '
            '"select ...") to name an input in SQL',
        )
    if len(sql) > MOST_LETTERS:
        return Query(code_version=code_version, why=f"its SQL has {len(sql):,} characters")
    return Query(code_version=code_version, sql=masker.mask(sql))


def returned(
    item: PythonAsset,
    value: Any,  # noqa: ANN401  # whatever the function returned
    session: Session,
    masker: Masker,
) -> Query | None:
    """The query that an asset's function returned; ``None`` for what is no query."""
    from toolkit.integrations.python.running.output import table_form

    if item.asset.language == "sql" or item.callee.isolate is not None:
        return None
    if table_form(value) != RELATION:
        return None
    if not session.owns(value):
        why = "the relation is of another connection than its inputs"
        return Query(code_version=item.asset.code_version, why=why)
    return query_of(value, item.asset.code_version, masker)


class Queries:
    """The queries of one target, in a file of their own. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.state_dir / "python" / f"queries-{settings.target}.json"
        self._lock = threading.Lock()

    def read(self) -> dict[str, Query]:
        """By asset key; none where nothing was kept."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Query])
        except (OSError, msgspec.MsgspecError):
            return {}

    def keep(self, key: str, query: Query | None) -> None:
        """Remember what an asset's function returned; ``None``: no relation."""
        with self._lock:
            known = self.read()
            before = dict(known)
            if query is None:
                known.pop(key, None)
            else:
                known[key] = query
            if known != before:
                with contextlib.suppress(OSError):  # then the asset stays opaque, and says so
                    write_whole(self._path, msgspec.json.encode(known))


def with_queries(assets: Iterable[Asset], settings: Settings) -> list[Asset]:
    """The assets with the SQL that their code, as it is, returned the last time that it ran."""
    assets = list(assets)
    if not any(asset.integration == "python" for asset in assets):
        return assets
    known = Queries(settings).read()
    return [_with_query(asset, known.get(asset.key)) for asset in assets]


def _with_query(asset: Asset, query: Query | None) -> Asset:
    declares = any(column.inputs for column in asset.columns.values())
    if asset.sql is not None or asset.kind != "python" or declares:
        return asset
    if query is not None and query.code_version == asset.code_version:
        if query.sql:
            return msgspec.structs.replace(asset, sql=query.sql)
        return msgspec.structs.replace(asset, untraced=f"{query.why}; or {_DECLARE}")
    if asset.subtype != RELATION:
        return asset
    if asset.config.get("isolate"):
        why = f"it runs in a process of its own, where its relation is not seen; {_DECLARE}"
        return msgspec.structs.replace(asset, untraced=why)
    when = "its code changed since it ran" if query is not None else "it has not run here yet"
    why = (
        f"it returns a DuckDB relation, whose SQL is known once it has run, and {when}; "
        f"run `toolkit build --select {asset.name}`, or {_DECLARE}"
    )
    return msgspec.structs.replace(asset, untraced=why)


_DECLARE = "declare the inputs of its columns"
