"""Runs the steps of a target whose syncs an Airbyte server does: one job each."""

import difflib
import re
import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec

from toolkit.errors import ConnectorError, ToolkitError
from toolkit.integrations.airbyte.log import Log
from toolkit.integrations.airbyte.model import Connection, StreamConfiguration
from toolkit.integrations.airbyte.remote.client import AirbyteClient
from toolkit.integrations.airbyte.remote.clock import Clock, Stopped
from toolkit.integrations.airbyte.remote.jobs import Interrupted, RemoteSync, Started
from toolkit.integrations.airbyte.remote.replies import Detail, Job, text
from toolkit.integrations.airbyte.remote.transport import PATIENCE_SECONDS, ServerError
from toolkit.integrations.base import Made, RunContext, Step
from toolkit.integrations.steps import Outcome, StepRunner


class RemoteRunner(StepRunner):
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
        super().__init__(context)
        self._connections = connections
        self._streams = streams
        self._clock = clock or Clock()
        settings = context.settings
        self._log = Log(context.log_dir / "airbyte.log")
        self._client = AirbyteClient(
            settings.airbyte,
            clock=self._clock,
            cancel=context.cancel,
            secrets=settings.secrets,
            log=lambda line: self._log.say(self.mask(line)),
        )
        self._lock = threading.Lock()
        self._listed: list[dict[str, object]] | None = None

    def do(self, step: Step, cancel: threading.Event) -> Outcome:
        """Have a connection synced; when that must stop, a job that we started is cancelled."""
        started = self.now()
        try:
            outcome = self._sync(step, cancel)
        except (Interrupted, Stopped) as stopped:
            message = str(stopped) or "interrupted before the sync began"
            outcome = Outcome(status="error", message=message)
        except ToolkitError as error:
            # the transport has repeated requests itself, for as long as it makes sense
            passes = isinstance(error, ServerError) and error.transient
            passes = passes and self.now() - started < PATIENCE_SECONDS
            outcome = Outcome(status="error", message=str(error), transient=passes)
        self._log.say(self.mask(f"{step.name}: {outcome.status}: {outcome.message}"))
        if outcome.status == "success":
            return outcome
        message = f"{outcome.message}\nThe log is {self._log.path}."
        return msgspec.structs.replace(outcome, message=message)

    def close(self) -> None:
        """Close the connections to the server, and the log."""
        self._client.close()
        self._log.close()

    def mask(self, text: str) -> str:
        """Also without the tokens that the server gave us."""
        return self._client.mask(text)

    def now(self) -> float:
        """As the clock has it."""
        return self._clock.now()

    def _sync(self, step: Step, cancel: threading.Event) -> Outcome:
        connection = self._connections[step.key]
        connection_id, workspace_id = self._find(connection)
        sync = RemoteSync(
            self._client,
            connection_id,
            name=connection.name,
            clock=self._clock,
            cancel=cancel,
            timeout=self.context.settings.airbyte.timeout,
            say=self._sayer(step),
        )
        started, job = sync.run()
        workspace_id = workspace_id or self._workspace(connection_id)
        detail = self._client.detail(job.id, workspace_id, connection_id)
        page = self._client.address.connection_page(workspace_id, connection_id)
        made = self._made(step, started, job, detail)
        facts: dict[str, object] = {"job_id": job.id, "adopted": not started.ours}
        facts |= {"rows_synced": job.rows, "bytes_synced": job.bytes, "url": page}
        if job.status == "succeeded":
            message = _success(step, started, job, self.context.full_refresh)
            return Outcome(message=message, made=made, adapter_response=facts)
        message = str(_failure(connection, job, detail, page, made))
        return Outcome(status="error", message=message, made=made, adapter_response=facts)

    def _sayer(self, step: Step) -> Callable[[str], None]:
        def say(line: str) -> None:
            self._log.say(self.mask(f"{step.name}: {line}"))
            self.progress(step, line)

        return say

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
