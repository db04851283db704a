"""What changed between two views of a source, and what of the configuration it leaves without.

Pure: two views of each stream in, typed changes out. Fields are compared by the column that
they land in, after selection, mappers and names: a field that is renamed or hashed on its way
is followed. Whether a change breaks anything is for ``impact.py`` to say.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from toolkit.integrations.airbyte.columns import Field, properties_of
from toolkit.integrations.airbyte.drift.schema_facts import nested_losses, required_fields
from toolkit.integrations.airbyte.drift.similar import looks_renamed
from toolkit.integrations.airbyte.mappers import Unreadable, masks
from toolkit.integrations.airbyte.mapping import Mapped, fault_text, map_fields
from toolkit.integrations.airbyte.model import (
    Connection,
    Offered,
    StreamConfiguration,
    called,
    find_stream,
)
from toolkit.integrations.airbyte.naming import METADATA_COLUMNS
from toolkit.integrations.airbyte.source.protocol import CatalogStream

ChangeKind = Literal[
    "stream-removed",
    "stream-added",
    "field-removed",
    "field-moved",
    "field-retyped",
    "field-nested",
    "field-required",
    "field-optional",
    "field-added",
    "column-missing",
    "selection-missing",
    "key-missing",
    "key-changed",
    "cursor-missing",
    "cursor-changed",
    "mode-removed",
    "mapper-broken",
]

_Path = tuple[str, ...]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A stream as someone saw it at its source.

    Attributes:
        properties: schema of each top-level field; of no use where not ``typed``.
        typed: the schemas are known and not only the fields' names.
        required: fields that every record has.
        primary_key / cursor_field: the source's own.
        incremental: whether it can be read so; ``None`` where that is not known.
    """

    name: str
    namespace: str | None = None
    properties: Mapping[str, Any] = {}
    typed: bool = True
    required: frozenset[str] = frozenset()
    primary_key: tuple[_Path, ...] = ()
    cursor_field: _Path = ()
    incremental: bool | None = None


