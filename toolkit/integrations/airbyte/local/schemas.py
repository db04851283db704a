"""What each stream's fields were at its last sync, and what to do when they are others now."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from toolkit.errors import ConnectorError
from toolkit.files import write_whole
from toolkit.integrations.airbyte.columns import duckdb_type, properties_of
from toolkit.integrations.airbyte.local.plan import see_drift
from toolkit.integrations.airbyte.local.state import SCHEMA
from toolkit.integrations.airbyte.model import Connection, StreamConfiguration, StreamName
from toolkit.integrations.airbyte.source.protocol import Catalog

if TYPE_CHECKING:
    import duckdb

_TABLE = f'"{SCHEMA}"."connector_schema"'
_NAMED = 5


class SchemaStore:
    """Each stream's JSON schema as of its last complete sync, in a table beside the data."""

    def __init__(self, cursor: "duckdb.DuckDBPyConnection", connection: str) -> None:
        self._cursor = cursor
        self._connection = connection

    @staticmethod
    def create(cursor: "duckdb.DuckDBPyConnection") -> None:
        """Create the table unless it is there: once, before syncs run side by side."""
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {_TABLE} (connection VARCHAR, namespace VARCHAR, "
            "stream VARCHAR, json_schema VARCHAR)"
        )

    def load(self) -> dict[StreamName, dict[str, Any]]:
        """The schemas by stream's name and namespace."""
        rows = self._cursor.execute(
            f"SELECT stream, namespace, json_schema FROM {_TABLE} WHERE connection = ?",
            [self._connection],
        ).fetchall()
        return {(name, namespace or None): json.loads(text) for name, namespace, text in rows}

    def save(self, name: str, namespace: str | None, schema: Mapping[str, Any]) -> None:
        """Replace a stream's schema; commits with what the caller writes."""
        key = [self._connection, name, namespace or ""]
        self._cursor.execute(
            f"DELETE FROM {_TABLE} WHERE connection = ? AND stream = ? AND namespace = ?", key
        )
        self._cursor.execute(
            f"INSERT INTO {_TABLE} (connection, stream, namespace, json_schema) "
            "VALUES (?, ?, ?, ?)",
            [*key, json.dumps(schema)],
        )


class LandedSchemas:
    """A copy of the :class:`SchemaStore` in a file: the graph opens no warehouse.

    Args:
        state_dir: the project's ``.toolkit`` folder.

    Attributes:
        path: the file.
    """

    def __init__(self, state_dir: Path, target: str, connection: str) -> None:
        digest = hashlib.sha256(f"{target}\0{connection}".encode()).hexdigest()[:16]
        self.path = state_dir / "airbyte" / f"landed-{digest}.json"

    def get(self) -> dict[StreamName, dict[str, Any]]:
        """The schemas of the last complete syncs; none where there is no such file."""
        try:
            rows = msgspec.json.decode(self.path.read_bytes(), type=list[_Landed])
        except (OSError, msgspec.MsgspecError):
            return {}
        return {(row.stream, row.namespace): row.json_schema for row in rows}

    def put(self, schemas: Mapping[StreamName, dict[str, Any]]) -> None:
        """Keep them."""
        rows = [_Landed(*name, schema) for name, schema in schemas.items()]
        write_whole(self.path, msgspec.json.format(msgspec.json.encode(rows)))


class _Landed(msgspec.Struct):
    stream: str
    namespace: str | None
    json_schema: dict[str, Any]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """How a stream's fields differ from those of its last sync.

    Attributes:
        changed: DuckDB type before and now, by field.
        ignored: it is read as if nothing had changed.
    """

    new: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, str]] = {}
    ignored: bool = False

    def __bool__(self) -> bool:
        return bool(self.new or self.removed or self.changed)

    def __str__(self) -> str:
        parts = []
        if self.new:
            parts.append(f"new: {_listed(self.new)}")
        if self.removed:
            parts.append(f"gone: {_listed(self.removed)}")
        types = [f"{name} is {now}, was {was}" for name, (was, now) in self.changed.items()]
        parts += types[:_NAMED]
        return ", ".join(parts) + (" (ignored)" if self.ignored else "")


def compare(before: Mapping[str, Any], now: Mapping[str, Any]) -> Changes:
    """What has changed between two JSON schemas, of what makes columns."""
    old, new = properties_of(before), properties_of(now)
    types = {name: (duckdb_type(old[name]), duckdb_type(new[name])) for name in new if name in old}
    return Changes(
        new=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed={name: pair for name, pair in types.items() if pair[0] != pair[1]},
    )


class Settled(msgspec.Struct, kw_only=True):
    """What is read after the connection's word on changes.

    Attributes:
        catalog: with the schemas that count.
        changes: by stream, where there are any.
    """

    catalog: Catalog
    changes: dict[StreamName, Changes] = {}


def settle(
    connection: Connection,
    catalog: Catalog,
    streams: Iterable[StreamConfiguration],
    known: Mapping[StreamName, Mapping[str, Any]],
    *,
    full_refresh: bool,
) -> Settled:
    """Do what the connection says about fields that have changed since the last sync.

    A schema in the configuration never changes by itself, and a full refresh takes what is
    there now.

    Raises:
        ConnectorError: something changed, and the connection is to stop then.
    """
    settled = Settled(catalog=msgspec.structs.replace(catalog))
    replaced = {}
    for stream in streams:
        key, offered = stream.key, catalog.find(stream)
        if offered is None or stream.json_schema is not None or key not in known:
            continue
        changes = compare(known[key], offered.json_schema)
        if not changes:
            continue
        if connection.schema_updates == "disable_connection" and not full_refresh:
            raise _stopped(connection, stream, changes)
        if connection.schema_updates == "ignore" and not full_refresh:
            schema = as_before(known[key], offered.json_schema, stream)
            replaced[id(offered)] = msgspec.structs.replace(offered, json_schema=schema)
            changes = msgspec.structs.replace(changes, ignored=True)
        settled.changes[key] = changes
    settled.catalog = Catalog([replaced.get(id(offered), offered) for offered in catalog.streams])
    return settled


def as_before(
    before: Mapping[str, Any], now: Mapping[str, Any], stream: StreamConfiguration
) -> dict[str, Any]:
    """The schema of the last sync, with new fields that the user has selected by name."""
    wanted = {
        name: value
        for name, value in properties_of(now).items()
        if name in stream.selected_fields and name not in properties_of(before)
    }
    return {**before, "properties": {**properties_of(before), **wanted}}


def _stopped(
    connection: Connection, stream: StreamConfiguration, changes: Changes
) -> ConnectorError:
    where = connection.where("non_breaking_schema_updates_behavior")
    return ConnectorError(
        f"{where}: the fields of stream {stream.name!r} have changed at the source ({changes}), "
        "and the connection has `non_breaking_schema_updates_behavior: disable_connection`.",
        "Nothing was read.",
        f"{see_drift(connection.name)} Then set it to propagate_columns or ignore, or load "
        "everything anew with `toolkit build --full-refresh`.",
    )


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
