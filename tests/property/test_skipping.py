"""Skipping against a full rebuild: whatever was edited, every table must come out the same.

Random projects of tables, views and merged tables live in a real DuckDB file and are built by
the real plan and run. People edit models and sources, meddle with what was built, break models
and mend them; after each edit a plain ``build`` must leave every relation as a full rebuild in
another database makes it. ``TOOLKIT_SKIPPING_EDITS`` sets how many edits are tried.
"""

import importlib.util
import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

EDITS = int(os.environ.get("TOOLKIT_SKIPPING_EDITS", "36"))
EDITS_OF_ONE = 12
STORIES = 3
FIRST_SEED = int(os.environ.get("TOOLKIT_SKIPPING_SEED", "0"))


def _load(name: str) -> Any:
    """A file beside this one; tests are no packages."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


models, project, world = (_load(name) for name in ("sql_models", "sql_project", "sql_world"))

ASLEEP = frozenset({"no-op"})
FAILED = frozenset({"error", "skipped"})


class Story:
    """One project and what happens to it.

    Attributes:
        told: everything that happened, for people.
        steps: how all steps of all builds after the first ended.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = random.Random(seed)
        self.folder = folder
        self.world = world.World(self.rng)
        self.replica = duckdb.connect(config={"threads": 1})
        self.written: dict[str, Any] = {}
        self.past = [self.world.copy()]
        self.told = [f"seed {seed}", *self._texts()]
        self.steps: Counter[str] = Counter()
        self.quiet: Counter[str] = Counter()
        self.why: Counter[str] = Counter()
        self.build()
        self.steps.clear()

    def _texts(self) -> list[str]:
        return [f"{m.kind} {m.name}: {m.sql()}" for m in self.world.models]

    # --- what happens ------------------------------------------------------------------------

    def edit(self) -> None:
        """Something happens, one thing or several; then everything is built."""
        times = self.rng.choice([1, 1, 1, 2, 4])
        for _ in range(times):
            if self.rng.random() < 0.08:
                self.world.revert(self.rng.choice(self.past))
                self.told += ["back to how it was once:", *self._texts()]
            elif self.rng.random() < 0.12:
                self.told.append(self.meddle())
            else:
                self.told.append(self.world.edit())
        self.past.append(self.world.copy())
        if self.rng.random() < 0.2:  # some of it first, as people do
            self._write_sources()
            name = self.world.any_model().name.removeprefix("main.")
            word = self.rng.choice([name, f"+{name}", f"{name}+"])
            self.told.append(f"build --select {word}")
            self._run(select=[word])
        self.build()

    def meddle(self) -> str:
        """Somebody changes what was built."""
        model = self.world.any_model()
        with duckdb.connect(str(self.folder / "sql.duckdb")) as connection:
            there = models.there(connection, model.name)
            if there is None:
                return "nothing"
            ways = [f"drop {there} {model.name}"]
            if model.kind != "merge":
                ways.append(
                    f"drop {there} {model.name}; create table {model.name} as select 1 as x"
                )
                if there == "table":
                    ways += [
                        f"delete from {model.name}",
                        f"alter table {model.name} add column meddled integer",
                        f"insert into {model.name} select * from {model.name} limit 1",
                    ]
                else:
                    ways.append(f"create or replace view {model.name} as select 7 as seven")
            way = self.rng.choice(ways)
            connection.execute(way)
        if model.kind == "merge":  # what is dropped is lost for a full rebuild, too
            self.replica.execute(f"drop table if exists {model.name}")
        return f"meddled: {way}"

    # --- what must be true ---------------------------------------------------------------------

    def build(self) -> None:
        """Build, and compare everything with the truth."""
        self._write_sources()
        true = self.world.refresh()
        kept = models.Built(self.world, self.replica)
        force = self.rng.random() < 0.03
        statuses = self._run(force=force)
        self.steps.update(statuses.values())
        merged = self._below_merged()
        with duckdb.connect(str(self.folder / "sql.duckdb")) as connection:
            for model in self.world.models:
                if model.kind != "ephemeral":
                    wanted = (kept if model.name in merged else true).contents.get(model.name)
                    self._compare(model, statuses, true, kept, wanted, connection)
        checked = kept.checked if merged else true.checked
        for name, wanted in checked.items():
            status = statuses[f"test.{name}"]
            if wanted == "pass":
                assert status in (*ASLEEP, "pass"), self._about_check(name, status, wanted)
            else:
                assert status == wanted, self._about_check(name, status, wanted)
        self._nothing_is_left(true, checked)
        for name in true.failed:
            if self.rng.random() < 0.3 and not true.failed[name].endswith(" failed"):
                self.told.append(self.world.mend(name))

    def _compare(
        self,
        model: Any,
        statuses: dict[str, str],
        true: Any,
        kept: Any,
        wanted: Any,
        connection: "duckdb.DuckDBPyConnection",
    ) -> None:
        status = statuses[f"model.{model.name}"]
        if model.name in true.failed or model.name in kept.failed:
            blocked = model.name in true.blocked or model.name in kept.blocked
            ends = FAILED | ASLEEP if blocked else FAILED
            assert status in ends, self._about(model, f"ends as {status}, but fails")
            return
        found = models.content(connection, model.name)
        assert status not in FAILED, self._about(model, f"ends as {status}")
        assert found == wanted, self._about(
            model, f"ends as {status}\n  is:     {found}\n  should: {wanted}"
        )

    def _about_check(self, name: str, status: str, wanted: str) -> str:
        condition = self.world.checks[name].condition
        what = f"the check of {name} ends as {status}, not {wanted}: {condition}"
        return f"{what}\n{self._story()}"

    def _below_merged(self) -> set[str]:
        found: set[str] = set()
        for model in self.world.models:
            if model.kind == "merge" or found.intersection(model.parents):
                found.add(model.name)
        return found

    def _write_sources(self) -> None:
        """Most loaders write what they loaded, whether it is new or not."""
        changed = {
            name: table
            for name, table in self.world.sources.items()
            if self.rng.random() < 0.2 or repr(self.written.get(name)) != repr(table)
        }
        if changed:
            with duckdb.connect(str(self.folder / "sql.duckdb")) as connection:
                models.write_sources(connection, changed)
        self.written = dict(self.world.copy().sources)

    def _run(self, **options: Any) -> dict[str, str]:
        house = project.SqlProject(self.folder, self.world, threads=self.rng.choice([1, 1, 3]))
        plan = house.plan(**options)
        result = house.build(plan=plan)
        self.told.append(
            "  "
            + ", ".join(
                f"{row.step.replace('model.main.', '')} {row.status}" for row in result.steps
            )
        )
        self.why.update(row.message for row in result.steps if row.status in ASLEEP)
        statuses = {planned.step.key: "no-op" for planned in plan.steps}
        return statuses | {row.step: row.status for row in result.steps}

    def _nothing_is_left(self, true: Any, checked: dict[str, str]) -> None:
        """A build right after a build runs nothing, but what failed and what failed checks."""
        for key, status in self._run().items():
            self.quiet[status] += 1
            name = key.removeprefix("model.").removeprefix("test.")
            if name not in true.failed and checked.get(name, "pass") == "pass":
                assert status in ASLEEP, f"{key} ran again: {status}\n{self._story()}"

    def _about(self, model: Any, what: str) -> str:
        return f"{model.name} {what}\n  {model.kind}: {model.sql()}\n{self._story()}"

    def _story(self) -> str:
        return "\n".join(self.told)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(max(1, EDITS // EDITS_OF_ONE // STORIES)))
def test_whatever_was_edited_a_build_leaves_what_a_full_rebuild_makes(
    part: int, tmp_path: Path
) -> None:
    steps: Counter[str] = Counter()
    for number in range(STORIES):
        folder = tmp_path / str(number)
        folder.mkdir()
        story = Story(FIRST_SEED + part * STORIES + number, folder)
        for _ in range(EDITS_OF_ONE):
            story.edit()
        story.replica.close()
        steps += story.steps
    asleep = steps["no-op"] / steps.total()
    print(f"{asleep:.0%} of {steps.total()} steps were left out: {dict(steps)}")
    assert asleep > 0.3, steps
    assert steps["success"] > steps.total() / 20, steps


def test_the_story_itself_is_repeatable(tmp_path: Path) -> None:
    told = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        story = Story(1, tmp_path / name)
        story.edit()
        told.append(story.told)
    assert told[0] == told[1]
