"""A tiny integration whose assets are SQL texts, so that the real plan, run, ledger and warehouse
work on random projects. It goes by the name of dbt, since that is who makes tables by SQL.
"""

import hashlib
import importlib.util
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from toolkit.graph import Asset, AssetGraph, Check, Relation
from toolkit.integrations.base import (
    Loaded,
    Made,
    RunContext,
    Status,
    Step,
    StepFinished,
    StepStarted,
)
from toolkit.project import Project
from toolkit.settings import Profile, Settings


def _load(name: str) -> Any:
    """A file beside this one; tests are no packages."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


models = _load("sql_models")


class SqlTool:
    """An integration that makes tables and views out of texts, one by one."""

    name = "dbt"
    batches = False

    def __init__(self, world: Any) -> None:
        self.world = world

    def load(self, settings: Settings, known: Mapping[str, Asset]) -> Loaded:
        sources = [
            Asset(
                key=f"source.{name}", kind="source", name=name[4:], integration=self.name,
                relation=_relation(settings, name),
            )
            for name in self.world.sources
        ]  # fmt: skip
        kinds = {"merge": "incremental"}
        made = [
            Asset(
                key=f"model.{model.name}", kind="model", name=model.name[5:], integration=self.name,
                relation=_relation(settings, model.name), sql=self._sql(model), language="sql",
                materialized=kinds.get(model.kind, model.kind),
                depends_on=tuple(sorted({self._key(parent) for parent in model.parents})),
                frame_version=model.kind, code_version=_digest(f"{model.kind} {self._sql(model)}"),
            )
            for model in self.world.models
        ]  # fmt: skip
        checks = [
            Check(
                key=f"test.{name}", kind="data_test", name=f"check_{name[5:]}",
                severity=check.severity, integration=self.name,
                assets=(f"model.{name}",), attached=f"model.{name}",
                code_version=_digest(f"{check.severity} {check.sql(name)}"),
            )
            for name, check in self.world.checks.items()
        ]  # fmt: skip
        assets = [*sources, *made]
        return Loaded(assets=assets, checks=checks, project_name="sql", dialect="duckdb")

    def _sql(self, model: Any) -> str:
        return str(models.compiled(model, self.world.models))

    def compile(self, settings: Settings) -> str | None:
        return None

    def compiled(
        self, settings: Settings, graph: AssetGraph, keys: frozenset[str]
    ) -> Mapping[str, str]:
        found = {key: graph[key].sql for key in keys}
        return {key: sql for key, sql in found.items() if sql is not None}

    def _key(self, name: str) -> str:
        return f"{'source' if name in self.world.sources else 'model'}.{name}"

    def steps(self, graph: AssetGraph, keys: frozenset[str]) -> list[Step]:
        steps = [
            Step(key=asset.key, kind="dbt", integration=self.name, makes=(asset.key,),
                 reads=asset.depends_on, name=asset.name)
            for asset in graph
            if asset.key in keys and asset.kind == "model" and asset.materialized != "ephemeral"
        ]  # fmt: skip
        steps += [
            Step(key=check.key, kind="check", integration=self.name, makes=(), reads=check.assets,
                 name=check.name, blocking=check.severity == "error")
            for check in graph.checks.values() if check.key in keys
        ]  # fmt: skip
        return steps

    def open(self, context: RunContext) -> "SqlRunner":
        return SqlRunner(context, self.world)


class SqlRunner:
    """Makes models, each in a transaction, and runs checks."""

    def __init__(self, context: RunContext, world: Any) -> None:
        self._context, self._world = context, world
        self._models = {f"model.{model.name}": model for model in world.models}

    def run(self, steps: Sequence[Step]) -> None:
        assert self._context.warehouse is not None
        for step in steps:
            begun = time.time()
            self._context.emit(StepStarted(step=step.key, at=begun))
            with self._context.warehouse.cursor() as cursor:
                try:
                    ended = self._check(step, cursor) if step.kind == "check" else self._make(
                        step, cursor)  # fmt: skip
                except duckdb.Error as error:
                    ended = StepFinished(
                        step=step.key, status="error", message=str(error), started_at=0,
                        finished_at=0,
                    )  # fmt: skip
            self._context.emit(
                msgspec.structs.replace(ended, started_at=begun, finished_at=time.time())
            )

    def _make(self, step: Step, cursor: "duckdb.DuckDBPyConnection") -> StepFinished:
        model = self._models[step.key]
        sql = models.compiled(model, self._world.models)
        models.make(cursor, model.name, model.kind, sql)
        made = (Made(asset=step.key, sql=sql),)
        return StepFinished(step=step.key, status="success", made=made, started_at=0, finished_at=0)

    def _check(self, step: Step, cursor: "duckdb.DuckDBPyConnection") -> StepFinished:
        name = step.key.removeprefix("test.")
        check = self._world.checks[name]
        wrong = cursor.execute(check.sql(name)).fetchall()
        status: Status = "pass" if not wrong else "fail" if step.blocking else "warn"
        return StepFinished(
            step=step.key, status=status, failures=len(wrong), sql=check.sql(name), started_at=0,
            finished_at=0,
        )  # fmt: skip

    def close(self) -> None:
        """Nothing is held."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _relation(settings: Settings, name: str) -> Relation:
    assert settings.profile is not None
    schema, identifier = name.split(".")
    return Relation(settings.profile.database, schema, identifier)


class SqlProject(Project):
    """A project of one :class:`SqlTool`, as it is at this moment."""

    def __init__(self, folder: Path, world: Any, threads: int = 1) -> None:
        path = str(folder / "sql.duckdb")
        profile = Profile(type="duckdb", database="sql", schema="main", path=path)
        self.settings = Settings(
            project_name="sql", project_dir=folder, target="dev", target_path=folder / "target",
            state_dir=folder / ".toolkit", profile=profile, adapter="duckdb", threads=threads,
        )  # fmt: skip
        self.integrations = {"dbt": SqlTool(world)}
