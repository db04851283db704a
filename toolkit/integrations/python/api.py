"""The decorators that people write. Imports nothing heavy.

A decorator changes nothing about the function: it stays callable as it is, so that a unit
test calls it with plain arguments. What was declared is validated when a project is loaded,
where file, line and all other assets are known.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, overload

from toolkit.integrations.python.definitions import (
    Access,
    AssetDefinition,
    AssetKind,
    CheckDefinition,
    ModelFormat,
    ResourceDefinition,
    definition_of,
    name_of,
    register,
)

F = TypeVar("F", bound=Callable[..., Any])


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
def asset(name: Any = None, **options: Any) -> Any:
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
    for empty in ("columns", "meta"):
        options[empty] = options.get(empty) or {}
    _no_strangers("asset", AssetDefinition, options)

    def decorate(function: F) -> F:
        given = name if isinstance(name, str) else name_of(function)
        register(function, AssetDefinition(function=function, name=given, **options))
        return function

    return decorate(name) if callable(name) else decorate


def _no_strangers(word: str, definition: type[Any], options: Mapping[str, Any]) -> None:
    known = sorted({item.name for item in fields(definition)} - {"function", "name", "asset"})
    for option in options:
        if option not in known:
            near = get_close_matches(option, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"@{word} has no option {option!r}{hint}")


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
        register(
            function,
            CheckDefinition(
                function=function, name=name or name_of(function), asset=asset,
                severity=severity, description=description, deps=deps, tags=tags,
                isolate=isolate, requirements=requirements, volatile=volatile,
                enabled=enabled, config=config, targets=targets, retries=retries,
                retry_wait=retry_wait, timeout=timeout, pool=pool,
            ),
        )  # fmt: skip
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
        register(
            function,
            ResourceDefinition(
                function=function,
                name=given or name_of(function),
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