class Use(msgspec.Struct, frozen=True):
    """A place in the configuration that names a field.

    Attributes:
        key: ``selected_fields``, ``primary_key`` or ``cursor_field``.
        where: its file:line.
        stops: a local sync refuses to read anything without that field.
    """

    key: str
    where: str
    stops: bool


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is different now.

    Attributes:
        stream: as the source calls it, with its namespace where it has one.
        asset: key of the stream's asset; ``None`` for a stream that is not configured.
        field: at the source; ``None`` for what is about the whole stream.
        was / now: types, keys, cursors, names; ``None`` where there is none.
        column: where the field landed before; ``None`` where it did not.
        column_now: where it lands now.
        renamed_to: what it may be called now, judged by name and type only.
        uses: what the configuration says of the field.
        where: file:line of what else in the configuration it is about.
        detail: one clause more for people.
        masks: what should hide a value is left out.
    """

    kind: ChangeKind
    stream: str
    asset: str | None = None
    field: str | None = None
    was: str | None = None
    now: str | None = None
    column: str | None = None
    column_now: str | None = None
    renamed_to: str | None = None
    uses: tuple[Use, ...] = ()
    where: str | None = None
    detail: str = ""
    masks: bool = False


def seen_in(stream: CatalogStream) -> Seen:
    """A stream of a discovered catalog."""
    return Seen(
        name=stream.name,
        namespace=stream.namespace,
        properties=properties_of(stream.json_schema),
        required=required_fields(stream.json_schema),
        primary_key=tuple(map(tuple, stream.source_defined_primary_key or ())),
        cursor_field=tuple(stream.default_cursor_field or ()),
        incremental="incremental" in stream.supported_sync_modes,
    )


def seen_in_files(stream: StreamConfiguration) -> Seen | None:
    """What the configuration and the files beside it say of a stream; ``None`` for nothing."""
    said = stream.offered or Offered()
    schema = stream.json_schema or said.json_schema
    if schema is None and not said.fields:
        return None
    modes = said.sync_modes
    return Seen(
        name=stream.name,
        namespace=stream.namespace,
        properties=properties_of(schema) if schema is not None else dict.fromkeys(said.fields),
        typed=schema is not None,
        required=required_fields(schema or {}),
        primary_key=said.primary_key,
        cursor_field=said.cursor_field,
        incremental=any(mode.startswith("incremental") for mode in modes) if modes else None,
    )


def landing(connection: Connection, stream: StreamConfiguration, seen: Seen) -> Mapped:
    """What of a stream lands, and in which columns."""
    selected = stream.selected(seen.properties, seen.primary_key, seen.cursor_field)
    return map_fields(
        selected, stream.mappers, destination=connection.destination.type, typed=seen.typed
    )


class Comparison:
    """How a configured stream differs from what was known of it, and what it lacks now.

    Args:
        asset: its key.
        known: what it was like before; ``None`` where nobody remembers.
        offered: what it is like now.
        table: columns and types of the landed table: stands in where nothing is ``known``.
        read: columns of it that something downstream reads.
    """

    def __init__(
        self,
        connection: Connection,
        stream: StreamConfiguration,
        asset: str,
        known: Seen | None,
        offered: Seen,
        *,
        table: Mapping[str, str] | None = None,
        read: Collection[str] = (),
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._asset = asset
        self._known = known
        self._offered = offered
        self._read = read
        self._at = connection.place_of(stream)
        self._now = landing(connection, stream, offered)
        self._columns_now = {field.column.casefold(): field for field in self._now.fields}
        if known is not None:
            self._was = landing(connection, stream, known)
        else:
            self._was = Mapped(fields=tuple(_fields_of(table or {})))
        self._uses = _uses(connection, self._at)
        before = list(known.properties) if known is not None else _origins(self._was)
        self._gone = [name for name in before if name not in offered.properties]
        if known is None:  # a column is not a field: what lands there counts
            self._gone = [
                f.origin for f in self._was.fields if f.column.casefold() not in self._columns_now
            ]
        self._new = [name for name in offered.properties if name not in before]

    def changes(self) -> Iterator[Change]:
        """All changes; fields in the source's order."""
        for name in self._gone:
            yield self._removed(name)
        if self._known is not None:
            for name in self._offered.properties:
                if name in self._known.properties:
                    yield from self._both(name)
            for name in self._new:
                field = self._now.landing(name)
                if field is not None and field.column.casefold() not in self._taken():
                    yield self._change("field-added", name, now=field.type, column_now=field.column)
        else:
            yield from self._against_table()
        yield from self._unserved()
        yield from self._unnamed()
        yield from self._keys()
        yield from self._mappers()

    def _change(self, kind: ChangeKind, field: str | None = None, **more: Any) -> Change:
        name = called(self._stream.name, self._stream.namespace)
        return Change(kind=kind, stream=name, asset=self._asset, field=field, **more)

    def _taken(self) -> set[str]:
        """Columns that something landed in before."""
        return {field.column.casefold() for field in self._was.fields}

    def _renamed(self, name: str, type_: str) -> str | None:
        candidates = {new: self._now_type(new) for new in self._new}
        return looks_renamed(name, type_, candidates)

    def _now_type(self, name: str) -> str:
        field = self._now.landing(name)
        return field.type if field is not None else ""

    def _removed(self, name: str) -> Change:
        before = self._was.landing(name)
        column = before.column if before is not None else None
        type_ = before.type if before is not None else ""
        instead = self._columns_now.get(column.casefold()) if column is not None else None
        more: dict[str, Any] = {"was": type_ or None, "column": column}
        more["uses"] = tuple(self._uses.get(name, ()))
        if instead is None:
            renamed = self._renamed(name, type_)
            return self._change("field-removed", name, renamed_to=renamed, **more)
        more |= {"column_now": instead.column, "renamed_to": instead.origin}
        more["now"] = instead.type or None
        if type_ and instead.type and type_ != instead.type:
            return self._change("field-retyped", name, **more)
        return self._change("field-moved", name, **more)

    def _both(self, name: str) -> Iterator[Change]:
        assert self._known is not None
        before, after = self._was.landing(name), self._now.landing(name)
        if before is None:
            return
        if after is None or after.column.casefold() != before.column.casefold():
            other = self._columns_now.get(before.column.casefold())
            yield self._change(
                "field-moved",
                name,
                was=before.type or None,
                now=after.type or None if after is not None else None,
                column=before.column,
                column_now=after.column if after is not None else None,
                detail=f"{other.origin!r} lands there now" if other is not None else "",
            )
            return
        columns = {"column": before.column, "column_now": after.column}
        uses = tuple(self._uses.get(name, ()))
        if before.type and after.type and before.type != after.type:
            yield self._change(
                "field-retyped", name, was=before.type, now=after.type, uses=uses, **columns
            )
        elif "JSON" in (before.type, after.type):
            lost = nested_losses(self._known.properties[name], self._offered.properties[name])
            if lost:
                yield self._change("field-nested", name, detail=", ".join(lost), **columns)
        if not (self._known.typed and self._offered.typed):
            return
        had, has = name in self._known.required, name in self._offered.required
        if had != has:
            yield self._change("field-required" if has else "field-optional", name, **columns)

    def _against_table(self) -> Iterator[Change]:
        for before in self._was.fields:
            after = self._columns_now.get(before.column.casefold())
            if after is not None and after.type and before.type != after.type:
                yield self._change(
                    "field-retyped",
                    after.origin,
                    was=before.type,
                    now=after.type,
                    column=before.column,
                    column_now=after.column,
                    uses=tuple(self._uses.get(after.origin, ())),
                )

    def _unserved(self) -> Iterator[Change]:
        """Columns that are read and that nothing lands in, now or before."""
        told = self._taken() | set(self._columns_now)
        spare = {
            field.origin: field.type
            for field in self._now.fields
            if field.column.casefold() not in {name.casefold() for name in self._read}
        }
        for column in self._read:
            if column.casefold() in told or column.casefold().startswith("_airbyte_"):
                continue
            renamed = looks_renamed(column, "", spare)
            hidden = next((n for n in self._now.removed if n.casefold() == column.casefold()), None)
            yield self._change(
                "column-missing",
                column=column,
                renamed_to=renamed,
                detail="a mapper removes that field" if hidden is not None else "",
            )

    def _unnamed(self) -> Iterator[Change]:
        """Fields that the configuration names and that nobody knows of."""
        kinds: dict[str, ChangeKind] = {
            "selected_fields": "selection-missing",
            "primary_key": "key-missing",
            "cursor_field": "cursor-missing",
        }
        names = [name for name in self._uses if name not in self._gone]
        for name in (name for name in names if name not in self._offered.properties):
            for use in self._uses[name]:
                near = looks_renamed(name, "", dict.fromkeys(self._offered.properties, ""))
                yield self._change(
                    kinds[use.key], name, uses=(use,), where=use.where, renamed_to=near
                )

    def _keys(self) -> Iterator[Change]:
        stream, known, offered = self._stream, self._known, self._offered
        where = self._connection.where("streams", self._at)
        if not stream.primary_key:
            was = known.primary_key if known is not None else ()
            if known is not None and was != offered.primary_key:
                yield self._change(
                    "key-changed", was=_paths(was), now=_paths(offered.primary_key), where=where
                )
            elif stream.deduplicates and not offered.primary_key and offered.typed:
                yield self._change("key-missing", where=where)
        if not stream.cursor_field and known is not None and known.cursor_field:
            old, new = known.cursor_field, offered.cursor_field
            if old != new:
                yield self._change(
                    "cursor-changed", was=".".join(old), now=".".join(new) or None, where=where
                )
        if stream.incremental and offered.incremental is False:
            at = self._connection.where("streams", self._at, "sync_mode")
            yield self._change("mode-removed", was=stream.sync_mode, where=at)

    def _mappers(self) -> Iterator[Change]:
        """Mappers that could be applied (as far as is known) and can no longer be."""
        before = {fault.index for fault in self._was.faults}
        for fault in self._now.faults:
            if fault.index not in before and not isinstance(fault.mapper, Unreadable):
                where = self._connection.where("streams", self._at, "mappers", fault.index)
                yield self._change(
                    "mapper-broken",
                    where=where,
                    detail=fault_text(fault),
                    masks=masks(fault.mapper) and "already" in fault.reason,
                )


