"""``toolkit lint`` from outside: what is found, where it is written, which exit code."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

PROJECT = Path(__file__).parent / "projects" / "plain"
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "PLAIN_"))}

pytestmark = pytest.mark.e2e


def run(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> Any:
    return sys.modules["mixed_project"].call(words, folder, {**ENVIRONMENT, **(env or {})})


def node(key: str, reads: str = "", columns: Mapping[str, Any] | None = None, **more: Any) -> Any:
    kind, package, *_, name = key.split(".")
    return {
        "unique_id": key, "name": name, "resource_type": kind, "package_name": package,
        "fqn": [package, name], "database": "db", "schema": "main", "config": {},
        "original_file_path": f"models/{name}.sql", "depends_on": {"nodes": reads.split()},
        "columns": {c: {"name": c, **said} for c, said in (columns or {}).items()}, **more,
    }  # fmt: skip


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Artifacts of a shop, with the YAML that describes it and nothing else of a project."""
    users = node(
        "source.shop.crm.users", columns={"id": {}, "email": {"tags": ["pii"]}}, schema="raw",
        source_name="crm", identifier="users", original_file_path="models/sources.yml",
    )  # fmt: skip
    sales = node(
        "model.shop.sales", "source.shop.crm.users", {"contact": {}}, access="public",
        compiled_code="select lower(email) as contact from db.raw.users", language="sql",
        raw_code="select 1", patch_path="shop://models/marts/_marts.yml",
        original_file_path="models/marts/sales.sql", description="A row is a sale.",
    )  # fmt: skip
    noisy = node("model.elementary.noise", access="public", compiled_code="select 1 as a")
    document = {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "project_name": "shop", "adapter_type": "duckdb",
        },
        "sources": {users["unique_id"]: users},
        "nodes": {one["unique_id"]: one for one in (sales, noisy)},
    }  # fmt: skip
    path = tmp_path / "repo" / "dbt" / "target" / "manifest.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document))
    (tmp_path / "repo" / ".git").mkdir()
    (tmp_path / "repo" / "dbt" / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    described = tmp_path / "repo" / "dbt" / "models" / "marts" / "_marts.yml"
    described.parent.mkdir(parents=True)
    described.write_text("models:\n  - name: sales\n    columns:\n      - name: contact\n")
    return path


def found(manifest: Path, *words: str) -> list[tuple[str, str, str | None, int | None]]:
    done = run(manifest.parent, "lint", "--manifest", str(manifest), "--format", "json", *words)
    findings = json.loads(done.stdout)["findings"]
    return [(one["rule"], one["asset"], one["column"], one["line"]) for one in findings]


def test_what_is_found_and_where(manifest: Path) -> None:
    assert found(manifest) == [
        ("unowned-mart", "model.shop.sales", None, 2),
        ("untagged-pii", "model.shop.sales", "contact", 4),
        ("uncontracted-public-model", "model.shop.sales", None, 2),
    ]
    assert found(manifest, "--select", "crm.users") == []
    assert len(found(manifest, "--select", "sales")) == 3
    assert found(manifest, "--exclude", "sales") == []


def test_text_says_what_to_do(manifest: Path) -> None:
    done = run(manifest.parent, "lint", "--manifest", str(manifest))
    assert done.returncode == 3
    assert done.stdout.splitlines()[5:8] == [
        "untagged-pii (error, 1) A tagged column flows into one without the tag",
        "  models/marts/_marts.yml:4  model.shop.sales.contact",
        "    sales.contact holds values of source.shop.crm.users.email, which is tagged pii, and "
        "is not tagged itself: crm.users.email -> sales.contact.",
    ]
    assert done.stdout.splitlines()[-1] == "1 error and 2 warnings."
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("fail_on", "rules", "code"),
    [
        ("error", "", 3),
        ("never", "", 0),
        ("warning", "rules: {untagged-pii: off}", 3),
        ("error", "rules: {untagged-pii: off}", 0),
        ("error", "rules: {untagged-pii: {except: [sales]}}", 0),
        ("error", "rules: {untagged-pii: warning, unowned-mart: error}", 3),
    ],
)
def test_the_gate(manifest: Path, fail_on: str, rules: str, code: int) -> None:
    (manifest.parents[1] / "toolkit.yml").write_text(f"version: 1\n{rules}\n")
    done = run(manifest.parent, "lint", "--manifest", str(manifest), "--fail-on", fail_on)
    assert done.returncode == code, done.stdout + done.stderr


def test_a_wrong_selection_names_its_line(manifest: Path) -> None:
    (manifest.parents[1] / "toolkit.yml").write_text(
        "version: 1\nrules:\n  unowned-mart:\n    except: ['colour:red']\n"
    )
    done = run(manifest.parent, "lint", "--manifest", str(manifest))
    assert done.returncode == 2
    assert "toolkit.yml:3: the selection cannot be read: " in done.stderr


