"""The benchmarks' projects: always the same, and what they say they are."""

import importlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def mixed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(REPOSITORY)
    return importlib.import_module("benchmarks.mixed")


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_numbers_give_the_same_project(mixed: ModuleType, tmp_path: Path) -> None:
    first, second = (contents(mixed.generate_mixed(tmp_path / name, 40)) for name in "ab")
    assert first == second
    assert len([name for name in first if name.startswith("models/m") and "sql" in name]) == 40


def test_segments_hold_every_layer_once(mixed: ModuleType, tmp_path: Path) -> None:
    project = mixed.generate_mixed(tmp_path / "project", 40)
    bench = json.loads((project / "bench.json").read_text())
    layers = [layer for segment in bench["segments"] for layer in segment]
    assert layers == [f"tag:layer{number}" for number in range(10)]
    assert len(bench["segments"]) == len(bench["scores"]) + 1


@pytest.mark.soak
@pytest.mark.slow
def test_toolkit_sees_streams_and_python_assets_between_models(
    mixed: ModuleType, tmp_path: Path
) -> None:
    """Each stream and each Python asset is read by models, through the sources."""
    project = mixed.generate_mixed(tmp_path / "project", 100)
    subprocess.run(
        [Path(sys.executable).parent / "dbt", "parse", "--quiet"], cwd=project, check=True
    )
    listed = subprocess.run(
        [sys.executable, "-m", "toolkit.cli", "ls", "--output", "json"],
        cwd=project, stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    assets = [json.loads(line) for line in listed.stdout.splitlines()]
    read = {key for asset in assets for key in asset["depends_on"]}
    made = [asset["key"] for asset in assets if asset["kind"] in ("stream", "python")]
    assert len(made) == 14
    fed = {asset["key"]: set(asset["depends_on"]) for asset in assets if asset["kind"] == "source"}
    assert {key for keys in fed.values() for key in keys} == set(made)
    assert set(fed) <= read


def test_shortest_is_the_longest_path_of_waits(mixed: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    bench = {"streams": {"s0": 0.5, "s1": 2.0}, "scores": {"score1": ["m1"]}, "score_seconds": 1.0}
    (tmp_path / "bench.json").write_text(json.dumps(bench))
    for name, reads in (("m1", "source('raw', 's0')"), ("m2", "source('ml', 'score1')")):
        (tmp_path / "models" / f"{name}.sql").write_text(f"select * from {{{{ {reads} }}}}")
    assert mixed.shortest(tmp_path) == 2.0  # s1 alone
    (tmp_path / "models" / "m1.sql").write_text("select * from {{ source('raw', 's1') }}")
    assert mixed.shortest(tmp_path) == 3.0  # s1, m1, score1


def test_the_connector_is_a_wheel_that_speaks_the_protocol(
    mixed: ModuleType, tmp_path: Path
) -> None:
    with zipfile.ZipFile(mixed._wheel(tmp_path)) as archive:
        archive.extractall(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"stream": "s0", "seconds": 0, "rows": 3}))
    said = subprocess.run(
        [sys.executable, tmp_path / "source_wait.py", "read", "--config", config],
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    messages = [json.loads(line) for line in said.stdout.splitlines()]
    assert [m["record"]["data"]["id"] for m in messages if m["type"] == "RECORD"] == [0, 1, 2]
    assert messages[-1]["trace"]["stream_status"]["status"] == "COMPLETE"


def test_a_leaf_is_read_by_nobody(mixed: ModuleType, tmp_path: Path) -> None:
    generated = importlib.import_module("benchmarks.generate")
    project = generated.generate(tmp_path / "project", 40)
    leaf = generated.leaf_of(project, 40)
    texts = contents(project / "models")
    assert leaf.exists()
    assert not any(f"'{leaf.stem}'" in text for text in texts.values())
    assert f"name: {leaf.stem}\n" not in texts["models.yml"]
