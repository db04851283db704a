"""The decorators that people write, and what they leave on a function. Imports nothing heavy.

A decorator changes nothing about the function: it stays callable as it is, so that a unit
test calls it with plain arguments. What was declared is validated when a project is loaded,
where file, line and all other assets are known.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

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
    kind: str
    schema: str | None
    database: str | None
    owner: str | None
    tags: Sequence[str]
    group: str | None
    description: str | None
    columns: Mapping[str, Any]
    deps: Any
    access: str | None
    meta: Mapping[str, Any]
    trusted: Sequence[str]
    format: Any = None
    gates: Any = None
    sql: Any = None
    isolate: Any
    requirements: Any
    volatile: bool | None
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
    severity: str
    description: str | None
    deps: Any
    tags: Sequence[str]
    isolate: Any
    requirements: Any
    volatile: bool | None


@dataclass(frozen=True, kw_only=True)
class ResourceDefinition:
    """What ``@resource`` was told; not validated yet."""

    function: Callable[..., Any]
    name: str
    target: str | None
    config: Any = None
    targets: Any = None


Definition = AssetDefinition | CheckDefinition | ResourceDefinition

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


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", ""))


def _register(function: Callable[..., Any], definition: Definition) -> None:
    is_class = isinstance(function, type)
    word = type(definition).__name__.removesuffix("Definition").lower()
    inner = getattr(function, "func", None)  # functools.partial
    if inner is not None and hasattr(function, "keywords"):
        raise TypeError(
            f"@{word} is given a partial of {_name(inner)}(); decorate the function itself, and "
            "give values by config="
        )
    unwrapped = hasattr(function, "__code__") or hasattr(function, "__wrapped__")
    if not unwrapped and not (is_class and isinstance(definition, ResourceDefinition)):
        what = f"the class {_name(function)}" if is_class else f"a {type(function).__name__}"
        raise TypeError(f"@{word} is given {what}, which is not a function made with def")
    setattr(function, _ATTRIBUTE, definition)
    collector = _collector.get()
    if collector is not None:
        collector.append(definition)


@overload
def asset(name: F, /) -> F: ...
@overload
def asset(
    name: str | None = None,
    *,
    kind: AssetKind = "python",
    schema: str | None = None,
    database: str | None = None,
    owner: str | None = None,
    tags: Iterable[str] = (),
    group: str | None = None,
    description: str | None = None,
    columns: Mapping[str, str | Mapping[str, Any]] | None = None,
    deps: Mapping[str, str] | Iterable[str] | None = None,
    access: Access | None = None,
    meta: Mapping[str, Any] | None = None,
    trusted: Iterable[str] = (),
    format: ModelFormat | None = None,
    gates: Mapping[str, Mapping[str, float | bool]] | None = None,
    sql: str | None = None,
    isolate: bool | Mapping[str, Any] = False,
    requirements: Sequence[str] | None = None,
    volatile: bool | None = None,
    enabled: bool = True,
    config: Mapping[str, Any] | None = None,
    targets: Mapping[str, Mapping[str, Any]] | None = None,
    retries: int | None = None,
    retry_wait: float | str | None = None,
    timeout: float | str | None = None,
    pool: str | None = None,
    event_time: str | None = None,
    batch_size: Literal["hour", "day", "month", "year"] | None = None,
    begin: str | date | None = None,
    lookback: int | None = None,
    batch_limit: int | None = None,
) -> Callable[[F], F]: ...
def asset(
    name: Any = None,
    *,
    kind: str = "python",
    schema: str | None = None,
    database: str | None = None,
    owner: str | None = None,
    tags: Any = (),
    group: str | None = None,
    description: str | None = None,
    columns: Any = None,
    deps: Any = None,
    access: str | None = None,
    meta: Any = None,
    trusted: Any = (),
    format: Any = None,
    gates: Any = None,
    sql: Any = None,
    isolate: Any = False,
    requirements: Any = None,
    volatile: Any = None,
    enabled: Any = True,
    config: Any = None,
    targets: Any = None,
    retries: Any = None,
    retry_wait: Any = None,
    timeout: Any = None,
    pool: Any = None,
    event_time: Any = None,
    batch_size: Any = None,
    begin: Any = None,
    lookback: Any = None,
    batch_limit: Any = None,
) -> Any:
    """Make a function an asset: a table in the warehouse, or an ML model.

    Each parameter without a default is an input: a dbt model, seed, snapshot or source table,
    another Python asset, or a resource of that name. It is handed over as its annotation asks
    (``duckdb.DuckDBPyRelation``, ``pyarrow.Table``, ``pyarrow.RecordBatchReader``,
    ``pandas.DataFrame``, ``polars.DataFrame``, ``pathlib.Path``; default ``pyarrow.Table``).

    Args:
        name: an identifier; default: the function's name. Its key is ``python.<name>``.
        kind: ``python`` writes a table, ``ml_model`` stores an estimator or :class:`MLModel`.
        schema: where the table goes; default: the target's schema.
        database: only the target's own, or ``None``.
        owner / tags / group / access / meta: for selection and for people.
        description: default: the docstring.
        columns: ``{name: type}`` or ``{name: {"type", "description", "inputs", "tags", "meta",
            "tests"}}``; ``inputs`` names the columns it is made from, ``"orders.amount"``;
            ``tests`` holds ``"not_null"`` and ``"unique"``.
        deps: ``{parameter: asset name or key}`` where the names differ or are ambiguous; or a
            list of assets that must only be made before.
        trusted: types that skops may load besides its own, as it names them.
        format: of an ML model: ``skops``, ``onnx``, ``native`` (its library's own) or ``pickle``;
            default: by what the function returns, never pickle.
        gates: ``{metric: {"at_least", "at_most", "better_than_promoted_by",
            "lower_is_better"}}``: what a new version of an ML model must be before it counts.
        sql: a query that makes the table in place of the function, which has no code then;
            ``{orders}`` in it is the table of the parameter ``orders``.
        isolate: the function runs in a process of its own, which can be stopped and may crash;
            ``{"memory": "2GB", "cpu_seconds": 600}`` are limits of it and all that it starts.
        requirements: packages, as pip names them, of an environment of its own.
        volatile: it may make something else of the same inputs, so it is run by each build.
            ``None``: judged by its code. ``False``: you vouch that its inputs and its code
            explain all that it makes.
        enabled: ``False`` leaves it out, with its checks.
        config: ``{parameter: value}`` for parameters of the function that are no inputs; JSON
            values, part of the code version.
        targets: ``{target: {option or parameter: value}}``: what is otherwise for one target.
        retries / retry_wait / timeout / pool: as in a rule of ``run.rules`` in toolkit.yml,
            which wins over them.
        event_time / batch_size / begin / lookback: as of dbt's ``microbatch``: the table is
            made in batches, each called with its :class:`Batch` as the parameter ``batch``.
        batch_limit: how many batches one build makes at most.
    """

    if name is not None and not isinstance(name, str) and not callable(name):
        raise TypeError(f"@asset takes a name as a text, not {name!r}")

    def decorate(function: F) -> F:
        given = name if isinstance(name, str) else None
        _register(
            function,
            AssetDefinition(
                function=function,
                name=given or _name(function),
                kind=kind,
                schema=schema,
                database=database,
                owner=owner,
                tags=tags,
                group=group,
                description=description,
                columns=columns or {},
                deps=deps,
                access=access,
                meta=meta or {},
                trusted=trusted,
                format=format,
                gates=gates,
                sql=sql,
                isolate=isolate,
                requirements=requirements,
                volatile=volatile,
                enabled=enabled,
                config=config,
                targets=targets,
                retries=retries,
                retry_wait=retry_wait,
                timeout=timeout,
                event_time=event_time,
                batch_size=batch_size,
                begin=begin,
                lookback=lookback,
                batch_limit=batch_limit,
                pool=pool,
            ),
        )
        return function

    return decorate(name) if callable(name) else decorate


def check(
    asset: str | Callable[..., Any],
    severity: Literal["error", "warn"] = "error",
    name: str | None = None,
    *,
    description: str | None = None,
    deps: Mapping[str, str] | None = None,
    tags: Sequence[str] = (),
    isolate: bool | Mapping[str, Any] = False,
    requirements: Sequence[str] | None = None,
    volatile: bool | None = None,
    enabled: bool = True,
    config: Mapping[str, Any] | None = None,
    targets: Mapping[str, Mapping[str, Any]] | None = None,
    retries: int | None = None,
    retry_wait: float | str | None = None,
    timeout: float | str | None = None,
    pool: str | None = None,
) -> Callable[[F], F]:
    """Make a function a check of an asset, a dbt one too.

    Its parameters are inputs as for :func:`asset`, first of all the asset itself by its name;
    ``metrics`` is an ML model's metrics. It returns a bool, a :class:`CheckResult`, or a table
    of failing rows (none = passed).

    Args:
        asset: name or key of the asset, or the decorated function.
        severity: ``error`` blocks what is downstream, ``warn`` does not.
        name: an identifier; default: the function's name.
        description: default: the docstring.
        deps: ``{parameter: asset name or key}``.
        tags: for selection.
        isolate / requirements / volatile / enabled / config / targets: as for :func:`asset`.
        retries / retry_wait / timeout / pool: as for :func:`asset`.
    """
    if callable(asset) and definition_of(asset) is None:
        raise TypeError("@check needs to be told its asset: @check(asset='<name>')")

    def decorate(function: F) -> F:
        _register(
            function,
            CheckDefinition(
                function=function,
                name=name or _name(function),
                asset=asset,
                severity=severity,
                description=description,
                deps=deps,
                tags=tags,
                isolate=isolate,
                requirements=requirements,
                volatile=volatile,
                enabled=enabled,
                config=config,
                targets=targets,
                retries=retries,
                retry_wait=retry_wait,
                timeout=timeout,
                pool=pool,
            ),
        )
        return function

    return decorate


@overload
def resource(name: F, /) -> F: ...
@overload
def resource(
    name: str | None = None,
    *,
    target: str | None = None,
    config: Mapping[str, Any] | None = None,
    targets: Mapping[str, Mapping[str, Any]] | None = None,
) -> Callable[[F], F]: ...
def resource(
    name: Any = None, *, target: str | None = None, config: Any = None, targets: Any = None
) -> Any:
    """Make a function or class the maker of a thing that assets ask for by parameter name.

    A function returns the thing, or yields it once and closes it after the ``yield``. A class
    is made; where it is a context manager it is entered and left, else its ``open()`` and
    ``close()`` are called, as far as it has them. Parameters are other resources, or values.
    It is opened when a run first needs it, once a run, and closed at the run's end whatever
    happened, before what it needs itself.

    Args:
        name: an identifier; default: the function's name.
        target: only for this target; one without a target serves all others.
        config: ``{parameter: value}`` for parameters that are no resources.
        targets: ``{target: {parameter: value}}``: values that are otherwise for one target.
    """

    def decorate(function: F) -> F:
        given = name if isinstance(name, str) else None
        _register(
            function,
            ResourceDefinition(
                function=function,
                name=given or _name(function),
                target=target,
                config=config,
                targets=targets,
            ),
        )
        return function

    return decorate(name) if callable(name) else decorate


def secret(name: str, default: str | None = None) -> str:
    """A value from the environment that is hidden wherever toolkit writes text.

    From now on ``*****`` stands for it in logs, errors, reports and files, also in its usual
    encodings; not in tables that a function returns, nor in files that it writes itself.

    Args:
        name: of the environment variable.
        default: where it is not set; not hidden.

    Raises:
        AssetError: it is not set, or empty, and there is no default.
    """
    import os

    value = os.environ.get(name)
    if value:
        from toolkit.masking import hide_from_now_on

        hide_from_now_on(value)
        return value
    if default is not None:
        return default
    from toolkit.errors import AssetError

    raise AssetError(
        f"The environment variable {name} is not set.",
        "What asks for it was not run.",
        f"Set it: export {name}=..., or give secret() a default.",
    )
