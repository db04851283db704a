"""The command line on a real project: what goes to standard output, and what to standard error."""

import csv
import io
import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from plain_project import out, plain, run

ORDER = [
    "seed.plain.customers_seed", "seed.plain.raw_payments", "source.plain.raw.raw_payments",
    "model.plain.stg_payments", "model.plain.events", "model.plain.only_positive",
    "model.plain.customers", "exposure.plain.revenue", "snapshot.plain.customers_snapshot",
]  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plain project, built once. Tests here read it only."""
    project = plain(tmp_path_factory.mktemp("cli") / "plain")
    out(project, "build")
    return project


@pytest.fixture(scope="module")
def broken(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it; tests here build more or less of it."""
    return Path(shutil.copytree(built, tmp_path_factory.mktemp("broken") / "plain"))


# ---- ls ----


def test_ls_names_parents_before_children(built: Path) -> None:
    names = out(built, "ls", "--output", "name").splitlines()
    assert sorted(names) == sorted(ORDER)
    before = [("seed.plain.raw_payments", "source.plain.raw.raw_payments"),
              ("source.plain.raw.raw_payments", "model.plain.stg_payments"),
              ("model.plain.only_positive", "model.plain.customers")]  # fmt: skip
    assert [pair for pair in before if names.index(pair[0]) > names.index(pair[1])] == []


def test_ls_json_has_the_promised_fields(built: Path) -> None:
    records = [json.loads(line) for line in out(built, "ls", "--output", "json").splitlines()]
    assert {tuple(record) for record in records} == {
        ("key", "kind", "name", "relation", "depends_on", "owner", "tags", "group", "path",
         "integration")
    }  # fmt: skip
    [customers] = [r for r in records if r["name"] == "customers"]
    assert customers == {
        "key": "model.plain.customers", "kind": "model", "name": "customers",
        "relation": "plain.main.customers",
        "depends_on": ["model.plain.only_positive", "seed.plain.customers_seed"],
        "owner": None, "tags": ["nightly"], "group": None, "path": "models/customers.sql",
        "integration": "dbt",
    }  # fmt: skip


def test_ls_text(built: Path) -> None:
    assert out(built, "ls", "-s", "customers+").splitlines() == [
        "model     model.plain.customers              plain.main.customers",
        "exposure  exposure.plain.revenue",
        "snapshot  snapshot.plain.customers_snapshot  plain.main.customers_snapshot",
    ]


# ---- plan, status, runs ----


def test_plan_json(built: Path) -> None:
    plan = json.loads(out(built, "plan", "--json", "--force"))
    steps = {step["step"]: step for step in plan["steps"]}
    assert len(steps) == 13
    assert {step["action"] for step in plan["steps"]} == {"run"}
    done: set[str] = set()
    for step in plan["steps"]:
        assert done.issuperset(step["after"]), "a step comes before one that it waits for"
        done.add(step["step"])
    assert steps["model.plain.customers"]["makes"] == ["model.plain.customers"]
    assert {u["asset"]: u["reason"] for u in plan["not_made"]} == {
        "source.plain.raw.raw_payments": "a source: seed.plain.raw_payments loads it",
        "model.plain.only_positive": "ephemeral: part of the SQL of what reads it",
        "exposure.plain.revenue": "an exposure: it reads, nothing is made",
    }


def test_dry_run_is_the_plan_and_builds_nothing(built: Path) -> None:
    before = (built / "plain.duckdb").read_bytes()
    assert out(built, "build", "--dry-run") == out(built, "plan")
    assert (built / "plain.duckdb").read_bytes() == before


def test_status_json(built: Path) -> None:
    records = {r["key"]: r for r in map(json.loads, out(built, "status", "--json").splitlines())}
    assert records.keys() == set(ORDER)
    assert {record["state"] for record in records.values()} == {"fresh"}
    customers = records["model.plain.customers"]
    [newest] = json.loads(out(built, "runs", "--json"))
    assert (customers["rows"], customers["run"]) == (2, newest["id"])
    assert newest["started_at"] <= customers["at"] <= newest["finished_at"]


def test_status_text_counts_on_standard_error(built: Path) -> None:
    done = run(built, "status", "-s", "customers")
    assert done.stdout.startswith("fresh    model.plain.customers")
    assert "2 rows" in done.stdout
    assert done.stderr == "1 of 1 asset fresh.\n"


