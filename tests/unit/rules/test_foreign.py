"""What sqlfluff and dbt-project-evaluator wrote, beside the assets that it is about."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from toolkit.errors import ArtifactError
from toolkit.rules import Finding
from toolkit.rules.foreign import read_foreign
from toolkit.settings import RulesSettings

# As sqlfluff 4.5.0 writes it, without the fixes.
SPACING = {
    "start_line_no": 3, "start_line_pos": 10, "code": "LT01", "name": "layout.spacing",
    "description": "Expected single whitespace between comma ',' and naked identifier.",
    "warning": False, "fixes": [], "start_file_pos": 9, "end_line_no": 3,
}  # fmt: skip
# As dbt 1.11 writes it, shortened.
EVALUATED = {
    "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"},
    "results": [
        {"unique_id": "model.dbt_project_evaluator.fct_model_fanout", "status": "success"},
        {"unique_id": "test.dbt_project_evaluator.is_empty_fct_model_fanout_.1ab2c3",
         "status": "warn", "failures": 2, "message": "Got 2 results, configured to warn if != 0"},
        {"unique_id": "test.dbt_project_evaluator.is_empty_fct_root_models_.99aa",
         "status": "fail", "failures": 1},
        {"unique_id": "test.dbt_project_evaluator.is_empty_fct_unused_sources_.77",
         "status": "pass", "failures": 0},
        {"unique_id": "test.shop.not_null_sales_id.44", "status": "fail", "failures": 9},
        "odd",
    ],
}  # fmt: skip


def read(w: ModuleType, tmp_path: Path, data: Any) -> list[Finding]:
    world = w.World(w.model("sales", "select 1 as id", folder="marts"))
    path = tmp_path / "tool.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return read_foreign(path, world.graph, w.settings(RulesSettings(), tmp_path))


@pytest.mark.parametrize(
    "path",
    [
        "models/marts/sales.sql",
        "./dbt/models/marts/sales.sql",
        "{}/models/marts/sales.sql",
        "models\\marts\\sales.sql",
    ],
)
def test_sqlfluff_beside_the_asset(w: ModuleType, tmp_path: Path, path: str) -> None:
    (found,) = read(w, tmp_path, [{"filepath": path.format(tmp_path), "violations": [SPACING]}])
    assert found == Finding(
        rule="LT01", severity="warning", asset="model.shop.sales", column=None,
        message="Expected single whitespace between comma ',' and naked identifier. "
        "(layout.spacing)",
        path="models/marts/sales.sql", line=3, tool="sqlfluff",
    )  # fmt: skip


def test_older_sqlfluff_and_files_that_are_no_asset(w: ModuleType, tmp_path: Path) -> None:
    older = {"line_no": 7, "line_pos": 1, "code": "L001", "description": "Trailing whitespace."}
    odd = {"code": "PRS", "description": "Unparsable", "start_line_no": None}
    found = read(w, tmp_path, [
        {"filepath": "macros/a.sql", "violations": [older, odd, "odd"]},
        {"filepath": "models/b.sql", "violations": []},
    ])  # fmt: skip
    assert [(one.rule, one.asset, one.path, one.line, one.message) for one in found] == [
        ("L001", None, "macros/a.sql", 7, "Trailing whitespace."),
        ("PRS", None, "macros/a.sql", None, "Unparsable"),
    ]


def test_evaluator(w: ModuleType, tmp_path: Path) -> None:
    found = read(w, tmp_path, EVALUATED)
    assert [(one.rule, one.message, one.tool, one.severity) for one in found] == [
        ("fct_model_fanout", "The table fct_model_fanout has 2 rows.", "dbt-project-evaluator",
         "warning"),
        ("fct_root_models", "The table fct_root_models has 1 row.", "dbt-project-evaluator",
         "warning"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("{", "is not JSON: "),
        ("[1]", "is neither sqlfluff's JSON nor a run_results.json"),
        ('{"results": 1}', "is neither sqlfluff's JSON nor a run_results.json"),
        ("[" * 100_000, "is not JSON: "),
    ],
)
def test_what_is_of_neither_tool(w: ModuleType, tmp_path: Path, data: str, why: str) -> None:
    with pytest.raises(ArtifactError) as raised:
        read(w, tmp_path, data)
    assert f"tool.json (--with) {why}" in raised.value.fact


def test_a_file_that_is_not_there(w: ModuleType, tmp_path: Path) -> None:
    world = w.World(w.model("a", "select 1 as id"))
    with pytest.raises(ArtifactError, match="cannot be read: No such file"):
        read_foreign(tmp_path / "no.json", world.graph, w.settings(RulesSettings(), tmp_path))


def test_no_violation_at_all(w: ModuleType, tmp_path: Path) -> None:
    assert read(w, tmp_path, []) == []
