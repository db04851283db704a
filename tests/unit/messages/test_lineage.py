"""What is said where lineage ends: the code, and the sentence with its model."""

from collections.abc import Mapping
from typing import Any

import pytest

from toolkit.graph import Asset, AssetGraph, Column, Relation
from toolkit.lineage import trace

# what a model selects from raw.open (columns unknown) and raw.known (id, name); code, message
MODELS: dict[str, tuple[str, str, str]] = {
    "natural join": (
        "select * from raw.open natural join raw.known",
        "natural-join",
        "NATURAL JOIN over relations whose columns are not known: known",
    ),
    "using what is nowhere": (
        "with a as (select 1 as x), b as (select 2 as y) select x from a join b using (gone)",
        "unresolved-column",
        "these columns were found in none of the relations that are read: gone",
    ),
    "a function of all columns": (
        "select max(columns(*)) from raw.open",
        "open-star",
        "COLUMNS(...) over relations whose columns are not known: COLUMNS",
    ),
    "a choice by code": (
        "select columns(c -> length(c) = 2) from raw.known",
        "open-star",
        "these choices of columns are not understood: c -> LENGTH(c) = 2",
    ),
    "a text without its end": ("select 'a", "invalid-sql", "error tokenizing"),
}


def traced(sql: str) -> Mapping[tuple[str, str], str]:
    """The problems of a model: code and path -> message."""

    def table(name: str, *columns: str) -> Asset:
        return Asset(
            key=f"source.shop.raw.{name}", name=name, kind="source", integration="dbt",
            relation=Relation("shop", "raw", name), columns={c: Column(name=c) for c in columns},
        )  # fmt: skip

    sources = [table("open"), table("known", "id", "name"), table("other", "key")]
    model = Asset(
        key="model.shop.a", name="a", kind="model", integration="dbt", path="models/a.sql",
        relation=Relation("shop", "main", "a"), sql=sql,
        depends_on=tuple(source.key for source in sources),
    )  # fmt: skip
    lineage = trace(AssetGraph([*sources, model]), dialect="duckdb")
    return {(problem.code, problem.path or ""): problem.message for problem in lineage.problems}


@pytest.mark.parametrize("case", MODELS)
def test_a_model(case: str) -> None:
    sql, code, said = MODELS[case]
    message = traced(sql)[code, "models/a.sql"]
    assert "model.shop.a: " in message
    assert said.lower() in message.lower()


def test_an_input_that_is_no_column() -> None:
    orders = Asset(
        key="model.shop.orders", name="orders", kind="model", integration="dbt",
        relation=Relation("shop", "main", "orders"), sql="select 1 as id",
    )  # fmt: skip
    column: Any = Column(name="x", type="BIGINT", inputs=((orders.key, "idd"),))
    made = Asset(
        key="python.a", name="a", kind="python", integration="python",
        relation=Relation("shop", "main", "a"), columns={"x": column}, depends_on=(orders.key,),
    )  # fmt: skip
    [problem] = trace(AssetGraph([orders, made]), dialect="duckdb").problems
    assert problem.code == "unknown-input"
    assert problem.message == (
        "python.a: the column x is said to be made from idd of model.shop.orders, which has no "
        "such column; the nearest is id."
    )
