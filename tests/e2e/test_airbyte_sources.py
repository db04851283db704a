"""Real connectors from PyPI, in environments of their own, into a real DuckDB."""

import importlib.util
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from click.testing import CliRunner, Result

_HARNESS = Path(__file__).parents[1] / "unit" / "airbyte" / "harness.py"
if "airbyte_harness" not in sys.modules:
    _SPEC = importlib.util.spec_from_file_location("airbyte_harness", _HARNESS)
    assert _SPEC is not None
    assert _SPEC.loader is not None
    sys.modules["airbyte_harness"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["airbyte_harness"])

from airbyte_harness import DEDUP, Project  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

FAKER = {
    "source": {
        "package": "airbyte-source-faker",
        "version": "7.2.1",
        "config": {"count": 200, "seed": 7, "parallelism": 1, "always_updated": True},
    },
    "destination": {"type": "duckdb", "name": "warehouse", "schema": "raw"},
    "streams": [
        {"name": "users", **DEDUP},
        {"name": "products", "sync_mode": "full_refresh_overwrite"},
        {"name": "purchases", "sync_mode": "incremental_append"},
    ],
}


def test_faker_twice(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("shop", **FAKER)
    first = project.sync()
    assert first.status == "success", first.message
    assert first.message == "3 streams, 500 rows"
    assert project.sync().status == "success"
    counts = [
        project.sql(f"SELECT count(*), count(DISTINCT id) FROM raw.{name}")[0]
        for name in ("users", "products", "purchases")
    ]
    assert counts == [(200, 200), (100, 100), (400, 200)]
    assert project.sql(
        "SELECT typeof(address), typeof(created_at), typeof(age), address->>'city' IS NOT NULL "
        "FROM raw.users WHERE id = 1"
    ) == [("JSON", "TIMESTAMP WITH TIME ZONE", "BIGINT", True)]


def cli(folder: Path, *words: str) -> Result:
    from toolkit.cli import cli as commands

    result = CliRunner().invoke(
        commands,
        ["connectors", *words, "--project-dir", str(folder), "--profiles-dir", str(folder)],
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_commands(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("shop", **FAKER)
    project.write("off", **FAKER, enabled=False)
    (tmp_path / "dbt_project.yml").write_text("name: shop\nversion: '1'\nprofile: shop\n")
    (tmp_path / "toolkit.yml").write_text("version: 1\nconnections: [connectors]\n")
    output = {"type": "duckdb", "path": "shop.duckdb"}
    profiles = {"shop": {"target": "dev", "outputs": {"dev": output}}}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profiles))

    assert cli(tmp_path, "install").exit_code == 0
    again = cli(tmp_path, "install", "--json")
    assert json.loads(again.stdout) == [
        {"package": "airbyte-source-faker", "version": "7.2.1", "installed": False}
    ]
    listed = json.loads(cli(tmp_path, "list", "--json").stdout)
    assert [(row["name"], row["enabled"], row["state"]) for row in listed] == [
        ("off", False, "installed"),
        ("shop", True, "installed"),
    ]
    found = json.loads(cli(tmp_path, "discover", "--json").stdout)
    assert [stream["name"] for stream in found["shop"]] == ["products", "users", "purchases"]
    assert found["shop"][1]["fields"]["address"] == "JSON"
    assert cli(tmp_path, "check").stdout == "shop: ok\n"

    wrong = {**FAKER, "source": {**FAKER["source"], "config": {"count": "many"}}}
    project.write("shop", **wrong)
    refused = cli(tmp_path, "check")
    assert refused.exit_code == 1
    assert "'many' is not of type 'integer'" in refused.stdout


DAYS = [f"2026-01-{day:02d}T00:00:00Z" for day in range(1, 29)]


class Api(BaseHTTPRequestHandler):
    """Rows since a time, five a page."""

    rows: ClassVar[list[dict[str, object]]] = []
    requests: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.requests.append(self.path)
        since = query.get("since", [""])[0]
        start = int(query.get("offset", ["0"])[0])
        found = [row for row in self.rows if str(row["updated_at"]) >= since]
        body = json.dumps({"data": found[start : start + 5]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Api.rows = [{"id": n, "name": f"n{n}", "updated_at": at} for n, at in enumerate(DAYS, 1)]
    Api.requests = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


MANIFEST = {
    "version": "6.0.0",
    "type": "DeclarativeSource",
    "check": {"type": "CheckStream", "stream_names": ["items"]},
    "streams": [
        {
            "type": "DeclarativeStream",
            "name": "items",
            "primary_key": ["id"],
            "retriever": {
                "type": "SimpleRetriever",
                "requester": {
                    "type": "HttpRequester",
                    "url_base": "{{ config['url'] }}",
                    "path": "/items",
                    "http_method": "GET",
                    "error_handler": {"type": "DefaultErrorHandler", "max_retries": 0},
                },
                "record_selector": {
                    "type": "RecordSelector",
                    "extractor": {"type": "DpathExtractor", "field_path": ["data"]},
                },
                "paginator": {
                    "type": "DefaultPaginator",
                    "page_token_option": {
                        "type": "RequestOption",
                        "inject_into": "request_parameter",
                        "field_name": "offset",
                    },
                    "pagination_strategy": {"type": "OffsetIncrement", "page_size": 5},
                },
            },
            "incremental_sync": {
                "type": "DatetimeBasedCursor",
                "cursor_field": "updated_at",
                "datetime_format": "%Y-%m-%dT%H:%M:%SZ",
                "start_datetime": {"type": "MinMaxDatetime", "datetime": "2026-01-01T00:00:00Z"},
                "start_time_option": {
                    "type": "RequestOption",
                    "inject_into": "request_parameter",
                    "field_name": "since",
                },
            },
            "schema_loader": {
                "type": "InlineSchemaLoader",
                "schema": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "integer"},
                        "name": {"type": "string"},
                        "updated_at": {"type": "string", "format": "date-time"},
                    },
                },
            },
        }
    ],
    "spec": {
        "type": "Spec",
        "connection_specification": {
            "type": "object",
            "required": ["url"],
            "properties": {"url": {"type": "string"}},
        },
    },
}


def test_low_code_source_pages_and_resumes(tmp_path: Path, server: ThreadingHTTPServer) -> None:
    project = Project(tmp_path)
    (project.connections / "manifest.yaml").write_text(yaml.safe_dump(MANIFEST))
    source = {
        "manifest": "manifest.yaml",
        "config": {"url": f"http://127.0.0.1:{server.server_address[1]}"},
    }
    project.write("items", source=source, streams=[{"name": "items", **DEDUP}])

    first = project.sync()
    assert first.status == "success", first.message
    assert project.sql("SELECT count(*), sum(id) FROM main.items") == [(28, 406)]
    assert len(Api.requests) == 6  # 28 rows in pages of 5

    Api.requests.clear()
    Api.rows[27]["name"] = "changed"
    Api.rows.append({"id": 29, "name": "n29", "updated_at": "2026-01-29T00:00:00Z"})
    assert project.sync().message == "1 stream, 2 rows"
    assert len(Api.requests) == 1
    assert "since=2026-01-28" in Api.requests[0]
    assert project.sql("SELECT id, name FROM main.items WHERE id > 27 ORDER BY 1") == [
        (28, "changed"),
        (29, "n29"),
    ]

    server.shutdown()
    server.server_close()  # nobody listens any more
    down = project.sync()
    assert down.status == "error"
    assert "The log is" in down.message
    assert project.sql("SELECT count(*) FROM main.items") == [(29,)]
