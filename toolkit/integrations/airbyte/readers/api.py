"""Airbyte's two APIs, as JSON files or as replies that come over the network.

The public API v1 (``GET /connections``, ``/sources``, ``/destinations``, ``/workspaces``,
``/streams``) and the configuration API (``POST /v1/connections/list`` and its neighbours).
Read tolerantly: unknown fields, unknown enum values and missing tags are what real servers
send and what the official SDK refuses.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.readers.api_connections import (
    ApiConnection,
    ApiDestination,
    ApiSource,
    read_connection,
)
from toolkit.integrations.airbyte.readers.api_streams import (
    OfferedStreams,
    StreamsReply,
    read_streams,
)
from toolkit.integrations.airbyte.readers.base import JSON_SUFFIXES, Read, SourceFile
from toolkit.integrations.airbyte.readers.messages import (
    check_streams,
    is_described,
    missing_page,
    twice,
    unknown_destination,
    unknown_values,
)
from toolkit.integrations.airbyte.readers.shape import Element, convert
from toolkit.integrations.airbyte.yamltext import Json

Kind = Literal["connection", "source", "destination", "workspace", "stream"]

_PAGES = ("data", "connections", "sources", "destinations", "workspaces", "streams")
_AGAIN = "Export it again with GET /v1/connections, /v1/sources and /v1/destinations."


class ApiReader:
    """Reads what either of the APIs replies, in files."""

    name = "Airbyte API JSON"
    suffixes = JSON_SUFFIXES

    def recognises(self, file: SourceFile) -> bool:
        """Any object with the ids that the APIs give, or a page that says it has none."""
        root = Element(file.document, file.path)
        return any(_kind(e.value) is not None for e in _objects(root)) or _empty_page(root.value)

    def read(self, files: Sequence[SourceFile]) -> Read:
        """Join connections to the sources and destinations that stand in the same folder.

        Raises:
            ArtifactError: an object that lacks what it cannot do without.
        """
        return _read([Element(file.document, file.path) for file in files], {})


def read_objects(
    objects: Iterable[object],
    path: Path,
    *,
    streams: Mapping[str, Iterable[object]] | None = None,
) -> Read:
    """Read decoded replies of a server, as if they stood in one folder.

    Args:
        objects: whole replies (pages, lists) or single objects; connections, sources,
            destinations and workspaces in any order and mixture. Not changed, and nothing of
            ``configuration`` is kept but what says where tables land.
        path: what connections name as their file and errors as the place; it need not exist.
        streams: by source id the decoded replies of ``GET /streams?sourceId=``: names of the
            fields where nothing better is known. Those among ``objects`` are matched to
            connections by the streams' names.

    Returns:
        Connections in the order given, and problems (an unknown destination, a value that we
        do not know). A connection with the status ``deprecated`` is left out.

    Raises:
        ArtifactError: an object is not what the API gives; names its place, such as
            ``[0].data[3].name``. Two objects with one id that differ.
    """
    replies = {
        source: read_streams(
            [
                element
                for part in given
                for element in _objects(Element(part, path, f"streams of source {source}"))
            ]
        )
        for source, given in (streams or {}).items()
    }
    elements = (Element(item, path, f"[{index}]") for index, item in enumerate(objects))
    read = _read(list(elements), replies)
    for connection in read.connections:
        check_streams(connection)
    read.problems += [unknown_destination(c) for c in read.connections if not is_described(c)]
    return read


def _read(roots: Sequence[Element], offered: Mapping[str, list[StreamsReply]]) -> Read:
    found: dict[Kind, list[Element]] = {}
    for root in roots:
        for element in _objects(root):
            kind = _kind(element.value)
            if kind is None:
                raise _foreign(element)
            found.setdefault(kind, []).append(element)
    nested = [e for one in found.get("connection", []) for e in _nested(one)]
    sources = _by_id([*found.get("source", []), *_only("source", nested)], ApiSource)
    destinations = _by_id(
        [*found.get("destination", []), *_only("destination", nested)], ApiDestination
    )
    read = Read(problems=missing_page(roots, _kind))
    known = OfferedStreams(offered, read_streams(found.get("stream", [])))
    seen: dict[str, tuple[Element, ApiConnection]] = {}
    for element in found.get("connection", []):
        parsed = convert(element, ApiConnection, "a connection as Airbyte's API gives it", _AGAIN)
        first = seen.setdefault(parsed.connection_id, (element, parsed))
        if first[1] is not parsed:
            if first[0].value != element.value:
                raise twice("connection", parsed.connection_id, first[0], element)
            continue
        if parsed.status == "deprecated":
            continue
        source = sources.get(parsed.source_id or "")
        destination = destinations.get(parsed.destination_id or "")
        connection = read_connection(element, parsed, source, destination)
        read.connections.append(known.describe(connection))
        read.problems += unknown_values(
            element.path, parsed.name, parsed.status, parsed.namespace_definition
        )
    read.problems += known.problems()
    return read


def _objects(root: Element) -> Iterator[Element]:
    """The objects of a reply: a page's, a list's (of pages, too), or the one that it is."""
    if isinstance(root.value, list):
        for item in root.items():
            # A line of NDJSON can be an object, a page or a list.
            inner = isinstance(item.value, list) or _page_key(item.value) is not None
            yield from _objects(item) if inner else (item,)
        return
    key = _page_key(root.value)
    page = root.inner(key) if key is not None else None
    if page is None:
        yield root
        return
    # Only lists stand in pages; a further page within one is no reply of Airbyte's.
    yield from page.items()


def _page_key(value: Json) -> str | None:
    """The key of a page's list; ``None`` for what is an object of its own."""
    if not isinstance(value, Mapping) or _kind(value) is not None:
        return None
    for key in _PAGES:
        items = value.get(key)
        if isinstance(items, list) and (
            any(_kind(item) is not None for item in items) or _empty_page(value)
        ):
            return key
    return None