def find_seen(view: Sequence[Seen], stream: StreamConfiguration) -> Seen | None:
    """What was seen of a stream."""
    return find_stream({(seen.name, seen.namespace): seen for seen in view}, stream)


def removed_stream(stream: StreamConfiguration, asset: str, offered: Sequence[Seen]) -> Change:
    """A configured stream that the source does not offer, with what it may be called now."""
    elsewhere = [called(s.name, s.namespace) for s in offered if s.name == stream.name]
    near = looks_renamed(stream.name, "", {seen.name: "" for seen in offered})
    return Change(
        kind="stream-removed",
        stream=called(stream.name, stream.namespace),
        asset=asset,
        renamed_to=elsewhere[0] if elsewhere else near,
    )


def compare_streams(
    connection: Connection, known: Sequence[Seen] | None, offered: Sequence[Seen]
) -> tuple[list[Change], tuple[str, ...]]:
    """Streams that are new at the source, and all that it offers and nobody asks for."""
    configured = {id(find_seen(offered, stream)) for stream in connection.streams}
    before = {(s.name, s.namespace) for s in known} if known is not None else None
    spare = [seen for seen in offered if id(seen) not in configured]
    added = [
        Change(kind="stream-added", stream=called(seen.name, seen.namespace))
        for seen in spare
        if before is not None and (seen.name, seen.namespace) not in before
    ]
    return added, tuple(called(seen.name, seen.namespace) for seen in spare)


def not_selected(
    connection: Connection, stream: StreamConfiguration, offered: Seen
) -> tuple[str, ...]:
    """Fields that the source offers and the selection leaves out."""
    keep = stream.keeps(offered.primary_key, offered.cursor_field)
    return tuple(name for name in offered.properties if keep and name not in keep)


def _uses(connection: Connection, at: int) -> dict[str, list[Use]]:
    """Where the configuration names each field of its stream."""
    stream = connection.streams[at]
    found: dict[str, list[Use]] = {}

    def add(name: str, key: str, *place: int, stops: bool = False) -> None:
        where = connection.where("streams", at, key, *place)
        found.setdefault(name, []).append(Use(key, where, stops))

    for index, name in enumerate(stream.selected_fields):
        add(name, "selected_fields", index, stops=True)
    for index, path in enumerate(stream.primary_key):
        if path:
            add(path[0], "primary_key", index, stops=stream.deduplicates)
    if stream.cursor_field and (stream.incremental or stream.deduplicates):
        add(stream.cursor_field[0], "cursor_field")
    return found


def _fields_of(table: Mapping[str, str]) -> Iterable[Field]:
    return (
        Field(name, name, type_, source=name)
        for name, type_ in table.items()
        if name.casefold() not in METADATA_COLUMNS
    )


def _origins(mapped: Mapped) -> list[str]:
    return [field.origin for field in mapped.fields]


def _paths(paths: Iterable[_Path]) -> str | None:
    return ", ".join(".".join(path) for path in paths) or None
