"""The report in a real browser: what a person does with it, and what hostile data cannot do."""

import itertools
import re
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from toolkit.graph import Asset, AssetGraph, Column
from toolkit.lineage import ColumnEdge, Lineage

pytestmark = pytest.mark.e2e

Open = Callable[..., Page]

VIEWS = (
    "overview", "graph", "assets", "columns", "connections", "run", "runs", "checks", "problems",
)  # fmt: skip


shop: Any = sys.modules["report_page"].shop


def test_the_answer_comes_first(open_report: Open) -> None:
    answer = open_report().locator(".answer")
    expect(answer.locator("p")).to_have_text(
        [
            "6 of 9 assets up to date.",
            "1 failed: stg_purchases (check positive_price: 3 rows).",
            "1 stale: users (synced 26 h ago, promised 24 h).",
            "1 asset never built.",
            "0 of 1 check passed.",
            "Column lineage: 77.8% full, 1 partial, 1 opaque.",
            "1 problem to look at.",
        ]
    )
    answer.get_by_text("1", exact=True).first.click()
    expect(answer.page.locator("tbody tr")).to_have_count(1)
    expect(answer.page.locator("tbody tr")).to_contain_text("stg_purchases")


def test_without_any_run_it_says_so(open_report: Open) -> None:
    page = open_report(shop.data(runs=(), states={}, results={}, materializations={}))
    expect(page.locator(".answer p").first).to_have_text(
        "12 assets, 11 dependencies. No run is recorded here: "
        "this report was made from the project's files alone."
    )


def test_an_empty_project_can_be_shown(open_report: Open) -> None:
    nothing = Lineage({}, [], [], {}, [])
    data = shop.data(graph=AssetGraph([]), lineage=nothing, problems=(), runs=(), states={})
    page = open_report(data, "#view=graph")
    for view in VIEWS:
        page.goto(page.url.partition("#")[0] + f"#view={view}")
        expect(page.locator("a.view[aria-current]")).to_contain_text(view.capitalize())


def test_search_leads_to_assets_columns_tags_and_owners(open_report: Open) -> None:
    page = open_report()
    page.keyboard.press("/")
    page.keyboard.type("churn")
    expect(page.locator(".result").first).to_contain_text("churn_model")
    page.keyboard.press("Enter")
    expect(page.locator(".drawer h1")).to_have_text("churn_model")
    page.keyboard.press("/")
    page.keyboard.type("reven")
    expect(page.locator(".results .heading")).to_have_text(["Assets", "Columns"])
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("night")
    expect(page.locator(".results .heading")).to_have_text(["Tags"])
    page.keyboard.press("Enter")
    expect(page.locator("main tbody tr")).to_have_count(2)


def test_a_column_is_traced_both_ways(open_report: Open) -> None:
    page = open_report(at="#view=graph&asset=model.shop.customers")
    page.locator(".drawer ul.columns").get_by_text("revenue", exact=True).first.click()
    expect(page.locator(".drawer h1")).to_have_text("revenue")
    expect(page.locator(".traced")).to_have_text("customers.revenue")
    styles = """() => {
      const { cards, edges } = Report.app.view.scene;
      return edges.map((e) => `${cards[e.from].title} ${e.style} ${cards[e.to].title}`).sort();
    }"""
    assert page.evaluate(styles) == [
        "customers direct features",
        "purchases direct purchases",
        "purchases direct purchases",
        "purchases direct stg_purchases",
        "purchases direct stg_purchases",
        "stg_purchases direct customers",
        "stg_purchases indirect customers",
        "stg_purchases indirect customers",
        "stg_users indirect customers",
    ]
    expect(page.locator(".drawer pre").first).to_contain_text("coalesce(sum(price)")
    page.get_by_role("button", name="Table").click()
    rows = page.locator(".alternative tbody tr")
    expect(rows).to_have_count(9)
    made = rows.filter(has_text="customers.revenue").filter(has_text="stg_purchases.price")
    expect(made).to_have_text(re.compile("DIRECT AGGREGATIONcoalesce"))
    expect(rows.filter(has_text="all rows of")).to_contain_text(["stg_purchases.user_id"])
    page.get_by_role("link", name="downstream", exact=True).click()
    expect(page.locator(".toolbar .said")).to_have_text("2 assets")
    page.keyboard.press("Escape")
    expect(page.locator(".drawer h1")).to_have_text("customers")