def test_sarif_counts_paths_from_the_repository(manifest: Path) -> None:
    out = manifest.parent / "lint.sarif"
    done = run(
        manifest.parent, "lint", "--manifest", str(manifest), "--format", "sarif", "-o", str(out)
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "toolkit lint: 1 error and 2 warnings.\n"
    (result,) = [
        one for one in json.loads(out.read_text())["runs"][0]["results"]
        if one["ruleId"] == "untagged-pii"
    ]  # fmt: skip
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "dbt/models/marts/_marts.yml"
    assert place["region"]["startLine"] == 4


def test_junit_and_markdown(manifest: Path) -> None:
    words = ("lint", "--manifest", str(manifest), "-q", "--format")
    root = ET.fromstring(run(manifest.parent, *words, "junit").stdout)
    assert root.attrib["failures"] == "1"
    text = run(manifest.parent, *words, "markdown").stdout
    assert text.startswith("<!-- toolkit:lint -->\n## toolkit lint: 1 error and 2 warnings.\n")


def test_what_other_tools_found(manifest: Path) -> None:
    violation = {"start_line_no": 2, "code": "LT01", "description": "Spacing.", "name": "a.b"}
    fluff = manifest.parent / "fluff.json"
    file = {"filepath": "dbt/models/marts/sales.sql", "violations": [violation]}
    fluff.write_text(json.dumps([file]))
    evaluated = manifest.parent / "run_results.json"
    unique_id = "test.dbt_project_evaluator.is_empty_fct_root_models_.1"
    evaluated.write_text(
        json.dumps({"results": [{"unique_id": unique_id, "status": "warn", "failures": 3}]})
    )
    words = ("--with", str(fluff), str(evaluated))
    assert found(manifest, *words)[3:] == [
        ("LT01", "model.shop.sales", None, 2), ("fct_root_models", None, None, None),
    ]  # fmt: skip
    # a selection is of assets
    assert found(manifest, *words, "--select", "sales")[3:] == [
        ("LT01", "model.shop.sales", None, 2)
    ]
    done = run(manifest.parent, "lint", "--manifest", str(manifest), "--with", "nowhere.json")
    assert done.returncode == 2
    assert "nowhere.json (--with) cannot be read" in done.stderr


def test_secrets_are_masked(manifest: Path) -> None:
    (manifest.parents[1] / "models/marts/_marts.yml").unlink()
    text = manifest.read_text().replace('"sales"', '"hunter2222"')
    manifest.write_text(text)
    for form in ("text", "json", "markdown", "sarif", "junit"):
        done = run(
            manifest.parent, "lint", "--manifest", str(manifest), "--format", form,
            env={"DBT_ENV_SECRET_X": "hunter2222"},
        )  # fmt: skip
        assert "The mart ***** has no owner" in done.stdout.replace("\\*", "*"), form
        assert "hunter2222" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_project_that_was_never_compiled(tmp_path: Path) -> None:
    """dbt compiles what is missing, as for `toolkit lineage`."""
    folder = Path(shutil.copytree(PROJECT, tmp_path / "plain"))
    done = run(folder, "lint", "--format", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["project"] == "plain"
    assert document["coverage"]["opaque"] == 0


CONNECTION = """\
version: 1
name: crm
source: {package: airbyte-source-faker, version: 7.2.1, config: {}}
destination: {type: duckdb, name: warehouse, schema: raw}
namespace_definition: destination
streams:
  - name: users
    sync_mode: full_refresh_overwrite
    json_schema:
      properties:
        id: {type: integer}
        email: {type: string}
    mappers: MAPPERS
"""


@pytest.mark.parametrize(
    ("column", "mapped", "reported"), [("email_sha", "email", False), ("email", "id", True)]
)
def test_a_mapper_of_the_connection_stops_a_tag(
    manifest: Path, tmp_path: Path, column: str, mapped: str, reported: bool
) -> None:
    """The tag stands on what lands; where that is a hash, nothing of it flows on."""
    manifest.write_text(manifest.read_text().replace("email", column))
    connection = tmp_path / "crm.yml"
    hashing = f"{{targetField: {mapped}, method: SHA-256, fieldNameSuffix: _sha}}"
    mappers = f"[{{type: hashing, mapperConfiguration: {hashing}}}]"
    connection.write_text(CONNECTION.replace("MAPPERS", mappers))
    rules = {one[0] for one in found(manifest, "--connections", str(connection))}
    assert ("untagged-pii" in rules) is reported
    assert "unloaded-source" not in rules


def test_a_source_beside_those_that_a_connection_loads(manifest: Path, tmp_path: Path) -> None:
    connection = tmp_path / "crm.yml"
    text = CONNECTION.replace("MAPPERS", "[]")
    connection.write_text(text.replace("name: users", "name: people"))
    rules = [one[:2] for one in found(manifest, "--connections", str(connection))]
    assert ("unloaded-source", "source.shop.crm.users") in rules


@pytest.mark.slow
def test_the_example_keeps_its_rules(tmp_path: Path) -> None:
    repository = Path(__file__).parents[2]
    left = shutil.ignore_patterns("target", "logs", ".toolkit", "*.duckdb*", ".user.yml", "__py*")
    for name in ("dbt_project", "connectors"):
        shutil.copytree(repository / name, tmp_path / name, ignore=left)
    done = run(tmp_path / "dbt_project", "lint", "--format", "json")
    assert done.returncode == 0, done.stderr
    rules = {finding["rule"] for finding in json.loads(done.stdout)["findings"]}
    assert rules <= {"uncontracted-public-model"}
