"""What a server may send, and what we make of it; how we sign in; what never gets out."""

import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airbyte_server import (
    PUBLIC,
    AirbyteServer,
    Fault,
    VirtualClock,
    connection,
    destination,
    source,
)

from toolkit.errors import SettingsError
from toolkit.integrations.airbyte.remote.address import address_of
from toolkit.integrations.airbyte.remote.client import AirbyteClient
from toolkit.integrations.airbyte.remote.replies import detail_of, job_of
from toolkit.integrations.airbyte.remote.transport import ServerError
from toolkit.settings import AirbyteTarget

Open = Callable[..., AirbyteClient]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[AirbyteServer]:
    with AirbyteServer(clock) as made:
        yield made


@pytest.fixture
def connect(server: AirbyteServer, clock: VirtualClock) -> Iterator[Open]:
    opened: list[AirbyteClient] = []

    def connect(**target: Any) -> AirbyteClient:
        settings = AirbyteTarget(run="remote", **{"url": server.url, **target})
        opened.append(AirbyteClient(settings, clock=clock))
        return opened[-1]

    yield connect
    for client in opened:
        client.close()


# ---- where it is ----


@pytest.mark.parametrize(
    ("url", "api", "configuration", "page"),
    [
        (None, "https://api.airbyte.com/v1", "https://cloud.airbyte.com/api/v1",
         "https://cloud.airbyte.com/workspaces/w/connections/c/timeline"),
        ("https://api.airbyte.com/v1/", "https://api.airbyte.com/v1",
         "https://cloud.airbyte.com/api/v1",
         "https://cloud.airbyte.com/workspaces/w/connections/c/timeline"),
        ("https://air.example.com", "https://air.example.com/api/public/v1",
         "https://air.example.com/api/v1",
         "https://air.example.com/workspaces/w/connections/c/timeline"),
        ("http://localhost:8000/api/public/v1/", "http://localhost:8000/api/public/v1",
         "http://localhost:8000/api/v1",
         "http://localhost:8000/workspaces/w/connections/c/timeline"),
        ("https://e.com/airbyte/api/public/v1", "https://e.com/airbyte/api/public/v1",
         "https://e.com/airbyte/api/v1", "https://e.com/airbyte/workspaces/w/connections/c/timeline"),
        ("https://gateway.example.com/own", "https://gateway.example.com/own", None, None),
        ("http://[::1]:8000", "http://[::1]:8000/api/public/v1", "http://[::1]:8000/api/v1",
         "http://[::1]:8000/workspaces/w/connections/c/timeline"),
    ],
)  # fmt: skip
def test_address(url: str | None, api: str, configuration: str | None, page: str | None) -> None:
    address = address_of(url)
    assert (address.api, address.configuration_api) == (api, configuration)
    assert address.connection_page("w", "c") == page
    assert address.connection_page(None, "c") is None


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("airbyte.example.com", "does not begin with http"),
        ("ftp://airbyte.example.com", "does not begin with http"),
        ("https://", "does not begin with http"),
        ("https://me:hunter22@example.com", "holds a user name or password"),
        ("https://example.com/?a=1", "has a `\\?`"),
        ("https://example.com:port", "is no URL"),
    ],
)
def test_no_address(url: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what) as caught:
        address_of(url)
    assert "hunter22" not in str(caught.value)


# ---- signing in ----


def test_bearer_and_basic(server: AirbyteServer, connect: Open) -> None:
    server.token = "planted-bearer"
    assert len(connect(token="planted-bearer").connections()) == 1
    server.token, server.basic = None, ("me", "planted-password")
    client = connect(username="me", password="planted-password")
    assert len(client.connections()) == 1
    assert client.check_source("x")[0] is None  # the other API gets the same header
    assert server.requests[-1][3]["authorization"].startswith("Basic ")


def test_client_credentials_are_exchanged_once(server: AirbyteServer, connect: Open) -> None:
    server.client = ("an-id", "planted-client-secret")
    client = connect(client_id="an-id", client_secret="planted-client-secret")
    client.connections()
    client.sources()
    assert server.tokens_made == 1
    method, path, _, headers, body = server.requests[0]
    assert (method, path) == ("POST", f"{PUBLIC}/applications/token")
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"grant_type=client_credentials" in body


def test_a_token_that_ends_early_is_renewed_once(server: AirbyteServer, connect: Open) -> None:
    server.client = ("an-id", "planted-client-secret")
    client = connect(client_id="an-id", client_secret="planted-client-secret")
    client.connections()
    server.tokens.clear()
    assert len(client.connections()) == 1
    assert server.tokens_made == 2


