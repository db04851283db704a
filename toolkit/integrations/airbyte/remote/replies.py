"""What a server's JSON says, read tolerantly: whatever we do not need may be missing or odd.

The official client refuses whole pages for one unknown value; here each part counts alone.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from toolkit.integrations.airbyte.yamltext import Json

TERMINAL = frozenset({"succeeded", "failed", "cancelled"})
"""``incomplete`` is not among them: the next attempt follows."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job as the public API tells of it.

    Attributes:
        status: in lower case; may be one that we do not know, which is not the end.
        type: ``sync``, ``reset``, ``clear``, ``refresh``; ``sync`` where nothing is said.
        started: seconds since the epoch, where that can be read.
    """

    id: int
    status: str
    type: str = "sync"
    started: float | None = None
    rows: int | None = None
    bytes: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in TERMINAL


class StreamResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a job did to one stream, where the server says it."""

    rows: int | None = None
    complete: bool | None = None


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """What only the configuration API knows of a job.

    Attributes:
        reasons: why it failed, each once, the server's words.
        streams: by (namespace or empty, name).
    """

    attempts: int | None = None
    reasons: tuple[str, ...] = ()
    streams: Mapping[tuple[str, str], StreamResult] = {}


def objects(reply: Json, key: str = "data") -> list[dict[str, Any]]:
    """The objects of a page, or of a reply that is a list itself."""
    items = reply.get(key) if isinstance(reply, dict) else reply
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def text(raw: object, *keys: str) -> str | None:
    """The text under these keys, one below the other."""
    for key in keys:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw if isinstance(raw, str) and raw else None


def number(raw: object, *keys: str) -> int | None:
    """Likewise a whole number."""
    for key in keys:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 19:
        return int(raw)
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None


def job_of(raw: object) -> Job | None:
    """A job; ``None`` where its number or status is missing."""
    job_id, status = number(raw, "jobId"), text(raw, "status")
    if job_id is None or status is None:
        return None
    return Job(
        id=job_id,
        status=status.lower(),
        type=(text(raw, "jobType") or "sync").lower(),
        started=_seconds(text(raw, "startTime")),
        rows=number(raw, "rowsSynced"),
        bytes=number(raw, "bytesSynced"),
    )


def detail_of(job: Json, statuses: Json = None) -> Detail:
    """From ``jobs/get_without_logs`` and ``stream_statuses/list``."""
    attempts = [entry.get("attempt", entry) for entry in objects(job, "attempts")]
    attempts = [attempt for attempt in attempts if isinstance(attempt, dict)]
    reasons = dict.fromkeys(reason for attempt in attempts for reason in _reasons(attempt))
    rows: dict[tuple[str, str], int] = {}
    for attempt in attempts:
        for entry in objects(attempt, "streamStats"):
            count = number(entry, "stats", "recordsCommitted")
            if count is None:
                count = number(entry, "stats", "recordsEmitted")
            name = text(entry, "streamName")
            if count is not None and name is not None:
                place = (text(entry, "streamNamespace") or "", name)
                rows[place] = rows.get(place, 0) + count
    complete: dict[tuple[str, str], bool] = {}
    for entry in objects(statuses, "streamStatuses"):
        name, state = text(entry, "streamName"), text(entry, "runState")
        if name is not None and state is not None:
            place = (text(entry, "streamNamespace") or "", name)
            complete[place] = complete.get(place, False) or state.lower() == "complete"
    return Detail(
        attempts=len(attempts) or None,
        reasons=tuple(reasons),
        streams={
            place: StreamResult(rows=rows.get(place), complete=complete.get(place))
            for place in {**rows, **complete}
        },
    )


def _reasons(attempt: Mapping[str, Any]) -> Iterator[str]:
    for failure in objects(attempt.get("failureSummary"), "failures"):
        said = text(failure, "externalMessage") or text(failure, "internalMessage")
        if said is None:
            continue
        origin = text(failure, "failureOrigin")
        stream = text(failure, "streamDescriptor", "name")
        place = ", ".join(part for part in (origin, stream and f"stream {stream}") if part)
        yield f"{said} ({place})" if place else said


def _seconds(stamp: str | None) -> float | None:
    try:
        at = datetime.fromisoformat(stamp) if stamp else None
    except ValueError:
        return None
    if at is None:
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
