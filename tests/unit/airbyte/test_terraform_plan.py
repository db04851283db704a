"""A plan of what is not there yet: no ids, so its configuration says what goes where."""

import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.integrations.airbyte.readers import read_connections
from toolkit.integrations.airbyte.readers.terraform.state import read_state

SECRET = {"constant_value": "planted-secret"}


def resource(address: str, **values: Any) -> dict[str, Any]:
    (type_,) = {"airbyte_connection", "airbyte_destination_postgres"} & {*address.split(".")}
    return {"address": address, "mode": "managed", "type": type_, "values": values}


def destination(address: str, schema: str) -> dict[str, Any]:
    return resource(address, configuration={"schema": schema})


def connection(address: str) -> dict[str, Any]:
    return resource(address, name=address, configurations={"streams": [{"name": "users"}]})


def references(*names: str) -> dict[str, Any]:
    return {"references": [*names]}


def goes_to(address: str, *names: str) -> dict[str, Any]:
    return {"address": address, "expressions": {"destination_id": references(*names)}}


ROOT = [
    destination("airbyte_destination_postgres.dwh", "whole"),
    destination('airbyte_destination_postgres.each["a.b"]', "a.b"),
    destination('airbyte_destination_postgres.each["c"]', "c"),
    connection("airbyte_connection.plain"),
    connection('airbyte_connection.each["a.b"]'),
    connection("airbyte_connection.local"),
]
OUT = [
    destination("module.out.airbyte_destination_postgres.own", "own"),
    connection("module.out.airbyte_connection.own"),
]
CHILDREN = [
    {"address": "module.out", "resources": OUT},
    {
        "address": 'module.in["x.y"]',
        "resources": [connection('module.in["x.y"].airbyte_connection.given')],
    },
    {"address": "module.loop", "resources": [connection("module.loop.airbyte_connection.lost")]},
]

DWH = "airbyte_destination_postgres.dwh"
OWN = "airbyte_destination_postgres.own"
CONFIGURATION = {
    "resources": [
        goes_to("airbyte_connection.plain", f"{DWH}.destination_id", DWH),
        goes_to("airbyte_connection.each", "airbyte_destination_postgres.each", "each.key"),
        goes_to("airbyte_connection.local", "local.destination"),
        {"address": "other.x", "expressions": {"block": [{"password": SECRET}]}},
    ],
    "module_calls": {
        "out": {
            "module": {
                "resources": [goes_to("airbyte_connection.own", f"{OWN}.destination_id", OWN)],
                "outputs": {"id": {"expression": references(OWN)}},
            }
        },
        "in": {
            "expressions": {
                "destination": references("module.out.id", "module.out"),
                "password": SECRET,
            },
            "module": {"resources": [goes_to("airbyte_connection.given", "var.destination")]},
        },
        "loop": {
            "expressions": {"again": references("module.loop.again")},
            "module": {
                "resources": [goes_to("airbyte_connection.lost", "var.again")],
                "outputs": {"again": {"expression": references("var.again")}},
            },
        },
    },
}


def write(folder: Path, configuration: Any) -> Path:
    path = folder / "plan.json"
    planned = {"root_module": {"resources": ROOT, "child_modules": CHILDREN}}
    document = {"format_version": "1.2", "planned_values": planned, "configuration": configuration}
    path.write_text(json.dumps(document))
    return path


def test_a_plan_alone_links_what_is_new(tmp_path: Path) -> None:
    path = write(tmp_path, {"root_module": CONFIGURATION})
    found = read_connections([tmp_path])
    assert {c.name: c.destination.schema for c in found.connections} == {
        "airbyte_connection.plain": "whole",
        'airbyte_connection.each["a.b"]': "a.b",
        "airbyte_connection.local": None,
        "module.out.airbyte_connection.own": "own",
        'module.in["x.y"].airbyte_connection.given': "own",
        "module.loop.airbyte_connection.lost": None,
    }
    assert [p.code for p in found.problems] == ["unknown-destination"] * 2
    assert "planted-secret" not in repr(read_state([path]))


@pytest.mark.parametrize("odd", [None, [], {"root_module": {"resources": [{"address": 1}]}}])
def test_links_of_another_shape_are_none(odd: Any, tmp_path: Path) -> None:
    write(tmp_path, odd)
    assert {c.destination.schema for c in read_connections([tmp_path]).connections} == {None}