def test_runs_and_one_run(built: Path) -> None:
    [line] = out(built, "runs").splitlines()
    key = line.split()[0]
    assert "success" in line
    detail = json.loads(out(built, "runs", key[:-2], "--json"))  # a unique beginning is enough
    assert detail["run"]["id"] == key
    assert {step["status"] for step in detail["steps"]} == {"success", "pass"}
    shown = out(built, "runs", key).splitlines()
    assert len(shown) == 2 + len(detail["steps"]) + 2  # the run, the heads; the critical path
    assert [line[2:].split()[0] for line in shown[2:-2]] == [s["status"] for s in detail["steps"]]
    path = detail["critical_path"]
    assert 0 < path["seconds"] <= path["wall"]
    names = {step["step"]: step["name"] for step in detail["steps"]}
    assert shown[-1].startswith("Critical path: ")
    assert shown[-1].endswith(": " + " -> ".join(names[key] for key in path["steps"]))
    assert sum(line.startswith("* ") for line in shown[2:-2]) == len(path["steps"]) > 3
    before = None
    for step in (step for key in path["steps"] for step in detail["steps"] if step["step"] == key):
        assert step["critical"]
        assert (step["waited_for"], step["attempts"]) == (before, 1)
        assert step["waited"] >= 0
        before = step["step"]
    gone = run(built, "runs", "20010101")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "no single run '20010101'" in gone.stderr


def test_before_the_first_build(fresh: Path) -> None:
    done = run(fresh, "runs")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing was built here yet" in done.stderr
    assert out(fresh, "runs", "--json") == "[]\n"
    states = {json.loads(line)["state"] for line in out(fresh, "status", "--json").splitlines()}
    assert states == {"never"}


# ---- lineage, report ----


def edges(text: str) -> set[tuple[str, str]]:
    return {
        (".".join(edge["from"]), ".".join(edge["to"])) for edge in json.loads(text)["column_edges"]
    }


AMOUNT = "model.plain.stg_payments.amount"
TOTAL = ("model.plain.only_positive.amount", "model.plain.customers.total")


def test_lineage_json_up_and_down(built: Path) -> None:
    whole = json.loads(out(built, "lineage", "--format", "json"))
    assert (whole["schema_version"], whole["project"], whole["dialect"]) == (1, "plain", "duckdb")
    assert whole["coverage"]["opaque"] == 0
    assert set(whole["assets"]) == set(ORDER)
    up = edges(out(built, "lineage", "customers.total", "--upstream", "--format", "json"))
    assert TOTAL in up
    assert ("seed.plain.raw_payments.amount", "source.plain.raw.raw_payments.amount") in up
    down = edges(out(built, "lineage", AMOUNT, "--downstream", "--format", "json"))
    assert TOTAL in down
    assert ("seed.plain.raw_payments.amount", "source.plain.raw.raw_payments.amount") not in down
    both = edges(out(built, "lineage", AMOUNT, "--format", "json"))
    assert both > down
    near = edges(out(built, "lineage", "customers.total", "--upstream", "--depth", "1",
                     "--format", "json"))  # fmt: skip
    assert near == {TOTAL}


def test_lineage_csv(built: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(out(built, "lineage", "customers", "--format", "csv"))))
    assert rows
    assert any("total" in row.values() for row in rows)


def test_lineage_drawings(built: Path) -> None:
    mermaid = out(built, "lineage", "customers", "--upstream", "--format", "mermaid")
    assert mermaid.startswith(("flowchart", "graph"))
    assert "revenue" not in mermaid
    dot = out(built, "lineage", "--format", "dot")
    assert dot.startswith("digraph")
    assert "revenue" in dot


def test_lineage_text(built: Path) -> None:
    assert "stg_payments" in out(built, "lineage", "customers.total")
    assert "9" in out(built, "lineage")
    depth = out(built, "lineage", "customers.total", "--upstream", "--depth", "1")
    assert " -> ".join(TOTAL) + "  AGGREGATION" in depth


