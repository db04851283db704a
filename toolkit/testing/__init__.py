"""Test Python assets against a DuckDB in memory: no dbt, no Airbyte, no warehouse.

from toolkit.testing import build

def test_spend():
    result = build("customer_spend", inputs={"orders": [{"customer_id": 1, "amount": 5}]})
    assert result.rows("customer_spend") == [{"customer_id": 1, "spent": 5}]
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.errors import AssetError, AssetFailedError
    from toolkit.testing.building import build
    from toolkit.testing.result import BuildResult, CheckOutcome

__all__ = ["AssetError", "AssetFailedError", "BuildResult", "CheckOutcome", "build"]

_HOMES = {
    "AssetError": "toolkit.errors",
    "AssetFailedError": "toolkit.errors",
    "BuildResult": "toolkit.testing.result",
    "CheckOutcome": "toolkit.testing.result",
    "build": "toolkit.testing.building",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # each name has its own type, above
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'toolkit.testing' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
