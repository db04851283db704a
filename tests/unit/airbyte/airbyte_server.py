"""An Airbyte server over real HTTP that keeps jobs, and can be told to misbehave.

Its time is a virtual one: what waits for it lets it pass.
"""

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from toolkit.integrations.airbyte.remote.clock import Clock, Stopped

PUBLIC = "/api/public/v1"
CONFIGURATION = "/api/v1"
WORKSPACE = str(uuid.UUID(int=1))
ACTIVE = ("pending", "queued", "running", "incomplete")


class VirtualClock(Clock):
    """Time that passes when somebody waits; ``at`` calls something when it gets there."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        self.waits: list[float] = []
        self.events: list[tuple[float, Callable[[], None]]] = []
        self._lock = threading.RLock()

    def now(self) -> float:
        return self.time

    def at(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something so many seconds from now."""
        self.events.append((self.time + seconds, do))

    def wait(self, seconds: float, cancel: threading.Event) -> None:
        with self._lock:
            if cancel.is_set():
                raise Stopped
            self.waits.append(seconds)
            until = self.time + seconds
            due = sorted((event for event in self.events if event[0] <= until), key=lambda e: e[0])
            for event in due:
                self.events.remove(event)
                self.time = max(self.time, event[0])
                event[1]()
                if cancel.is_set():
                    raise Stopped
            self.time = until

    def jitter(self) -> float:
        return 1.0


class RealTime(VirtualClock):
    """For programs of their own, which wait really."""

    def now(self) -> float:
        return time.time()


class Fault:
    """What happens to a request instead of, or after, being served.

    Args:
        method / path: of the requests that it meets; the path counts from its end.
        status: answers with it. ``None``: closes the socket without a word.
        served: the request is served first, and only the answer is lost.
        times: how often.
        echo: answers with the request's own headers and body, as a careless proxy does.
    """

    def __init__(
        self,
        method: str,
        path: str,
        status: int | None = None,
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
        served: bool = False,
        times: int = 1,
        echo: bool = False,
    ) -> None:
        self.method, self.path, self.status = method, path, status
        self.body, self.headers, self.served, self.times = body, headers or {}, served, times
        self.echo = echo

    def meets(self, method: str, path: str) -> bool:
        return self.times > 0 and method == self.method and path.endswith(self.path)


def connection(number: int, name: str, *streams: str, **more: Any) -> dict[str, Any]:
    """A connection as the server has it, with all that is in a real one."""
    return {
        "connectionId": str(uuid.UUID(int=1000 + number)),
        "name": name,
        "sourceId": str(uuid.UUID(int=2000 + number)),
        "destinationId": str(uuid.UUID(int=3000)),
        "workspaceId": WORKSPACE,
        "status": "active",
        "schedule": {"scheduleType": "manual"},
        "dataResidency": "auto",
        "namespaceDefinition": "destination",
        "namespaceFormat": None,
        "prefix": "",
        "nonBreakingSchemaUpdatesBehavior": "ignore",
        "configurations": {
            "streams": [
                {"name": stream, "syncMode": "full_refresh_overwrite"}
                for stream in streams or ("users",)
            ]
        },
        "createdAt": 1_700_000_000,
        "tags": [],
        **more,
    }


def source(number: int, **configuration: Any) -> dict[str, Any]:
    return {
        "sourceId": str(uuid.UUID(int=2000 + number)),
        "name": f"Source {number}",
        "sourceType": "postgres",
        "definitionId": str(uuid.UUID(int=5000)),
        "workspaceId": WORKSPACE,
        "configuration": configuration,
        "createdAt": 1_700_000_000,
    }


def destination(**configuration: Any) -> dict[str, Any]:
    return {
        "destinationId": str(uuid.UUID(int=3000)),
        "name": "Warehouse",
        "destinationType": "postgres",
        "definitionId": str(uuid.UUID(int=5001)),
        "workspaceId": WORKSPACE,
        "configuration": {"database": "shop", "schema": "raw", **configuration},
        "createdAt": 1_700_000_000,
    }


