"""Connectors and servers: what cannot be installed, read, landed or kept."""

import importlib.util
import json
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from toolkit.errors import ArtifactError, ConnectorError, SettingsError
from toolkit.graph import AssetGraph
from toolkit.integrations.airbyte import AirbyteIntegration
from toolkit.integrations.airbyte.readers import read_connections
from toolkit.integrations.airbyte.remote import snapshot
from toolkit.integrations.airbyte.remote.transport import ServerError, Transport
from toolkit.integrations.airbyte.source import environment, process
from toolkit.integrations.base import RunContext
from toolkit.settings import AirbyteTarget, load_settings

if "airbyte_harness" not in sys.modules:  # test folders are no packages: loaded by its path
    _FILE = Path(__file__).parents[1] / "airbyte" / "harness.py"
    _SPEC = importlib.util.spec_from_file_location("airbyte_harness", _FILE)
    assert _SPEC is not None
    assert _SPEC.loader is not None
    sys.modules["airbyte_harness"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["airbyte_harness"])

ALL = {"rows": ["users", 1, 2]}
DONE = {"status": ["users", "COMPLETE"]}
PLAIN = {"name": "users", "sync_mode": "full_refresh_overwrite"}

# what the connector does, how the stream is configured; what is said of the sync
SYNCS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "rows after the end": (
        [ALL, DONE, {"rows": ["users", 3, 4]}],
        PLAIN,
        "The connector sent rows of 'users' after it had said that this stream is complete.\n"
        "They are not in the table.\n"
        "Update the connector, or report this to its maintainers.",
    ),
    "a stream that nobody wants": (
        [{"rows": ["others", 1, 2]}],
        PLAIN,
        "The connector sent something for stream 'others', which it was not asked for.\n"
        "It is not known where that belongs, so the sync was stopped.\n"
        "Add the stream to the connection, or update the connector.",
    ),
    "no key to tell rows by": (
        [ALL, DONE],
        {"name": "users", "sync_mode": "incremental_deduped_history", "cursor_field": ["id"]},
        "stream 'users' is configured as incremental_deduped_history, but neither the "
        "configuration nor the source gives it a primary key.\n"
        "Rows that are the same could not be told, so nothing was read.\n"
        "Add one, such as primary_key: [[id]].",
    ),
    "a line without an end": (
        [{"write": "x" * 3000}],
        PLAIN,
        " printed more than 0 MB without a line end.\n"
        "That is no Airbyte message, so the sync was stopped.\n"
        "Update the connector, or report this to its maintainers.",
    ),
}


@pytest.mark.parametrize("case", SYNCS)
def test_a_sync(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(process, "MAX_LINE_BYTES", 2000)  # 256 MB take long to print
    actions, stream, said = SYNCS[case]
    project = sys.modules["airbyte_harness"].Project(tmp_path)
    project.fake(actions, streams=[stream])
    ended = project.sync()
    assert ended.status == "error"
    assert said in ended.message


def connection(folder: Path, source: str) -> Any:
    """A connection whose source is described so."""
    (folder / "a.yml").write_text(f"name: shop\nsource: {source}\nstreams: [{{name: users}}]\n")
    [found] = read_connections([folder / "a.yml"]).connections
    return found


def test_an_image_without_a_version(tmp_path: Path, refused: Any) -> None:
    found = connection(tmp_path, "{image: airbyte/source-postgres}")
    with refused(
        ConnectorError,
        "HERE/a.yml:2: no version is given for airbyte/source-postgres.",
        "A build must give the same tables tomorrow, so nothing was started.",
        "Add the image's tag: `version: X.Y.Z` under `source`.",
    ):
        environment.package_of(found)


def test_a_connection_of_a_server(tmp_path: Path, refused: Any) -> None:
    found = connection(tmp_path, "{package: airbyte-source-faker, version: 7.2.1}")
    found = msgspec.structs.replace(
        found, source=msgspec.structs.replace(found.source, package=None)
    )
    with refused(
        ConnectorError,
        "Connection 'shop' (HERE/a.yml:1) names no connector package.",
        "It can be synced by the Airbyte server that it comes from only.",
        "Set `run: remote` for this target under `airbyte:` in toolkit.yml.",
    ):
        environment.package_of(found)


def test_a_package_that_is_not_installed_or_no_connector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(tmp_path / "cache"))
    package = environment.Package("airbyte-source-two", "1.0.0")
    with refused(
        ConnectorError,
        f"The connector {package} is not installed.",
        "The sync cannot run.",
        "Run `toolkit connectors install`.",
    ):
        package.command()
    info = package.folder / "lib/python3.11/site-packages/airbyte_source_two-1.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text("[console_scripts]\nsource-a = a:m\nsource-b = b:m\n")
    with refused(
        ConnectorError,
        f"The package {package} has no program that is clearly its connector (it has: source-a, "
        "source-b).",
        "It was not installed.",
        "Name a package that is an Airbyte source, such as airbyte-source-faker.",
    ):
        environment._script(package, package.folder)


