"""Project.read and Project.connect: any asset in Python."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from toolkit.errors import AssetError, ToolkitError, UsageError, WarehouseError
from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.reading import Readable
from toolkit.settings import Profile, Settings


class Shop(Readable):
    """As much of a project as reading needs."""

    def __init__(self, folder: Path, kind: str = "duckdb") -> None:
        self.file = folder / "shop.duckdb"
        profile = Profile(type=kind, database="shop", schema="main", path=str(self.file))
        self.settings = Settings(
            project_name="shop", project_dir=folder, target="dev", target_path=folder / "target",
            state_dir=folder / ".toolkit", profile=profile,
        )  # fmt: skip
        self.graph = AssetGraph(
            [
                asset("model.shop.orders", "orders"),
                asset("model.shop.never", "never"),
                asset("source.shop.raw.users", "users", kind="source", source_name="raw"),
                asset("source.shop.old.users", "users", "users2", kind="source", source_name="old"),
                asset("stream.shop.orders", "orders", kind="stream"),
                asset("model.shop.stg", "stg", materialized="ephemeral"),
                asset("exposure.shop.sales", "sales", None, kind="exposure"),
                asset("python.churn", "churn", None, kind="ml_model"),
            ],
            [],
        )


def asset(key: str, name: str, table: str | None = "", **more: Any) -> Asset:
    relation = Relation("shop", "main", table or name) if table is not None else None
    return Asset(
        key=key, name=name, integration="dbt", relation=relation, **{"kind": "model", **more}
    )


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path)
    with duckdb.connect(str(made.file)) as connection:
        connection.execute("CREATE TABLE orders AS SELECT 1 AS id, 2.5 AS amount")
        connection.execute("CREATE TABLE users AS SELECT 'Ann' AS name")
    return made


def test_each_form(shop: Shop) -> None:
    assert shop.read("orders").to_dict("records") == [{"id": 1, "amount": 2.5}]
    assert shop.read("model.shop.orders", as_="arrow").num_rows == 1
    assert shop.read("raw.users", as_="polars")["name"].to_list() == ["Ann"]
    path = shop.read("orders", as_="path")
    assert duckdb.sql(f"SELECT id FROM '{path}'").fetchall() == [(1,)]


def test_the_file_is_let_go_of_at_once(shop: Shop) -> None:
    frame = shop.read("orders")
    with duckdb.connect(str(shop.file)) as writer:  # of another sort: it would be refused
        writer.execute("DROP TABLE orders")
    assert len(frame) == 1


def test_a_connection_only_reads(shop: Shop) -> None:
    with shop.connect() as connection:
        assert connection.sql("SELECT name FROM users").fetchall() == [("Ann",)]
        with pytest.raises(duckdb.Error, match="read-only"):
            connection.execute("DROP TABLE users")
    with duckdb.connect(str(shop.file)) as writer:
        writer.execute("DROP TABLE users")


# A name -> parts of the message.
WRONG: dict[str, list[str]] = {
    "order": ["There is no asset 'order'.", "Nearest: orders", "toolkit ls"],
    "zzzzzz": ["There is no asset 'zzzzzz'.\nNothing was read.\n`toolkit ls`"],
    "users": ["could mean any of source.shop.old.users, source.shop.raw.users"],
    "never": ["model.shop.never was never built for the target 'dev'", "build --select +never"],
    "stg": ["model.shop.stg has no table (ephemeral)"],
    "exposure.shop.sales": ["has no table (exposure)"],
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read(shop: Shop, name: str) -> None:
    with pytest.raises(AssetError) as error:
        shop.read(name)
    for part in WRONG[name]:
        assert part in str(error.value)


def test_a_warehouse_that_is_none(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="as_='list' is none of pandas, arrow"):
        shop.read("orders", as_="list")  # type: ignore[arg-type]  # what is wrong about it
    shop.file.unlink()
    with pytest.raises(WarehouseError, match="nothing was built for the target 'dev'"):
        shop.read("orders")
    with pytest.raises(ToolkitError, match="has no DuckDB warehouse"):
        Shop(tmp_path, "postgres").read("orders")
