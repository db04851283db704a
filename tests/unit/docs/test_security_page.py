"""What docs/security.md says: with --manifest nobody's code runs."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from toolkit.cli import cli

MANIFEST = {
    "metadata": {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
        "project_name": "shop",
        "adapter_type": "duckdb",
    },
    **{
        key: {}
        for key in ("nodes", "sources", "exposures", "metrics", "macros", "groups", "unit_tests")
    },
}


@pytest.mark.parametrize("command", ["ls", "lineage", "lint", "report"])
def test_a_manifest_is_data(command: str, tmp_path: Path) -> None:
    """Though it lies in a project whose Python would be imported without ``--manifest``."""
    (tmp_path / "target").mkdir()
    (tmp_path / "ml").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "toolkit.yml").write_text("version: 1\nassets: [ml]\n")
    (tmp_path / "ml" / "code.py").write_text(
        "from pathlib import Path\n\nfrom toolkit import asset\n\n"
        f"Path({str(tmp_path / 'ran')!r}).touch()\n\n\n@asset\ndef out():\n    ...\n"
    )
    manifest = tmp_path / "target" / "manifest.json"
    manifest.write_text(json.dumps(MANIFEST))
    done = CliRunner().invoke(cli, [command, "--manifest", str(manifest)])
    assert done.exit_code == 0, done.output
    assert not (tmp_path / "ran").exists()
