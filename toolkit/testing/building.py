"""``build()``: a project's Python assets, or bare functions, on a DuckDB in memory."""

import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import AssetError
from toolkit.graph import Asset, AssetGraph, selection
from toolkit.integrations.base import RunContext, Step, StepEvent, StepFinished
from toolkit.integrations.python.code.judge_code import NoJudge
from toolkit.integrations.python.declared.load import declared, resolve
from toolkit.integrations.python.definitions import MLModel
from toolkit.integrations.python.registry import PythonAsset, PythonCheck, Registry
from toolkit.integrations.python.running.runner import PythonRunner
from toolkit.settings import Profile, Settings, load_settings
from toolkit.testing.given import NOTHING_BUILT, as_given_model, is_model, write_given
from toolkit.testing.result import BuildResult, CheckOutcome, Folder
from toolkit.testing.standing import DATABASE, SCHEMA, for_test, found_of, matches, standing_in
from toolkit.text import nearest
from toolkit.warehouse import Warehouse

What = str | Callable[..., Any] | Sequence[str | Callable[..., Any]]


def build(
    what: What,
    *,
    inputs: Mapping[str, Any] | None = None,
    types: Mapping[str, Mapping[str, str]] | None = None,
    resources: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    project: str | os.PathLike[str] | None = None,
    target: str | None = None,
    checks: bool = True,
    isolate: bool = False,
) -> BuildResult:
    """Make Python assets on a DuckDB in memory, and run their checks.

    Args:
        what: names of a project's Python assets or checks, as ``--select`` takes them
            (``"+scores"``, ``"tag:ml"``); or decorated functions.
        inputs: what is read and not built, by name or parameter: rows as a list of dicts, a
            dict of lists, a pandas or polars frame, a pyarrow table, a DuckDB relation, a
            ``pathlib.Path`` to CSV, parquet or JSON, or SQL as a text; an ML model as it is.
        types: ``{input: {column: type}}``; those of a Python asset's declared columns count
            without being said.
        resources: what is used instead of a ``@resource``, by name; the others are opened.
        config: values of the functions' parameters, instead of those declared.
        project: folder of the dbt project; default: the one that the test stands in.
        target: default: the profile's.
        checks: whether the checks of what is built are run.
        isolate: whether a function that asks for a process of its own gets one.

    Returns:
        tables, models and checks. A check that fails raises nothing: see ``result.checks``.

    Raises:
        AssetFailedError: a function raised (as the cause) or returned what it may not.
        AssetError: an input is missing, or something that was given fits nothing.
    """
    inputs, resources = dict(inputs or {}), dict(resources or {})
    functions = _functions(what)
    settings = _settings(functions, project, target)
    folder = Folder()
    settings = _in(settings, folder.path)
    if functions:
        found = [found_of(function, settings.project_dir) for function in functions]
    else:
        found = declared(settings)
    found = for_test(
        found, target=settings.target, resources=resources, config=config or {}, isolate=isolate
    )
    known = standing_in(found, inputs)
    registry = resolve(settings, known, found, NoJudge())
    test = _Test(settings, registry, known, inputs)
    keys = set(registry.assets) | set(registry.checks) if functions else test.chosen(what)
    test.choose(keys, checks=checks)
    test.prepare(types or {})
    test.run()
    return test.result(folder)


def _functions(what: What) -> list[Callable[..., Any]]:
    parts = [what] if isinstance(what, str) or callable(what) else list(what)
    functions = [part for part in parts if callable(part)]
    if functions and len(functions) < len(parts):
        raise AssetError(
            "build() was given names and functions.",
            NOTHING_BUILT,
            "Give names of a project's assets, or functions: not both.",
        )
    return functions


def _settings(
    functions: Sequence[Callable[..., Any]],
    project: str | os.PathLike[str] | None,
    target: str | None,
) -> Settings:
    if functions and project is None:
        file = inspect.getsourcefile(inspect.unwrap(functions[0]))
        folder = Path(file).absolute().parent if file else Path.cwd()
        return Settings(
            project_name="test", project_dir=folder, target=target or "test", target_path=folder,
            state_dir=folder,
        )  # fmt: skip
    return load_settings(project_dir=Path(project) if project else None, target=target)


