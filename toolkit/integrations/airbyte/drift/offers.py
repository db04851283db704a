"""Saved catalogs, and the drift of one connection: what it is offered against what it was.

A file may hold a protocol catalog (plain, configured, or in a CATALOG message), one for each
connection by name, or a reply of Airbyte's `GET /streams`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.drift.changes import (
    Comparison,
    Seen,
    compare_streams,
    find_seen,
    landing,
    not_selected,
    removed_stream,
    seen_in,
    seen_in_files,
)
from toolkit.integrations.airbyte.drift.impact import Finding, Judge
from toolkit.integrations.airbyte.integration import stream_key
from toolkit.integrations.airbyte.model import Connection, StreamName
from toolkit.integrations.airbyte.naming import METADATA_COLUMNS
from toolkit.integrations.airbyte.source.protocol import Catalog, CatalogStream
from toolkit.lineage.walks.reach import VERDICTS, Verdict

View = tuple[Seen, ...]


class Landed(msgspec.Struct, frozen=True):
    """A column of a landed table that differs from what would land now.

    Attributes:
        has: its type in the table; ``None`` where it is not there.
        lands: the type that would land; ``None`` where nothing would.
    """

    stream: str
    column: str
    has: str | None
    lands: str | None


class ConnectionDrift(msgspec.Struct, kw_only=True):
    """All that differs for one connection.

    Attributes:
        offered / known: where what is offered now and what was known before came from, for
            people; ``None`` where there is no such thing.
        findings: worst first.
        unknown: streams of which it cannot be known what the source offers.
        spare_streams / spare_fields: offered and not asked for; fields by stream.
        landed: how landed tables differ from what would land: for information.
        trouble: why the source could not be asked, if it could not.
    """

    connection: str
    path: str
    offered: str | None = None
    known: str | None = None
    findings: list[Finding] = []
    unknown: list[str] = []
    spare_streams: tuple[str, ...] = ()
    spare_fields: dict[str, tuple[str, ...]] = {}
    landed: list[Landed] = []
    trouble: str | None = None

    def count(self, verdict: Verdict) -> int:
        """How many findings have this verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)


def examine(
    connection: Connection,
    drift: ConnectionDrift,
    judge: Judge,
    offered: View | None,
    known: View | None,
    *,
    local: bool,
    table: Callable[[str], Mapping[str, str] | None],
) -> None:
    """Fill in ``drift``.

    Args:
        offered: what the source offers; ``None`` where only the configuration's files say.
        known: what it offered before, likewise.
        local: this target syncs the connection as a local process.
        table: gives the columns of a stream's landed table by the stream's key; ``None``
            where it cannot be seen.
    """
    for stream in connection.streams:
        key = stream_key(connection, stream)
        name = key.removeprefix(f"stream.{connection.name}.")
        columns = table(key)
        now = find_seen(offered, stream) if offered is not None else seen_in_files(stream)
        if now is None and offered is None:
            drift.unknown.append(name)
            continue
        if now is None:
            change = removed_stream(stream, key, offered or ())
            drift.findings.append(judge.judge(change, stream, local=local))
            continue
        before = find_seen(known, stream) if known is not None else None
        if before is None and offered is not None:
            before = seen_in_files(stream)
        compared = Comparison(
            connection, stream, key, before, now, table=columns, read=judge.read_columns(key)
        )
        updates = connection.schema_updates
        drift.findings += [
            judge.judge(c, stream, local=local, table=columns, updates=updates)
            for c in compared.changes()
        ]
        spare = not_selected(connection, stream, now)
        if spare:
            drift.spare_fields[name] = spare
        if columns:
            fields = landing(connection, stream, now).fields
            drift.landed += differing(name, {f.column: f.type for f in fields}, columns)
    if offered is not None:
        added, drift.spare_streams = compare_streams(connection, known, offered)
        drift.findings += [judge.judge(change, None, local=local) for change in added]
    # sort is stable: within a verdict the configuration's order stays
    drift.findings.sort(key=lambda finding: VERDICTS.index(finding.verdict))


