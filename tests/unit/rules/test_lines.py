"""Findings point at the line where an asset or a column is described."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from toolkit.rules import Finding
from toolkit.rules.lines import with_lines

YAML = """\
version: 2

models:
  - name: other
  - name: sales
    columns:
      - name: id
      - name: Email
        tags: [pii]
  - description: no name

sources:
  - name: erp
    tables: [{name: users}]
  - name: raw
    tables:
      - name: orders
      - name: users
        columns:
          - name: email

exposures:
  - name: board
"""


@pytest.mark.parametrize(
    ("key", "column", "line"),
    [
        ("model.shop.sales", None, 5),
        ("model.shop.sales", "email", 8),
        ("model.shop.sales", "nowhere", 5),
        ("source.shop.raw.users", None, 18),
        ("source.shop.raw.users", "email", 20),
        ("exposure.shop.board", None, 23),
        ("model.shop.missing", None, None),
    ],
)
def test_the_line_of_an_entry(
    w: ModuleType, tmp_path: Path, key: str, column: str | None, line: int | None
) -> None:
    (tmp_path / "all.yml").write_text(YAML)
    assert found_at(w, tmp_path, key, column, "all.yml") == line


def found_at(w: ModuleType, folder: Path, key: str, column: str | None, path: str) -> int | None:
    world = w.World(w.asset(key))
    finding = Finding(rule="r", severity="error", asset=key, column=column, message="m", path=path)
    (found,) = with_lines([finding], world.graph, folder)
    return found.line


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.sql", "models:\n  - name: sales\n"),
        ("broken.yml", "models: [\n"),
        ("list.yml", "- a\n"),
        ("odd.yml", "models: {name: sales}\n"),
        ("odder.yml", "models: [sales, {name: [sales]}]\n"),
        ("missing.yml", None),
    ],
)
def test_where_no_line_is_found_there_is_none(
    w: ModuleType, tmp_path: Path, name: str, text: str | None
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    assert found_at(w, tmp_path, "model.shop.sales", None, name) is None


def test_what_has_a_line_keeps_it(w: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "all.yml").write_text(YAML)
    given: Any = Finding(
        rule="r", severity="error", asset="model.shop.sales", column=None, message="m",
        path="all.yml", line=77,
    )  # fmt: skip
    assert with_lines([given], w.World(w.asset("model.shop.sales")).graph, tmp_path) == (given,)
