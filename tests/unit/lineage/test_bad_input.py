"""What is broken, huge or endless, through the command line: said, and never a traceback."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

DEEP = "select " + "abs(" * 1000 + "id" + ")" * 1000 + " as x from shop.raw.users"
DOUBLING = ", ".join(f"c{i} as (select *, * from c{i - 1})" for i in range(1, 40))
SLOW = f"with c0 as (select id from shop.raw.users), {DOUBLING} select * from c39"
LONG = "select " + ",\n".join(f"coalesce(id, {i}) as column_{i:06d}" for i in range(27_000))


def node(key: str, **more: Any) -> dict[str, Any]:
    kind, package, *_, name = key.split(".")
    return {
        "unique_id": key, "resource_type": kind, "package_name": package, "name": name,
        "database": "shop", "schema": "main", "fqn": [package, name],
        "original_file_path": f"models/{name}.sql", "path": f"{name}.sql",
        "config": {"materialized": "view"}, "columns": {}, "tags": [], "description": "",
        "checksum": {"name": "sha256", "checksum": "0"}, **more,
    }  # fmt: skip


def model(name: str, sql: str | None, *parents: str) -> dict[str, Any]:
    depends_on = {"nodes": list(parents or ["source.shop.raw.users"]), "macros": []}
    return node(
        f"model.shop.{name}", alias=name, language="sql", raw_code=sql or "select 1",
        compiled_code=sql, depends_on=depends_on,
    )  # fmt: skip


def write(folder: Path, *models: dict[str, Any]) -> Path:
    users = node(
        "source.shop.raw.users", schema="raw", identifier="users", source_name="raw",
        columns={"id": {"name": "id"}, "mail": {"name": "mail"}},
    )  # fmt: skip
    empty = "macros exposures metrics semantic_models saved_queries groups unit_tests disabled"
    manifest = {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "project_name": "shop", "adapter_type": "duckdb", "dbt_version": "1.11.0",
        },
        "sources": {users["unique_id"]: users},
        "nodes": {one["unique_id"]: one for one in models},
        **{part: {} for part in empty.split()},
    }  # fmt: skip
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest))
    return path


def run(manifest: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """A process of its own: what is printed is what a user sees."""
    command = [sys.executable, "-m", "toolkit.cli", "lineage", "--manifest", str(manifest), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done


BAD = {
    "nested 1,000 deep": (DEEP, "too-deep"),
    "too slow": (SLOW, "too-slow"),
    "no SQL": ("select from where (", "invalid-sql"),
    "an open string": ("select 'id from shop.raw.users", "invalid-sql"),
    "no query": ("create table x (y int)", "not-a-query"),
    "not compiled": (None, "no-compiled-sql"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "too slow")) for name in BAD]
)
def test_one_bad_model_is_opaque_and_the_others_are_traced(tmp_path: Path, name: str) -> None:
    sql, code = BAD[name]
    good = model("good", "select id from shop.raw.users")
    below = model("below", "select x from shop.main.bad", "model.shop.bad")
    manifest = write(tmp_path, model("bad", sql), good, below)
    started = time.monotonic()
    document = json.loads(run(manifest, "--format", "json").stdout)
    assert time.monotonic() - started < 240  # the cap is 2 s; without it this would take hours
    status = {key: asset["lineage"] for key, asset in document["assets"].items()}
    assert status["model.shop.bad"] == "opaque"
    assert status["model.shop.good"] == "full"
    (problem,) = [p for p in document["problems"] if p["asset"] == "model.shop.bad"]
    assert (problem["code"], problem["path"]) == (code, "models/bad.sql")
    assert run(manifest, "--min-coverage", "90").returncode == 3
    said = run(manifest, "--quiet").stdout
    assert said.count("model.shop.bad") == 1  # once: the key is not said again in the message


def test_a_model_of_a_megabyte(tmp_path: Path) -> None:
    """Read in full or refused with a reason, within the cap of 2 s."""
    sql = f"{LONG} from shop.raw.users"
    assert len(sql) > 1_000_000
    started = time.monotonic()
    document = json.loads(run(write(tmp_path, model("bad", sql)), "--format", "json").stdout)
    assert time.monotonic() - started < 240
    status = document["assets"]["model.shop.bad"]["lineage"]
    codes = {p["code"] for p in document["problems"] if p["asset"] == "model.shop.bad"}
    assert (status, codes) in [("opaque", {"too-large"}), ("opaque", {"too-slow"}), ("full", set())]


def test_a_cycle_is_said_with_its_path(tmp_path: Path) -> None:
    one = model("one", "select * from shop.main.two", "model.shop.two")
    two = model("two", "select * from shop.main.one", "model.shop.one")
    done = run(write(tmp_path, one, two))
    assert done.returncode == 2
    assert "in a circle" in done.stderr
    assert "model.shop.one" in done.stderr
    assert "model.shop.two" in done.stderr


@pytest.mark.parametrize("text", ["", "[]", '{"metadata": 1}'])
def test_a_manifest_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    done = run(path)
    assert done.returncode == 2
    assert "manifest.json" in done.stderr


def test_a_catalog_that_contradicts_the_manifest(tmp_path: Path) -> None:
    """One of the two is older, and nobody knows which: it is said, and nothing is lost."""
    sql = "select u.id, u.mail, u.gone from shop.raw.users as u"
    manifest = write(tmp_path, model("people", sql))

    def entry(key: str, *names: str) -> dict[str, Any]:
        columns = {
            name: {"name": name, "type": "BIGINT", "index": i} for i, name in enumerate(names, 1)
        }
        about = {"type": "BASE TABLE", "schema": "main", "name": key.split(".")[-1]}
        return {"unique_id": key, "metadata": about, "columns": columns, "stats": {}}

    users, stale = "source.shop.raw.users", "model.shop.dropped"
    catalog = {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/v1.json",
            "dbt_version": "1.11.0", "generated_at": "2026-01-01T00:00:00Z",
        },
        "sources": {users: entry(users, "ID", "mail")},
        "nodes": {
            "model.shop.people": entry("model.shop.people", "ID", "other"),
            stale: entry(stale, "x"),
        },
    }  # fmt: skip
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(catalog))
    done = run(manifest, "--catalog", str(path), "--format", "json", "--quiet")
    document = json.loads(done.stdout)
    people = document["assets"]["model.shop.people"]
    assert stale not in document["assets"]
    assert people["columns"]["ID"] == {"type": "BIGINT"}
    edges = {(*e["from"], e["to"][1]) for e in document["column_edges"]}
    assert edges == {
        (users, "ID", "ID"),
        (users, "mail", "mail"),
        (users, "gone", "gone"),  # the catalog may be the older one: nothing is lost
    }
    problems = {p["asset"]: (p["code"], p["message"]) for p in document["problems"]}
    assert {code for code, _ in problems.values()} == {"catalog-differs"}
    assert "columns gone are read" in problems[users][1]
    assert "has no mail, gone and has other" in problems["model.shop.people"][1]
