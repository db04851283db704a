"""``build`` by name in a project; the examples of docs/testing.md as they stand."""

import re
from pathlib import Path

import pytest

from toolkit.testing import AssetError, build

PAGE = Path(__file__).parents[3] / "docs" / "testing.md"
BLOCKS = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A dbt project without a manifest, with the files of the page."""
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\nversion: '1.0'\n")
    (tmp_path / "profiles.yml").write_text(
        "shop:\n  target: dev\n  outputs:\n"
        "    dev: {type: duckdb, path: shop.duckdb}\n    prod: {type: postgres, host: x, user: y,"
        " password: '-', port: 1, dbname: shop, schema: marts}\n"
    )
    (tmp_path / "toolkit.yml").write_text("version: 1\nassets: [ml]\n")
    for path, source in BLOCKS:
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(source, encoding="utf-8")
    return tmp_path


def test_every_block_is_a_file() -> None:
    assert len(BLOCKS) == PAGE.read_text(encoding="utf-8").count("```python")


@pytest.mark.parametrize("path", [path for path, _ in BLOCKS if path.startswith("tests/")])
def test_the_examples(project: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    file = project / path
    scope = {"__name__": file.stem}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), scope)
    tests = [value for name, value in scope.items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()  # type: ignore[operator]  # a function of the page
    written = {p.relative_to(project).parts[0] for p in project.rglob("*") if p.is_file()}
    assert written == {"dbt_project.yml", "profiles.yml", "toolkit.yml", "ml", "tests"}


@pytest.mark.parametrize(
    "what", ["+big_spenders", "tag:marketing", ["customer_spend", "tag:marketing"]]
)
def test_selection(project: Path, what: str | list[str]) -> None:
    class Rates:
        def euro(self) -> float:
            return 1.0

    inputs = {"orders": "SELECT 1 AS customer_id, 200.0 AS amount"}
    more = (
        {} if what != "tag:marketing" else {"customer_spend": "SELECT 1 AS customer_id, 1 AS spent"}
    )
    result = build(
        what,
        inputs={**inputs, **more},
        resources={"rates": Rates()},
        project=project,
        target="prod",
    )
    expected = ("big_spenders",) if more else ("customer_spend", "big_spenders")
    assert result.built == expected


def test_a_name_that_is_not_there(project: Path) -> None:
    with pytest.raises(AssetError) as raised:
        build("customer_spent", project=project)
    assert str(raised.value) == (
        "'customer_spent' selects no Python asset and no check of one.\nNothing was built.\n"
        "Did you mean 'customer_spend'? There are big_spenders, customer_spend."
    )


def test_the_real_resource_is_opened(project: Path) -> None:
    with pytest.raises(AssetError, match="ConnectionError: a test must not come here"):
        build(
            "big_spenders",
            inputs={"customer_spend": [{"customer_id": 1, "spent": 1.0}]},
            project=project,
        )
