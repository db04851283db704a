"""What runs and what does not: one readable case for each rule, with its reason.

The shop: ``raw (a source) -> orders (a table) -> report (a table)``, with the view ``recent``
between orders and report in some cases, and the check ``unique`` on orders.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.graph import Asset, AssetGraph, Check, Relation
from toolkit.integrations.base import Step
from toolkit.ledger import Materialization, Passed, StepRow
from toolkit.plan import History, Plan, Seen, make_plan, unit_test_inputs, view_version


def asset(key: str, reads: str = "", **more: Any) -> Asset:
    facts: dict[str, Any] = {
        "key": key, "name": key, "kind": "model", "integration": "dbt", "materialized": "table",
        "depends_on": tuple(reads.split()), "code_version": f"{key} 1",
        "relation": Relation(None, "main", key),
    }  # fmt: skip
    return Asset(**(facts | more))


def check(key: str, reads: str, **more: Any) -> Check:
    facts: dict[str, Any] = {
        "key": key, "name": key, "kind": "data_test", "integration": "dbt",
        "assets": tuple(reads.split()), "code_version": f"{key} 1",
    }  # fmt: skip
    return Check(**(facts | more))


RAW = asset("raw", kind="source", materialized=None)
ORDERS, REPORT = asset("orders", "raw"), asset("report", "orders")
RECENT = asset("recent", "orders", materialized="view")
UNIQUE = check("unique", "orders")


class World:
    """All is up to date here; each case changes something.

    Attributes:
        latest / last / passed / versions: by key, to be changed.
        seen: nobody wrote to the warehouse.
    """

    def __init__(self, *things: Asset | Check) -> None:
        self.assets = {a.key: a for a in things if isinstance(a, Asset)}
        self.checks = {c.key: c for c in things if isinstance(c, Check)}
        self.latest: dict[str, Materialization] = {}
        self.last: dict[str, StepRow] = {}
        self.passed: dict[str, Passed] = {}
        outside = {a.key: f"{a.key} v1" for a in self.assets.values() if self.is_outside(a)}
        self.seen = Seen(state="as left", outside=outside)
        self.resumed: set[str] = set()
        self.how: dict[str, Any] = {}
        self.asks_source = True
        versions = dict(outside)
        for one in AssetGraph(self.assets.values()):
            if self.is_outside(one):
                continue
            read = {key: versions[key] for key in one.depends_on if key in versions}
            is_view = one.materialized == "view"
            version = view_version(one.code_version, read) if is_view else f"{one.key} v1"
            versions[one.key] = version
            self.latest[one.key] = Materialization(
                asset=one.key, run_id="run1", at=1.0, code_version=one.code_version,
                data_version=version, inputs=read,
                metadata={"view": f"text of {one.key}"} if is_view else {},
            )  # fmt: skip
            self.end(one.key, "success")
        for test in self.checks.values():
            read = {key: versions[key] for key in test.assets}
            if test.kind == "unit_test":
                read = unit_test_inputs(test, AssetGraph(self.assets.values()))
            self.passed[test.key] = Passed(
                step=test.key, run_id="run1", at=1.0, code_version=test.code_version, inputs=read
            )
            self.end(test.key, "pass")

    @staticmethod
    def is_outside(one: Asset) -> bool:
        return one.kind == "source" and not one.depends_on

    def end(self, key: str, status: str, message: str = "") -> None:
        self.last[key] = StepRow(
            run_id="run1", step=key, kind="dbt", name=key, integration="dbt", status=status,
            message=message, started_at=1.0,
        )  # fmt: skip

    def code(self, key: str, version: str = "2") -> None:
        for things in (self.assets, self.checks):
            if key in things:
                things[key] = msgspec.structs.replace(things[key], code_version=version)  # type: ignore[attr-defined]

    def made(self, key: str, **facts: Any) -> None:
        self.latest[key] = msgspec.structs.replace(self.latest[key], **facts)

    def looked(self, **found: str | None) -> None:
        """Somebody may have written: there is what was there, but for ``found``."""
        there = {
            key: made.metadata.get("view") or made.data_version or ""
            for key, made in self.latest.items()
        } | dict(self.seen.outside)
        there |= {key: version for key, version in found.items() if version is not None}
        for key, version in found.items():
            if version is None:
                del there[key]
        outside = {key: there[key] for key in self.seen.outside if key in there}
        self.seen = Seen(state="looked at", found=there, outside=outside)

    def plan(self) -> Plan:
        graph = AssetGraph(self.assets.values(), self.checks.values())
        steps = [
            Step(key=a.key, kind="sync" if a.kind == "stream" else "dbt", integration="dbt",
                 makes=(a.key,), reads=a.depends_on, name=a.name,
                 asks_source=self.asks_source)
            for a in graph
            if not self.is_outside(a) and a.materialized != "ephemeral" and a.kind != "source"
        ]  # fmt: skip
        steps += [
            Step(key=c.key, kind="check", integration="dbt", makes=(), reads=c.assets, name=c.name)
            for c in graph.checks.values()
        ]
        history = History(
            latest=self.latest, last_steps=self.last, passed=self.passed, seen=self.seen,
            resumed=frozenset(self.resumed),
        )  # fmt: skip
        return make_plan(graph, steps, frozenset(graph.assets), history, **self.how)

    def decided(self) -> dict[str, tuple[str, str]]:
        return {p.step.key: (p.action, p.reason) for p in self.plan().steps}


def changes(what: str) -> tuple[str, str]:
    return ("if changed", f"if {what} changes")


UP_TO_DATE = ("skip", "up to date")
NEVER = ("run", "never built here")


def shop() -> World:
    return World(RAW, ORDERS, REPORT, UNIQUE)


def test_nothing_changed() -> None:
    assert shop().decided() == dict.fromkeys(("orders", "unique", "report"), UP_TO_DATE)


def test_what_was_never_built() -> None:
    world = shop()
    del world.latest["orders"]
    # report waits for its new parent; with no version of that parent it runs if that comes out
    # other than what it was made of
    assert world.decided() == {
        "orders": NEVER, "unique": changes("orders"), "report": changes("orders"),
    }  # fmt: skip


def test_a_materialization_whose_step_nobody_remembers_was_never_built() -> None:
    world = shop()
    del world.last["report"]
    assert world.decided()["report"] == NEVER


def test_what_failed_last_time_runs_again_with_the_first_line_of_why() -> None:
    world = shop()
    world.end("orders", "error", "Parser Error: no\n  LINE 1: selec")
    assert world.decided()["orders"] == ("run", "its last run ended as error: Parser Error: no")
    assert world.decided()["report"] == changes("orders")


def test_of_a_long_message_the_beginning_is_said() -> None:
    world = shop()
    world.end("orders", "error", "x" * 101)
    assert world.decided()["orders"] == ("run", "its last run ended as error: " + "x" * 100)


@pytest.mark.parametrize("status", ["skipped", "running", "planned", "error"])
def test_only_what_ended_well_can_be_left_out(status: str) -> None:
    world = shop()
    world.end("report", status)
    assert world.decided()["report"] == ("run", f"its last run ended as {status}: ")


def test_changed_code() -> None:
    world = shop()
    world.code("orders")
    assert world.decided() == {
        "orders": ("run", "its code changed"),
        "unique": changes("orders"),
        "report": changes("orders"),
    }


def test_code_of_which_nothing_was_noted_counts_as_changed() -> None:
    world = shop()
    world.made("orders", code_version="")
    assert world.decided()["orders"] == ("run", "its code changed")


def test_code_that_differs_in_comments_only() -> None:
    world = shop()
    world.code("orders")
    world.how["same_code"] = frozenset({"orders"})
    assert world.decided() == dict.fromkeys(("orders", "unique", "report"), UP_TO_DATE)
    assert world.plan().same_code == {"orders"}


@pytest.mark.parametrize("found_when", ["before", "while it was made"])
def test_volatile(found_when: str) -> None:
    world = shop()
    why = "it calls random()"
    if found_when == "before":
        world.assets["orders"] = msgspec.structs.replace(ORDERS, volatile=why)
    else:
        world.made("orders", volatile=why)
    assert world.decided() == {
        "orders": ("run", f"volatile: {why}"),
        "unique": changes("orders"),
        "report": changes("orders"),
    }


def test_a_table_that_is_gone() -> None:
    world = shop()
    world.looked(orders=None)
    assert world.decided()["orders"] == ("run", "main.orders is not there any more")


def test_a_table_that_others_changed() -> None:
    world = shop()
    world.looked(orders="somebody's")
    assert world.decided() == {
        "orders": ("run", "main.orders was changed by others"),
        "unique": changes("orders"),
        "report": changes("orders"),
    }


def test_a_warehouse_that_was_looked_at_and_is_as_it_was() -> None:
    world = shop()
    world.looked()
    assert world.decided() == dict.fromkeys(("orders", "unique", "report"), UP_TO_DATE)


def test_a_warehouse_that_cannot_be_seen() -> None:
    world = shop()
    world.seen = Seen(why="what is in its warehouse (snowflake) cannot be seen")
    assert {d[0] for k, d in world.decided().items() if k != "unique"} == {"run"}
    assert world.decided()["orders"][1] == "what is in its warehouse (snowflake) cannot be seen"


def test_a_table_whose_content_was_never_measured() -> None:
    world = shop()
    world.made("orders", data_version=None)
    assert world.decided()["orders"] == ("run", "what is in it is not known")


def test_what_lives_in_no_warehouse_is_not_looked_for() -> None:
    file = asset("file", "orders", kind="python", relation=None)
    world = World(RAW, ORDERS, file)
    world.seen = Seen(state="looked at", found={"raw": "raw v1", "orders": "orders v1"},
                      outside={"raw": "raw v1"})  # fmt: skip
    assert world.decided()["file"] == UP_TO_DATE


def test_a_sample_is_loaded_whole() -> None:
    world = shop()
    world.made("orders", metadata={"sampled": 1000})
    assert world.decided()["orders"] == ("run", "orders is a sample of at most 1,000 rows")


# ---- checks ----


def test_a_failed_check_makes_its_model_and_itself_run_again() -> None:
    world = shop()
    world.end("unique", "fail")
    assert world.decided() == {
        "orders": ("run", "check unique failed"),
        "unique": ("run", "its last run ended as fail"),
        "report": changes("orders"),
    }


def test_a_failed_check_that_only_warns_runs_again_alone() -> None:
    world = World(RAW, ORDERS, REPORT, check("unique", "orders", severity="warn"))
    world.end("unique", "warn")
    assert world.decided() == {
        "orders": UP_TO_DATE, "unique": ("run", "its last run ended as warn"), "report": UP_TO_DATE,
    }  # fmt: skip


def test_a_new_check_runs_alone() -> None:
    world = shop()
    del world.passed["unique"], world.last["unique"]
    assert world.decided() == {
        "orders": UP_TO_DATE, "unique": ("run", "never passed on orders"), "report": UP_TO_DATE,
    }  # fmt: skip


def test_a_changed_check_runs_alone() -> None:
    world = shop()
    world.code("unique")
    assert world.decided() == {
        "orders": UP_TO_DATE, "unique": ("run", "its code changed"), "report": UP_TO_DATE,
    }  # fmt: skip


def test_a_check_that_asks_the_clock() -> None:
    world = World(RAW, ORDERS, check("unique", "orders", volatile="it calls now()"))
    assert world.decided()["unique"] == ("run", "volatile: it calls now()")


def test_a_check_that_passed_on_other_rows() -> None:
    world = shop()
    world.passed["unique"] = msgspec.structs.replace(
        world.passed["unique"], inputs={"orders": "orders v0"}
    )
    assert world.decided()["unique"] == ("run", "orders changed since")


UNIT = check("totals", "orders", kind="unit_test")


def test_a_unit_test_depends_on_code_alone() -> None:
    world = World(RAW, ORDERS, REPORT, UNIT)
    assert world.decided()["totals"] == UP_TO_DATE
    world.seen = Seen(state="as left", outside={"raw": "raw v2"})
    assert world.decided()["totals"] == UP_TO_DATE
    assert world.decided()["orders"] == ("run", "raw changed since")


@pytest.mark.parametrize("changed", ["orders", "raw"])
def test_a_unit_test_runs_when_its_model_or_a_parent_of_it_has_new_code(changed: str) -> None:
    world = World(RAW, ORDERS, REPORT, UNIT)
    world.code(changed)
    assert world.decided()["totals"] == ("run", "its model's code changed")
    assert {p.step.key: p.why for p in world.plan().steps}["totals"] == "code"


def test_a_model_runs_with_its_unit_test_as_dbt_runs_them_together() -> None:
    world = World(RAW, ORDERS, REPORT, UNIT)
    world.code("totals")
    assert world.decided()["totals"] == ("run", "its code changed")
    graph = AssetGraph(world.assets.values(), world.checks.values())
    assert [c.key for c in graph.checks_on("orders")] == ["totals"]
    assert world.decided()["orders"] == ("run", "its unit test totals runs")


# ---- inputs ----


def test_a_source_that_has_other_rows() -> None:
    world = shop()
    world.looked(raw="raw v2")
    assert world.decided() == {
        "orders": ("run", "raw changed since"),
        "unique": changes("orders"),
        "report": changes("orders"),
    }


def test_a_source_of_which_nothing_is_known() -> None:
    world = shop()
    world.seen = Seen(state="as left")
    assert world.decided()["orders"] == ("run", "nothing is known of raw, which it reads")


def test_a_parent_that_was_built_alone_in_between() -> None:
    world = shop()
    world.made("orders", data_version="orders v2", at=2.0)
    assert world.decided()["orders"] == UP_TO_DATE
    assert world.decided()["report"] == ("run", "orders changed since")
    assert world.decided()["unique"] == ("run", "orders changed since")


def test_a_parent_that_was_made_again_and_came_out_the_same() -> None:
    world = shop()
    world.made("orders", run_id="run2", at=2.0)
    assert world.decided()["report"] == UP_TO_DATE


def test_another_set_of_parents() -> None:
    world = World(RAW, asset("refunds", "raw"), ORDERS, asset("report", "orders refunds"))
    world.made("report", inputs={"orders": "orders v1"})
    assert world.decided()["report"] == ("run", "it reads other assets than before")


def test_a_change_two_steps_above_reaches_below_only_if_it_goes_through() -> None:
    world = World(RAW, ORDERS, REPORT, asset("board", "report"))
    world.code("orders")
    assert world.decided() == {
        "orders": ("run", "its code changed"),
        "report": changes("orders"),
        "board": changes("report"),
    }


def test_a_sync_that_knows_its_source_runs_when_its_code_version_says_so() -> None:
    world = World(asset("stream", kind="stream"), asset("orders", "stream"))
    world.asks_source = False
    assert world.decided() == {"stream": UP_TO_DATE, "orders": UP_TO_DATE}
    world.code("stream")
    assert world.decided()["stream"] == ("run", "its code changed")
    assert world.decided()["orders"] == changes("stream")


def test_a_sync_always_asks_and_what_is_below_waits_for_what_comes() -> None:
    stream = asset("stream", kind="stream", materialized=None)
    source = asset("landed", "stream", kind="source", materialized=None)
    world = World(stream, source, asset("orders", "landed"))
    world.made("orders", inputs={"stream": "stream v1"})
    del world.latest["landed"], world.last["landed"]  # nobody makes a source
    assert world.decided() == {
        "stream": ("run", "a sync asks its source for what is new"), "orders": changes("stream"),
    }  # fmt: skip


def test_a_names_list_is_cut_at_three() -> None:
    many = [asset(name, "raw") for name in "abcd"]
    world = World(RAW, *many, asset("all", "a b c d"))
    for one in many:
        world.code(one.key)
    assert world.decided()["all"] == ("if changed", "if a, b, c or 1 more changes")


def test_a_query_to_which_the_order_of_rows_counts_runs_when_they_were_written_again() -> None:
    """Their fingerprint is the same; in which order they lie it does not say."""
    world = shop()
    metadata = {"ordered": "limit without order by", "ordered_on": {"orders": "run1"}}
    world.made("report", metadata=metadata)
    assert world.decided()["report"] == UP_TO_DATE
    world.made("orders", run_id="run2", at=0.5)  # the clock was set back since
    said = "orders was made again, and its order counts (limit without order by)"
    assert world.decided()["report"] == ("run", said)


# ---- views and ephemeral models ----


def over_a_view() -> World:
    return World(RAW, ORDERS, RECENT, asset("report", "recent"))


def test_over_a_view_nothing_changed() -> None:
    assert set(over_a_view().decided().values()) == {UP_TO_DATE}


def test_a_view_whose_text_others_changed() -> None:
    world = over_a_view()
    world.looked(recent="another text")
    assert world.decided()["recent"] == ("run", "main.recent was changed by others")


def test_a_view_takes_the_version_of_what_it_reads() -> None:
    """The table was made again alone; neither view nor report know of it yet."""
    world = over_a_view()
    world.made("orders", data_version="orders v2", at=2.0)
    assert world.decided()["orders"] == UP_TO_DATE
    assert world.decided()["recent"] == ("run", "orders changed since")
    assert world.decided()["report"] == changes("recent")


def test_a_view_that_calls_the_clock_is_read_anew_each_time() -> None:
    world = over_a_view()
    world.made("recent", volatile="it calls now()")
    assert world.decided() == {
        "orders": UP_TO_DATE,
        "recent": ("run", "volatile: it calls now()"),
        "report": ("run", "it reads the view recent: it calls now()"),
    }


def test_a_restless_view_under_another_view() -> None:
    world = World(RAW, ORDERS, RECENT, asset("top", "recent", materialized="view"),
                  asset("report", "top"), check("rows", "top"))  # fmt: skip
    world.made("recent", volatile="it calls now()")
    expected = ("run", "it reads the view recent: it calls now()")
    assert world.decided()["top"] == expected
    assert world.decided()["report"] == expected
    assert world.decided()["rows"] == expected


def test_ephemeral_models_are_looked_through() -> None:
    part = asset("part", "orders", materialized="ephemeral", relation=None)
    world = World(RAW, ORDERS, part, asset("report", "part"))
    del world.latest["part"], world.last["part"]  # nobody makes it
    world.made("report", inputs={"orders": "orders v1"})
    assert world.decided() == {"orders": UP_TO_DATE, "report": UP_TO_DATE}
    world.made("orders", data_version="orders v2")
    assert world.decided()["report"] == ("run", "orders changed since")


# ---- everything, or going on ----


def test_each_reason_has_a_kind_by_which_it_is_selected() -> None:
    world = World(RAW, ORDERS, REPORT, UNIQUE, *(asset(name, "raw") for name in "abcdefg"))
    world.code("a")
    world.end("b", "error")
    world.made("c", volatile="it calls now()")
    world.looked(d="somebody's", e=None)
    world.made("f", metadata={"sampled": 5})
    del world.latest["g"]
    world.end("unique", "fail")
    assert {p.step.key: p.why for p in world.plan().steps} == {
        "a": "code", "b": "failed", "c": "volatile", "d": "touched", "e": "touched",
        "f": "sample", "g": "never", "orders": "check", "unique": "failed", "report": "inputs",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("known", "why"),
    [("never passed", "never"), ("other code", "code"), ("asks the clock", "volatile")],
)
def test_each_reason_of_a_check_has_a_kind(known: str, why: str) -> None:
    clock = "it calls now()" if known == "asks the clock" else ""
    world = World(RAW, ORDERS, check("unique", "orders", volatile=clock))
    if known == "never passed":
        del world.passed["unique"]
    elif known == "other code":
        world.code("unique")
    assert {p.step.key: p.why for p in world.plan().steps} == {"orders": "fresh", "unique": why}


@pytest.mark.parametrize("word", ["--force", "--full-refresh"])
def test_everything_runs_when_that_is_asked_for(word: str) -> None:
    world = shop()
    world.how["everything"] = word
    assert world.decided() == dict.fromkeys(("orders", "unique", "report"), ("run", word))


def test_what_ended_well_in_the_run_that_is_resumed_is_done() -> None:
    done = ("skip", "done in the run that is resumed")
    stream = asset("raw", kind="stream", materialized=None)
    world = World(stream, ORDERS, REPORT, UNIQUE)
    world.made("orders", volatile="it calls now()")
    world.end("unique", "fail")
    world.resumed = {"raw", "orders"}
    assert world.decided() == {
        "raw": done,
        "orders": done,  # neither the clock nor the failed check makes it run again
        "unique": ("run", "its last run ended as fail"),
        "report": UP_TO_DATE,
    }


@pytest.mark.parametrize("change", ["code", "table"])
def test_what_is_resumed_still_has_to_be_what_it_was(change: str) -> None:
    world = shop()
    world.resumed = {"orders"}
    if change == "code":
        world.code("orders")
    else:
        world.looked(orders=None)
    assert world.decided()["orders"][0] == "run"


# ---- whatever is not known counts as changed ----

Unknown = Literal["latest", "last", "version", "code", "input", "outside", "found", "check"]
UNKNOWNS: tuple[Unknown, ...] = (
    "latest", "last", "version", "code", "input", "outside", "found", "check",
)  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Random graphs of tables, views, ephemeral models and checks, all of it up to date."""
    size = draw(st.integers(1, 7))
    things: list[Asset | Check] = []
    for index in range(size):
        kind = draw(st.sampled_from(["source", "table", "table", "view"]))
        reads = [f"n{i}" for i in range(index) if draw(st.booleans())]
        if kind == "source":
            things.append(asset(f"n{index}", kind="source", materialized=None))
        else:
            things.append(asset(f"n{index}", " ".join(reads), materialized=kind))
        if draw(st.booleans()):
            things.append(check(f"c{index}", f"n{index}"))
    return World(*things)


