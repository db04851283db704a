"""One sync on the server, from start to end: started once, or one that runs already adopted."""

import threading
from collections.abc import Callable
from http import HTTPStatus

import msgspec

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.remote.client import AirbyteClient
from toolkit.integrations.airbyte.remote.clock import Clock, Stopped
from toolkit.integrations.airbyte.remote.replies import Job
from toolkit.integrations.airbyte.remote.transport import PATIENCE_SECONDS, ServerError

_FIRST_POLL = 2.0
_LONGEST_POLL = 30.0
_POLL_GROWTH = 1.5
_SKEW_SECONDS = 60.0  # how far a job's own start may be off from the time of our request
_MARGIN_SECONDS = 5.0
_OVERLOAD_WAIT = 15.0
_CONFLICTS = 8  # refusals "it runs already" that nothing running explains


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A job that will bring the connection up to date.

    Attributes:
        ours: we started it. Only such a job is ever cancelled: another program may wait for one
            that we found, and one whose start was not confirmed may be another program's.
    """

    job: Job
    ours: bool


class Interrupted(Exception):
    """The run was interrupted; says what became of the job."""


class RemoteSync:
    """Brings one connection up to date.

    Args:
        timeout: seconds for all of it.
        say: takes a line about how far it is.
    """

    def __init__(
        self,
        client: AirbyteClient,
        connection_id: str,
        *,
        name: str,
        clock: Clock,
        cancel: threading.Event,
        timeout: float,
        say: Callable[[str], None],
    ) -> None:
        self._client = client
        self._id = connection_id
        self._name = name
        self._clock = clock
        self._cancel = cancel
        self._timeout = timeout
        self._deadline = clock.now() + timeout
        self._say = say
        self._unsure: float | None = None  # the server may have begun a job for us since then

    def run(self) -> tuple[Started, Job]:
        """Start or adopt a job and follow it to its end, whichever that is.

        Raises:
            ServerError: it could not be started or followed.
            ConnectorError: it took longer than ``timeout``.
            Interrupted: the run was interrupted; a job of ours was cancelled.
        """
        try:
            started = self._start()
        except Stopped:
            may = "; the server may have begun a job" if self._unsure is not None else ""
            raise Interrupted(f"interrupted before a job was confirmed{may}") from None
        word = "started" if started.ours else "was running already: waiting for it"
        self._say(f"job {started.job.id} {word}")
        try:
            return started, self._follow(started.job)
        except Stopped:
            raise Interrupted(self._stop(started)) from None

    # ---- starting ----

    def _start(self) -> Started:
        """Never sends a second request before it has looked for what the first one did."""
        began, attempt, conflicts = self._clock.now(), 0, 0
        while True:
            if self._unsure is not None:
                found = self._begun(self._unsure)
                if found is not None:
                    return Started(job=found, ours=False)
            sent_at = self._client.server_now()
            self._clock.wait(0, self._cancel)
            try:
                return Started(job=self._client.create_job(self._id), ours=True)
            except ServerError as error:
                if error.status == HTTPStatus.CONFLICT:
                    running = self._running(error)
                    if running is not None:
                        return Started(job=running, ours=False)
                    conflicts += 1
                    if conflicts > _CONFLICTS:
                        raise
                    began = self._clock.now()
                elif not error.transient or self._clock.now() - began > PATIENCE_SECONDS:
                    raise
                elif error.sent and error.status != HTTPStatus.TOO_MANY_REQUESTS:
                    self._unsure = sent_at if self._unsure is None else self._unsure
                overloaded = error.status == HTTPStatus.TOO_MANY_REQUESTS
                wait = self._client.pause(error, attempt, _OVERLOAD_WAIT if overloaded else 2.0)
                self._say(f"the sync has not begun; trying again in {wait:.0f} s")
                self._wait(wait)
                attempt += 1

    def _begun(self, since: float) -> Job | None:
        """The job that a request of ours began although its answer was lost."""
        jobs = self._client.jobs_since(self._id, since - _SKEW_SECONDS)
        syncs = [job for job in jobs if job.type == "sync"]
        ours = [
            job
            for job in syncs
            if not job.ended or (job.started is not None and job.started >= since - _MARGIN_SECONDS)
        ]
        return max(ours, key=lambda job: job.id, default=None)

    def _running(self, refused: ServerError) -> Job | None:
        """The sync that stands in the way of ours; ``None`` when nothing does any more."""
        job = self._client.active_job(self._id)
        if job is None:
            status = self._client.connection(self._id).get("status")
            if isinstance(status, str) and status.lower() != "active":
                raise ServerError(
                    f"Connection {self._name!r} is {status} on the Airbyte server.",
                    "It was not synced.",
                    "Switch it on there, or leave its streams out of the build.",
                    status=refused.status,
                )
            return None
        if job.type == "sync":
            return job
        # What clears or refreshes some streams does not bring all of them up to date.
        self._say(f"waiting for job {job.id} ({job.type})")
        self._follow(job)
        return None

    # ---- following ----

    def _follow(self, job: Job) -> Job:
        wait = _FIRST_POLL
        while not job.ended:
            self._wait(wait * self._clock.jitter(), job)
            wait = min(wait * _POLL_GROWTH, _LONGEST_POLL)
            job = self._client.job(job.id)
            rows = f", {job.rows:,} rows" if job.rows else ""
            self._say(f"job {job.id} {job.status}{rows}")
        return job

    def _wait(self, seconds: float, job: Job | None = None) -> None:
        left = self._deadline - self._clock.now()
        if left <= 0:
            what = f"job {job.id} is {job.status}" if job else "no job has begun"
            raise ConnectorError(
                f"The sync of {self._name!r} took longer than its {self._timeout:g} seconds: "
                f"{what}.",
                "The job goes on; what it loads is not waited for." if job else "",
                "Build again to wait for the same job, or raise `airbyte.<target>.timeout` in "
                "toolkit.yml.",
            )
        self._clock.wait(min(seconds, left), self._cancel)

    def _stop(self, started: Started) -> str:
        job = started.job.id
        if not started.ours:
            return f"interrupted; job {job} goes on, since it was not started here"
        try:
            self._client.cancel_job(job)
        except ServerError as error:
            if error.status == HTTPStatus.CONFLICT:
                return f"interrupted; job {job} had ended"
            return f"interrupted; job {job} could not be cancelled and may go on: {error.fact}"
        except Stopped:
            return f"interrupted; job {job} could not be cancelled and may go on"
        return f"interrupted; job {job} was cancelled"
