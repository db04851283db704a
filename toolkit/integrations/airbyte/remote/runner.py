"""Runs the steps of a target whose syncs an Airbyte server does: one job each."""

import difflib
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from toolkit.errors import ConnectorError, ToolkitError
from toolkit.integrations.airbyte.model import Connection, StreamConfiguration
from toolkit.integrations.airbyte.remote.client import AirbyteClient
from toolkit.integrations.airbyte.remote.clock import Clock, Stopped
from toolkit.integrations.airbyte.remote.jobs import Interrupted, RemoteSync, Started
from toolkit.integrations.airbyte.remote.replies import Detail, Job, text
from toolkit.integrations.airbyte.remote.transport import PATIENCE_SECONDS, ServerError
from toolkit.integrations.base import (
    Made,
    RunContext,
    Status,
    Step,
    StepFinished,
    StepProgress,
    StepStarted,
)
from toolkit.integrations.cancel import StepCancel


class RemoteRunner:
    """Has an Airbyte server run syncs.

    Args:
        connections: by the key of their step.
        streams: each connection's stream for each asset key.
        clock: tests put another in its place.
    """

    def __init__(
        self,
        context: RunContext,
        connections: Mapping[str, Connection],
        streams: Mapping[str, StreamConfiguration],
        clock: Clock | None = None,
    ) -> None:
        self._context = context
        self._connections = connections
        self._streams = streams
        self._clock = clock or Clock()
        settings = context.settings
        self._log = _Log(context.log_dir / "airbyte.log")
        self._client = AirbyteClient(
            settings.airbyte,
            clock=self._clock,
            cancel=context.cancel,
            secrets=settings.secrets,
            log=lambda line: self._log.write(self._client.mask(line)),
        )
        self._lock = threading.Lock()
        self._cancels: dict[str, StepCancel] = {}
        self._listed: list[dict[str, object]] | None = None

    def run(self, steps: Sequence[Step]) -> None:
        """Sync these connections, one after the other; a failure is an event."""
        for step in steps:
            self._run(step)

    def stop_step(self, key: str) -> None:
        """Stop a sync: its job on the server is cancelled, if we started it."""
        cancel = self._cancels.get(key)
        if cancel is not None:
            cancel.set()

    def close(self) -> None:
        """Close the connections to the server."""
        self._client.close()

    def _run(self, step: Step) -> None:
        started = self._clock.now()
        thread = threading.current_thread().name
        self._context.emit(StepStarted(step=step.key, at=started, thread=thread))
        self._cancels[step.key] = StepCancel(self._context.cancel)
        say = self._sayer(step)
        passes = False
        made: tuple[Made, ...] = ()
        facts: dict[str, object] = {}
        status: Status = "error"
        try:
            status, message, made, facts = self._sync(step, say)
        except (Interrupted, Stopped) as stopped:
            message = str(stopped) or "interrupted before the sync began"
        except ToolkitError as error:
            message = str(error)
            # the transport has repeated requests itself, for as long as it makes sense
            waited = self._clock.now() - started
            passes = isinstance(error, ServerError) and error.transient
            passes = passes and waited < PATIENCE_SECONDS
        message = self._client.mask(message)
        self._log.write(f"{step.name}: {status}: {message}")
        if status == "error":
            message += f"\nThe log is {self._log.path}."
        self._context.emit(
            StepFinished(
                step=step.key,
                status=status,
                started_at=started,
                finished_at=self._clock.now(),
                message=message,
                thread=thread,
                made=made,
                adapter_response=facts,
                transient=passes,
            )
        )

    def _sayer(self, step: Step) -> Callable[[str], None]:
        def say(line: str) -> None:
            line = self._client.mask(line)
            self._log.write(f"{step.name}: {line}")
            self._context.emit(StepProgress(step=step.key, message=line))

        return say

    def _sync(
        self, step: Step, say: Callable[[str], None]
    ) -> tuple[Status, str, tuple[Made, ...], dict[str, object]]:
        connection = self._connections[step.key]
        connection_id, workspace_id = self._find(connection)
        sync = RemoteSync(
            self._client,
            connection_id,
            name=connection.name,
            clock=self._clock,
            cancel=self._cancels[step.key],
            timeout=self._context.settings.airbyte.timeout,
            say=say,
        )
        started, job = sync.run()
        workspace_id = workspace_id or self._workspace(connection_id)
        detail = self._client.detail(job.id, workspace_id, connection_id)
        page = self._client.address.connection_page(workspace_id, connection_id)
        made = self._made(step, started, job, detail)
        facts: dict[str, object] = {"job_id": job.id, "adopted": not started.ours}
        facts |= {"rows_synced": job.rows, "bytes_synced": job.bytes, "url": page}
        if job.status == "succeeded":
            return "success", _success(step, started, job, self._context.full_refresh), made, facts
        raise_with = _failure(connection, job, detail, page, made)
        return "error", str(raise_with), made, facts

    # ---- which connection ----

    def _find(self, connection: Connection) -> tuple[str, str | None]:
        """A connection's id and workspace; by its name where the files do not hold the id."""
        if connection.connection_id is not None:
            return connection.connection_id, None
        with self._lock:
            if self._listed is None:
                self._listed = list(self._client.connections())
        named = [raw for raw in self._listed if raw.get("name") == connection.name]
        ids = {text(raw, "connectionId"): text(raw, "workspaceId") for raw in named}
        found = [(key, workspace) for key, workspace in ids.items() if key is not None]
        if len(found) == 1:
            return found[0]
        if found:
            raise ConnectorError(
                f"Airbyte at {self._client.host} has {len(found)} connections called "
                f"{connection.name!r}: {', '.join(sorted(key for key, _ in found))}.",
                "Which of them is meant cannot be told, so none was synced.",
                f"Give its `connection_id` in {connection.path}, or name one workspace in "
                "`airbyte.<target>.workspaces`.",
            )
        names = sorted({str(raw.get("name")) for raw in self._listed})
        near = difflib.get_close_matches(connection.name, names, 1)
        raise ConnectorError(
            f"Airbyte at {self._client.host} has no connection called {connection.name!r}"
            + (f"; the nearest name is {near[0]!r}." if near else "."),
            "It was not synced.",
            f"Create it there, correct the name in {connection.where('name')}, or give its "
            "`connection_id`.",
        )

    def _workspace(self, connection_id: str) -> str | None:
        """For the link to its page only, so whatever goes wrong costs the link and no more."""
        try:
            return text(self._client.connection(connection_id), "workspaceId")
        except (ToolkitError, Stopped):
            return None

    # ---- what was made ----

    def _made(self, step: Step, started: Started, job: Job, detail: Detail) -> tuple[Made, ...]:
        made: list[Made] = []
        for key in step.makes:
            stream = self._streams[key]
            result = detail.streams.get((stream.namespace or "", stream.name))
            complete = result is not None and result.complete is True
            if job.status != "succeeded" and not complete:
                continue
            rows = result.rows if result is not None else None
            if rows is None and len(self._connections[step.key].streams) == 1:
                rows = job.rows
            made.append(
                Made(
                    asset=key,
                    rows=rows,
                    data_version=f"airbyte-job:{job.id}",
                    metadata={
                        "airbyte_job": job.id,
                        "adopted": not started.ours,
                        "rows_of_the_job": job.rows,
                        "bytes_of_the_job": job.bytes,
                    },
                )
            )
        return tuple(made)


