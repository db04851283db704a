"""Steps of a remote target, its connections read from the server, and its secrets."""

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from airbyte_harness import Project
from airbyte_server import AirbyteServer, Fault, VirtualClock, connection, destination, source

from toolkit.errors import ConnectorError
from toolkit.graph import AssetGraph
from toolkit.integrations.airbyte import AirbyteIntegration
from toolkit.integrations.airbyte.remote.client import AirbyteClient
from toolkit.integrations.airbyte.remote.pull import check, pull
from toolkit.integrations.airbyte.remote.runner import RemoteRunner
from toolkit.integrations.airbyte.remote.snapshot import (
    read_snapshot,
    snapshot_path,
    uses_server,
)
from toolkit.integrations.base import RunContext, StepEvent, StepFinished
from toolkit.settings import AirbyteTarget, Profile, Settings


class Remote:
    """A project of a Snowflake target whose connections a server runs."""

    def __init__(self, folder: Path, server: AirbyteServer, **target: Any) -> None:
        self.folder, self.server = folder, server
        self.clock = server.clock
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.settings = Settings(
            project_name="shop",
            project_dir=folder,
            target="prod",
            target_path=folder / "target",
            state_dir=folder / ".toolkit",
            profile=Profile(type="snowflake", database="shop", schema="main"),
            airbyte=AirbyteTarget(run="remote", **{"url": server.url, **target}),
        )
        self.events: list[StepEvent] = []
        self.cancel = threading.Event()

    def configure(self, **changes: Any) -> None:
        import msgspec

        self.settings = msgspec.structs.replace(self.settings, **changes)

    def pull(self, **options: Any) -> Any:
        client = AirbyteClient(self.settings.airbyte, clock=self.clock)
        try:
            return pull(self.settings, client, **options)
        finally:
            client.close()

    def build(self, full_refresh: bool = False) -> list[StepFinished]:
        self.events.clear()
        integration = AirbyteIntegration()
        loaded = integration.load(self.settings, {})
        graph = AssetGraph(loaded.assets, problems=loaded.problems)
        context = RunContext(
            run_id="run",
            settings=self.settings,
            graph=graph,
            warehouse=None,
            emit=self.events.append,
            cancel=self.cancel,
            log_dir=self.logs,
            full_refresh=full_refresh,
        )
        opened = integration.open(context)
        assert isinstance(opened, RemoteRunner)  # no DuckDB is asked for
        opened.close()
        runner = RemoteRunner(
            context, integration._connections, integration._streams, clock=self.clock
        )
        self.runner = runner
        runner.run(integration.steps(graph, frozenset(graph.assets)))
        runner.close()
        return [event for event in self.events if isinstance(event, StepFinished)]


@pytest.fixture
def server() -> Iterator[AirbyteServer]:
    with AirbyteServer(VirtualClock()) as made:
        yield made


@pytest.fixture
def remote(tmp_path: Path, server: AirbyteServer) -> Remote:
    return Remote(tmp_path, server)


def test_pull_then_sync(remote: Remote, server: AirbyteServer) -> None:
    remote.pull()
    (done,) = remote.build()
    assert done.status == "success", done.message
    assert done.message == "1 stream, job 1; 1,234 rows"
    (made,) = done.made
    assert (made.asset, made.rows, made.data_version) == (
        "stream.shop.users",
        1234,
        "airbyte-job:1",
    )
    assert done.adapter_response["bytes_synced"] == 12340
    assert "job 1 started" in (remote.logs / "airbyte.log").read_text()


def test_rows_of_each_stream_where_the_server_tells(remote: Remote, server: AirbyteServer) -> None:
    server.connections = [connection(1, "shop", "users", "orders")]
    remote.pull()
    (done,) = remote.build(full_refresh=True)
    assert [made.rows for made in done.made] == [None, None]  # not to be divided
    assert "--full-refresh does not reset" in done.message
    stats = {"streamName": "users", "stats": {"recordsEmitted": 9, "recordsCommitted": 7}}
    server.detail = {"attempts": [{"attempt": {"id": 0, "streamStats": [stats]}}]}
    (done,) = remote.build()
    assert {made.asset: made.rows for made in done.made} == {
        "stream.shop.users": 7,
        "stream.shop.orders": None,
    }


