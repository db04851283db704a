"""What runs and what does not: one readable case for each rule, with its reason."""

import msgspec
import pytest
from plan_world import (
    NEVER,
    ORDERS,
    RAW,
    REPORT,
    UNIQUE,
    UP_TO_DATE,
    World,
    asset,
    changes,
    check,
    shop,
)

from toolkit.graph import AssetGraph
from toolkit.plan import Seen


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


@pytest.mark.parametrize("status", ["success", "no-op", "warn"])
def test_what_ended_well_is_up_to_date(status: str) -> None:
    """An integration may say of what it made that it did so with a warning."""
    world = shop()
    world.end("report", status)
    assert world.decided()["report"] == UP_TO_DATE


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
