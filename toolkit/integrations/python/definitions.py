"""What the decorators leave on a function, and what they hand over. Imports nothing heavy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

AssetKind = Literal["python", "ml_model"]
ModelFormat = Literal["skops", "onnx", "native", "pickle"]
Access = Literal["private", "protected", "public"]

_ATTRIBUTE = "__toolkit_definition__"


@dataclass(frozen=True)
class MLModel:
    """A trained model with what is worth knowing of it.

    Attributes:
        estimator: a scikit-learn estimator; an ONNX model; what has ``save_model(path)``;
            ``bytes`` or the ``pathlib.Path`` of a file.
        metrics: finite numbers (accuracy, rmse, ...); they go into the ledger.
        parameters: what it was trained with; JSON values.
        metadata: anything else worth keeping; JSON values.
        version: given by the model store; ``None`` until it is stored.
    """

    estimator: Any
    metrics: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    version: str | None = None


@dataclass(frozen=True)
class CheckResult:
    """What a check found, where a bool does not say enough.

    Attributes:
        passed: whether the asset is as it should be.
        message: one line for people.
        metadata: anything worth keeping; JSON values.
        failures: failing rows, where they were counted.
    """

    passed: bool
    message: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    failures: int | None = None


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One part of a table that is made in batches, as a parameter ``batch`` gets it.

    Attributes:
        start / end: the first moment in it, and the first after it; UTC, without a time zone.
        size: ``hour``, ``day``, ``month`` or ``year``.
    """

    start: datetime
    end: datetime
    size: str = "day"

    @property
    def key(self) -> str:
        """Its name: ``2026-01-31``, ``2026-01-31T12``, ``2026-01`` or ``2026``."""
        length = {"hour": 13, "day": 10, "month": 7, "year": 4}[self.size]
        return self.start.isoformat()[:length]


@dataclass(frozen=True, kw_only=True)
class Running:
    """How something is run, and what differs by target; not validated yet."""

    enabled: Any = True
    config: Any = None
    targets: Any = None
    retries: Any = None
    retry_wait: Any = None
    timeout: Any = None
    pool: Any = None


@dataclass(frozen=True, kw_only=True)
class AssetDefinition(Running):
    """What ``@asset`` was told; not validated yet."""

    function: Callable[..., Any]
    name: str
    kind: str = "python"
    schema: str | None = None
    database: str | None = None
    owner: str | None = None
    tags: Sequence[str] = ()
    group: str | None = None
    description: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    deps: Any = None
    access: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    trusted: Sequence[str] = ()
    format: Any = None
    gates: Any = None
    sql: Any = None
    isolate: Any = False
    requirements: Any = None
    volatile: bool | None = None
    event_time: Any = None
    batch_size: Any = None
    begin: Any = None
    lookback: Any = None
    batch_limit: Any = None


@dataclass(frozen=True, kw_only=True)
class CheckDefinition(Running):
    """What ``@check`` was told; not validated yet."""

    function: Callable[..., Any]
    name: str
    asset: Any
    severity: str = "error"
    description: str | None = None
    deps: Any = None
    tags: Sequence[str] = ()
    isolate: Any = False
    requirements: Any = None
    volatile: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ResourceDefinition:
    """What ``@resource`` was told; not validated yet."""

    function: Callable[..., Any]
    name: str
    target: str | None
    config: Any = None
    targets: Any = None


Called = AssetDefinition | CheckDefinition
"""What a function may be that a step calls."""

Definition = Called | ResourceDefinition

_collector: ContextVar[list[Definition] | None] = ContextVar("toolkit_collector", default=None)


@contextmanager
def collecting() -> Iterator[list[Definition]]:
    """Collect every definition that is made while this is open, in the order made."""
    found: list[Definition] = []
    token = _collector.set(found)
    try:
        yield found
    finally:
        _collector.reset(token)


def definition_of(function: object) -> Definition | None:
    """What a decorator left on a function, if one did."""
    found = getattr(function, _ATTRIBUTE, None)
    return found if isinstance(found, Definition) else None


def name_of(function: Callable[..., Any]) -> str:
    """What a function is called, where it has a name."""
    return str(getattr(function, "__name__", ""))


def register(function: Callable[..., Any], definition: Definition) -> None:
    """Leave a definition on a function, and tell whoever collects.

    Raises:
        TypeError: it is nothing that can be called as an asset, a check or a resource is.
    """
    is_class = isinstance(function, type)
    word = type(definition).__name__.removesuffix("Definition").lower()
    inner = getattr(function, "func", None)  # functools.partial
    if inner is not None and hasattr(function, "keywords"):
        raise TypeError(
            f"@{word} is given a partial of {name_of(inner)}(); decorate the function itself, and "
            "give values by config="
        )
    unwrapped = hasattr(function, "__code__") or hasattr(function, "__wrapped__")
    if not unwrapped and not (is_class and isinstance(definition, ResourceDefinition)):
        what = f"the class {name_of(function)}" if is_class else f"a {type(function).__name__}"
        raise TypeError(f"@{word} is given {what}, which is not a function made with def")
    setattr(function, _ATTRIBUTE, definition)
    collector = _collector.get()
    if collector is not None:
        collector.append(definition)
