"""The statement that parses, maps, types and writes a batch of records."""

import json
from collections.abc import Iterable, Mapping

from toolkit.integrations.airbyte.columns import Field
from toolkit.integrations.airbyte.local.hashing import Hashes
from toolkit.integrations.airbyte.local.tables import Table
from toolkit.integrations.airbyte.mapping import Comparison, Filter
from toolkit.integrations.airbyte.naming import SEQUENCE
from toolkit.warehouse.duckdb import quote

BATCH = "_toolkit_batch"

_TEXT = frozenset({"VARCHAR", "JSON"})
_WHOLE_NUMBERS = frozenset({"BIGINT", "HUGEINT"})


def insert_statement(
    table: Table,
    stage: str,
    *,
    filters: Iterable[Filter],
    hashes: Hashes,
    generation: int,
    sync_id: int,
    strict: bool,
) -> str:
    """SQL that writes what is registered as :data:`BATCH` into a staging table.

    Strict fails on the first value that is not what its column wants; otherwise such a value
    becomes NULL and is named in ``_airbyte_meta``, in the platform's words.
    """
    texts = _texts(table, hashes)
    values = [_typed(texts[f.column], table.types[f.column], strict=strict) for f in table.fields]
    meta = f"""'{{"changes":[],"sync_id":{sync_id}}}'"""
    if not strict:
        meta = _changes(table, texts, values, sync_id)
    ours = ["uuid()", "make_timestamptz(emitted * 1000)", meta, str(generation), "number"]
    columns = ", ".join(quote(name) for name in (*table.columns, SEQUENCE))
    structure = _structure(table)
    parsed = f", json_transform(data, {_literal(structure)}) AS s" if structure else ""
    conditions = " AND ".join(_condition(part, hashes) for part in filters)
    where = f" WHERE {conditions}" if conditions else ""
    return (
        f"INSERT INTO {stage} ({columns}) SELECT {', '.join([*values, *ours])} "
        f"FROM (SELECT data, emitted, number{parsed} FROM {BATCH}{where})"
    )


def _plain(table: Table) -> list[Field]:
    """Fields that DuckDB's ``json_transform`` can name, and that land as they are.

    A name must not be empty, hold a NUL, or be like another one but for case.
    """
    seen: set[str] = set()
    plain: list[Field] = []
    for field in table.fields:
        name = field.origin
        alone = name.lower() not in seen and name.casefold() not in seen
        if name and "\0" not in name and alone and not field.steps:
            plain.append(field)
        seen |= {name.lower(), name.casefold()}
    return plain


def _structure(table: Table) -> str:
    """What ``json_transform`` shall take out: text, which SQL then casts.

    It would cast by itself, but turns 1.5 into 2 for a BIGINT and, in its strict form,
    wants every field in every record.
    """
    kinds = {f.origin: _raw_type(table.types[f.column]) for f in _plain(table)}
    return json.dumps(kinds) if kinds else ""


def _raw_type(type_: str) -> str:
    return "JSON" if type_ == "JSON" else "VARCHAR"


def _texts(table: Table, hashes: Hashes) -> dict[str, str]:
    """SQL for each column's value as text (or JSON)."""
    plain = {field.column for field in _plain(table)}
    texts: dict[str, str] = {}
    for field in table.fields:
        pointer = _pointer(field)
        if field.column in plain:
            texts[field.column] = f"struct_extract(s, {_literal(field.origin)})"
        elif field.steps:
            texts[field.column] = _after_mappers(field, hashes)
        elif table.types[field.column] == "JSON":
            value = f"json_extract(data, {pointer})"
            texts[field.column] = f"CASE WHEN json_type({value}) <> 'NULL' THEN {value} END"
        else:
            texts[field.column] = f"json_extract_string(data, {pointer})"
    return texts


def _typed(text: str, type_: str, *, strict: bool) -> str:
    if type_ in _TEXT:
        return text
    if type_ not in _WHOLE_NUMBERS:
        return f"{'CAST' if strict else 'TRY_CAST'}({text} AS {type_})"
    # A cast would round 1.5 to 2 and say nothing.
    odd = f"contains({text}, '.') OR contains({text}, 'e') OR contains({text}, 'E')"
    if strict:
        return f"CASE WHEN {odd} THEN error('no whole number') ELSE CAST({text} AS {type_}) END"
    number = f"TRY_CAST({text} AS DOUBLE)"
    whole = f"CASE WHEN {number} = floor({number}) THEN TRY_CAST({number} AS {type_}) END"
    return f"CASE WHEN {odd} THEN {whole} ELSE TRY_CAST({text} AS {type_}) END"


def _changes(table: Table, texts: Mapping[str, str], values: list[str], sync_id: int) -> str:
    entries = [
        f"CASE WHEN {texts[field.column]} IS NOT NULL AND ({value}) IS NULL THEN "
        f"{{'field': {_literal(field.name)}, 'change': 'NULLED', "
        "'reason': 'DESTINATION_TYPECAST_ERROR'} END"
        for field, value in zip(table.fields, values, strict=True)
        if table.types[field.column] not in _TEXT
    ]
    changes = f"list_filter([{', '.join(entries)}], lambda x: x IS NOT NULL)" if entries else "[]"
    return f"to_json({{'changes': {changes}, 'sync_id': {sync_id}}})"


def _condition(part: Filter | Comparison, hashes: Hashes) -> str:
    if isinstance(part, Comparison):
        # A field that is not there equals nothing.
        return f"coalesce({_after_mappers(part.field, hashes)} = {_literal(part.value)}, false)"
    parts = [_condition(inner, hashes) for inner in part.parts]
    if part.how == "all":
        return f"({' AND '.join(parts) or 'true'})"
    any_ = f"({' OR '.join(parts) or 'false'})"
    return f"(NOT {any_})" if part.how == "none" else any_


def _after_mappers(field: Field, hashes: Hashes) -> str:
    """SQL for a field's text as a mapper sees it: NULL only if the field is not there.

    The platform's words (Jackson's ``asText``): an explicit null is the text "null", an object
    or array the empty text.
    """
    pointer = _pointer(field)
    text = (
        f"CASE json_type(data, {pointer}) WHEN 'NULL' THEN 'null' WHEN 'OBJECT' THEN '' "
        f"WHEN 'ARRAY' THEN '' ELSE json_extract_string(data, {pointer}) END"
    )
    for step in field.steps:
        text = hashes.sql(step.removeprefix("HASH:"), text)
    return text


def _pointer(field: Field) -> str:
    return _literal("/" + field.origin.replace("~", "~0").replace("/", "~1"))


def _literal(text: str) -> str:
    """An SQL string; a NUL would end the statement."""
    parts = ("'" + part.replace("'", "''") + "'" for part in text.split("\0"))
    joined = " || chr(0) || ".join(parts)
    return f"({joined})" if "\0" in text else joined
