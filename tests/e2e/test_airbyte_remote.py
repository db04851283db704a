"""The commands against an Airbyte server: read, plan, build, check, interrupt."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

_SERVER = Path(__file__).parents[1] / "unit" / "airbyte" / "airbyte_server.py"
if "airbyte_server" not in sys.modules:
    _SPEC = importlib.util.spec_from_file_location("airbyte_server", _SERVER)
    assert _SPEC is not None
    assert _SPEC.loader is not None
    sys.modules["airbyte_server"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["airbyte_server"])

from airbyte_server import AirbyteServer, RealTime, connection, destination, source  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(300)]

SECRET = "planted/secret+of=an-application"
# A warehouse that is no DuckDB file of ours; what the server lands is put there by a hook.
PROFILES = """plain:
  target: prod
  outputs:
    prod: {type: duckdb, path: ":memory:", threads: 2}
"""
LANDED = [
    "create schema if not exists landing",
    "create or replace table landing.users as select 1 as id, 'Ada' as name",
]


@pytest.fixture
def server() -> Iterator[AirbyteServer]:
    with AirbyteServer(RealTime()) as made:
        made.client = ("an-id", SECRET)
        made.connections = [connection(1, "app", "users")]
        made.sources = [source(1, password="planted-source-password")]
        made.destinations = [destination(schema="landing", database=None)]
        made.properties[made.sources[0]["sourceId"]] = [
            {"streamName": "users", "propertyFields": [["id"], ["name"]]}
        ]
        made.lasts = 0.0
        yield made


@pytest.fixture
def project(mixed: Any, server: AirbyteServer) -> Any:
    mixed.write("profiles.yml", PROFILES)
    mixed.write(
        "toolkit.yml",
        "version: 1\nairbyte:\n  prod:\n    run: remote\n"
        f"    url: {server.root}\n    client_id: an-id\n"
        "    client_secret: \"{{ env_var('DBT_ENV_SECRET_AIRBYTE') }}\"\n",
    )
    mixed.environment["DBT_ENV_SECRET_AIRBYTE"] = SECRET
    path = mixed.folder / "dbt_project.yml"
    document = yaml.safe_load(path.read_text())
    document |= {"on-run-start": LANDED, "on-run-end": []}
    path.write_text(yaml.safe_dump(document))
    return mixed


def test_pull_plan_build_status(project: Any, server: AirbyteServer) -> None:
    assert "connections-not-read" in project.run("connectors", "list").stderr
    pulled = project.run("connectors", "pull", "--json")
    assert pulled.returncode == 0, pulled.stderr
    assert json.loads(pulled.stdout)["connections"] == 1

    asked = len(server.requests)
    assert "stream.app.users" in project.run("ls").stdout
    assert "sync.app" in project.run("plan", "--json", "--select", "stream:app.users").stdout
    lineage = json.loads(project.run("lineage", "--format", "json").stdout)
    edges = [(tuple(e["from"]), tuple(e["to"])) for e in lineage["column_edges"]]
    assert (("stream.app.users", "name"), ("source.plain.landing.users", "name")) in edges
    assert len(server.requests) == asked  # none of these needs the server

    built = project.run("build", "--select", "stream:app.users", "landed")
    assert built.returncode == 0, built.stderr
    assert [job.status(server.clock.now()) for job in server.jobs] == ["succeeded"]
    results = json.loads((project.folder / "target/toolkit/run_results.json").read_text())
    statuses = {one["unique_id"]: one["status"] for one in results["results"]}
    assert statuses["model.plain.landed"] == "success"

    text = project.run("status", "--json").stdout
    assert "stream.app.users" in text
    texts = [built.stdout, built.stderr, pulled.stdout, pulled.stderr, text]
    texts += [
        path.read_bytes().decode(errors="replace")
        for path in project.folder.rglob("*")
        if path.is_file()
    ]
    for secret in (SECRET, "planted-source-password", *server.tokens):
        assert not any(secret in one for one in texts)


def test_a_failed_sync_blocks_what_reads_it(project: Any, server: AirbyteServer) -> None:
    server.outcome = "failed"
    built = project.run("build", "--select", "stream:app.users", "landed")
    assert built.returncode == 1
    assert "The sync of 'app' failed on the Airbyte server (job 1)" in built.stderr + built.stdout
    assert f"{server.root}/workspaces/" in built.stderr + built.stdout
    results = json.loads((project.folder / "target/toolkit/run_results.json").read_text())
    assert {r["unique_id"]: r["status"] for r in results["results"]}["model.plain.landed"] == (
        "skipped"
    )


def test_list_and_check(project: Any, server: AirbyteServer) -> None:
    project.run("connectors", "pull")
    listed = project.run("connectors", "list")
    assert listed.stdout == "app  postgres  1 stream  remote\n"
    assert "toolkit connectors pull" in listed.stderr
    checked = project.run("connectors", "check")
    assert (checked.returncode, checked.stdout) == (
        0,
        "app: ok, active; its source could not be tried\n",
    )
    server.connections[0]["status"] = "inactive"
    checked = project.run("connectors", "check", "--json")
    assert checked.returncode == 1
    assert json.loads(checked.stdout)[0]["message"] == "is inactive"


def test_ctrl_c_cancels_the_job(project: Any, server: AirbyteServer) -> None:
    server.lasts = 1e6
    project.run("connectors", "pull")
    stopped = project.interrupt_when(
        lambda: bool(server.jobs), "build", "--select", "stream:app.users"
    )
    assert stopped.returncode == 130, stopped.stderr
    assert [job.cancelled for job in server.jobs] == [True]


def test_wrong_secret_is_one_clear_message(project: Any) -> None:
    project.environment["DBT_ENV_SECRET_AIRBYTE"] = "another-secret"
    pulled = project.run("connectors", "pull")
    assert pulled.returncode == 1
    assert "does not accept `client_id` and `client_secret`" in pulled.stderr
    assert "another-secret" not in pulled.stderr
    assert "Traceback" not in pulled.stderr
