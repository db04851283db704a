"""Decorated Python functions as assets, ML models as assets, checks and resources."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.integrations.python.integration import PythonIntegration

__all__ = ["PythonIntegration"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  # so that the decorators import no graph
    if name == "PythonIntegration":
        from toolkit.integrations.python.integration import PythonIntegration

        return PythonIntegration
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
