"""What we ask an Airbyte server, in its words: connections, jobs, fields."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from toolkit.integrations.airbyte.remote.replies import (
    Detail,
    Job,
    detail_of,
    job_of,
    objects,
)
from toolkit.integrations.airbyte.remote.transport import NO_USE, ServerError, Transport
from toolkit.integrations.airbyte.yamltext import Json

PAGE = 100
"""Objects a request; more than 100 the API does not give."""
_FIELDS_SECONDS = 300.0  # the server may have to ask the source itself
_DETAIL_SECONDS = 15.0


class AirbyteClient(Transport):
    """One Airbyte server."""

    _no_details = False

    # ---- configuration ----

    def connections(self) -> list[dict[str, Any]]:
        """All connections that are not deleted, as the server has them."""
        from airbyte_api.api import ListConnectionsRequest

        ask = self.sdk.connections.list_connections
        return self._all("connections", ask, ListConnectionsRequest)

    def sources(self) -> list[dict[str, Any]]:
        """All sources, with their secret configurations: keep nothing that is not needed."""
        from airbyte_api.api import ListSourcesRequest

        return self._all("sources", self.sdk.sources.list_sources, ListSourcesRequest)

    def destinations(self) -> list[dict[str, Any]]:
        """All destinations, likewise."""
        from airbyte_api.api import ListDestinationsRequest

        ask = self.sdk.destinations.list_destinations
        return self._all("destinations", ask, ListDestinationsRequest)

    def connection(self, connection_id: str) -> dict[str, Any]:
        """One connection."""
        from airbyte_api.api import GetConnectionRequest

        reply = self.read(
            f"connection {connection_id}",
            lambda: self.sdk.connections.get_connection(
                request=GetConnectionRequest(connection_id=connection_id)
            ),
        )
        return reply if isinstance(reply, dict) else {}

    def stream_properties(self, source_id: str) -> list[dict[str, Any]]:
        """The streams that a source offers, with the paths of their fields."""
        from airbyte_api.api import GetStreamPropertiesRequest

        reply = self.read(
            f"streams of source {source_id}",
            lambda: self.sdk.streams.get_stream_properties(
                request=GetStreamPropertiesRequest(source_id=source_id),
                timeout_ms=int(_FIELDS_SECONDS * 1000),
            ),
            again=False,  # a source in trouble is an error of the server each time
        )
        return objects(reply)

    def check_source(self, source_id: str) -> tuple[bool | None, str]:
        """Whether the source can be reached, and what is said; ``None`` where nobody tells."""
        try:
            reply = self.configuration(
                "sources/check_connection", {"sourceId": source_id}, seconds=_FIELDS_SECONDS
            )
        except ServerError as error:
            return None, error.fact
        status = reply.get("status") if isinstance(reply, dict) else None
        message = reply.get("message") if isinstance(reply, dict) else None
        said = self.mask(message)[:300] if isinstance(message, str) else ""
        return {"succeeded": True, "failed": False}.get(str(status)), said

    # ---- jobs ----

    def create_job(self, connection_id: str) -> Job:
        """Start a sync. Sent once: the request is not idempotent.

        Raises:
            ServerError: with what is known of whether it began.
        """
        from airbyte_api.models import JobCreateRequest, JobTypeEnum

        request = JobCreateRequest.model_validate(
            {"connectionId": connection_id, "jobType": JobTypeEnum.SYNC}
        )
        reply = self.once("starting a sync", lambda: self.sdk.jobs.create_job(request=request))
        return self._job(reply, "starting a sync")

    def job(self, job_id: int) -> Job:
        """A job as it stands."""
        from airbyte_api.api import GetJobRequest

        what = f"job {job_id}"
        reply = self.read(what, lambda: self.sdk.jobs.get_job(request=GetJobRequest(job_id=job_id)))
        return self._job(reply, what)

    def cancel_job(self, job_id: int) -> None:
        """Ask once that a job be stopped."""
        from airbyte_api.api import CancelJobRequest

        self.once(
            f"cancelling job {job_id}",
            lambda: self.sdk.jobs.cancel_job(
                request=CancelJobRequest(job_id=job_id), timeout_ms=10_000
            ),
        )

    def active_job(self, connection_id: str) -> Job | None:
        """The newest job of a connection that has not ended, of whatever type.

        Not by the filter `status`: servers differ in the statuses that they know.
        """
        return next((job for job in self._jobs(connection_id) if not job.ended), None)

    def jobs_since(self, connection_id: str, seconds: float) -> list[Job]:
        """Jobs of a connection that began at ``seconds`` since the epoch, or later."""
        return list(self._jobs(connection_id, since=datetime.fromtimestamp(seconds, UTC)))

    def last_job(self, connection_id: str) -> Job | None:
        """The newest job of a connection, if any."""
        return next(self._jobs(connection_id, limit=1), None)

    def detail(self, job_id: int, workspace_id: str | None, connection_id: str) -> Detail:
        """Why a job failed and what became of each stream; empty where nobody tells.

        The public API does not say it. The configuration API does, where we may ask it.
        """
        if self._no_details:
            return Detail()
        try:
            job = self.configuration(
                "jobs/get_without_logs", {"id": job_id}, seconds=_DETAIL_SECONDS
            )
        except ServerError as error:
            self._no_details = error.status in (401, 403, 404, 405) or error.status is None
            return Detail()
        statuses: Json = None
        if workspace_id is not None:
            body = {
                "workspaceId": workspace_id,
                "connectionId": connection_id,
                "jobId": job_id,
                "pagination": {"pageSize": PAGE, "rowOffset": 0},
            }
            try:
                statuses = self.configuration("stream_statuses/list", body, seconds=_DETAIL_SECONDS)
            except ServerError:
                statuses = None  # only a help: what the job says stands without it
        return detail_of(job, statuses)

    # ---- parts ----

    def _all(
        self, what: str, ask: Callable[..., object], request: Callable[..., object]
    ) -> list[dict[str, Any]]:
        """All objects of a kind in the workspaces that are asked for."""
        chosen = list(self._target.workspaces) or None

        def page(offset: int) -> object:
            return ask(request=request(limit=PAGE, offset=offset, workspace_ids=chosen))

        return list(self._pages(what, page))

    def _job(self, reply: Json, what: str) -> Job:
        job = job_of(reply)
        if job is None:
            raise ServerError(
                f"Airbyte at {self.host} answered without a job's number and status ({what}).",
                NO_USE,
                "Check `airbyte.<target>.url` in toolkit.yml.",
            )
        return job

    def _jobs(
        self, connection_id: str, *, since: datetime | None = None, limit: int = PAGE
    ) -> Iterator[Job]:
        """Jobs of a connection, the newest first; asked for as far as they are looked at."""
        from airbyte_api.api import ListJobsRequest

        def page(offset: int) -> object:
            return self.sdk.jobs.list_jobs(
                request=ListJobsRequest(
                    connection_id=connection_id,
                    limit=limit,
                    offset=offset,
                    created_at_start=since,
                    order_by="createdAt|DESC",
                )
            )

        for raw in self._pages("jobs", page):
            job = job_of(raw)
            if job is not None:
                yield job

    def _pages(self, what: str, page: Callable[[int], object]) -> Iterator[dict[str, Any]]:
        """All objects; a server that ignores the offset and repeats itself ends it too."""
        offset, before = 0, None
        while True:
            reply = self.read(what, partial(page, offset))
            items = reply.get("data") if isinstance(reply, dict) else reply
            if not isinstance(items, list):
                raise ServerError(
                    f"Airbyte at {self.host} answered without a list ({what}).",
                    NO_USE,
                    "Check `airbyte.<target>.url` in toolkit.yml.",
                )
            if items == before:
                return
            yield from (item for item in items if isinstance(item, dict))
            more = isinstance(reply, dict) and bool(reply.get("next"))
            if not items or (len(items) < PAGE and not more):
                return
            offset, before = offset + len(items), items