def test_lineage_to_a_file(built: Path, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "lineage.json"
    assert out(built, "lineage", "--format", "json", "-o", str(path)) == ""
    assert path.read_text() == out(built, "lineage", "--format", "json")
    done = run(built, "lineage", "-o", "/dev/null/x")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "/dev/null" in done.stderr


def test_lineage_of_what_is_not_there(built: Path) -> None:
    done = run(built, "lineage", "custmers")
    assert (done.returncode, done.stdout) == (2, "")
    assert "model.plain.customers" in done.stderr


def test_report_files(built: Path, tmp_path: Path) -> None:
    printed = out(built, "report").strip()
    folder = built / "target" / "toolkit"
    assert Path(printed) == folder / "report.html"
    assert "<html" in (folder / "report.html").read_text()[:2000]
    assert set(json.loads((folder / "lineage.json").read_text())["assets"]) == set(ORDER)
    assert len(json.loads((folder / "graph.json").read_text())["assets"]) == len(ORDER)
    other = tmp_path / "mine.html"
    assert out(built, "report", "-o", str(other)).strip() == str(other)
    assert other.exists()


# ---- debug ----


def test_debug(built: Path, fresh: Path) -> None:
    assert "All is in place." in out(built, "debug")
    profiles = fresh / "profiles.yml"
    profiles.write_text(profiles.read_text().replace("other.duckdb", "no/folder/other.duckdb"))
    done = run(fresh, "debug", "--target", "other")
    assert done.returncode == 1
    assert "wrong  warehouse" in done.stdout
    assert "1 thing to mend" in done.stdout
    assert run(fresh, "debug", "--target", "nowhere").returncode == 2


# ---- standard output and standard error ----


def test_quiet_leaves_data_and_errors(broken: Path) -> None:
    broken_and_good = ("--vars", "{break: true}", "-s", "broken_input+ events")
    done = run(broken, "build", "--quiet", "--force", *broken_and_good)
    assert (done.returncode, done.stdout) == (1, "")
    *failure, _, last = done.stderr.splitlines()
    assert failure == [
        "", "ERROR model.plain.broken_input", "  models/broken_input.sql",
        "  Runtime Error in model broken_input (models/broken_input.sql)",
        "    Conversion Error: Could not convert string 'x' to INT32",
    ]  # fmt: skip
    assert last.startswith("1 of 3 steps failed in ")
    assert run(broken, "build", "-q", "-s", "events").stderr == ""
    for words in (("plan",), ("status",), ("ls",), ("lineage",), ("runs",)):
        done = run(broken, *words, "--quiet")
        assert done.stdout, words
        assert done.stderr == "", words
    assert run(broken, "ls", "-s", "custmers", "-q").stderr == ""
    assert run(broken, "ls", "-s", "method:x", "-q").stderr != ""


def test_json_log_is_json_lines(broken: Path) -> None:
    words = ("--log-format", "json", "--vars", "{break: true}", "-s", "broken_input+ nope events")
    done = run(broken, "build", "--force", *words)
    assert (done.returncode, done.stdout) == (1, "")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    warning, begin, *events, end = events
    assert (warning["event"], warning["code"]) == ("problem", "selection-matches-nothing")
    [last] = json.loads(out(broken, "runs", "--json", "--limit", "1"))
    assert (begin["event"], begin["run"], begin["steps"]) == ("run_started", last["id"], 3)
    assert begin["up_to_date"] == 0
    assert (end["event"], end["run"], end["status"]) == ("run_finished", last["id"], "failed")
    assert (end["counts"], end["errors"]) == ({"error": 1, "skipped": 1, "success": 1}, [])
    ended = {e["step"]: e["status"] for e in events if e["event"] == "step_finished"}
    assert ended["model.plain.broken_input"] == "error"
    assert ended["model.plain.below_broken"] == "skipped"
    begun = [e["step"] for e in events if e["event"] == "step_started"]
    assert set(begun) >= {key for key, status in ended.items() if status != "skipped"}
    assert set(begun) <= ended.keys()
    assert len(begun) == len(set(begun))


@pytest.mark.parametrize(
    ("words", "event", "says"),
    [
        (("build", "-t", "nope"), "error", "has no target 'nope'"),
        (("build", "--threads", "0"), "error", "--threads"),
        (("runs", "gone"), "error", "no single run 'gone'"),
        (("ls", "-s", "nope"), "problem", "matches nothing"),
    ],
)
def test_errors_and_warnings_are_json_lines(
    built: Path, words: tuple[str, ...], event: str, says: str
) -> None:
    for done in (
        run(built, *words, "--log-format", "json"),
        run(built, *words, env={"DBT_LOG_FORMAT": "json"}),
    ):
        [line] = done.stderr.splitlines()
        record = json.loads(line)
        assert record["event"] == event
        assert says in record["message"]
        assert record.get("exit_code", 0) == done.returncode


def test_results_of_a_build_that_had_nothing_to_do(broken: Path) -> None:
    """Everything stands there as up to date, and dbt's own class reads it."""
    from dbt.artifacts.schemas.run import RunResultsArtifact

    words = ("-s", "stg_payments", "+exposure:revenue", "--exclude", "resource_type:seed")
    assert run(broken, "build", *words).returncode == 0
    again = run(broken, "build", *words)
    assert again.returncode == 0
    assert re.search(r"^Nothing to do: \d+ steps up to date\.$", again.stderr, re.MULTILINE)
    folder = broken / "target" / "toolkit"
    artifact = RunResultsArtifact.read_and_check_versions(str(folder / "run_results.json"))
    found = {r.unique_id: (r.status.value, r.message) for r in artifact.results}
    assert found.pop("exposure.plain.revenue") == ("no-op", "NO-OP")
    reason = "up to date: neither its code nor what it reads changed"
    assert {"model.plain.stg_payments", "model.plain.customers"} <= found.keys()
    assert set(found.values()) == {("no-op", reason)}
    assert all(not r.timing and not r.execution_time for r in artifact.results)
    suite = ET.parse(folder / "junit.xml").getroot()
    assert suite.attrib["skipped"] == suite.attrib["tests"] == str(len(found))
    assert {skipped.attrib["message"] for skipped in suite.iter("skipped")} == {reason}


def test_a_blank_selection_builds_nothing_and_leaves_no_old_results(broken: Path) -> None:
    """An empty variable in a script must not build everything."""
    folder = broken / "target" / "toolkit"
    for words in (("--select", ""), ("-s", " "), ("-m", ""), ("--select=",), ("-s", "nope")):
        before = (folder / "junit.xml").read_text()
        done = run(broken, "build", *words)
        assert done.returncode == 0
        assert "Nothing to build" in done.stderr
        assert json.loads((folder / "run_results.json").read_text())["results"] == []
        assert (folder / "junit.xml").read_text() != before
        assert 'tests="0"' in (folder / "junit.xml").read_text()
    everything = out(broken, "ls", "--output", "name")
    assert out(broken, "ls", "--output", "name", "--exclude", "") == everything
    assert out(broken, "ls", "--output", "name", "--select", "") == ""


def test_resource_types(built: Path) -> None:
    unit_test = "unit_test.plain.customers.positive_amounts_are_kept"
    for env, words, expected in (
        ({}, ("--resource-type", "seed", "exposure"),
         {"seed.plain.customers_seed", "seed.plain.raw_payments", "exposure.plain.revenue"}),
        ({"DBT_RESOURCE_TYPES": "snapshot"}, (), {"snapshot.plain.customers_snapshot"}),
        ({"DBT_EXCLUDE_RESOURCE_TYPES": "seed source"}, ("--exclude", "+customers+"),
         {"model.plain.events"}),
        ({}, ("--resource-type", "unit_test"), {unit_test}),
        ({}, ("-s", "test_type:unit"), {unit_test}),  # nothing but checks is selected
        ({}, ("-s", "test_type:unit events"), {"model.plain.events"}),
        ({}, ("-s", "test_type:unit events", "--resource-type", "all"),
         {"model.plain.events", unit_test}),
    ):  # fmt: skip
        done = run(built, "ls", "--output", "name", *words, env=env)
        assert set(done.stdout.split()) == expected, (env, words, done.stderr)
    left_out = run(built, "plan", "--json", env={"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test seed"})
    planned = {step["step"].split(".")[0] for step in json.loads(left_out.stdout)["steps"]}
    assert planned == {"model", "test", "snapshot"}
    [check] = out(built, "ls", "--output", "json", "-s", "test_type:unit").splitlines()
    assert json.loads(check) == {
        "key": unit_test, "kind": "check", "name": "positive_amounts_are_kept", "relation": None,
        "depends_on": ["model.plain.customers"], "owner": None, "tags": [], "group": None,
        "path": "models/models.yml", "integration": "dbt",
    }  # fmt: skip


def test_names_and_paths_are_no_markup(broken: Path) -> None:
    """What looks like a command to rich is text: here it would raise an error of its own."""
    model = broken / "models" / "[" / "[red]bad2.sql"
    model.parent.mkdir()
    model.write_text("select cast('[/b] \x1b[2J' as integer) as x")
    model.parent.joinpath("bad.yml").write_text(
        "models:\n  - name: '[red]bad2'\n    config: {materialized: table}\n"
    )
    done = run(broken, "build", "-s", "fqn:*bad2")
    assert done.returncode == 1, done.stderr
    lines = done.stderr.splitlines()
    assert "ERROR model.plain.[red]bad2" in lines
    assert "  models/[/[red]bad2.sql" in lines
    assert "\x1b" not in done.stderr
    shutil.rmtree(model.parent)


def test_artifacts_only_in_an_empty_folder(tmp_path: Path, shared_data: Path) -> None:
    manifest = str(shared_data / "projects" / "colibri_duckdb" / "manifest.json.gz")
    catalog = str(shared_data / "projects" / "colibri_duckdb" / "catalog.json.gz")
    names = out(tmp_path, "ls", "--output", "name", "--manifest", manifest).splitlines()
    document = out(
        tmp_path, "lineage", "--format", "json", "--manifest", manifest, "--catalog", catalog
    )
    assert set(json.loads(document)["assets"]) == set(names)
    report = tmp_path / "out" / "report.html"
    words = ("--manifest", manifest, "--target-path", str(tmp_path / "out"), "-o", str(report))
    assert out(tmp_path, "report", *words).strip() == str(report)
    assert report.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