class _Log:
    """The run's log of what the server was asked and said; written from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {line}\n")


def _success(step: Step, started: Started, job: Job, full_refresh: bool) -> str:
    parts = [f"{_count(len(step.makes), 'stream')}, job {job.id}"]
    if job.rows is not None:
        parts.append(_count(job.rows, "row"))
    if not started.ours:
        parts.append("it was running already")
    if full_refresh:
        parts.append("--full-refresh does not reset a connection on a server")
    return "; ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _failure(
    connection: Connection, job: Job, detail: Detail, page: str | None, made: Sequence[Made]
) -> ConnectorError:
    attempts = f" after {_count(detail.attempts, 'attempt')}" if detail.attempts else ""
    word = "was cancelled" if job.status == "cancelled" else f"failed{attempts}"
    fact = f"The sync of {connection.name!r} {word} on the Airbyte server (job {job.id})"
    reasons = [_short(reason) for reason in detail.reasons[:3]]
    fact += f": {' / '.join(reasons)}" if reasons else "."
    done = [one.asset for one in made]
    failed = [
        stream.name
        for stream in connection.streams
        if (result := detail.streams.get((stream.namespace or "", stream.name))) is not None
        and result.complete is False
    ]
    consequence = ""
    if failed:
        consequence = f"Not complete: {', '.join(failed)}. "
    if done:
        consequence += f"Complete all the same: {', '.join(done)}."
    elif not failed:
        consequence = "Nothing is known to be complete."
    where = page or f"connection {connection.connection_id or connection.name}, job {job.id}"
    return ConnectorError(fact, consequence.strip(), f"Its log on the server: {where}")


def _short(reason: str) -> str:
    reason = re.sub(r"\s+", " ", reason).strip()
    return reason if len(reason) <= 400 else reason[:400] + "..."
