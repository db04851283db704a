"""A stream's columns as the graph shows them: where each comes from and what was done to it."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from toolkit.errors import Problem, Severity
from toolkit.graph import Asset, Column
from toolkit.integrations.airbyte.columns import Field, properties_of
from toolkit.integrations.airbyte.local.mappers import not_local
from toolkit.integrations.airbyte.local.schemas import as_before
from toolkit.integrations.airbyte.mappers import Unreadable, kind_of, masks
from toolkit.integrations.airbyte.mapping import (
    Fault,
    Mapped,
    fault_text,
    looked_at,
    map_fields,
)
from toolkit.integrations.airbyte.model import (
    Connection,
    Offered,
    StreamConfiguration,
    StreamName,
)
from toolkit.integrations.airbyte.naming import is_metadata, normalise
from toolkit.integrations.airbyte.source.catalog import CatalogCache

# Where a stream's columns are known from, best first. ``landed``: they are as at the last sync,
# since the connection does not take a change over. ``table``: no file says them, and lineage looks
# at the landed table where it can.
ColumnsFrom = Literal[
    "json_schema", "landed", "discovered", "manifest", "streams", "selection", "table"
]


class Described(msgspec.Struct, kw_only=True):
    """What is known of a stream's columns before anything is read.

    Attributes:
        columns: empty where neither a schema nor a selection is known.
        notes: ``columns_from`` (see :data:`ColumnsFrom`), and what else mappers do:
            ``row_filters`` with ``row_filter_properties``, and ``removed`` fields.
        problems: mappers that are left out, columns that fields would share.
    """

    columns: dict[str, Column] = {}
    notes: dict[str, Any] = {}
    problems: list[Problem] = []


def describe(
    connection: Connection,
    stream: StreamConfiguration,
    key: str,
    cache: CatalogCache,
    *,
    local: bool,
    landed: Mapping[StreamName, dict[str, Any]] | None = None,
) -> Described:
    """Columns of the stream's asset.

    Args:
        landed: schemas as of the last syncs, where there were any.
        key: of the asset, for problems.
        local: this target would sync it as a local process.
    """
    place = connection.place_of(stream)

    def problem(code: str, message: str, severity: Severity = "warning", *at: int) -> Problem:
        where: tuple[str | int, ...] = ("streams", place)
        if at:
            where = (*where, "mappers", *at)
        line = connection.lines.get(where) or stream.line
        path = str(connection.path)
        return Problem(
            asset=key, code=code, message=message, severity=severity, path=path, line=line
        )

    described = Described()
    mapped, source = _mapped(connection, stream, cache, landed or {})
    described.notes["columns_from"] = source
    faults = mapped.faults if mapped is not None else _unreadable(stream)
    for fault in faults:
        severity: Severity = "error" if masks(fault.mapper) else "warning"
        code, message = _left_out(fault, key)
        described.problems.append(problem(code, message, severity, fault.index))
    if mapped is None:
        return described
    for name in mapped.shared:
        described.problems.append(problem("column-collision", _collides(mapped, name, key)))
    reason = not_local(mapped)
    if local and reason is not None:
        message = (
            f"{key} {reason}, which only an Airbyte server can do: a local sync refuses the "
            "whole connection. Leave it out, or map the field otherwise for this target."
        )
        described.problems.append(problem("mapper-not-local", message))
    described.columns = {
        field.column: _column(field, shared=field.name in mapped.shared) for field in mapped.fields
    }
    if mapped.notes:
        described.notes["row_filters"] = list(mapped.notes)
        origins = (field.origin for field in looked_at(mapped.filters))
        described.notes["row_filter_properties"] = list(dict.fromkeys(origins))
    if mapped.removed:
        described.notes["removed"] = list(mapped.removed)
    return described


def _collides(mapped: Mapped, name: str, key: str) -> str:
    column = next(field.column for field in mapped.fields if field.name == name)
    return (
        f"Field {name!r} of {key} lands in column {column!r}: the plain spelling is another "
        "field's or one of Airbyte's own. Rename it with a field-renaming mapper to choose."
    )


def _mapped(
    connection: Connection,
    stream: StreamConfiguration,
    cache: CatalogCache,
    landed: Mapping[StreamName, dict[str, Any]],
) -> tuple[Mapped | None, ColumnsFrom]:
    """``None`` where the fields are not known; and where they are known from."""
    destination = connection.destination.type
    offered = None
    if connection.source.local:
        catalog = cache.get(connection)
        offered = catalog.find(stream) if catalog is not None else None
    said = stream.offered or Offered()
    primary = (offered.source_defined_primary_key if offered else None) or said.primary_key
    cursor = (offered.default_cursor_field if offered else None) or said.cursor_field
    kept = landed.get(stream.key)
    if kept is not None and connection.schema_updates in ("ignore", "disable_connection"):
        kept = as_before(kept, offered.json_schema if offered is not None else {}, stream)
    else:
        kept = None
    schemas: tuple[tuple[Mapping[str, Any] | None, ColumnsFrom], ...] = (
        (stream.json_schema, "json_schema"),
        (kept, "landed"),
        (offered.json_schema if offered is not None else None, "discovered"),
        (said.json_schema, "manifest"),
    )
    schema, source = next((pair for pair in schemas if pair[0]), (None, "table"))
    if schema is not None:
        selected = stream.selected(properties_of(schema), primary, cursor)
        return map_fields(selected, stream.mappers, destination=destination), source
    # A selection is a complete list of names, if not of types; so is what the source offers.
    listed = said.fields or (*stream.selected_fields, *sorted(stream.keeps(primary, cursor)))
    names = stream.selected(dict.fromkeys(listed), primary, cursor)
    if not names:
        return None, "table"
    mapped = map_fields(names, stream.mappers, destination=destination, typed=False)
    return mapped, "streams" if said.fields else "selection"


def _unreadable(stream: StreamConfiguration) -> tuple[Fault, ...]:
    return tuple(
        Fault(index, mapper, mapper.reason)
        for index, mapper in enumerate(stream.mappers)
        if isinstance(mapper, Unreadable)
    )


def _left_out(fault: Fault, key: str) -> tuple[str, str]:
    clear = ""
    if masks(fault.mapper):
        clear = " What it should hide is shown as landing in clear."
    known = kind_of(fault.mapper)
    if isinstance(fault.mapper, Unreadable) and fault.reason == "its type is not known":
        return "mapper-unknown", (
            f"{key}: mapper {fault.index + 1} has the type {known!r}, which we do not know: the "
            "stream's columns are shown without it."
        )
    return "mapper-invalid", (
        f"{key}: {fault_text(fault)}. Airbyte leaves such a mapper out; a local sync refuses to "
        f"run.{clear} Correct or remove it."
    )


def _column(field: Field, *, shared: bool) -> Column:
    meta: dict[str, Any] = {"property": field.origin}
    if field.steps:
        meta["transformation"] = " + ".join(step.partition(":")[0] for step in field.steps)
        methods = [step.partition(":")[2] for step in field.steps if ":" in step]
        if methods:
            meta["method"] = " + ".join(methods)
        meta["masked"] = True
    elif field.name != field.origin:
        meta["transformation"] = "RENAME"
    if shared:
        meta["collision"] = True
    return Column(
        name=field.column,
        type=field.type or None,
        description=field.description,
        meta={"airbyte": meta},
    )


def columns_that_do_not_land(streams: Iterable[Asset], known: Iterable[Asset]) -> list[Problem]:
    """Columns that a dbt source declares and that mappers have renamed, masked or removed."""
    sources: dict[tuple[str | None, str], list[Asset]] = {}
    for asset in known:
        if asset.kind == "source" and asset.relation is not None:
            place = asset.relation.folded()
            sources.setdefault((place.schema, place.identifier), []).append(asset)
    problems: list[Problem] = []
    for stream in streams:
        gone = _gone(stream)
        if not gone or stream.relation is None:
            continue
        place = stream.relation.folded()
        for source in sources.get((place.schema, place.identifier), ()):
            for name in source.columns:
                if name.casefold() not in gone or is_metadata(name):
                    continue
                problems.append(
                    Problem(
                        asset=source.key,
                        code="column-not-landed",
                        message=f"{source.key} declares the column {name!r}, which does not land: "
                        f"a mapper of {stream.key} {gone[name.casefold()]}. Declare what lands.",
                        path=source.yaml_path or source.path,
                    )
                )
    return problems


def _gone(stream: Asset) -> dict[str, str]:
    """Folded names that the fields would have without mappers, and what became of them."""
    there = {name.casefold() for name in stream.columns}
    kind = stream.config.get("destination_type") or "duckdb"
    gone = {
        normalise(name, kind).casefold(): "removes it"
        for name in stream.meta.get("airbyte", {}).get("removed", ())
    }
    for column in stream.columns.values():
        if "transformation" in column.meta["airbyte"]:
            origin = normalise(column.meta["airbyte"]["property"], kind).casefold()
            gone[origin] = f"makes it {column.name!r}"
    return {name: what for name, what in gone.items() if name not in there}