def test_a_failure_is_told_as_far_as_it_is_known(remote: Remote, server: AirbyteServer) -> None:
    server.connections = [connection(1, "shop", "users", "orders")]
    server.outcome = "failed"
    remote.pull()
    (done,) = remote.build()
    page = f"{server.root}/workspaces/{server.connections[0]['workspaceId']}/connections/"
    page += f"{server.connections[0]['connectionId']}/timeline"
    assert done.status == "error"
    assert done.message.splitlines() == [
        "The sync of 'shop' failed on the Airbyte server (job 1).",
        "Nothing is known to be complete.",
        f"Its log on the server: {page}",
        f"The log is {remote.logs / 'airbyte.log'}.",
    ]
    assert done.made == ()
    failure = {"failureOrigin": "source", "externalMessage": "Table orders\n is locked"}
    server.detail = {
        "attempts": [{"attempt": {"failureSummary": {"failures": [failure]}}}] * 3,
    }
    server.stream_statuses = [
        {"streamName": "users", "runState": "COMPLETE"},
        {"streamName": "orders", "runState": "INCOMPLETE"},
    ]
    (done,) = remote.build()
    assert done.message.splitlines()[:3] == [
        "The sync of 'shop' failed after 3 attempts on the Airbyte server (job 2): "
        "Table orders is locked (source)",
        "Not complete: orders. Complete all the same: stream.shop.users.",
        f"Its log on the server: {page}",
    ]
    assert [made.asset for made in done.made] == ["stream.shop.users"]


def test_an_adopted_job_gives_both_builds_one_data_version(
    remote: Remote, server: AirbyteServer
) -> None:
    remote.pull()
    server.start()
    (done,) = remote.build()
    assert "it was running already" in done.message
    assert (done.made[0].data_version, done.made[0].metadata["adopted"]) == ("airbyte-job:1", True)


def test_one_sync_is_stopped(remote: Remote, server: AirbyteServer) -> None:
    remote.pull()
    server.lasts = 1e6
    server.clock.at(30, lambda: remote.runner.stop_step("sync.shop"))
    (done,) = remote.build()
    assert done.status == "error"
    assert done.message.startswith("interrupted; job 1 was cancelled")
    assert server.jobs[0].cancelled
    assert not remote.cancel.is_set()


def test_an_interruption(remote: Remote, server: AirbyteServer) -> None:
    server.lasts = 1e6
    remote.pull()
    server.clock.at(30, remote.cancel.set)
    (done,) = remote.build()
    assert done.status == "error"
    assert done.message.startswith("interrupted; job 1 was cancelled")


# ---- connections from files ----


def files(remote: Remote, **document: Any) -> Project:
    project = Project(remote.folder / "files")
    project.write(
        "shop",
        source={"package": "airbyte-source-faker", "version": "7.2.1"},
        destination={"type": "duckdb", "name": "warehouse", "schema": "raw"},
        streams=[{"name": "users"}],
        **document,
    )
    remote.configure(connections=(project.connections,))
    return project


def test_a_connection_from_files_is_found_by_its_name(
    remote: Remote, server: AirbyteServer
) -> None:
    server.connections = [connection(i, f"c{i}") for i in range(1, 150)] + [connection(500, "shop")]
    files(remote)
    assert not uses_server(remote.settings)
    (done,) = remote.build()
    assert done.status == "success", done.message
    assert server.jobs[0].connection_id == server.connections[-1]["connectionId"]


def test_a_name_that_is_not_there_or_there_twice(remote: Remote, server: AirbyteServer) -> None:
    files(remote)
    server.connections = [connection(1, "Shop")]
    (done,) = remote.build()
    assert "has no connection called 'shop'; the nearest name is 'Shop'." in done.message
    assert "shop.yml" in done.message
    server.connections = [connection(1, "shop"), connection(2, "shop")]
    (done,) = remote.build()
    assert "has 2 connections called 'shop': " in done.message
    assert "`airbyte.<target>.workspaces`" in done.message
    assert server.jobs == []


def test_the_server_can_be_chosen_beside_files(remote: Remote) -> None:
    files(remote)
    target = AirbyteTarget(run="remote", url=remote.server.url, connections="server")
    remote.configure(airbyte=target)
    assert uses_server(remote.settings)
    remote.configure(airbyte=AirbyteTarget(run="local", connections="server"))
    assert not uses_server(remote.settings)


