"""One asset graph over Airbyte, dbt and Python; this is the whole public Python API.

Names are imported when they are first used, so that ``import toolkit`` costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.integrations.python.api import asset, check, resource, secret
    from toolkit.integrations.python.definitions import Batch, CheckResult, MLModel
    from toolkit.project import Project

    __version__: str

__all__ = [
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


def __getattr__(name: str) -> Any:  # noqa: ANN401  # each name has its own type, above
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("toolkit")
    elif name == "Project":
        from toolkit.project import Project as value
    elif name in __all__:
        from toolkit.integrations.python import api, definitions

        value = getattr(definitions if name[0].isupper() else api, name)
    else:
        raise AttributeError(f"module 'toolkit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