def test_a_trace_ends_at_an_opaque_asset_and_says_so(open_report: Open) -> None:
    page = open_report(at="#view=graph&asset=model.shop.stg_purchases&column=price")
    edges = page.evaluate(
        "() => Report.app.view.scene.edges.filter((e) => e.style === 'opaque').length"
    )
    assert edges == 1
    expect(page.locator(".drawer .note")).to_contain_text("cannot see through audit")


def card(page: Page, title: str) -> tuple[float, float]:
    """Where the middle of a card is on the screen."""
    x, y = page.evaluate(
        """(title) => {
          const canvas = Report.app.view.canvas;
          const c = canvas.scene.cards.find((c) => c.title === title);
          const box = canvas.top.getBoundingClientRect();
          const { x, y, k } = canvas.camera;
          return [box.left + (c.x + c.w / 2 - x) * k, box.top + (c.y + 22 - y) * k];
        }""",
        title,
    )
    return x, y


def test_mouse_and_keys_on_the_graph(open_report: Open) -> None:
    page = open_report(at="#view=graph")
    page.mouse.move(*card(page, "customers"))
    expect(page.locator(".tip")).to_contain_text("model.shop.customers")
    page.mouse.click(*card(page, "customers"))
    expect(page.locator(".drawer h1")).to_have_text("customers")
    page.locator("canvas.top").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".drawer h1")).to_have_text("revenue")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".drawer h1")).to_have_text("features")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".drawer h1")).to_have_text("customers")
    before = page.evaluate("() => Report.app.view.canvas.camera.k")
    page.keyboard.press("+")
    assert page.evaluate("() => Report.app.view.canvas.camera.k") > before
    page.keyboard.press("t")
    expect(page.locator(".alternative tbody tr")).to_have_count(12)
    row = page.locator(".alternative tbody tr", has_text="customers").filter(has_text="stg_users")
    expect(row.last).to_contain_text("features")
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_be_hidden()


def test_selection_counts_as_one_types_and_the_address_follows(open_report: Open) -> None:
    page = open_report(at="#view=graph")
    box = page.get_by_label("Select assets")
    box.fill("+customers,tag:nightly")
    expect(page.locator(".selection .said")).to_have_text("2 assets")
    box.fill("colour:red")
    expect(page.locator(".selection .said")).to_contain_text('"colour:" is not known here')
    box.fill("+customers")
    box.press("Enter")
    expect(page.locator(".toolbar .said")).to_have_text("8 assets")
    assert "select=%2Bcustomers" in page.url
    page.go_back()
    expect(page.locator(".toolbar .said")).to_have_text("12 assets")


@pytest.mark.parametrize("view", ["graph", "assets"])
def test_the_box_says_what_the_address_says(view: str, open_report: Open) -> None:
    page = open_report(at=f"#view={view}&select=tag:core")
    box, said = page.get_by_label("Select assets"), page.locator(".selection .said")
    expect(box).to_have_value("tag:core")
    expect(said).to_have_text("1 asset")
    box.fill("+customers")
    box.press("Enter")
    expect(page.locator("a.view[aria-current]")).to_have_attribute("href", re.compile("customers"))
    expect(said).to_have_text("8 assets")
    page.go_back()
    expect(box).to_have_value("tag:core")
    expect(said).to_have_text("1 asset")
    box.fill("colour:red")
    box.press("Enter")
    expect(said).to_contain_text("is not known here")
    page.evaluate("Report.app.go({ asset: 'model.shop.customers' })")  # any link
    expect(box).to_have_value("tag:core")
    expect(said).to_have_text("1 asset")
    expect(said).not_to_have_class(re.compile("error"))
    page.evaluate("Report.app.go({ select: 'colour:blue', asset: null })")
    expect(said).to_have_class(re.compile("error"))
    page.evaluate("Report.app.go({ select: '' })")
    expect(box).to_have_value("")
    expect(said).to_have_text("all")


