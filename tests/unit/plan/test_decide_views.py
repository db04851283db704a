"""What runs and what does not where views and ephemeral models stand between tables."""

from plan_world import ORDERS, RAW, RECENT, UP_TO_DATE, World, asset, changes, check


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
