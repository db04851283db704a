"""``toolkit lineage --min-coverage``: what is counted, and that the gate shuts."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from toolkit.cli import cli
from toolkit.graph import Asset, AssetGraph
from toolkit.lineage import Coverage, trace

FIGURE = re.compile(r"coverage: ([\d.]+) % \(([\d,]+) of ([\d,]+) assets are traced in full\)")


def run(folder: Path, project: str, *words: str) -> Result:
    manifest = folder / "projects" / project / "manifest.json.gz"
    return CliRunner().invoke(cli, ["lineage", "--manifest", str(manifest), *words])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--min-coverage", "90"], 0),
        (["--min-coverage", "98"], 3),
        (["--min-coverage", "98", "--quiet"], 3),
        (["--min-coverage", "98", "--format", "json"], 3),
    ],
)
def test_a_real_project_against_the_gate(shared_data: Path, words: list[str], code: int) -> None:
    done = run(shared_data, "calitp", *words)
    assert done.exit_code == code
    found = FIGURE.search(done.stderr)
    assert found is not None
    assert found.groups() == ("90.4", "552", "610")
    assert ("below the" in done.stderr) == (code == 3)
    assert done.stdout  # what was asked for is written, whatever the gate says
    assert "coverage:" not in done.stdout


def test_quiet_says_nothing_of_a_gate_that_is_passed(shared_data: Path) -> None:
    done = run(shared_data, "calitp", "--min-coverage", "90", "--quiet")
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "figure", "code"),
    [
        (["dim_agency", "--upstream", "--depth", "1"], ("66.6", "2", "3"), 3),
        (["dim_agency.agency_name", "--upstream", "--depth", "1"], ("66.6", "2", "3"), 3),
        (["dim_agency", "--downstream", "--depth", "1"], ("100.0", "5", "5"), 0),
        (["dim_schedule_feeds", "--upstream", "--depth", "1"], ("66.6", "2", "3"), 3),
    ],
)
def test_with_an_asset_its_surroundings_count(
    shared_data: Path, words: list[str], figure: tuple[str, ...], code: int
) -> None:
    """dim_schedule_feeds, a parent of dim_agency, was not compiled, so it is opaque."""
    done = run(shared_data, "calitp", *words, "--min-coverage", "70")
    found = FIGURE.search(done.stderr)
    assert found is not None
    assert found.groups() == figure
    assert done.exit_code == code


def test_where_nothing_is_to_trace_the_gate_says_so(shared_data: Path) -> None:
    words = ["gtfs_optional_shapes", "--upstream", "--min-coverage", "100"]
    done = run(shared_data, "calitp", *words)
    assert done.exit_code == 0
    assert "no asset has anything to trace" in done.stderr


@pytest.mark.parametrize("bad", ["-1", "101", "much"])
def test_no_percentage(shared_data: Path, bad: str) -> None:
    assert run(shared_data, "colibri_duckdb", "--min-coverage", bad).exit_code == 2


def graph() -> AssetGraph:
    def model(name: str, sql: str | None, *parents: str) -> Asset:
        return Asset(
            key=name, kind="model", name=name, integration="dbt", sql=sql, depends_on=parents
        )

    source = Asset(key="raw", kind="source", name="raw", integration="dbt")
    return AssetGraph(
        [
            source,
            model("full", "select 1 as a"),
            model("partial", "select * from somewhere"),
            model("opaque", None),
            model("reader", "select 2 as b", "opaque"),
        ]
    )


@pytest.mark.parametrize(
    ("keys", "counts"),
    [
        (None, (4, 2, 1, 1)),
        ({"raw"}, (0, 0, 0, 0)),
        ({"reader", "opaque"}, (2, 1, 0, 1)),
        (set(), (0, 0, 0, 0)),
    ],
)
def test_coverage_of(keys: set[str] | None, counts: tuple[int, ...]) -> None:
    lineage = trace(graph(), dialect="duckdb")
    found = lineage.coverage_of(keys)
    assert (found.assets, found.full, found.partial, found.opaque) == counts
    assert found == lineage.coverage if keys is None else isinstance(found, Coverage)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dim_agency", "--upstream", "--depth", "1"],
        ["dim_agency.agency_name", "--upstream"],
        ["dim_agency", "--downstream"],
    ],
)
def test_the_json_counts_as_the_gate_does(shared_data: Path, words: list[str]) -> None:
    done = run(shared_data, "calitp", *words, "--format", "json", "--min-coverage", "0")
    found = FIGURE.search(done.stderr)
    assert found is not None
    coverage = json.loads(done.stdout)["coverage"]
    assert (f"{coverage['full']:,}", f"{coverage['assets']:,}") == found.groups()[1:]