# ---- connections from the server ----


def test_before_it_was_read(remote: Remote) -> None:
    loaded = AirbyteIntegration().load(remote.settings, {})
    assert [problem.code for problem in loaded.problems] == ["connections-not-read"]
    assert loaded.assets == []


@pytest.mark.soak
@pytest.mark.slow
def test_a_thousand_connections(remote: Remote, server: AirbyteServer) -> None:
    server.connections = [connection(i, f"c{i}") for i in range(1, 1001)]
    server.sources = [source(i, password=f"planted-{i}") for i in range(1, 1001)]
    remote.pull()
    loaded = AirbyteIntegration().load(remote.settings, {})
    assert len(loaded.assets) == 1000
    assert {problem.code for problem in loaded.problems} <= {"shared-table"}


def test_fields_become_columns(remote: Remote, server: AirbyteServer) -> None:
    (shop,) = server.connections = [connection(1, "shop", "users", "orders")]
    shop["configurations"]["streams"][0]["mappers"] = [
        {
            "type": "hashing",
            "mapperConfiguration": {
                "targetField": "email", "method": "SHA-256", "fieldNameSuffix": "_hashed",
            },
        }
    ]  # fmt: skip
    server.properties[shop["sourceId"]] = [
        {"streamName": "users", "propertyFields": [["id"], ["email"], ["home", "city"], ["home"]]},
        {"streamName": "not synced", "propertyFields": [["x"]]},
    ]
    assert remote.pull().silent == {}
    assert "not synced" not in snapshot_path(remote.settings).read_text()
    users, orders = AirbyteIntegration().load(remote.settings, {}).assets
    assert list(users.columns) == ["id", "email_hashed", "home"]
    assert str(users.relation) == "shop.raw.users"
    assert orders.columns == {}
    asked = server.asked("GET", "/streams")
    remote.pull(streams=False)  # a build asks only for what it does not know: orders
    assert server.asked("GET", "/streams") == asked + 1


def test_a_silent_source_costs_its_fields_only(remote: Remote, server: AirbyteServer) -> None:
    server.faults = [Fault("GET", "/streams", 400, body={"detail": "source is down"})]
    assert "source is down" in remote.pull().silent["Source 1"]
    assert [a.key for a in AirbyteIntegration().load(remote.settings, {}).assets] == [
        "stream.shop.users"
    ]


def test_bad_objects_cost_themselves_only(remote: Remote, server: AirbyteServer) -> None:
    broken = connection(2, "broken")
    broken["configurations"]["streams"] = [{"syncMode": "full_refresh_overwrite"}]
    server.connections = [connection(1, "good"), broken]
    remote.pull()
    loaded = AirbyteIntegration().load(remote.settings, {})
    assert [asset.key for asset in loaded.assets] == ["stream.good.users"]
    (problem,) = [p for p in loaded.problems if p.code == "connection-unreadable"]
    assert problem.message.startswith("Connection 'broken' of the Airbyte server was left out")


def test_two_connections_of_one_name(remote: Remote, server: AirbyteServer) -> None:
    server.connections = [
        {**connection(n, "shop", prefix=f"{n}_"), "connectionId": f"{n}{n}{n}{n}{n}{n}{n}{n}-0000"}
        for n in (1, 2)
    ]
    remote.pull()
    loaded = AirbyteIntegration().load(remote.settings, {})
    assert [asset.key for asset in loaded.assets] == [
        "stream.shop-11111111.users",
        "stream.shop-22222222.users",
    ]
    assert "connections-of-one-name" in {problem.code for problem in loaded.problems}


def test_when_it_is_old_and_when_it_is_another_servers(remote: Remote) -> None:
    remote.pull()
    now = remote.clock.now()
    assert read_snapshot(remote.settings, now=lambda: now + 3600).problems == []
    (old,) = read_snapshot(remote.settings, now=lambda: now + 72 * 3600).problems
    assert (old.code, "72 hours ago" in old.message) == ("connections-old", True)
    remote.configure(airbyte=AirbyteTarget(run="remote", url="https://other.example.com"))
    assert [p.code for p in read_snapshot(remote.settings).problems] == ["connections-not-read"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 99}', '{"connections": 5}'])
