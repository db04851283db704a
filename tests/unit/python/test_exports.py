"""The public Python API: exactly these names, and importing it costs nothing."""

import json
import subprocess
import sys

import pytest

import toolkit

PUBLIC = [
    "Batch",
    "CheckResult",
    "MLModel",
    "Project",
    "__version__",
    "asset",
    "check",
    "resource",
    "secret",
]


def test_all_is_the_contract() -> None:
    assert toolkit.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(toolkit, name) is not None
        assert name in dir(toolkit)
    assert toolkit.__version__[0].isdigit()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'assets'"):
        _ = toolkit.assets  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import toolkit", {"toolkit"}),
        (
            "from toolkit import asset, check, resource, MLModel, CheckResult",
            {
                "toolkit",
                "toolkit.integrations",
                "toolkit.integrations.python",
                "toolkit.integrations.python.api",
                "toolkit.integrations.python.definitions",
            },
        ),
    ],
)
def test_imports_are_lazy(statement: str, allowed: set[str]) -> None:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    modules = set(json.loads(answer.stdout))
    assert {name for name in modules if name.partition(".")[0] == "toolkit"} == allowed
    heavy = {"dbt", "duckdb", "msgspec", "networkx", "numpy", "pandas", "pyarrow", "sqlglot"}
    assert not heavy & modules
