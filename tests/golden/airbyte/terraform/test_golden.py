"""Terraform folders as people write them, and what is read from each: ``<case>.json`` beside it.

To see what a change does: run, and compare the printed JSON with the file.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from toolkit.errors import Problem
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.readers import read_connections

_HERE = Path(__file__).parent
_CASES = sorted(file.with_suffix("") for file in _HERE.glob("*.json"))


def found_in(folder: Path) -> dict[str, Any]:
    read = read_connections([folder])
    return {
        "connections": {each.name: _connection(each, folder) for each in read.connections},
        "problems": [_problem(each, folder) for each in read.problems],
    }


def _connection(connection: Connection, folder: Path) -> dict[str, Any]:
    source, target = connection.source, connection.destination
    shown: dict[str, Any] = {
        "at": connection.where().replace(f"{folder}/", ""),
        "format": connection.format,
        "source": f"{source.type}: {source.name}",
        "destination": f"{target.type}: {target.name}",
        "into": [target.database, target.schema],
        "unknown": dict(connection.unknown),
        "namespace": connection.namespace_definition,
        "namespace_format": connection.namespace_format,
        "prefix": connection.prefix,
        "enabled": connection.enabled,
        "schema_updates": connection.schema_updates,
        "schedule": dict(connection.schedule),
        "connection_id": connection.connection_id,
        "tags": list(connection.tags),
        "streams": {},
    }
    for stream in connection.streams:
        shown["streams"][stream.name] = {
            "line": stream.line,
            "namespace": stream.namespace,
            "sync_mode": stream.sync_mode,
            "primary_key": [".".join(path) for path in stream.primary_key],
            "cursor_field": ".".join(stream.cursor_field),
            "selected_fields": list(stream.selected_fields),
            "mappers": msgspec.to_builtins(stream.mappers),
        }
    return _without_empty(shown)


def _without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    shown = {key: _without_empty(item) for key, item in value.items()}
    return {key: item for key, item in shown.items() if item not in ("", [], {}, None, ())}


def _problem(problem: Problem, folder: Path) -> str:
    at = f"{problem.path}:{problem.line}".replace(f"{folder}/", "")
    return f"{problem.severity} {problem.code} {at} {problem.message}".replace(f"{folder}/", "")


@pytest.mark.parametrize("folder", _CASES, ids=lambda folder: folder.name)
def test_what_is_read(folder: Path) -> None:
    found = found_in(folder)
    shown = json.dumps(found, indent=2, ensure_ascii=False)
    assert shown == folder.with_suffix(".json").read_text().rstrip(), shown


@pytest.mark.parametrize("folder", _CASES, ids=lambda folder: folder.name)
def test_no_secret_is_in_anything(folder: Path) -> None:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert any("planted-secret" in file.read_text() for file in files), "plant one in this case"
    assert "planted-secret" not in repr(read_connections([folder]))
