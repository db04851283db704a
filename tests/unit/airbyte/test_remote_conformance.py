"""Every request that we make, against the platform's own OpenAPI document.

The document's licence does not allow a copy here: ``TOOLKIT_AIRBYTE_OPENAPI`` names a file with
it (api_sdk.yaml), and ``prism`` (or what ``TOOLKIT_PRISM`` names) must be installed.
"""

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest

from toolkit.integrations.airbyte.remote.client import AirbyteClient
from toolkit.integrations.airbyte.remote.transport import ServerError
from toolkit.settings import AirbyteTarget

DOCUMENT = os.environ.get("TOOLKIT_AIRBYTE_OPENAPI")
PRISM = shutil.which(os.environ.get("TOOLKIT_PRISM", "prism"))
ID = str(uuid.UUID(int=7))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    if not DOCUMENT:
        pytest.skip("TOOLKIT_AIRBYTE_OPENAPI names no document of Airbyte's public API")
    if PRISM is None:
        pytest.skip("prism is not installed (npm install @stoplight/prism-cli)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [PRISM, "mock", "--host", "127.0.0.1", "--port", str(port), "--errors", DOCUMENT],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = ""
        while "listening" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


CALLS: dict[str, Callable[[AirbyteClient], object]] = {
    "connections": lambda client: client.connections(),
    "sources": lambda client: client.sources(),
    "destinations": lambda client: client.destinations(),
    "connection": lambda client: client.connection(ID),
    "streams": lambda client: client.stream_properties(ID),
    "start": lambda client: client.create_job(ID),
    "job": lambda client: client.job(7),
    "cancel": lambda client: client.cancel_job(7),
    "running": lambda client: client.active_job(ID),
    "since": lambda client: client.jobs_since(ID, 1_800_000_000.5),
    "last": lambda client: client.last_job(ID),
}


def ask(url: str, call: str, **target: object) -> ServerError | None:
    client = AirbyteClient(AirbyteTarget(run="remote", url=url, **target), patience=0.0)  # type: ignore[arg-type]
    client._transport.sdk.sdk_configuration.server_url = url  # the document has no path before
    try:
        CALLS[call](client)
    except ServerError as error:
        return error
    finally:
        client.close()
    return None


@pytest.mark.parametrize("call", CALLS)
def test_request(url: str, call: str) -> None:
    refused = ask(url, call, token="a-token", workspaces=(ID,))
    # What prism answers need not make sense; what it refuses is our mistake.
    assert refused is None or refused.status is None, f"{refused} {refused.said}"


def test_basic_authentication(url: str) -> None:
    refused = ask(url, "sources", username="me", password="a-password")
    assert refused is None or refused.status is None, str(refused)


def test_it_would_notice(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = ask(url, "connections")
    assert nobody is not None
    assert nobody.status == 401
    strange = ask(url, "connections", token="a-token", workspaces=("no-uuid",))
    assert strange is not None
    assert strange.status in (400, 422)
    monkeypatch.setattr("toolkit.integrations.airbyte.remote.client.PAGE", 101)
    greedy = ask(url, "connections", token="a-token")
    assert greedy is not None
    assert greedy.status in (400, 422)