def _in(settings: Settings, folder: Path) -> Settings:
    """The same, with everything that is written in ``folder`` or in memory."""
    (folder / "logs").mkdir()
    given = settings.profile
    profile = Profile(
        type="duckdb",
        database=DATABASE,
        schema=SCHEMA,
        path=":memory:",
        settings=given.settings if given is not None and given.type == "duckdb" else {},
    )
    return msgspec.structs.replace(
        settings,
        profile=profile,
        adapter="duckdb",
        target_path=folder / "target",
        state_dir=folder / "state",
    )


class _Test:
    """One call of :func:`build`."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        known: Mapping[str, Asset],
        inputs: Mapping[str, Any],
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._inputs = inputs
        ours = [item.asset for item in registry.assets.values()]
        all_checks = [item.check for item in registry.checks.values()]
        self._graph = AssetGraph([*known.values(), *ours], all_checks)
        self._given = self._given_keys()
        self._models = {
            key: as_given_model(inputs[name])
            for name, key in self._given.items()
            if is_model(inputs[name])
        }
        self._assets: list[str] = []
        self._checks: list[str] = []
        self._skipped: dict[str, str] = {}
        self._ended: dict[str, StepFinished] = {}
        self._warehouse: Warehouse | None = None
        self._runner: PythonRunner | None = None

    def _given_keys(self) -> dict[str, str]:
        """The asset that each input is for, by the input's name."""
        found: dict[str, str] = {}
        items: list[PythonAsset | PythonCheck] = [*self._registry.assets.values()]
        items += self._registry.checks.values()
        parameters = {
            part.parameter: part.key
            for item in items
            for part in item.callee.inputs
            if part.parameter
        }
        for name in self._inputs:
            keys = [asset.key for asset in self._graph if matches(asset, name)]
            exact = [key for key in keys if self._graph[key].name == name]
            key = next(iter(exact or keys), parameters.get(name))
            if key is None:
                known = sorted({*parameters, *(asset.name for asset in self._graph)})
                raise AssetError(
                    f"inputs names {name!r}, which nothing here reads.",
                    NOTHING_BUILT,
                    f"{nearest(name, known)}It reads {', '.join(known) or 'nothing'}.",
                )
            found[name] = key
        return found

    def chosen(self, what: What) -> set[str]:
        """Keys of what a test names."""
        words = [what] if isinstance(what, str) else [str(word) for word in what]  # type: ignore[union-attr]  # no function is among them
        keys: set[str] = set()
        for word in words:
            named = {
                key for key, item in self._registry.checks.items()
                if word in (key, item.check.name)
            }  # fmt: skip
            picked = selection.select(self._graph, (word,), indirect="empty")
            mine = {key for key in picked.assets if key in self._registry.assets} | named
            if not mine | picked.checks:
                names = sorted(item.asset.name for item in self._registry.assets.values())
                raise AssetError(
                    f"{word!r} selects no Python asset and no check of one.",
                    NOTHING_BUILT,
                    f"{nearest(word, names)}There are {', '.join(names) or 'none'}.",
                )
            keys |= mine | picked.checks
        return keys

    def choose(self, keys: Iterable[str], *, checks: bool) -> None:
        """Settle what is built; what was given is not."""
        given = set(self._given.values())
        wanted = {key for key in keys if key in self._registry.assets} - given
        self._assets = self._graph.topological(wanted)
        there = given | wanted
        for key in self._assets:
            self._complain(self._registry.assets[key], there)
        for key, check in self._registry.checks.items():
            asked = key in keys and not wanted
            if asked:
                self._complain(check, there)
            attached = {part.key for part in check.callee.inputs} | {check.check.attached}
            if not asked and not (checks and check.check.attached in wanted):
                continue
            missing = sorted(self._graph[k].name for k in attached if k and k not in there)
            if missing:
                self._skipped[key] = f"It reads {', '.join(missing)}, which the test does not give."
            else:
                self._checks.append(key)

    def _complain(self, item: PythonAsset | PythonCheck, there: set[str]) -> None:
        missing = [part for part in item.callee.inputs if part.key not in there]
        if not missing:
            return
        who = item.asset.key if isinstance(item, PythonAsset) else item.check.key
        names = [self._graph[part.key].name for part in missing]
        ours = [n for n, p in zip(names, missing, strict=True) if p.key in self._registry.assets]
        shown = ", ".join(
            f"{name!r}: {'<model>' if part.kind == 'ml_model' else '[{...}]'}"
            for name, part in zip(names, missing, strict=True)
        )
        also = f" Or build {', '.join(ours)} too." if ours else ""
        raise AssetError(
            f"{who} ({item.callee.place}) reads {', '.join(names)}, which the test does not give.",
            NOTHING_BUILT,
            f"Give what it reads: inputs={{{shown}}}.{also}",
        )

    def prepare(self, types: Mapping[str, Mapping[str, str]]) -> None:
        """Open the database and write what was given."""
        assert self._settings.profile is not None
        self._warehouse = Warehouse(self._settings.profile)
        for name in types:
            if name not in self._inputs:
                raise AssetError(
                    f"types names {name!r}, which is not among the inputs.",
                    NOTHING_BUILT,
                    f"The inputs are {', '.join(self._inputs) or 'none'}.",
                )
        for name, key in self._given.items():
            asset = self._graph[key]
            if asset.relation is None or key in self._models:
                self._check_kind(name, asset)
                continue
            if asset.relation.schema:
                self._warehouse.create_schema(asset.relation.schema)
            declared = {n: c.type for n, c in asset.columns.items() if c.type is not None}
            with self._warehouse.cursor() as cursor:
                wanted = {**declared, **types.get(name, {})}
                write_given(cursor, name, self._inputs[name], asset.relation, wanted)

    def _check_kind(self, name: str, asset: Asset) -> None:
        if (asset.relation is None) != is_model(self._inputs[name]):
            what = "an ML model" if asset.relation is None else "a table"
            raise AssetError(
                f"inputs[{name!r}] is a {type(self._inputs[name]).__name__}, but {asset.name} is "
                f"{what}.",
                NOTHING_BUILT,
                "Give an estimator or an MLModel." if asset.relation is None else "Give rows.",
            )

    def run(self) -> None:
        """Call the functions, one after the other; the first that fails raises."""
        events: list[StepEvent] = []
        log_dir = self._settings.target_path.parent / "logs"
        context = RunContext(
            run_id="test",
            settings=self._settings,
            graph=self._graph,
            warehouse=self._warehouse,
            emit=events.append,
            cancel=threading.Event(),
            log_dir=log_dir,
        )
        runner = self._runner = PythonRunner(context, self._registry, self._models, gated=False)
        try:
            for key in (*self._assets, *self._checks):
                runner.run([_step(key)])
                ended = events[-1]
                assert isinstance(ended, StepFinished)
                self._ended[key] = ended
                if ended.status == "error":
                    raise _failed(ended, runner.errors.get(key))
        finally:
            runner.close()
            for log in sorted(log_dir.glob("*.log")):
                sys.stdout.write(log.read_text(encoding="utf-8"))

    def result(self, folder: Folder) -> BuildResult:
        """What has come of it."""
        assert self._warehouse is not None
        built = [*self._assets, *self._given.values()]
        return BuildResult(
            warehouse=self._warehouse,
            folder=folder,
            assets={key: self._graph[key] for key in built},
            built=tuple(self._graph[key].name for key in self._assets),
            checks=self._outcomes(),
            load_model=self._load_model,
        )

    def _outcomes(self) -> dict[str, CheckOutcome]:
        keys = [key for key in self._registry.checks if key in self._ended or key in self._skipped]
        names = [self._registry.checks[key].check.name for key in keys]
        found: dict[str, CheckOutcome] = {}
        for key, name in zip(keys, names, strict=True):
            check = self._registry.checks[key].check
            about = self._graph[check.attached].name if check.attached else ""
            ended = self._ended.get(key)
            found[name if names.count(name) == 1 else f"{about}.{name}"] = CheckOutcome(
                name=name,
                asset=about,
                status=ended.status if ended is not None else "skipped",
                message=ended.message if ended is not None else self._skipped[key],
                failures=(ended.failures or 0) if ended is not None else 0,
            )
        return found

    def _load_model(self, key: str) -> MLModel:
        if key in self._models:
            return self._models[key]
        assert self._runner is not None
        return self._runner.model(key)


def _step(key: str) -> Step:
    kind = "check" if key.startswith("check.") else "python"
    return Step(
        key=key,
        kind=kind,  # type: ignore[arg-type]  # one of the literals
        integration="python",
        makes=(),
        reads=(),
        name=key,
    )


def _failed(ended: StepFinished, error: BaseException | None) -> BaseException:
    """The error as it was, so that pytest shows the line of the user's that raised."""
    if isinstance(error, AssetError):
        return error
    failure = AssetError(
        ended.message, "What comes after it was not built.", "Mend it, then run the test again."
    )
    failure.__cause__ = error
    return failure