def test_a_token_is_renewed_before_its_time(
    server: AirbyteServer, connect: Open, clock: VirtualClock
) -> None:
    server.client = ("an-id", "planted-client-secret")
    client = connect(client_id="an-id", client_secret="planted-client-secret")
    client.connections()
    clock.time += 170.0
    client.connections()
    assert server.tokens_made == 2
    assert server.asked("GET", "/connections") == 2  # no request was refused


def test_threads_share_a_token(server: AirbyteServer, connect: Open) -> None:
    server.client = ("an-id", "planted-client-secret")
    client = connect(client_id="an-id", client_secret="planted-client-secret")
    threads = [threading.Thread(target=client.connections) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.tokens_made == 1


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"client_id": "x", "client_secret": "planted-wrong"},
         "does not accept `client_id` and `client_secret`"),
        ({"token": "planted-wrong"}, "does not accept `token`"),
        ({"username": "x", "password": "planted-wrong"},
         "does not accept `username` and `password`"),
        ({}, "wants us to sign in"),
    ],
)  # fmt: skip
def test_wrong_credentials(
    server: AirbyteServer, connect: Open, target: dict[str, str], said: str
) -> None:
    server.client = ("an-id", "planted-client-secret")
    with pytest.raises(ServerError, match=said) as caught:
        connect(**target).connections()
    assert "planted" not in str(caught.value)
    assert len(server.requests) == 1  # nothing is tried twice


def test_no_token_endpoint(server: AirbyteServer, connect: Open) -> None:
    server.faults = [Fault("POST", "/applications/token", 404, body={})]
    with pytest.raises(ServerError, match=r"is not Airbyte's API \(signing in\): there is no"):
        connect(client_id="x", client_secret="planted-y").connections()


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"access_token": 5}', b"", b"<html>", b'"x"'])
def test_no_token_in_the_answer(server: AirbyteServer, connect: Open, body: bytes) -> None:
    server.faults = [Fault("POST", "/applications/token", 200, body=body)]
    with pytest.raises(ServerError, match="is not Airbyte's API"):
        connect(client_id="x", client_secret="planted-y").connections()


# ---- what comes back ----

DEEP = b"[" * 200_000 + b"]" * 200_000


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("GET", "/connections", 302, headers={"Location": "https://sso.example.com/login?t=1"}),
         r"is not Airbyte's API \(connections\): it redirects to sso.example.com/login\."),
        (Fault("GET", "/connections", 200, body=b"<html><h1>Sign in</h1></html>",
               headers={"Content-Type": "text/html"}), "what came back is no JSON"),
        (Fault("GET", "/connections", 200, body=b'{"data": ['), "what came back is no JSON"),
        (Fault("GET", "/connections", 200, body=b"\xff\xfe\x00"), "what came back is no JSON"),
        (Fault("GET", "/connections", 200, body=DEEP), "what came back is no JSON"),
        (Fault("GET", "/connections", 200, body={"data": None}), "answered without a list"),
        (Fault("GET", "/connections", 200, body="text"), "answered without a list"),
        (Fault("GET", "/connections", 200, body=b""), "answered without a list"),
        (Fault("GET", "/connections", 418, body={}), "answered 418 I'm a Teapot"),
        (Fault("GET", "/connections", 403, body={"title": "not-allowed"}), "does not allow us"),
    ],
)  # fmt: skip
def test_strange_answers(server: AirbyteServer, connect: Open, fault: Fault, said: str) -> None:
    fault.times = 1  # the table's faults are made once
    if fault.body is None:
        fault.body = {}
    server.faults = [fault]
    with pytest.raises(ServerError, match=said):
        connect().connections()
    assert len(server.requests) == 1


def test_what_the_official_client_refuses_is_read(server: AirbyteServer, connect: Open) -> None:
    """Mappers, enumerations that it does not know, missing keys, wrong types."""
    mapped = connection(1, "mapped")
    mapped["configurations"]["streams"][0]["mappers"] = [
        {"type": "hashing", "mapperConfiguration": {"targetField": "email", "method": "MD5"}}
    ]
    unknown = connection(2, "unknown", status="paused", namespaceDefinition="moon")
    del unknown["tags"], unknown["createdAt"]
    server.connections = [mapped, unknown, {"name": 5}, "text", None]  # type: ignore[list-item]
    server.destinations = [destination()]  # without destinationType in its configuration
    client = connect()
    assert [raw.get("name") for raw in client.connections()] == ["mapped", "unknown", 5]
    assert [raw["name"] for raw in client.destinations()] == ["Warehouse"]