def forget(world: World, key: str, what: Unknown) -> set[str]:
    """Take something out of what is known; the steps that may not be skipped then."""
    one = world.assets.get(key)
    readers = {a.key for a in world.assets.values() if key in a.depends_on}
    readers |= {c.key for c in world.checks.values() if key in c.assets}
    if what == "check":
        if f"c{key[1:]}" not in world.checks:
            return set()
        del world.passed[f"c{key[1:]}"]
        return {f"c{key[1:]}"}
    assert one is not None
    if world.is_outside(one):
        if what != "outside":
            return set()
        left = {k: v for k, v in world.seen.outside.items() if k != key}
        found = {k: v for k, v in world.seen.found.items() if k != key}
        world.seen = msgspec.structs.replace(world.seen, outside=left, found=found)
        return readers
    match what:
        case "latest":
            del world.latest[key]
            return {key, *readers}
        case "last":
            world.last.pop(key, None)
        case "version":
            world.made(key, data_version=None, metadata={})
        case "code":
            world.made(key, code_version="")
        case "input":
            if not world.latest[key].inputs:
                return set()
            world.made(key, inputs=dict([*world.latest[key].inputs.items()][1:]))
        case "found":
            gone = {k for k in world.latest if world.seen.found and k not in world.seen.found}
            world.looked(**dict.fromkeys({key, *gone}))
        case "outside":
            return set()
    return {key}


@given(worlds(), st.data())
def test_whatever_is_unknown_is_never_skipped(world: World, data: st.DataObject) -> None:
    assert {action for action, _ in world.decided().values()} <= {"skip"}
    must: set[str] = set()
    for _ in range(data.draw(st.integers(1, 3))):
        key = data.draw(st.sampled_from(sorted(world.assets)))
        what = data.draw(st.sampled_from(UNKNOWNS))
        if what != "outside" and not _known(world, key):
            continue
        must |= forget(world, key, what)
    decided = world.decided()
    assert {key: decided[key] for key in must if decided[key][0] == "skip"} == {}


def _known(world: World, key: str) -> bool:
    there = world.is_outside(world.assets[key]) or key in world.latest
    test = f"c{key[1:]}"
    found = not world.seen.found or key in world.seen.found
    return there and found and (test not in world.checks or test in world.passed)


@given(worlds())
def test_a_warehouse_that_nobody_can_see_is_never_up_to_date(world: World) -> None:
    world.seen = Seen(outside=world.seen.outside)
    decided: Mapping[str, tuple[str, str]] = world.decided()
    assert {decided[key][0] for key in world.latest} <= {"run"}