def chain(length: int) -> Any:
    """Assets in one long row, wider than any screen, with one column that goes through all."""
    keys = [f"model.shop.a_name_of_{n:03}" for n in range(length)]
    assets = [
        Asset(key=key, kind="model", name=key.split(".")[-1], integration="dbt",
              depends_on=tuple(keys[n - 1 : n] if n else ()), columns={"c": Column(name="c")})
        for n, key in enumerate(keys)
    ]  # fmt: skip
    edges = [
        ColumnEdge((a, "c"), (b, "c"), "DIRECT", "IDENTITY") for a, b in itertools.pairwise(keys)
    ]
    columns: dict[str, dict[str, str | None]] = {key: {"c": None} for key in keys}
    lineage = Lineage(columns, edges, [], dict.fromkeys(keys, "full"), [])
    return shop.data(graph=AssetGraph(assets), lineage=lineage, problems=(), runs=(), states={})


SEEN = """() => {
  const { camera: { x, y, k }, width, height, scene } = Report.app.view.canvas;
  const { box } = scene;
  return { k, whole: Report.app.view.canvas.whole(),
    left: (box.x0 - x) * k, right: (x + width / k - box.x1) * k,
    top: (box.y0 - y) * k, bottom: (y + height / k - box.y1) * k };
}"""


def test_the_first_picture_can_be_read_and_wastes_no_room(open_report: Open) -> None:
    page = open_report(chain(12), "#view=graph")
    seen = page.evaluate(SEEN)
    assert seen["k"] == pytest.approx(0.72)  # then one pans
    assert 0 < seen["left"] < 40  # from where the data comes in
    assert seen["right"] < 0
    expect(page.locator(".minimap")).to_be_visible()
    page.get_by_label("Show all").click()
    assert page.evaluate(SEEN)["whole"]
    expect(page.locator(".minimap")).to_be_hidden()

    at = page.url.partition("#")[0] + "#view=graph&asset=model.shop.a_name_of_011&column=c"
    page.goto(at)
    expect(page.locator(".drawer h1")).to_have_text("c")
    seen = page.evaluate(SEEN)
    assert seen["k"] >= 0.55
    assert 0 < seen["right"] < 40  # the traced column is seen, and nothing is empty beside it
    page.goto(at.replace("011", "000"))
    expect(page.locator(".drawer .crumb")).to_have_text("a_name_of_000")
    assert 0 < page.evaluate(SEEN)["left"] < 40

    page.goto(page.url.partition("#")[0] + "#view=graph&select=a_name_of_000%2B3")
    expect(page.locator(".toolbar .said")).to_have_text("4 assets")
    assert page.evaluate(SEEN)["whole"]


def test_a_panel_that_goes_gives_its_room_to_the_picture(open_report: Open) -> None:
    page = open_report(at="#view=graph")
    wide = page.evaluate(SEEN)
    page.get_by_label("Hide or show the left rail").click()
    page.wait_for_function(f"(k) => ({SEEN})().k > k + 0.01", arg=wide["k"])
    seen = page.evaluate(SEEN)
    assert seen["whole"]
    assert abs(seen["left"] - seen["right"]) < 2
    page.get_by_label("Hide or show the left rail").click()


def test_one_number_for_the_graph_and_its_meaning(open_report: Open) -> None:
    page = open_report(at="#view=graph")
    number = page.locator("a.view", has_text="Graph").locator(".count")
    expect(number).to_have_text("12")
    expect(number).to_have_attribute("title", "12 assets, joined by 11 dependencies")
    expect(page.locator(".toolbar")).to_contain_text("12 assets11 dependencies")


def test_collapsing_and_focus(open_report: Open) -> None:
    page = open_report(at="#view=graph&by=tool")
    expect(page.locator(".toolbar .said")).to_have_text("3 groups")
    page.mouse.click(*card(page, "python"))
    expect(page.locator(".toolbar .said")).to_have_text("2 groups, 2 assets")
    page.goto(
        page.url.partition("#")[0]
        + "#view=graph&asset=model.shop.customers&focus=model.shop.customers&hops=1"
    )
    expect(page.locator(".toolbar .said")).to_have_text("6 assets")
    page.get_by_label("One hop more").click()
    expect(page.locator(".toolbar .said")).to_have_text("9 assets")


