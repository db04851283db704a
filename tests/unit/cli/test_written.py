"""``--format``, ``--json`` and ``--output``; a format's name as a file is a slip."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from toolkit.cli.app import cli

MANIFEST = {
    "metadata": {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
        "project_name": "shop", "adapter_type": "duckdb",
    },
    "nodes": {"model.shop.orders": {
        "unique_id": "model.shop.orders", "resource_type": "model", "name": "orders",
        "package_name": "shop", "database": "shop", "schema": "main", "alias": "orders",
        "fqn": ["shop", "orders"], "config": {"materialized": "table"},
        "depends_on": {"nodes": []},
    }},
    "sources": {}, "exposures": {}, "metrics": {}, "semantic_models": {}, "parent_map": {},
    "child_map": {}, "disabled": {}, "groups": {}, "selectors": {}, "macros": {}, "docs": {},
}  # fmt: skip


@pytest.mark.parametrize("words", [["diff", "--base", "x"], ["lineage"], ["lint"]])
def test_a_format_is_no_file(words: list[str]) -> None:
    done = CliRunner().invoke(cli, [*words, "--output", "json"])
    assert done.exit_code == 2
    assert "--format json" in done.output


@pytest.mark.parametrize("words", [["ls"], ["ls", "--format"], ["ls", "--output"]])
def test_json_by_each_of_its_names(words: list[str], tmp_path: Path) -> None:
    """``--json``, ``--format json``, and dbt's ``ls --output json`` are one thing."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(MANIFEST))
    form = ["--json"] if len(words) == 1 else ["json"]
    done = CliRunner().invoke(cli, [*words, *form, "--manifest", str(manifest)])
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["key"] for line in done.output.splitlines()] == ["model.shop.orders"]


def test_json_and_another_format_are_refused() -> None:
    done = CliRunner().invoke(cli, ["ls", "--json", "--format", "name"])
    assert done.exit_code == 2
    assert "--json and --format name do not go together" in done.output
