"""Stands for toolkit in an environment that has none: the user's file imports it.

The decorators change nothing; they note what was declared, for :mod:`program`. The folder of
this package is on ``sys.path`` of such a process only.
"""

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

# (function, name) of each decorated function, in order.
declared: list[tuple[Callable[..., Any], str]] = []

_TOOLKIT = Path(__file__).resolve().parents[5]


class MLModel:
    """A trained model with what is worth knowing of it, as toolkit's own."""

    def __init__(
        self,
        estimator: object,
        metrics: Mapping[str, float] | None = None,
        parameters: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        version: str | None = None,
    ) -> None:
        self.estimator = estimator
        self.metrics = metrics or {}
        self.parameters = parameters or {}
        self.metadata = metadata or {}
        self.version = version


class CheckResult:
    """What a check found, as toolkit's own."""

    def __init__(
        self,
        passed: bool,
        message: str = "",
        metadata: Mapping[str, Any] | None = None,
        failures: int | None = None,
    ) -> None:
        self.passed = passed
        self.message = message
        self.metadata = metadata or {}
        self.failures = failures


def asset(name: Any = None, **_: object) -> Any:  # noqa: ANN401  # a function, or what decorates it
    """Note a function."""
    return _noted(name)


def check(asset: object = None, *others: Any, name: str | None = None, **_: object) -> Any:  # noqa: ANN401
    """Note a function."""
    del asset
    return _noted(name if name is not None or len(others) < 2 else others[1])


def resource(name: Any = None, **_: object) -> Any:  # noqa: ANN401
    """Note a function."""
    return _noted(name)


def secret(name: str, default: str | None = None) -> str:
    """A value from the environment; toolkit, which started this process, hides it."""
    value = os.environ.get(name) or default
    if value is None:
        raise LookupError(f"The environment variable {name} is not set.")
    return value


def _noted(name: Any) -> Any:  # noqa: ANN401
    if callable(name):
        declared.append((name, name.__name__))
        return name

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        declared.append((function, name or function.__name__))
        return function

    return decorate


def _load_notebook() -> ModuleType:
    """toolkit's own helpers for notebooks and scripts, which need no more than we have."""
    name = f"{__name__}.notebook"
    spec = importlib.util.spec_from_file_location(name, _TOOLKIT / "notebook.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "toolkit":  # and not where toolkit itself looks into this package
    notebook = _load_notebook()


def __getattr__(name: str) -> Any:  # noqa: ANN401
    raise AttributeError(
        f"toolkit has no {name!r} here: this process runs in an environment of its own, which "
        "knows the decorators, MLModel, CheckResult, secret and toolkit.notebook only"
    )