def test_tables_sort_and_filter(open_report: Open) -> None:
    page = open_report(at="#view=assets")
    page.locator("th a", has_text="Rows").click()
    page.locator("th a", has_text="Rows").click()
    expect(page.locator("tbody tr").first).to_contain_text("churn_model")
    page.locator("fieldset", has_text="Owner").get_by_label("Ada").check()
    expect(page.locator("tbody tr")).to_have_count(2)
    assert "f.owner=Ada" in page.url
    page.get_by_text("Clear filters").click()
    expect(page.locator("tbody tr")).to_have_count(12)


def test_runs_checks_problems_and_columns(open_report: Open) -> None:
    page = open_report(at="#view=runs&run=run-3")
    expect(page.locator("svg.gantt")).to_have_count(7)
    expect(page.locator("tbody")).to_contain_text(
        ["run-1", "skipped: test.shop.positive_price failed"]
    )
    page.locator("a.view", has_text="Checks").click()
    expect(page.locator("tbody tr").first).to_contain_text("Got 3 results")
    page.locator("a.view", has_text="Problems").click()
    expect(page.locator("tbody tr").first).to_contain_text("models/marts/audit.sql:4")
    page.locator("a.view", has_text="Columns").click()
    page.get_by_label("Search columns").fill("customers.id")
    expect(page.locator("main tbody tr")).to_have_count(1)


def test_an_assets_page(open_report: Open) -> None:
    page = open_report(at="#view=assets&asset=model.shop.customers")
    drawer = page.locator(".drawer")
    expect(drawer).to_contain_text("One row for each person who has signed up")
    expect(drawer.locator("pre.sql")).to_contain_text("where not deleted")
    drawer.get_by_role("button", name="source").click()
    expect(drawer.locator("pre.sql")).to_contain_text("{{ ref('customers') }}")
    expect(drawer.locator("svg.spark")).to_have_count(2)  # duration, rows
    page.goto(page.url.partition("#")[0] + "#view=assets&asset=python.churn_model")
    expect(drawer).to_contain_text("0.8312")
    page.goto(page.url.partition("#")[0] + "#view=assets&asset=model.shop.gone")
    expect(drawer).to_contain_text("model.shop.gone is not in this report.")


def connected() -> Any:
    graph = shop.connected()
    columns: dict[str, dict[str, str | None]] = {
        a.key: {c.name: c.type for c in a.columns.values()} for a in graph
    }
    lineage = Lineage(columns, [], [], dict.fromkeys(columns, "none"), [])
    return shop.data(graph=graph, lineage=lineage, problems=graph.problems, runs=(), states={})


def test_what_lands_of_a_stream_and_how(open_report: Open) -> None:
    page = open_report(connected(), "#view=assets&asset=stream.crm.people")
    drawer = page.locator(".drawer")
    head = drawer.locator("ul.columns li")
    expect(head.nth(1)).to_contain_text("email HASH SHA-256 masked")
    expect(head.nth(2)).to_contain_text("name RENAME")
    expect(drawer.locator("section", has_text="Only some rows land")).to_contain_text(
        "country equals 'NZ'They look at country."
    )
    expect(drawer.locator("section", has_text="Removed (2)")).to_contain_text(
        "password, card_number: of the source, and do not land"
    )
    expect(drawer.locator("section", has_text="Read by")).to_contain_text("people relation")
    page.goto(page.url + "&column=email_hashed")
    expect(drawer.locator(".facts")).to_contain_text("Lands fromemail HASH SHA-256 masked")


def test_connections_say_how_sure_they_are_and_what_would_join_the_rest(
    open_report: Open,
) -> None:
    page = open_report(connected(), "#view=connections")
    number = page.locator("a.view", has_text="Connections").locator(".count")
    expect(number).to_have_attribute("title", "1 joined, 2 not")
    joined = page.locator("main section", has_text="Joined (1)").locator("tbody tr")
    expect(joined).to_have_count(1)
    expect(joined).to_contain_text("relation database, schema and table are equal")
    alone = page.locator("main section", has_text="Joined to nothing (2)").locator("tbody tr")
    expect(alone.nth(0)).to_contain_text("the schema differs (crm, not raw).")
    expect(alone.nth(0)).to_contain_text("destinations: {Snowflake: {schema: raw}}")
    expect(alone.nth(1)).to_contain_text("Nothing here loads the table that it stands for")
    alone.nth(0).locator(".asset-link").first.click()
    expect(page.locator(".drawer section", has_text="Joined to nothing")).to_contain_text(
        "the schema differs"
    )
    page.goto(page.url.partition("#")[0] + "#view=graph")
    expect(page.locator(".toolbar .said")).to_have_text("4 assets")
    page.mouse.move(*between(page, "people", "people"))
    expect(page.locator(".tip")).to_contain_text("matched by relation")


