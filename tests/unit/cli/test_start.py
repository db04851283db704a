"""Starting costs little: heavy packages are imported only by commands that need them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("dbt", "sqlglot", "networkx", "duckdb", "pyarrow", "pandas", "sklearn", "rich", "jinja2",
         "yaml", "airbyte_api")  # fmt: skip
REPORT = (
    f"import sys, json, atexit; heavy = {HEAVY!r};"
    "atexit.register(lambda: print(json.dumps([h for h in heavy if h in sys.modules]),"
    " file=sys.stderr));"
)


def heavy_after(code: str, folder: Path, *words: str) -> tuple[list[str], str]:
    """Which heavy packages are loaded when Python ends, and what was printed."""
    run = subprocess.run(
        [sys.executable, "-c", REPORT + code, *words],
        capture_output=True, text=True, check=True, cwd=folder,
    )  # fmt: skip
    return json.loads(run.stderr.splitlines()[-1]), run.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import toolkit",
        "from toolkit.cli import main; main(['--help'])",
        "from toolkit.cli import main; main(['--version'])",
    ],
)
def test_nothing_heavy(code: str, tmp_path: Path) -> None:
    assert heavy_after(code, tmp_path)[0] == []


@pytest.mark.parametrize("command", ["ls", "build", "lineage", "report", "runs", "status"])
def test_help_of_a_command(command: str, tmp_path: Path) -> None:
    heavy, out = heavy_after(f"from toolkit.cli import main; main(['{command}', '-h'])", tmp_path)
    assert heavy == []
    assert f"toolkit {command}" in out


def test_artifacts_only_needs_no_dbt_and_no_project(tmp_path: Path, shared_data: Path) -> None:
    manifest = shared_data / "projects" / "colibri_duckdb" / "manifest.json.gz"
    code = "from toolkit.cli import main; main(sys.argv[1:])"
    words = ("ls", "--output", "name", "--manifest", str(manifest))
    heavy, out = heavy_after(code, tmp_path, *words)
    assert not {"dbt", "duckdb", "sqlglot", "pandas", "rich"} & set(heavy)
    assert len(out.splitlines()) > 20
    assert list(tmp_path.iterdir()) == []
    heavy, out = heavy_after(code, tmp_path, "lineage", "--format", "json", *words[3:])
    assert not {"dbt", "duckdb", "pandas", "rich"} & set(heavy)
    assert json.loads(out)["column_edges"]
    assert list(tmp_path.iterdir()) == []