def test_a_damaged_file_is_read_again(remote: Remote, content: str) -> None:
    remote.pull()
    snapshot_path(remote.settings).write_text(content)
    assert [p.code for p in read_snapshot(remote.settings).problems] == ["connections-not-read"]


def test_refresh_needs_the_server_only_when_nothing_is_kept(
    remote: Remote, server: AirbyteServer
) -> None:
    server.faults = [Fault("GET", "/connections", 403, body={}, times=2)]
    integration = AirbyteIntegration()
    with pytest.raises(ConnectorError, match="does not allow us"):
        integration.refresh(remote.settings)
    server.faults.clear()
    assert integration.refresh(remote.settings) is None
    server.faults = [Fault("GET", "/connections", 403, body={})]
    problem = integration.refresh(remote.settings)
    assert problem is not None
    assert problem.code == "connections-not-refreshed"


def test_check(remote: Remote, server: AirbyteServer) -> None:
    server.connections = [
        connection(1, "fine"),
        connection(2, "gone"),
        connection(3, "off"),
    ]
    remote.pull()
    connections = read_snapshot(remote.settings).connections
    server.connections = [connection(1, "fine"), connection(3, "off", status="inactive")]
    server.start()
    client = AirbyteClient(remote.settings.airbyte, clock=remote.clock)
    words = {one.name: (one.ok, one.message, one.last_job) for one in check(client, connections)}
    assert words == {
        "fine": (True, "active; its source could not be tried", "job 1 pending"),
        "gone": (False, f"it is not there (Airbyte at {client.host})", None),
        "off": (False, "is inactive", None),
    }
    server.source_check = {"status": "failed", "message": "wrong password"}
    (fine,) = check(client, connections[:1])
    assert (fine.ok, fine.message) == (False, "its source cannot be reached: wrong password")
    client.close()


# ---- secrets ----

SECRETS = {
    "client secret": "planted/client+secret=1",
    "source password": "planted/source+password=2",
    "source url": "planted-url-password-3",
    "destination password": "planted/destination+password=4",
    "mapper key": "planted-mapper-key-5",
    "definition": "planted-anything-6",
}


def spellings(secret: str) -> list[str]:
    return [
        secret,
        base64.b64encode(secret.encode()).decode().rstrip("=")[:-1],
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
    ]


def test_no_secret_gets_out(tmp_path: Path, server: AirbyteServer) -> None:
    """Neither ours nor the sources', whichever way a server sends them back."""
    server.client = ("an-id", SECRETS["client secret"])
    shop = connection(1, "shop", "users", "orders")
    shop["configurations"]["streams"][0]["mappers"] = [
        {
            "type": "encryption",
            "mapperConfiguration": {
                "targetField": "email", "algorithm": "AES", "mode": "CBC",
                "key": SECRETS["mapper key"],
            },
        }
    ]  # fmt: skip
    server.connections = [{**shop, "unknownKey": SECRETS["definition"]}]
    server.sources = [
        source(
            1,
            password=SECRETS["source password"],
            url=f"postgres://me:{SECRETS['source url']}@db/x",
        )
    ]
    server.destinations = [
        destination(
            password=SECRETS["destination password"],
            schema=f"raw?token={SECRETS['destination password']}",
            nested={"database": SECRETS["destination password"]},
        )
    ]
    remote = Remote(tmp_path, server, client_id="an-id", client_secret=SECRETS["client secret"])
    said = [repr(remote.settings), repr(remote.pull())]
    said.append(repr(AirbyteIntegration().load(remote.settings, {})))
    server.lasts = 30.0
    server.faults = [
        Fault("POST", "/jobs", 500, echo=True),  # answers with our own headers and body
        Fault("GET", "/jobs/1", 503, echo=True),
        Fault("GET", "/jobs/1", 400, echo=True),
    ]
    said += [repr(event) for event in remote.build()]
    server.faults = [Fault("POST", "/applications/token", 401, echo=True, times=5)]
    said += [repr(event) for event in remote.build()]
    assert "Bearer *****" in said[-2]  # the echo is shown, without the token
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"airbyte.log", "prod.json"} <= {path.name for path in files}
    said += [path.read_text() for path in files]
    tokens = {f"token {i}": token for i, token in enumerate(server.tokens)}
    assert tokens
    for what, secret in {**SECRETS, **tokens}.items():
        for spelling in spellings(secret):
            assert not any(spelling in text for text in said), what
