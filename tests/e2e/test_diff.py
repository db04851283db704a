"""``toolkit diff`` on a real dbt project in a real git repository, and on real artifacts."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

MIXED = sys.modules["mixed_project"]  # see conftest.py
REPOSITORY = Path(__file__).parents[2]
CALITP = REPOSITORY.parent / "shared/data/projects/calitp/manifest.json.gz"
STAGED = "models/stg_payments.sql"
PLAIN_STAGED = (
    "select id as payment_id, customer_id, amount from {{ source('raw', 'raw_payments') }}\n"
)


class Repository:
    """The plain dbt project below a repository's root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "warehouse"
        MIXED.plain(self.project)
        (root / ".gitignore").write_text("target/\nlogs/\n.toolkit/\n*.duckdb\n")
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("first")

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        done = subprocess.run(
            ["git", *identity, *words], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def write(self, name: str, text: str) -> None:
        (self.project / name).write_text(text)

    def diff(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return run(["diff", *words], self.project, code)

    def found(self, *words: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.diff(*words, "--format", "json").stdout)
        return document


def run(words: list[str], folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = MIXED.call(words, folder, os.environ)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository of which the base was parsed and compiled once."""
    repository = Repository(tmp_path_factory.mktemp("diff") / "repository")
    repository.diff("--base", "HEAD")
    return repository


@pytest.fixture
def repository(compiled: Repository) -> Iterator[Repository]:
    yield compiled
    compiled.git("checkout", "--quiet", "--force", "main")
    compiled.git("clean", "--quiet", "--force", "-d")


def verdicts(document: dict[str, Any]) -> dict[str, str]:
    return {c["asset"]: f"{c['extent']} {c['verdict']}" for c in document["changes"]}


def test_against_a_commit(repository: Repository) -> None:
    assert repository.diff("--base", "HEAD").stdout.startswith("Nothing changes against HEAD (")
    repository.write(STAGED, PLAIN_STAGED.replace("amount from", "amount * 2 as amount from"))
    document = repository.found("--base", "HEAD")
    assert verdicts(document) == {"model.plain.stg_payments": "column review"}
    (change,) = document["changes"]
    (column,) = change["columns"]
    assert (column["was"], column["now"]) == ("amount", "amount * 2")
    reached = {one["asset"]: one["columns"] for one in change["reached"] if one["certain"]}
    assert reached["model.plain.events"] == ["amount"]
    assert "total" in reached["model.plain.customers"]  # with all rows: amounts are filtered
    assert "exposure.plain.revenue" in reached
    assert change["owners"] == ["Finance"]
    assert change["path"] == STAGED


def test_what_is_proved_to_break(repository: Repository) -> None:
    repository.write(STAGED, PLAIN_STAGED.replace(", amount", ""))
    out, sarif, junit = (repository.root / name for name in ("out.md", "out.sarif", "out.xml"))
    done = repository.diff(
        "--base", "main", "--fail-on", "breaking", "--format", "markdown", "-o", str(out),
        "--write", f"sarif={sarif}", "--write", f"junit={junit}", code=3,
    )  # fmt: skip
    assert "1 breaking change (--fail-on)" in done.stderr
    assert done.stdout == ""
    text = out.read_text()
    assert text.startswith("<!-- toolkit:diff -->\n### ❌ This breaks something")
    assert "`model.plain.stg_payments`" in text
    results = json.loads(sarif.read_text())["runs"][0]["results"]
    places = {
        (r["ruleId"], r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        for r in results
    }
    assert ("breaking-change", f"warehouse/{STAGED}") in places
    assert ("fails-after-change", "warehouse/models/only_positive.sql") in places
    suite = ET.fromstring(junit.read_text())
    assert suite.get("failures") == "1"


def test_where_the_history_forked_counts(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "theirs")
    repository.write("models/theirs.sql", "select 1 as one\n")
    repository.commit("theirs")
    repository.git("checkout", "--quiet", "-b", "mine", "main")
    repository.write("models/mine.sql", "select 2 as two\n")
    repository.commit("mine")
    document = repository.found("--base", "theirs")
    assert verdicts(document) == {"model.plain.mine": "additive safe"}
    assert "where it was forked" in document["base"]
    assert repository.git("worktree", "list").count("\n") == 0


def test_against_artifacts_and_another_checkout(repository: Repository, tmp_path: Path) -> None:
    repository.diff("--base", "HEAD")  # parses and compiles what is there now
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    shutil.copy(repository.project / "target" / "manifest.json", artifacts)
    checkout = tmp_path / "checkout"
    shutil.copytree(repository.project, checkout)
    repository.write(STAGED, PLAIN_STAGED.replace("amount from", "amount from") + "where id > 1\n")
    for base in (artifacts, artifacts / "manifest.json", checkout):
        document = repository.found("--base", str(base))
        assert verdicts(document) == {"model.plain.stg_payments": "model_wide review"}, base
        assert document["changes"][0]["rows"]["new"] == [{"kind": "filter", "sql": "WHERE id > 1"}]
    now = tmp_path / "now"
    now.mkdir()
    shutil.copy(repository.project / "target" / "manifest.json", now)
    words = ["diff", "--manifest", str(now / "manifest.json"), "--base", str(artifacts)]
    done = run([*words, "--format", "json"], tmp_path)
    assert verdicts(json.loads(done.stdout)) == {"model.plain.stg_payments": "model_wide review"}
    assert sorted(path.name for path in now.iterdir()) == ["manifest.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--base", "nowhere"], "is no file, no folder and no commit"),
        (["--base", "models"], "There is no manifest.json in models"),
        (["--base", "HEAD", "--base-connections", "models"], "goes with a base of artifacts"),
        (["--base", "HEAD", "--write", "png=x"], "is not FORMAT=FILE"),
        ([], "Missing option '--base'"),
    ],
)
def test_bad_input(repository: Repository, words: list[str], said: str) -> None:
    done = repository.diff(*words, code=2)
    assert said in " ".join(done.stderr.split())


@pytest.mark.soak
def test_kill_9_while_the_base_is_made(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    base = repository.project / ".toolkit" / "base"
    command = [sys.executable, "-m", "toolkit.cli", "diff", "--base", "HEAD"]
    process = subprocess.Popen(command, cwd=repository.project, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not [p for p in base.glob("*/warehouse") if not p.parent.name.startswith("new-")]:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)  # nobody tells us what another program does
    process.kill()
    process.wait()
    assert not [*base.glob("*/warehouse/.toolkit/base-ready")]
    done = repository.diff("--base", "HEAD")
    assert done.stdout.startswith("Nothing changes against HEAD (")
    assert [*base.glob("*/warehouse/.toolkit/base-ready")]


def test_a_base_that_dbt_cannot_parse(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "broken")
    repository.write("models/bad.sql", "select * from {{ ref('nothing') }}\n")
    repository.commit("broken")
    repository.git("rm", "--quiet", "warehouse/models/bad.sql")
    done = repository.diff("--base", "HEAD", code=2)
    assert "The base cannot be read" in done.stderr
    assert "depends on a node named 'nothing'" in " ".join(done.stderr.split())


APP = """\
sources:
  - name: app
    tables: [{name: payments, columns: [{name: amount}]}]
exposures:
  - name: payments
    type: dashboard
    owner: {name: Finance}
    depends_on: [ref('app_payments')]
"""
CONNECTION = {
    "version": 1,
    "name": "app",
    "source": {"package": "airbyte-source-faker", "version": "7.2.1", "config": {}},
    "destination": {"type": "duckdb", "name": "warehouse", "schema": "app"},
    "namespace_definition": "destination",
    "streams": [
        {
            "name": "payments",
            "sync_mode": "full_refresh_overwrite",
            "primary_key": [["id"]],
            "json_schema": {
                "properties": {
                    "id": {"type": "integer"},
                    "customer_id": {"type": "integer"},
                    "amount": {"type": "integer"},
                    "note": {"type": "string"},
                }
            },
        }
    ],
}


@pytest.mark.parametrize(
    ("edit", "verdict", "said"),
    [
        ({"selected_fields": [["id"], ["customer_id"], ["note"]]}, "column breaking",
         "model.plain.app_payments reads payments.amount, which is gone"),
        ({"selected_fields": [["id"], ["customer_id"], ["amount"]]}, "column safe", None),
        ({"sync_mode": "incremental_append"}, "none review", None),
        ({"enabled": False}, "none breaking",
         "source.plain.app.payments was loaded by stream.app.payments, "
         "and nothing loads it now"),
        ({"prefix": "x_"}, "none breaking",
         "source.plain.app.payments was loaded by stream.app.payments, "
         "and nothing loads it now"),
        ({"mappers": [{"type": "hashing", "mapperConfiguration": {
            "targetField": "amount", "method": "SHA-256", "fieldNameSuffix": "_hashed"}}]},
         "column breaking", "model.plain.app_payments reads payments.amount, which is gone"),
        ({}, None, None),
    ],
    ids=["read", "unread", "mode", "off", "prefix", "hashed", "same"],
)  # fmt: skip
def test_a_connection_that_is_configured_otherwise(
    repository: Repository, tmp_path: Path, edit: dict[str, Any], verdict: str | None,
    said: str | None,
) -> None:  # fmt: skip
    repository.write("models/app.yml", APP)
    select = "select id, customer_id, amount from {{ source('app', 'payments') }}\n"
    repository.write("models/app_payments.sql", select)
    repository.diff("--base", "HEAD")
    shutil.copy(repository.project / "target" / "manifest.json", tmp_path)
    stream = {**CONNECTION["streams"][0]}  # type: ignore[index]
    whole = {key: value for key, value in edit.items() if key in ("enabled", "prefix")}
    stream |= {key: value for key, value in edit.items() if key not in whole}
    for name, connection in (
        ("was.yml", CONNECTION), ("now.yml", {**CONNECTION, **whole, "streams": [stream]}),
    ):  # fmt: skip
        (tmp_path / name).write_text(json.dumps(connection))
    done = run(
        ["diff", "--manifest", "manifest.json", "--connections", "now.yml", "--base",
         "manifest.json", "--base-connections", "was.yml", "--format", "json"], tmp_path,
    )  # fmt: skip
    document = json.loads(done.stdout)
    found = {asset: how for asset, how in verdicts(document).items() if "stream" in asset}
    assert found == ({"stream.app.payments": verdict} if verdict else {})
    fails = [f"{f['key']} {f['reason']}" for c in document["changes"] for f in c["fails"]]
    assert fails == ([said] if said else [])
    if verdict and "safe" not in verdict:
        reached = {one["asset"] for c in document["changes"] for one in c["reached"]}
        assert "exposure.plain.payments" in reached


def test_the_example_in_the_documentation(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "diff.md").read_text()
    outputs = shutil.ignore_patterns("target", "logs", ".toolkit", "*.duckdb*", "__pycache__")
    for name in ("dbt_project", "connectors"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=outputs)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(tmp_path)]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    edits = re.findall(r"^`([^`\n]+)`:\n\n```diff\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(edits) == 2
    for name, lines in edits:
        path = tmp_path / "dbt_project" / name
        text = path.read_text()
        for old, new in re.findall(r"^-(.*)\n\+(.*)$", lines, re.MULTILINE):
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
    done = run(["diff", "--base", "main"], tmp_path / "dbt_project")
    shown = re.search(r"^```text\n\$ toolkit diff --base main\n(.*?)^```$", page, re.M | re.S)
    assert shown is not None
    assert re.sub(r"[0-9a-f]{7}\)", "8bb5473)", done.stdout) == shown[1]


def test_a_real_project_of_eight_hundred_assets(tmp_path: Path) -> None:
    if not CALITP.exists():
        pytest.skip(f"{CALITP} is not here")
    manifest = json.loads(gzip.decompress(CALITP.read_bytes()))
    (tmp_path / "base").mkdir()
    (tmp_path / "head").mkdir()
    (tmp_path / "base" / "manifest.json").write_text(json.dumps(manifest))
    node = manifest["nodes"]["model.calitp_warehouse.dim_organizations"]
    for part in ("compiled_code", "raw_code"):
        node[part] = node[part].replace("        hubspot_company_record_id,\n", "")
    (tmp_path / "head" / "manifest.json").write_text(json.dumps(manifest))
    words = ["diff", "--manifest", "head/manifest.json", "--base", "base", "--format", "json"]
    document = json.loads(run(words, tmp_path).stdout)
    (change,) = document["changes"]
    assert (change["extent"], change["verdict"]) == ("column", "breaking")
    # found by hand: grep -l hubspot_company_record_id among the models that read it
    assert {failure["key"].rsplit(".", 1)[-1] for failure in change["fails"]} == {
        "dim_organizations_latest_with_caltrans_district",
        "int_gtfs_quality__naive_organization_service_dataset_full_join",
    }
    words[2] = "base/manifest.json"
    assert json.loads(run(words, tmp_path).stdout)["verdict"] is None
