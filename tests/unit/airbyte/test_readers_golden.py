"""Real formats, as files that a person can read: ``tests/golden/airbyte/<format>/``.

``input/`` is read as a folder of ``connections:``; ``expected.json`` holds what it becomes,
without what is a default. With UPDATE_GOLDEN=1 it is written anew, to be looked at.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from toolkit.integrations.airbyte.columns import fields_of
from toolkit.integrations.airbyte.readers import read_connections

GOLDEN = Path(__file__).parents[2] / "golden" / "airbyte"
FORMATS = ("api", "config_api", "octavia", "catalog", "manifest")


def plain(struct: msgspec.Struct, folder: Path) -> dict[str, Any]:
    """What is no default; schemas as names and types, paths below the folder."""
    shown: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if field.name in ("lines", "file") or value == field.default or value in (None, (), {}, ""):
            continue
        if field.name == "json_schema":
            value = {field.name: field.type for field in fields_of(value)}
        elif isinstance(value, Path):
            value = value.relative_to(folder).as_posix()
        elif field.name == "primary_key":
            value = ", ".join(".".join(path) for path in value)
        elif field.name == "cursor_field":
            value = ".".join(value)
        elif field.name == "mappers":
            value = [msgspec.to_builtins(mapper) for mapper in value]
        elif field.name == "streams":
            value = [plain(stream, folder) for stream in value]
        elif isinstance(value, msgspec.Struct):
            value = plain(value, folder)
        else:
            value = msgspec.to_builtins(value)
        if value is False or value:
            shown[field.name] = value
    return shown


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_becomes_connections(name: str) -> None:
    folder = GOLDEN / name / "input"
    read = read_connections([folder])
    actual = {
        "connections": [plain(connection, folder) for connection in read.connections],
        "problems": [
            f"{problem.code}: {Path(problem.path or '').relative_to(folder).as_posix()}"
            for problem in read.problems
        ],
    }
    text = json.dumps(actual, indent=2, ensure_ascii=False) + "\n"
    assert "planted-secret" not in text
    expected = GOLDEN / name / "expected.json"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_every_format_has_what_it_should() -> None:
    """So that an expected.json without content does not pass for a test."""
    for name in FORMATS:
        expected: Mapping[str, Any] = json.loads((GOLDEN / name / "expected.json").read_text())
        assert sum(len(c["streams"]) for c in expected["connections"]) >= 2, name
