"""Looking at a DuckDB file: what is in its tables, and which functions it knows."""

import hashlib
import re
from collections.abc import Iterable, Mapping

import duckdb
import msgspec

from toolkit.graph import Relation
from toolkit.warehouse.duckdb import Warehouse, content_hash

# Table functions that read nothing but their arguments.
_PURE = frozenset(
    {"generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"}
)
_RESTLESS = frozenset({"VOLATILE", "CONSISTENT_WITHIN_QUERY"})
_WORD = re.compile(r"[a-z_]\w*")
_EXCLUDE = re.compile(r'\bEXCLUDE \((?:"(?:[^"]|"")*"|[^()"])*\)')
_NAME = re.compile(r'(?:"(?:[^"]|"")*"|[^\s,()"])+')


class Functions(msgspec.Struct, frozen=True):
    """The warehouse's functions, by lower-case name.

    Attributes:
        stable: of the same arguments they make the same.
        volatile: they do not.
        outside: table functions that read what is not in the warehouse, or about it.
    """

    stable: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()


def versions(warehouse: Warehouse, relations: Mapping[str, Relation]) -> dict[str, str]:
    """Data version of each relation that is there: a table's content, a view's text.

    Args:
        relations: by the key that the answer goes by.
    """
    found: dict[str, str] = {}
    with warehouse.cursor() as cursor:
        views = _views(cursor, warehouse)
        for key, relation in relations.items():
            text = views.get(_place(relation, warehouse))
            if text is not None:
                found[key] = text_version(text)
                continue
            try:
                found[key] = content_hash(cursor, relation).version
            except duckdb.Error:
                continue  # not there, or nothing that can be read: then nothing is known
    return found


def view_text(warehouse: Warehouse, relation: Relation) -> str | None:
    """Fingerprint of a view's text as DuckDB keeps it; ``None`` where it is no view."""
    with warehouse.cursor() as cursor:
        text = _views(cursor, warehouse, relation).get(_place(relation, warehouse))
    return text_version(text) if text is not None else None


def text_version(text: str) -> str:
    """Fingerprint of a view's text, as DuckDB gives it: in ``EXCLUDE`` the names have no order,
    and come in another one each time that the file is opened.
    """
    text = _EXCLUDE.sub(lambda found: " ".join(sorted(_NAME.findall(found[0]))), text)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _views(
    cursor: duckdb.DuckDBPyConnection, warehouse: Warehouse, only: Relation | None = None
) -> dict[tuple[str, str], str]:
    rows = cursor.execute(
        "SELECT lower(schema_name), lower(view_name), sql FROM duckdb_views() "
        "WHERE NOT internal AND (? IS NULL OR lower(view_name) = lower(?)) "
        "AND (? IS NULL OR lower(database_name) = lower(?))",
        [only and only.identifier, only and only.identifier,
         warehouse.database, warehouse.database],
    ).fetchall()  # fmt: skip
    return {(schema, name): text for schema, name, text in rows}


def _place(relation: Relation, warehouse: Warehouse) -> tuple[str, str]:
    schema = relation.schema or warehouse.schema or "main"
    return schema.lower(), relation.identifier.lower()


def here(warehouse: Warehouse, relation: Relation) -> bool:
    """Whether a relation is one of the file itself, and not of a database attached to it."""
    own = (warehouse.database or "").casefold()
    return relation.database is None or relation.database.casefold() == own


def functions(warehouse: Warehouse) -> Functions:
    """All functions of this DuckDB, with those of its extensions that are loaded.

    A macro of the user's is in none of the sets: nobody knows what it reads.
    """
    with warehouse.cursor() as cursor:
        rows = cursor.execute(
            "SELECT DISTINCT lower(function_name), function_type, stability, internal, "
            "lower(macro_definition) FROM duckdb_functions()"
        ).fetchall()
    return classify(rows)


def classify(rows: Iterable[tuple[str, str, str | None, bool, str | None]]) -> Functions:
    """Sort what ``duckdb_functions()`` says."""
    known: set[str] = set()
    volatile: set[str] = set()
    outside: set[str] = set()
    macros: dict[str, set[str]] = {}
    for name, kind, stability, internal, text in rows:
        if kind in ("table", "table_macro", "pragma"):
            (known if name in _PURE else outside).add(name)
        elif stability in _RESTLESS:
            volatile.add(name)
        elif kind == "macro":
            if internal:
                macros.setdefault(name, set()).update(_WORD.findall(text or ""))
        elif internal:
            known.add(name)
    known |= {name for name, words in macros.items() if not words & (volatile | outside)}
    # A name may be both: a scalar and a table function (unnest, range).
    return Functions(
        frozenset(known - volatile), frozenset(volatile), frozenset(outside - known - volatile)
    )
