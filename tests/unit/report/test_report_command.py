"""``toolkit report`` from artifacts: what rules and other tools found is in the page."""

import base64
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "toolkit.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def core(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    [block] = re.findall(r'<script id="core" type="[^"]*">([^<]*)</script>', text)
    decoded: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(block)))
    return decoded


def findings(page: Path) -> list[tuple[str, str, str | None, int]]:
    """Tool, rule, asset, line."""
    found = core(page)
    words, table = found["strings"], found["findings"]
    keys = [words[n] for n in found["assets"]["key"]]
    return [
        (words[tool], words[rule], keys[asset] if asset >= 0 else None, line)
        for tool, rule, asset, line in zip(
            table["tool"], table["rule"], table["asset"], table["line"], strict=True
        )
    ]


def test_findings_are_in_the_page(shared_data: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    packed = shared_data / "projects" / "colibri_duckdb" / "manifest.json.gz"
    manifest.write_bytes(gzip.decompress(packed.read_bytes()))
    nodes = json.loads(manifest.read_bytes())["nodes"].values()
    model = next(node for node in nodes if node["resource_type"] == "model")
    lint = tmp_path / "sqlfluff.json"
    violation = {"code": "LT01", "description": "Too many spaces.", "start_line_no": 3}
    file = {"filepath": model["original_file_path"], "violations": [violation]}
    lint.write_text(json.dumps([file]))

    page = tmp_path / "report.html"
    done = run("report", "--manifest", manifest, "--output", page, "--with", lint)
    assert done.returncode == 0, done.stderr
    found = findings(page)
    assert ("sqlfluff", "LT01", model["unique_id"], 3) in found
    ours = [rule for tool, rule, *_ in found if tool == "toolkit"]

    done = run("lint", "--manifest", manifest, "--format", "json")
    assert sorted(ours) == sorted(f["rule"] for f in json.loads(done.stdout)["findings"])


def test_a_file_of_nobody_is_an_error(shared_data: Path, tmp_path: Path) -> None:
    packed = shared_data / "projects" / "colibri_duckdb" / "manifest.json.gz"
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(gzip.decompress(packed.read_bytes()))
    (tmp_path / "other.json").write_text('{"a": 1}')
    page = tmp_path / "report.html"
    done = run(
        "report", "--manifest", manifest, "--output", page, "--with", tmp_path / "other.json"
    )
    assert done.returncode == 2
    assert "neither sqlfluff's JSON nor a run_results.json" in done.stderr
    assert not page.exists()


def test_the_commit_is_told_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toolkit.cli.commands.report import _commit

    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert _commit(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    assert _commit(tmp_path) is None  # nothing is committed yet
    words = ["commit", "--quiet", "--allow-empty", "--message", "x"]
    subprocess.run([*git, *words], check=True)
    assert re.fullmatch("[0-9a-f]{40}", _commit(tmp_path) or "")
