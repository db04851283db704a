"""A project for the tests of diffs, written in a few lines of YAML; no tool is asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlglot
import yaml
from sqlglot import exp

from toolkit.diff.compare import compare
from toolkit.diff.model import Diff
from toolkit.diff.side import Side
from toolkit.graph import Asset, AssetGraph, Check, Column, Relation
from toolkit.lineage import trace

DATABASE = "shop"
SUITE = yaml.safe_load((Path(__file__).parents[2] / "golden" / "diff" / "verdicts.yml").read_text())


def side(project: Mapping[str, Any], name: str, schema: str = "main") -> Side:
    """The graph of a project with its lineage, built into ``schema``."""
    assets = [
        Asset(
            key=f"source.shop.raw.{table}", kind="source", name=table, integration="dbt",
            relation=Relation(DATABASE, "raw", table), path="models/sources.yml",
            columns={c: Column(name=c) for c in columns},
        )
        for table, columns in project["sources"].items()
    ]  # fmt: skip
    models = project["models"]
    for model, sql in models.items():
        assets.append(_model(project, model, sql, schema))
    for exposure, reads in project.get("exposures", {}).items():
        depends = tuple(f"model.shop.{read}" for read in reads)
        assets.append(
            Asset(key=f"exposure.shop.{exposure}", kind="exposure", name=exposure,
                  integration="dbt", depends_on=depends, path="models/exposures.yml")
        )  # fmt: skip
    checks = [
        _check(test, *about.split("."), warn=test in project.get("warn", ()))
        for test, about in project.get("checks", {}).items()
        if about.split(".")[0] in models
    ]
    graph = AssetGraph(assets, checks)
    return Side(graph, trace(graph, dialect="duckdb"), "duckdb", name)


def _model(project: Mapping[str, Any], name: str, sql: str, schema: str) -> Asset:
    config = {
        "materialized": "incremental" if name in project.get("incremental", ()) else "table",
        **project.get("config", {}).get(name, {}),
    }
    contract = project.get("contracts", {}).get(name)
    raw = project.get("raw", {}).get(name, sql)
    sql = sql.replace("main.", f"{schema}.")
    return Asset(
        key=f"model.shop.{name}", kind="model", name=name, integration="dbt",
        relation=Relation(DATABASE, schema, name), path=f"models/{name}.sql", language="sql",
        columns={c: Column(name=c, type=t) for c, t in (contract or {}).items()},
        contract=contract is not None, config=config, materialized=config["materialized"],
        description=project.get("describe", {}).get(name, ""), raw_sql=raw, sql=sql,
        version=project.get("version", {}).get(name), depends_on=_parents(sql, project, schema),
        fingerprints={"body": raw, "macros": "", "contract": repr(contract)},
    )  # fmt: skip


def _parents(sql: str, project: Mapping[str, Any], schema: str) -> tuple[str, ...]:
    try:
        tables = sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Table)
    except sqlglot.errors.SqlglotError:
        return ("model.shop.stg_users",)
    found = {f"source.shop.raw.{t.name}" for t in tables if t.db == "raw"}
    tables = sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Table)
    return tuple(sorted(found | {f"model.shop.{t.name}" for t in tables if t.db == schema}))


def _check(name: str, model: str, column: str, *, warn: bool) -> Check:
    key = f"model.shop.{model}"
    return Check(
        key=f"test.shop.{name}", name=name, kind="data_test", integration="dbt", assets=(key,),
        attached=key, column=column, severity="warn" if warn else "error",
        path="models/models.yml",
    )  # fmt: skip


def edited(project: Mapping[str, Any], case: Mapping[str, Any]) -> tuple[Side, Side]:
    """The project of a case before and after its change."""
    models = {**project["models"], **case.get("also", {}), **case.get("before", {})}
    before = {**project, "models": models}
    for part in ("version",):
        before[part] = case.get(part, {})
    removed = case.get("remove", ())
    after = {**before}
    changed = {**models, **case.get("change", {})}
    after["models"] = {name: sql for name, sql in changed.items() if name not in removed}
    after["contracts"] = {**project["contracts"], **case.get("contract", {})}
    after["warn"] = case.get("warn", ())
    gone = case.get("uncheck", ())
    after["checks"] = {name: on for name, on in project["checks"].items() if name not in gone}
    for part in ("config", "describe", "raw"):
        after[part] = case.get(part, {})
    if "raw" in case:
        before["raw"] = dict.fromkeys(case["raw"], "select * from {{ ref('stg_orders') }}")
    return side(before, "before"), side(after, "after", case.get("schema", "main"))


def diff_of(project: Mapping[str, Any], case: Mapping[str, Any]) -> Diff:
    """The diff of one case."""
    return compare(*edited(project, case))
