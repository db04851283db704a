"""Airbyte protocol messages, as far as we read them.

A connector prints one JSON message a line. The envelope is decoded and a record's data
stays raw bytes: DuckDB parses them, once.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from toolkit.integrations.airbyte.model import StreamConfiguration, find_stream

ReadMode = Literal["full_refresh", "incremental"]


class StreamDescriptor(msgspec.Struct, frozen=True):
    """Names a stream."""

    name: str
    namespace: str | None = None


class Record(msgspec.Struct):
    """One row. ``emitted_at`` is milliseconds since the epoch."""

    stream: str
    data: msgspec.Raw
    emitted_at: int | float = 0
    namespace: str | None = None


class StreamState(msgspec.Struct):
    """The state of one stream."""

    stream_descriptor: StreamDescriptor
    stream_state: msgspec.Raw = msgspec.Raw(b"null")


class GlobalState(msgspec.Struct):
    """One state for all streams (change data capture)."""

    stream_states: list[StreamState] = []
    shared_state: msgspec.Raw = msgspec.Raw(b"null")


class State(msgspec.Struct):
    """A checkpoint: the source can go on from here."""

    type: str = "LEGACY"
    stream: StreamState | None = None
    global_: GlobalState | None = msgspec.field(default=None, name="global")
    data: msgspec.Raw = msgspec.Raw(b"null")


class Log(msgspec.Struct):
    """A line for the log."""

    level: str = "INFO"
    message: str = ""


class TraceError(msgspec.Struct):
    """Why a connector fails."""

    message: str | None = None
    internal_message: str | None = None
    stack_trace: str | None = None
    failure_type: str | None = None
    stream_descriptor: StreamDescriptor | None = None


class Estimate(msgspec.Struct):
    """How much is to come: of one stream, or (``SYNC``) of all together."""

    type: str = "STREAM"
    name: str | None = None
    namespace: str | None = None
    row_estimate: int | None = None


class StatusReason(msgspec.Struct):
    """Why a stream goes on slowly; so far only RATE_LIMITED."""

    type: str


class StreamStatus(msgspec.Struct):
    """STARTED, RUNNING, COMPLETE or INCOMPLETE."""

    stream_descriptor: StreamDescriptor
    status: str
    reasons: list[StatusReason] | None = None


class Analytics(msgspec.Struct):
    """Something that the connector counts for its makers; we only log it."""

    type: str | None = None
    value: str | None = None


class Trace(msgspec.Struct):
    """ERROR, ESTIMATE, STREAM_STATUS or ANALYTICS."""

    type: str
    error: TraceError | None = None
    estimate: Estimate | None = None
    stream_status: StreamStatus | None = None
    analytics: Analytics | None = None


class Spec(msgspec.Struct, rename="camel"):
    """What a connector's configuration must look like."""

    connection_specification: dict[str, Any] = {}


class ConnectionStatus(msgspec.Struct):
    """The answer to ``check``."""

    status: str
    message: str | None = None


class CatalogStream(msgspec.Struct):
    """One stream that a source offers."""

    name: str
    json_schema: dict[str, Any] = {}
    supported_sync_modes: tuple[str, ...] = ("full_refresh",)
    source_defined_cursor: bool | None = None
    default_cursor_field: list[str] | None = None
    source_defined_primary_key: list[list[str]] | None = None
    namespace: str | None = None
    is_resumable: bool | None = None


class Catalog(msgspec.Struct):
    """All streams that a source offers."""

    streams: list[CatalogStream]

    def find(self, stream: StreamConfiguration) -> CatalogStream | None:
        """The stream that is configured, as it is offered; ``None`` if it is not."""
        return find_stream({(one.name, one.namespace): one for one in self.streams}, stream)


class NewConfiguration(msgspec.Struct):
    """A configuration that the connector wants to be started with from now on."""

    config: dict[str, Any]


class Control(msgspec.Struct):
    """The connector asks for something: CONNECTOR_CONFIG, a new configuration."""

    type: str = ""
    connector_config: NewConfiguration | None = msgspec.field(default=None, name="connectorConfig")


class Message(msgspec.Struct):
    """One line of a connector's standard output."""

    type: str
    record: Record | None = None
    state: State | None = None
    log: Log | None = None
    trace: Trace | None = None
    spec: Spec | None = None
    connection_status: ConnectionStatus | None = msgspec.field(
        default=None, name="connectionStatus"
    )
    catalog: Catalog | None = None
    control: Control | None = None


def descriptor(name: str, namespace: str | None) -> Mapping[str, str]:
    """A stream descriptor as JSON; no namespace is left out, as connectors do."""
    return {"name": name} if namespace is None else {"name": name, "namespace": namespace}