def between(page: Page, left: str, right: str) -> tuple[float, float]:
    """Where the middle of an edge is on the screen."""
    x, y = page.evaluate(
        """([left, right]) => {
          const { canvas, scene } = Report.app.view;
          const edge = scene.edges.find((e) => scene.cards[e.from].title === left
            && scene.cards[e.to].title === right);
          const [x0, y0, x1, y1] = Report.geometry.ends(scene, edge);
          const box = canvas.top.getBoundingClientRect();
          const { x, y, k } = canvas.camera;
          return [box.left + ((x0 + x1) / 2 - x) * k, box.top + ((y0 + y1) / 2 - y) * k];
        }""",
        [left, right],
    )
    return x, y


def test_an_edge_says_its_own_expression(open_report: Open) -> None:
    graph = AssetGraph(
        msgspec.structs.replace(
            a,
            sql="with history as (\n  select coalesce(\n      sum(price), 0\n    ) as spent\n"
            "  from shop.main.stg_purchases\n)\n"
            "select cast(history.spent as decimal) as revenue from history",
        )
        if a.name == "customers"
        else a
        for a in shop.assets()
    )
    source, target = ("model.shop.stg_purchases", "price"), ("model.shop.customers", "revenue")
    outer = "cast(history.spent as decimal)"
    lineage = shop.lineage(graph)
    edges = [ColumnEdge(source, target, "DIRECT", "AGGREGATION", outer, 7)]
    traced = Lineage(lineage.columns, edges, [], lineage.status, [])
    page = open_report(
        shop.data(graph=graph, lineage=traced),
        "#view=graph&asset=model.shop.customers&column=revenue",
    )
    item = page.locator(".drawer ul.edges li")
    expect(item.locator("pre")).to_have_text(["coalesce(\n  sum(price), 0\n)", outer])
    expect(item.locator(".step")).to_have_text(["in history", "then"])
    page.mouse.move(*between(page, "stg_purchases", "customers"))
    expect(page.locator(".tip pre").first).to_contain_text("sum(price)")


def test_theme_follows_the_system_and_the_switch(open_report: Open) -> None:
    page = open_report(at="#view=graph")
    background = "() => getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(background)
    page.get_by_label("Light or dark").click()
    assert page.evaluate(background) != dark
    assert page.evaluate("() => Report.app.view.canvas.colors.bg") == page.evaluate(background)
    page.evaluate("() => { localStorage.clear(); delete document.documentElement.dataset.theme }")
    page.emulate_media(color_scheme="light")


def test_print_shows_the_view_and_not_the_controls(open_report: Open) -> None:
    page = open_report(at="#view=assets")
    page.emulate_media(media="print")
    expect(page.locator(".rail")).to_be_hidden()
    expect(page.locator("tbody tr").first).to_be_visible()
    page.emulate_media(media="screen")


def test_paper_has_the_whole_graph_in_light_colours(open_report: Open) -> None:
    page = open_report(chain(12), "#view=graph&asset=model.shop.a_name_of_011&column=c")
    page.emulate_media(color_scheme="dark")
    page.get_by_label("Zoom in").click()
    look = "() => [Report.app.view.canvas.whole(), Report.app.view.canvas.colors.bg]"
    camera = "() => ({ ...Report.app.view.canvas.camera })"
    before = page.evaluate(camera)
    assert page.evaluate(look) == [False, "rgb(21, 23, 27)"]
    page.evaluate(
        f"() => addEventListener('beforeprint', () => {{ globalThis.paper = ({look})() }})"
    )
    assert page.pdf()[:4] == b"%PDF"
    assert page.evaluate("() => globalThis.paper") == [True, "rgb(255, 255, 255)"]
    assert page.evaluate(look) == [False, "rgb(21, 23, 27)"]
    assert page.evaluate(camera) == before
    page.emulate_media(color_scheme="light")
