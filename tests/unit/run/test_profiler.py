"""What a run counts of what it made, beside it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from toolkit.graph import Asset, AssetGraph, Column, Relation
from toolkit.ledger import Ledger, Materialization, ProfileRow, Run
from toolkit.run.profiler import Profiler
from toolkit.settings import Profile, ProfileSettings, Settings
from toolkit.warehouse import Warehouse


class World:
    """A warehouse, a ledger and assets; each :meth:`build` is a run."""

    def __init__(self, folder: Path) -> None:
        profile = Profile(type="duckdb", database="x", schema="main", path=str(folder / "x.duckdb"))
        self.warehouse = Warehouse(profile)
        self.ledger = Ledger(folder / "ledger.db")
        self.settings = Settings(
            project_name="x", project_dir=folder, target="dev", target_path=folder / "target",
            state_dir=folder, profile=profile, adapter="duckdb",
        )  # fmt: skip
        self.assets: dict[str, Asset] = {}
        self.runs = 0

    def asset(self, name: str, **more: Any) -> str:
        more = {"kind": "model", "integration": "dbt", "materialized": "table"} | more
        key = f"{more['kind']}.x.{name}"
        relation = Relation("x", "main", more.pop("identifier", name))
        self.assets[key] = Asset(key=key, name=name, relation=relation, **more)
        return key

    def sql(self, text: str) -> None:
        with self.warehouse.cursor() as cursor:
            cursor.execute(text)

    def build(self, *keys: str, version: str | None = None, published: bool = True) -> str:
        self.runs += 1
        run = Run(id=f"r{self.runs}", command="build", target="dev", started_at=self.runs,
                  published=published)  # fmt: skip
        self.ledger.start_run(run)
        graph = AssetGraph(self.assets.values())
        profiler = Profiler(self.ledger, run, graph, self.warehouse, self.settings)
        profiler.made(
            Materialization(asset=key, run_id=run.id, at=self.runs, data_version=version)
            for key in keys
        )
        profiler.close(drain=True)
        return run.id

    def rows(self, key: str) -> list[ProfileRow]:
        return self.ledger.profiles.of(key, "dev")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    found.ledger.close()
    found.warehouse.close()


def test_a_table_is_counted(world: World) -> None:
    world.sql("CREATE TABLE t AS SELECT * FROM (VALUES (1, 'b'), (3, NULL), (5, 'a')) AS t(n, s)")
    key = world.asset("t")
    world.build(key)
    [row] = world.rows(key)
    number, text = row.profile.columns
    assert row.profile.rows == 3
    assert (number.nulls, number.distinct, number.least, number.most) == (0, 3, "1", "5")
    assert (number.mean, number.deviation, number.quartiles[1]) == (3.0, 2.0, 3.0)
    assert (text.nulls, text.least, text.most, text.mean) == (1, "a", "b", None)


def test_the_same_data_is_noted_and_not_counted_again(world: World) -> None:
    world.sql("CREATE TABLE t AS SELECT 1 AS n")
    key = world.asset("t")
    world.build(key, version="v1")
    world.sql("INSERT INTO t VALUES (2)")  # which the version denies
    world.build(key, version="v1")
    world.build(key, version="v2")
    assert [row.profile.rows for row in world.rows(key)] == [2, 1, 1]
    bodies = list(world.ledger._read("SELECT digest FROM profile_body"))
    assert len(bodies) == 2


def test_other_settings_count_again(world: World) -> None:
    world.sql("CREATE TABLE t AS SELECT 1 AS n")
    key = world.asset("t")
    world.build(key, version="v1")
    counts = ProfileSettings(values=False)
    world.settings = msgspec.structs.replace(world.settings, profiling=counts)
    world.build(key, version="v1")
    new, old = (row.profile.columns[0] for row in world.rows(key))
    assert (old.least, old.mean) == ("1", 1.0)
    assert (new.least, new.most, new.mean, new.quartiles) == (None, None, None, ())
    assert (new.nulls, new.distinct) == (0, 1)


PERSONAL = {
    "a tagged column": ({"columns": {"N": Column(name="N", tags=("pii",))}}, "n"),
    "meta": ({"columns": {"n": Column(name="n", meta={"contains_pii": True})}}, "n"),
    "a tagged table": ({"tags": ("pii",)}, "n"),
    "a name": ({}, "api_token"),
}


@pytest.mark.parametrize("case", PERSONAL)
def test_of_what_is_personal_only_counts_are_kept(world: World, case: str) -> None:
    more, column = PERSONAL[case]
    world.sql(f"CREATE TABLE t AS SELECT 41 AS {column}")
    key = world.asset("t", **more)
    world.build(key)
    [found] = world.rows(key)[0].profile.columns
    assert found.hidden
    assert (found.nulls, found.distinct) == (0, 1)
    assert (found.least, found.most, found.mean, found.quartiles) == (None, None, None, ())


def test_a_source_says_what_is_personal_of_a_stream(world: World) -> None:
    world.sql("CREATE TABLE users AS SELECT 'ann' AS name, 1 AS n")
    stream = world.asset("users", kind="stream", integration="airbyte")
    source = {"kind": "source", "depends_on": (stream,), "identifier": "users"}
    world.asset("users", **source, columns={"name": Column(name="name", tags=("pii",))})
    world.build(stream)
    name, number = world.rows(stream)[0].profile.columns
    assert (name.hidden, name.least) == (True, None)
    assert number.least == "1"


def test_secrets_are_masked(world: World) -> None:
    world.settings = msgspec.structs.replace(world.settings, secrets=frozenset({"hunter22"}))
    world.sql("CREATE TABLE t AS SELECT 'hunter22' AS s")
    key = world.asset("t")
    world.build(key)
    assert world.rows(key)[0].profile.columns[0].least == "*****"


def test_views_and_what_is_off_are_not_counted(world: World) -> None:
    world.sql("CREATE VIEW v AS SELECT 1 AS n")
    world.sql("CREATE TABLE t AS SELECT 1 AS n")
    view, table = world.asset("v", materialized="view"), world.asset("t")
    world.build(view)
    world.settings = msgspec.structs.replace(world.settings, profiling=ProfileSettings(mode="off"))
    world.build(table)
    assert not world.rows(view)
    assert not world.rows(table)


def test_what_cannot_be_counted_says_so(world: World) -> None:
    key = world.asset("gone")
    world.build(key)
    [row] = world.rows(key)
    assert "could not be counted" in row.profile.note
    assert not row.profile.columns


def test_while_another_process_has_the_file_nothing_is_looked_at(world: World) -> None:
    world.sql("CREATE TABLE t AS SELECT 1 AS n")
    key = world.asset("t")
    with world.warehouse.released():
        world.build(key)
    assert not world.rows(key)


def test_what_was_not_published_does_not_count(world: World) -> None:
    world.sql("CREATE TABLE t AS SELECT 1 AS n")
    key = world.asset("t")
    run = world.build(key, published=False)
    assert not world.rows(key)
    world.ledger.set_published(run, True)
    assert len(world.rows(key)) == 1


def test_the_oldest_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.ledger.profiles.KEPT", 3)
    key = world.asset("t")
    for number in range(6):
        world.sql(f"CREATE OR REPLACE TABLE t AS SELECT {number} AS n")
        world.build(key)
    assert [row.profile.columns[0].least for row in world.rows(key)] == ["5", "4", "3"]
    assert len(list(world.ledger._read("SELECT digest FROM profile_body"))) == 3


def test_who_counts_gives_way_to_another_process(world: World) -> None:
    began, said = threading.Event(), []

    def count() -> None:
        with world.warehouse.guest() as cursor:
            assert cursor is not None
            began.set()
            try:
                cursor.execute(
                    "SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b"
                )
            except duckdb.InterruptException as error:
                said.append(str(error))

    thread = threading.Thread(target=count)
    thread.start()
    assert began.wait(10)
    with world.warehouse.released():
        assert said
    thread.join(10)
    assert world.warehouse.is_open