class Job:
    """Pending, then running, then ``ends`` with it; times from its creation, in seconds."""

    def __init__(
        self, number: int, connection_id: str, created: float, kind: str, server: "AirbyteServer"
    ) -> None:
        self.id, self.connection_id, self.created, self.kind = number, connection_id, created, kind
        self.ends, self.lasts = server.outcome, server.lasts
        self.rows, self.bytes = server.rows, server.rows * 10
        self.cancelled = False
        self.script = list(server.script)

    def status(self, now: float) -> str:
        if self.cancelled:
            return "cancelled"
        if now >= self.created + self.lasts:
            return self.ends
        if self.script:
            return self.script[min(int((now - self.created) / 5), len(self.script) - 1)]
        return "pending" if now < self.created + 1 else "running"

    def json(self, now: float) -> dict[str, Any]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.created))
        return {
            "jobId": self.id,
            "status": self.status(now),
            "jobType": self.kind,
            "startTime": stamp,
            "connectionId": self.connection_id,
            "lastUpdatedAt": stamp,
            "duration": f"PT{int(now - self.created)}S",
            "bytesSynced": self.bytes,
            "rowsSynced": self.rows,
        }


class AirbyteServer:
    """Serve on 127.0.0.1 until it is closed; a context manager.

    Attributes:
        requests: method, path, query, headers and body of each that came.
        faults: what goes wrong; the first that meets a request counts.
        outcome / lasts / rows / script: of the jobs that are started from now on.
        detail: what the configuration API says of jobs; ``None``: it is not there (404).
    """

    def __init__(self, clock: VirtualClock, *, tls: Any = None) -> None:
        self.clock = clock
        self.connections: list[dict[str, Any]] = [connection(1, "shop")]
        self.sources: list[dict[str, Any]] = [source(1)]
        self.destinations: list[dict[str, Any]] = [destination()]
        self.properties: dict[str, list[dict[str, Any]]] = {}
        self.jobs: list[Job] = []
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, dict[str, list[str]], dict[str, str], bytes]] = []
        self.outcome, self.lasts, self.rows = "succeeded", 20.0, 1234
        self.script: list[str] = []
        self.detail: dict[str, Any] | None = None
        self.stream_statuses: list[dict[str, Any]] = []
        self.source_check: dict[str, Any] | None = None
        self.token: str | None = None  # a fixed bearer token that is asked for
        self.basic: tuple[str, str] | None = None
        self.client: tuple[str, str] | None = None  # client credentials
        self.token_seconds = 180.0
        self.tokens: dict[str, float] = {}  # until when each is good
        self.tokens_made = 0
        self.lock = threading.RLock()
        outer = self

        class Handler(_Handler):
            server_state = outer

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.scheme = "https" if tls is not None else "http"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def root(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        return self.root + PUBLIC

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> "AirbyteServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, number: int = 1, kind: str = "sync") -> Job:
        """Begin a job, as somebody else would."""
        with self.lock:
            job = Job(
                len(self.jobs) + 1, self.connections[number - 1]["connectionId"],
                self.clock.now(), kind, self,
            )  # fmt: skip
            self.jobs.append(job)
            return job

    def asked(self, method: str, path: str) -> int:
        """How many requests came for it."""
        return sum(m == method and p.endswith(path) for m, p, *_ in self.requests)

    # ---- answers ----

    def allowed(self, authorization: str) -> bool:
        if self.client is not None:
            token = authorization.removeprefix("Bearer ")
            return self.tokens.get(token, 0.0) > self.clock.now()
        if self.basic is not None:
            expected = base64.b64encode(":".join(self.basic).encode()).decode()
            return authorization == f"Basic {expected}"
        return self.token is None or authorization == f"Bearer {self.token}"

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: bytes
    ) -> tuple[int, Any]:
        with self.lock:
            if path.startswith(PUBLIC):
                return self._public(method, path.removeprefix(PUBLIC), query, body)
            if path.startswith(CONFIGURATION) and method == "POST":
                return self._configuration(path.removeprefix(CONFIGURATION), json.loads(body))
        return 404, {"status": 404, "title": "not-found"}

    def _public(
        self, method: str, path: str, query: dict[str, list[str]], body: bytes
    ) -> tuple[int, Any]:
        lists = {
            "/connections": self.connections,
            "/sources": self.sources,
            "/destinations": self.destinations,
        }
        if method == "GET" and path in lists:
            return 200, self._page(lists[path], query, path)
        if path == "/jobs" and method == "POST":
            return self._create(json.loads(body))
        if path == "/jobs":
            return 200, self._page(self._matching(query), query, path)
        if path.startswith("/jobs/"):
            job = next((j for j in self.jobs if str(j.id) == path.removeprefix("/jobs/")), None)
            if job is None:
                return 404, {"status": 404, "title": "resource-not-found"}
            if method == "DELETE":
                if job.status(self.clock.now()) not in ACTIVE:
                    return 409, {"status": 409, "title": "state-conflict"}
                job.cancelled = True
            return 200, job.json(self.clock.now())
        if path.startswith("/connections/"):
            wanted = path.removeprefix("/connections/")
            found = [c for c in self.connections if c["connectionId"] == wanted]
            return (200, found[0]) if found else (404, {"title": "resource-not-found"})
        if path == "/streams":
            given = self.properties.get(query["sourceId"][0])
            return (200, given) if given is not None else (500, {"message": "no such source"})
        return 404, {"status": 404, "title": "not-found"}

    def _create(self, request: dict[str, Any]) -> tuple[int, Any]:
        wanted = request["connectionId"]
        index = next(
            (i for i, c in enumerate(self.connections) if c["connectionId"] == wanted), None
        )
        if index is None:
            return 404, {"status": 404, "title": "resource-not-found", "detail": "no connection"}
        now = self.clock.now()
        active = any(j.connection_id == wanted and j.status(now) in ACTIVE for j in self.jobs)
        if active or self.connections[index]["status"] != "active":
            return 409, {
                "status": 409,
                "type": "https://reference.airbyte.com/reference/errors#try-again-later",
                "title": "try-again-later",
                "detail": f"A sync is already running for: {wanted}",
            }
        return 200, self.start(index + 1, request["jobType"]).json(now)

    def _matching(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        now, found = self.clock.now(), []
        for job in reversed(self.jobs):
            since = query.get("createdAtStart")
            if query.get("connectionId", [job.connection_id]) != [job.connection_id]:
                continue
            if query.get("status", [job.status(now)]) != [job.status(now)]:
                continue
            if since and job.created < _seconds(since[0]):
                continue
            found.append(job.json(now))
        return found

    def _page(
        self, items: list[dict[str, Any]], query: dict[str, list[str]], path: str
    ) -> dict[str, Any]:
        limit = min(int(query.get("limit", ["20"])[0]), 100)
        offset = int(query.get("offset", ["0"])[0])
        data = items[offset : offset + limit]
        more = f"{self.url}{path}?limit={limit}&offset={offset + limit}"
        return {"data": data, "previous": "", "next": more if len(data) == limit else ""}

    def _configuration(self, path: str, request: dict[str, Any]) -> tuple[int, Any]:
        if path == "/jobs/get_without_logs" and self.detail is not None:
            return 200, {"job": {"id": request["id"]}, **self.detail}
        if path == "/stream_statuses/list" and self.detail is not None:
            return 200, {"streamStatuses": self.stream_statuses}
        if path == "/sources/check_connection" and self.source_check is not None:
            return 200, self.source_check
        return 404, {"message": "Object not found."}

    def new_token(self, body: bytes) -> tuple[int, Any]:
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        given = (form.get("client_id"), form.get("client_secret"))
        if form.get("grant_type") != "client_credentials" or given != self.client:
            return 401, {"status": 401, "title": "unauthorized", "detail": "Invalid client"}
        self.tokens_made += 1
        token = f"planted-token-{self.tokens_made}-{uuid.uuid4().hex}"
        self.tokens[token] = self.clock.now() + self.token_seconds
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 180}