def differing(stream: str, lands: Mapping[str, str], has: Mapping[str, str]) -> list[Landed]:
    """Columns that a table has and would not get, would get and has not, or of another type."""
    wanted = {name.casefold(): (name, type_) for name, type_ in lands.items()}
    there = {name.casefold(): (name, type_) for name, type_ in has.items()}
    found: list[Landed] = []
    for folded in dict.fromkeys((*there, *wanted)):
        if folded in METADATA_COLUMNS:
            continue
        name = (there.get(folded) or wanted[folded])[0]
        in_table = there[folded][1] if folded in there else None
        landing_now = wanted[folded][1] if folded in wanted else None
        if in_table != landing_now and landing_now != "":
            found.append(Landed(stream, name, in_table, landing_now))
    return found


def view_of(catalog: Catalog) -> View:
    """A discovered catalog."""
    return tuple(seen_in(stream) for stream in catalog.streams)


def with_schemas(catalog: Catalog, schemas: Mapping[StreamName, dict[str, Any]]) -> Catalog:
    """A catalog whose streams have these schemas, as far as there are any."""
    found = []
    for stream in catalog.streams:
        schema = schemas.get((stream.name, stream.namespace)) or schemas.get((stream.name, None))
        found.append(msgspec.structs.replace(stream, json_schema=schema or stream.json_schema))
    return Catalog(found)


def read_views(path: Path) -> View | dict[str, View]:
    """The catalog in a file, or its catalogs by connection.

    Raises:
        ArtifactError: it cannot be read, or holds no catalog.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = _parsed(text)
        return _views(data)
    except (OSError, ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise ArtifactError(
            f"{path} cannot be read as a catalog: {error}.",
            "What the source offers cannot be compared, so nothing was done.",
            "Give a file that `toolkit connectors diff --save FILE` wrote, a connector's catalog, "
            "or a reply of `GET /streams`.",
        ) from error


def _parsed(text: str) -> Any:  # noqa: ANN401 - JSON of any form
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        # What a connector printed: one message a line, logs among them.
        for line in text.splitlines():
            if '"CATALOG"' in line:
                return json.loads(line)
        raise


def _views(data: Any) -> View | dict[str, View]:  # noqa: ANN401 - JSON of any form
    view = _view(data)
    if view is not None:
        return view
    if isinstance(data, Mapping) and data:
        views = {str(name): _view(value) for name, value in data.items()}
        if all(one is not None for one in views.values()):
            return {name: one for name, one in views.items() if one is not None}
    raise ValueError("it holds no `streams`")


def _view(data: Any) -> View | None:  # noqa: ANN401 - JSON of any form
    if isinstance(data, Mapping) and isinstance(data.get("catalog"), Mapping):
        data = data["catalog"]  # a protocol message, or a reply of the config API
    if isinstance(data, Mapping) and isinstance(data.get("streams"), list):
        return tuple(_seen(item) for item in data["streams"])
    if isinstance(data, Mapping) and isinstance(data.get("data"), list):
        data = data["data"]
    if isinstance(data, list) and all(isinstance(i, Mapping) and "streamName" in i for i in data):
        return tuple(_seen_in_reply(item) for item in data)
    return None


def _seen(item: Any) -> Seen:  # noqa: ANN401 - JSON of any form
    inner = item.get("stream") if isinstance(item, Mapping) else None
    stream = inner if isinstance(inner, Mapping) else item
    if not isinstance(stream, Mapping):
        raise TypeError(f"a stream is {stream!r}")
    camel = {
        "jsonSchema": "json_schema",
        "supportedSyncModes": "supported_sync_modes",
        "defaultCursorField": "default_cursor_field",
        "sourceDefinedPrimaryKey": "source_defined_primary_key",
    }
    plain = {camel.get(key, key): value for key, value in stream.items()}
    return seen_in(msgspec.convert(plain, CatalogStream))


def _seen_in_reply(item: Mapping[str, Any]) -> Seen:
    """One stream of Airbyte's `GET /streams`: names of fields without types."""
    paths: Sequence[Sequence[str]] = item.get("propertyFields") or ()
    modes = item.get("syncModes")
    return Seen(
        name=str(item["streamName"]),
        namespace=item.get("streamnamespace") or item.get("namespace"),
        properties=dict.fromkeys(path[0] for path in paths if path),
        typed=False,
        primary_key=tuple(map(tuple, item.get("sourceDefinedPrimaryKey") or ())),
        cursor_field=tuple(item.get("defaultCursorField") or ()),
        incremental=any(str(m).startswith("incremental") for m in modes) if modes else None,
    )