def test_a_local_sync_into_another_warehouse(write: Any, refused: Any) -> None:
    folder = write({"profiles.yml": "shop: {target: dev, outputs: {dev: {type: postgres}}}\n"})
    settings = load_settings()
    context = RunContext(
        run_id="1", settings=settings, graph=AssetGraph([]), warehouse=None,
        emit=lambda _: None, cancel=threading.Event(), log_dir=folder,
    )  # fmt: skip
    with refused(
        SettingsError,
        "Connectors that run locally land in DuckDB, and this target's warehouse is postgres.",
        "No connection was synced.",
        "Use a target of type duckdb, or let an Airbyte server run the syncs.",
    ):
        AirbyteIntegration().open(context)


def test_what_a_server_said_has_nowhere_to_go(write: Any, refused: Any) -> None:
    text = "version: 1\nairbyte: {dev: {run: remote, url: 'http://127.0.0.1:9'}}\n"
    write({"toolkit.yml": text, ".toolkit/airbyte": ""})
    settings = load_settings()
    path = snapshot.snapshot_path(settings)
    assert str(path).startswith(str(settings.state_dir))
    with refused(
        ArtifactError,
        f"{path} cannot be written: File exists.".replace(str(settings.project_dir), "HERE"),
        "What the Airbyte server said is not kept.",
        "Make the project's .toolkit folder writable.",
    ):
        snapshot.save_snapshot(settings, snapshot.Snapshot(server="", read_at=0.0))


def test_a_destination_without_tables(write: Any) -> None:
    shop = {
        "connectionId": "c", "name": "shop", "sourceId": "s", "destinationId": "d",
        "status": "active", "configurations": {"streams": [{"name": "users"}]},
    }  # fmt: skip
    lake = {"destinationId": "d", "name": "lake", "destinationType": "s3", "configuration": {}}
    write({
        "toolkit.yml": "version: 1\nconnections: [api]\n",
        "api/connections.json": json.dumps({"data": [shop]}),
        "api/destinations.json": json.dumps({"data": [lake]}),
    })  # fmt: skip
    problems = {p.code: p for p in AirbyteIntegration().load(load_settings(), {}).problems}
    problem = problems["no-table"]
    assert (problem.severity, problem.asset) == ("info", "stream.shop.users")
    assert problem.message.startswith(
        "stream.shop.users goes to s3, which keeps no tables: no dbt source is found by its "
        "relation. Where one reads it all the same (an external table), give that source "
    )


def test_a_server_whose_other_api_is_nowhere(refused: Any) -> None:
    target = AirbyteTarget(run="remote", url="http://127.0.0.1:9/elsewhere")
    with refused(
        ServerError,
        "The address of the configuration API of 127.0.0.1:9 is not known.",
        "What it should do cannot be told to it.",
        "Give `airbyte.<target>.url` in toolkit.yml as your own server has it: it ends in "
        "/api/public/v1.",
    ):
        Transport(target).configuration("jobs/get", {}, seconds=1)