def _seconds(stamp: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(stamp).timestamp()


class _Handler(BaseHTTPRequestHandler):
    server_state: AirbyteServer
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        state = self.server_state
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        method, path = self.command, parts.path
        with state.lock:
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.requests.append((method, path, query, headers, body))
            fault = next((f for f in state.faults if f.meets(method, path)), None)
            if fault is not None:
                fault.times -= 1
        if fault is None or fault.served:
            answer = self._answer(method, path, query, body)
        if fault is None:
            self._send(*answer, {})
        elif fault.echo:
            told = f"{dict(self.headers)} {body.decode()}"
            self._send(fault.status or 500, {"message": told}, fault.headers)
        elif fault.status is None:
            self.close_connection = True
        else:
            self._send(fault.status, fault.body, fault.headers)

    def _answer(
        self, method: str, path: str, query: dict[str, list[str]], body: bytes
    ) -> tuple[int, Any]:
        state = self.server_state
        if path == f"{PUBLIC}/applications/token":
            with state.lock:
                return state.new_token(body)
        if not state.allowed(self.headers.get("authorization", "")):
            return 401, {"status": 401, "title": "unauthorized", "detail": "Unauthorized"}
        return state.answer(method, path, query, body)

    def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Date", formatdate(self.server_state.clock.now(), usegmt=True))
        self.send_header("Content-Type", headers.pop("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the tests' output."""