def test_a_thousand_connections(server: AirbyteServer, connect: Open) -> None:
    server.connections = [connection(i, f"c{i}") for i in range(1, 1001)]
    found = connect().connections()
    assert [raw["name"] for raw in found] == [f"c{i}" for i in range(1, 1001)]
    assert server.asked("GET", "/connections") == 11  # the last page is full


def test_a_server_that_ignores_the_offset(server: AirbyteServer, connect: Open) -> None:
    page = {"data": [connection(i, f"c{i}") for i in range(100)], "next": "more"}
    server.faults = [Fault("GET", "/connections", 200, body=page, times=99)]
    assert len(connect().connections()) == 100


def test_a_server_with_smaller_pages(server: AirbyteServer, connect: Open) -> None:
    def page(first: int, count: int, following: str) -> Fault:
        data = [connection(i, f"c{i}") for i in range(first, first + count)]
        return Fault("GET", "/connections", 200, body={"data": data, "next": following})

    server.faults = [page(0, 20, "x"), page(20, 20, "x"), page(40, 5, "")]
    assert len(connect().connections()) == 45
    assert server.requests[1][2]["offset"] == ["20"]


def test_fifty_megabytes(server: AirbyteServer, connect: Open) -> None:
    big = connection(1, "big")
    big["configurations"]["streams"][0]["description"] = "x" * 50_000_000
    server.connections = [big]
    assert connect().connections()[0]["name"] == "big"


def test_workspaces_are_asked_for(server: AirbyteServer, connect: Open) -> None:
    first, second = (connection(n, "c")["connectionId"] for n in (1, 2))
    connect(workspaces=(first, second)).connections()
    assert server.requests[0][2]["workspaceIds"] == [first, second]


def test_nobody_there(connect: Open, clock: VirtualClock) -> None:
    with pytest.raises(ServerError, match=r"127\.0\.0\.1:9 cannot be reached") as caught:
        connect(url="http://127.0.0.1:9").connections()
    assert caught.value.status is None
    assert clock.time - 1_800_000_000.0 > 200.0


def test_a_certificate_that_nobody_knows(tmp_path: Path, connect: Open) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _certificate(tmp_path)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    clock = VirtualClock()
    with AirbyteServer(clock, tls=context) as secure:
        with pytest.raises(ServerError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            connect(url=secure.url).connections()
        assert "SSL_CERT_FILE" in caught.value.next_step
        assert secure.requests == []
    assert clock.waits == []  # it would not get better


def _certificate(folder: Path) -> None:
    import shutil
    import subprocess

    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ({"jobId": 1, "status": "RUNNING"}, (1, "running", "sync", None)),
        ({"jobId": "7", "status": "succeeded", "rowsSynced": "12"}, (7, "succeeded", "sync", 12)),
        ({"jobId": 1, "status": "x", "rowsSynced": [], "jobType": None}, (1, "x", "sync", None)),
        ({"jobId": True, "status": "running"}, None),
        ({"jobId": 1}, None),
        ({"status": "running"}, None),
        ([], None),
        (None, None),
    ],
)
def test_job_of(raw: object, found: tuple[object, ...] | None) -> None:
    job = job_of(raw)
    assert (None if job is None else (job.id, job.status, job.type, job.rows)) == found


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"attempts": 5},
        {"attempts": [None, {"attempt": 1}]},
        {"attempts": [{"attempt": {"failureSummary": [], "streamStats": {}}}]},
    ],
)
def test_details_that_are_none(raw: object) -> None:
    assert detail_of(raw, raw).reasons == ()


def test_a_source_is_checked_where_that_can_be_asked(server: AirbyteServer, connect: Open) -> None:
    client = connect()
    assert client.check_source("s")[0] is None
    server.source_check = {"status": "failed", "message": "no route to host"}
    assert client.check_source("s") == (False, "no route to host")
    server.source_check = {"status": "succeeded"}
    assert client.check_source("s") == (True, "")


def test_sources_have_their_secrets_and_only_callers_can_keep_them_back(
    server: AirbyteServer, connect: Open
) -> None:
    """Why what is kept goes by a list of keys: the API hands configurations out."""
    server.sources = [source(1, password="planted")]
    assert connect().sources()[0]["configuration"] == {"password": "planted"}