def _empty_page(value: Json) -> bool:
    """``{"data": [], "next": ""}``: says that there is nothing."""
    return (
        isinstance(value, Mapping)
        and value.get("data") == []
        and value.keys() <= {"data", "next", "previous"}
    )


def _kind(value: Json) -> Kind | None:
    """What an object is, by the ids that it has."""
    if not isinstance(value, Mapping) or "jobId" in value or "jobType" in value:
        return None
    if "connectionId" in value:
        return "connection"
    if "streamName" in value:
        return "stream"
    if "sourceId" in value and "destinationId" in value:
        # A connection that lost its id: said when it is read.
        return "connection"
    if "destinationId" in value:
        return "destination"
    if "sourceId" in value:
        return "source"
    return "workspace" if "workspaceId" in value else None


def _nested(connection: Element) -> Iterator[Element]:
    """Source and destination within a connection, where the user interface's API has them."""
    for key in ("source", "destination"):
        inner = connection.inner(key)
        if inner is not None and _kind(inner.value) == key:
            yield inner


def _only(kind: Kind, elements: Iterable[Element]) -> list[Element]:
    return [element for element in elements if _kind(element.value) == kind]


def _by_id(elements: Iterable[Element], type_: type[Any]) -> dict[str, Any]:
    """Sources or destinations by their id; the same one twice is one.

    Raises:
        ArtifactError: two with one id differ in what we read.
    """
    found: dict[str, tuple[Element, Any]] = {}
    kind = type_.kind
    for element in elements:
        parsed = convert(element, type_, f"a {kind} as Airbyte's API gives it", _AGAIN)
        first = found.setdefault(parsed.id, (element, parsed))
        if first[1] != parsed:
            raise twice(kind, parsed.id, first[0], element)
    return {key: parsed for key, (_, parsed) in found.items()}


def _foreign(element: Element) -> ArtifactError:
    return ArtifactError(
        f"{element.path}: {element.at or 'the document'} is no connection, source, destination, "
        "workspace or stream of Airbyte's API, and what stands beside it is.",
        "Whether something is missing is not known, so nothing was done.",
        "Export it again, or take out what does not belong there.",
    )
