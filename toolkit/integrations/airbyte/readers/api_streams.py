"""Replies of ``GET /streams``: what a source offers, by names and without types.

Such a reply does not say whose streams it lists. In files it is matched to the connections
beside it by the names: it fits a connection if it has all streams that this one syncs.
"""

from collections.abc import Mapping, Sequence

import msgspec

from toolkit.errors import Problem
from toolkit.integrations.airbyte.model import (
    Connection,
    Offered,
    StreamConfiguration,
    StreamName,
    find_stream,
)
from toolkit.integrations.airbyte.readers.shape import Element, convert
from toolkit.integrations.airbyte.readers.synccatalog import paths, top_level

_AGAIN = "Export it again with GET /v1/streams?sourceId=..."


class _Properties(msgspec.Struct, rename="camel"):
    stream_name: str
    # The API's own spelling; a repaired one is read, too.
    namespace: str | None = msgspec.field(default=None, name="streamnamespace")
    stream_namespace: str | None = None
    sync_modes: list[str] | None = None
    default_cursor_field: list[str] | None = None
    source_defined_cursor_field: bool | list[str] | None = None
    source_defined_primary_key: list[list[str]] | None = None
    property_fields: list[list[str]] | None = None


class StreamsReply:
    """One reply: the streams of one source."""

    def __init__(self, where: Element) -> None:
        self.where = where
        self.streams: dict[StreamName, Offered] = {}
        self.used = False

    def find(self, stream: StreamConfiguration) -> Offered | None:
        """What it says of a stream."""
        return find_stream(self.streams, stream)


def read_streams(elements: Sequence[Element]) -> list[StreamsReply]:
    """Group stream objects into the replies that they came in.

    Raises:
        ArtifactError: one of them is broken.
    """
    replies: dict[tuple[str, str], StreamsReply] = {}
    for element in elements:
        read = convert(element, _Properties, "a stream as GET /streams gives it", _AGAIN)
        place = (str(element.path), element.container)
        reply = replies.setdefault(place, StreamsReply(element))
        name = (read.stream_name, read.namespace or read.stream_namespace or None)
        reply.streams[name] = _offered(read)
    return list(replies.values())


class OfferedStreams:
    """All replies, and which connection each of them is for.

    Args:
        by_source: replies that are known to be of a source, by its id.
        replies: the others.
    """

    def __init__(
        self, by_source: Mapping[str, list[StreamsReply]], replies: list[StreamsReply]
    ) -> None:
        self._by_source = by_source
        self._replies = replies
        self._problems: list[Problem] = []

    def describe(self, connection: Connection) -> Connection:
        """The connection, its streams with what is offered of them."""
        mine = self._by_source.get(connection.source.source_id or "")
        replies = mine if mine is not None else self._fitting(connection)
        streams = []
        for stream in connection.streams:
            offers = [offer for reply in replies if (offer := reply.find(stream)) is not None]
            if stream.json_schema is None and offers:
                stream = msgspec.structs.replace(stream, offered=offers[0])
            streams.append(stream)
        return msgspec.structs.replace(connection, streams=tuple(streams))

    def problems(self) -> list[Problem]:
        """Replies that fit several sources, and replies that fit none."""
        unused = [
            Problem(
                asset=None,
                code="streams-reply-unused",
                message=f"{reply.where.path.name} lists streams of a source, and no connection "
                "beside it syncs only streams of that list: no column is taken from it. Save "
                "the source's connection in the same folder.",
                severity="info",
                path=str(reply.where.path),
            )
            for reply in self._replies
            if not reply.used
        ]
        return [*self._problems, *unused]

    def _fitting(self, connection: Connection) -> list[StreamsReply]:
        if not connection.streams:
            return []
        fitting = [
            reply
            for reply in self._replies
            if all(reply.find(stream) is not None for stream in connection.streams)
        ]
        for reply in fitting:
            reply.used = True
        said = [[reply.find(stream) for stream in connection.streams] for reply in fitting]
        if any(one != said[0] for one in said):
            files = ", ".join(reply.where.where for reply in fitting)
            self._problems.append(
                Problem(
                    asset=None,
                    code="streams-reply-unused",
                    message=f"Several replies of GET /streams fit connection {connection.name!r} "
                    f"and differ ({files}): no column is taken from them. Save each source with "
                    "its connections in a folder of its own.",
                    path=str(connection.path),
                )
            )
            return []
        return fitting


def _offered(read: _Properties) -> Offered:
    cursor = read.source_defined_cursor_field
    return Offered(
        fields=top_level(read.property_fields or []),
        primary_key=paths(read.source_defined_primary_key),
        cursor_field=tuple(
            read.default_cursor_field or (cursor if isinstance(cursor, list) else ())
        ),
        sync_modes=tuple(read.sync_modes or ()),
    )
