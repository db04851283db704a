"""Pages of assets, columns and connections: the past, the SQL behind a column, what rules say."""

import re
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from toolkit.graph import AssetGraph, Check
from toolkit.integrations.python.models.manage import ModelRow, VersionRow
from toolkit.lineage import ColumnEdge, Lineage

pytestmark = pytest.mark.e2e

Open = Callable[..., Page]
shop: Any = sys.modules["report_page"].shop


def test_what_became_of_an_asset_from_run_to_run(open_report: Open) -> None:
    page = open_report(at="#view=assets&asset=model.shop.stg_users")
    lines = page.locator(".drawer .series")
    expect(lines.locator(".label")).to_have_text(["Duration", "Rows"])
    rows = lines.locator("svg").nth(1)
    expect(rows.locator("circle")).to_have_count(3)
    expect(rows).to_have_attribute("aria-label", re.compile(r"Rows of the last 3 runs: 1,\d+ to"))
    assert re.match(r"1,\d+, \d{4}-", rows.locator("circle title").last.text_content() or "")
    expect(lines.locator(".now").nth(1)).to_have_text(re.compile(r"^1,\d{3}\+10 \(\+\d\.\d%\)$"))
    page.goto(page.url.partition("#")[0] + "#view=assets&asset=python.churn_model")
    expect(lines.locator(".label")).to_have_text(["Duration", "auc"])
    expect(lines.locator(".now").nth(1)).to_have_text("0.8212+0.01 (+1.2%)")
    page.goto(page.url.partition("#")[0] + "#view=assets&asset=exposure.shop.revenue")
    expect(page.locator(".drawer h1")).to_have_text("revenue")
    expect(lines).to_have_count(0)


def test_a_failure_is_a_cross(open_report: Open) -> None:
    data = shop.data()
    first, *rest = data.runs
    steps = tuple(
        msgspec.structs.replace(s, status="error") if s.name == "audit" else s for s in first.steps
    )
    runs = (msgspec.structs.replace(first, steps=steps), *rest)
    page = open_report(shop.data(runs=runs), "#view=assets&asset=model.shop.audit")
    line = page.locator(".drawer .series svg").first
    expect(line.locator(".bad")).to_have_count(1)
    expect(line.locator(".bad title")).to_have_text(re.compile("failed$"))


def test_the_versions_of_an_ml_model(open_report: Open) -> None:
    key = "python.churn_model"
    versions = (
        VersionRow(version="v2", state="refused", why="check gate_auc did not pass",
                   created_at="2026-11-21T10:00:00+00:00", metrics={"auc": 0.61}),
        VersionRow(version="v1", state="current", created_at="2026-11-20T10:00:00+00:00",
                   metrics={"auc": 0.8312345, "recall": 0.5}),
    )  # fmt: skip
    row = ModelRow(name="churn_model", target="dev", current="v1", candidate=None,
                   versions=versions)  # fmt: skip
    graph = shop.graph()
    gate = Check(
        key=f"check.{key}.gate_auc", name="gate_auc", kind="python", integration="python",
        assets=(key,), attached=key, meta={"description": "Gate: auc at least 0.7."},
    )  # fmt: skip
    graph = AssetGraph(graph, [*graph.checks.values(), gate])
    page = open_report(shop.data(graph=graph, models={key: row}), f"#view=assets&asset={key}")
    shown = page.locator(".drawer .models")
    expect(shown.locator("h2")).to_have_text("Versions (2)")
    expect(shown.locator("p.note")).to_have_text("Gates: auc at least 0.7.")
    expect(shown.locator("th")).to_have_text(["Version", "State", "Trained", "auc", "recall"])
    cells = shown.locator("tbody tr").nth(0).locator("td")
    expect(cells.nth(1)).to_have_text("refusedcheck gate_auc did not pass")
    expect(cells.nth(4)).to_have_text("–")
    expect(shown.locator("tbody tr").nth(1).locator("td").nth(3)).to_have_text("0.8312")
    expect(shown.locator("strong")).to_have_text("current")
    page.goto(page.url.partition("#")[0] + "#view=assets&asset=model.shop.customers")
    expect(page.locator(".drawer h1")).to_have_text("customers")
    expect(shown.locator("h2")).to_have_count(0)


def with_sql() -> Any:
    """Customers made of a CTE, so that a column has two expressions."""
    sql = (
        "with history as (\n  select user_id, sum(price) as spent\n  from shop.main.stg_purchases\n"
        "  group by user_id\n)\n" + "-- a comment\n" * 60 + "select\n  email,\n"
        "  cast(\n    history.spent as decimal\n  ) as revenue\nfrom history"
    )
    customers = "model.shop.customers"
    graph = AssetGraph(
        msgspec.structs.replace(a, sql=sql) if a.key == customers else a for a in shop.assets()
    )
    said = "cast(\n    history.spent as decimal\n  )"
    line = sql[: sql.index(said)].count("\n") + 1
    edges = [
        ColumnEdge(("model.shop.stg_purchases", "price"), (customers, "revenue"), "DIRECT",
                   "AGGREGATION", said, line),
        ColumnEdge(("model.shop.stg_users", "email"), (customers, "email"), "DIRECT", "IDENTITY"),
    ]  # fmt: skip
    traced = shop.lineage(graph)
    lineage = Lineage(traced.columns, edges, [], traced.status, [])
    return shop.data(graph=graph, lineage=lineage, findings=shop.findings())


def test_the_expression_is_marked_in_the_sql(open_report: Open) -> None:
    page = open_report(with_sql(), "#view=graph&asset=model.shop.customers&column=revenue")
    code = page.locator(".drawer pre.sql")
    expect(code.locator("mark")).to_have_text(
        ["sum(price)", "cast(", "    history.spent as decimal", "  )"], use_inner_text=False
    )
    expect(code.locator(".line")).to_have_count(71)
    page.locator(".drawer").get_by_role("button", name="source").click()
    expect(code).to_contain_text("{{ ref('customers') }}")
    expect(code.locator("mark")).to_have_count(0)
    page.goto(page.url.replace("column=revenue", "column=email"))
    expect(code.locator("mark")).to_have_text(["email"])
    page.wait_for_function(
        "() => { const box = document.querySelector('.drawer pre.sql').getBoundingClientRect();"
        " const mark = document.querySelector('mark').getBoundingClientRect();"
        " return mark.top >= box.top && mark.bottom <= box.bottom }"
    )
    page.goto(page.url.partition("&column")[0])
    expect(code.locator("mark")).to_have_count(0)


def test_what_rules_say_stands_beside_the_asset(open_report: Open) -> None:
    page = open_report(with_sql())
    answer = page.locator(".answer")
    expect(answer).to_contain_text("2 findings of rules, 1 of them an error.")
    expect(answer).to_contain_text("1 finding of sqlfluff.")
    number = page.locator("a.view", has_text="Problems").locator(".count")
    expect(number).to_have_attribute("title", "1 problem, 3 findings of rules")
    answer.get_by_text("2 findings").click()
    table = page.locator("main tbody tr")
    expect(table).to_have_count(4)
    expect(table.first).to_contain_text("email is made from users.email")
    expect(table.first).to_contain_text("models/marts/customers.sql:3")
    expect(table.filter(has_text="LT01")).to_contain_text("sqlfluff")
    page.locator(".codes").get_by_text("LT01").click()
    expect(table).to_have_count(1)
    assert "code=LT01" in page.url
    page.locator(".codes").get_by_text("LT01").click()
    expect(table).to_have_count(4)
    table.first.locator(".asset-link").click()
    drawer = page.locator(".drawer")
    expect(drawer.locator("section", has_text="Problems (1)")).to_contain_text("Tag it pii")
    column = drawer.locator("ul.columns li", has_text="email")
    expect(column.locator(".chip.error")).to_have_text("pii-spreads")
    column.get_by_text("email", exact=True).first.click()
    expect(drawer.locator(".problems")).to_contain_text("is not tagged")


def test_a_connection_has_a_page(open_report: Open) -> None:
    record = shop.timed_run()
    page = open_report(shop.data(runs=(record, *shop.data().runs)), "#view=connections")
    page.locator("main a.asset-link", has_text="faker").first.click()
    expect(page.locator("main h1")).to_have_text("faker")
    assert "connection=faker" in page.url
    expect(page.locator("main .facts")).to_contain_text("success")
    streams = page.locator("main section", has_text="Streams (2)").locator("tbody tr")
    expect(streams).to_have_count(2)
    expect(streams.filter(has_text="users")).to_contain_text("stale")
    runs = page.locator("main section", has_text="Runs (1)").locator("tbody tr")
    expect(runs).to_contain_text("11.5 s")
    page.get_by_text("what is made of it, on the graph").click()
    expect(page.locator(".toolbar .said")).to_have_text("11 assets")
    page.go_back()
    page.locator(".crumb").get_by_text("Connections").click()
    expect(page.locator("main h1")).to_have_text("Connections")


def test_by_layer(open_report: Open) -> None:
    page = open_report(at="#view=graph&by=layer")
    expect(page.locator(".toolbar .said")).to_have_text("8 groups")
    layers = page.locator("fieldset", has_text="Layer").locator(".label")
    expect(layers).to_have_text(
        ["streams", "sources", "seeds", "staging", "marts", "Python", "ML", "exposures"]
    )
    page.locator("fieldset", has_text="Layer").get_by_label("staging").check()
    assert "f.layer=staging" in page.url
    expect(page.locator(".toolbar .said")).to_have_text("1 group")


CAMERA = "() => JSON.stringify(Report.app.view.canvas.shown())"
AIM = "() => JSON.stringify(Report.app.view.canvas.camera)"
AWAY = """() => {
  const { canvas } = Report.app.view;
  canvas.zoom(2.4); canvas.pan(-900, -500);
  canvas.show(0);
}"""


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_picture_moves_only_where_that_is_wanted(motion: Any, open_report: Open) -> None:
    page = open_report(at="#view=graph")
    page.emulate_media(reduced_motion=motion)
    page.evaluate(AWAY)
    if motion == "reduce":
        assert page.evaluate(CAMERA) == page.evaluate(AIM)
        assert page.evaluate("() => Report.app.view.canvas.glides") is None
    page.wait_for_function(f"() => ({CAMERA})() === ({AIM})()")
    page.wait_for_function("() => !Report.app.view.canvas.glides")
    page.emulate_media(reduced_motion=None)


def test_what_is_pinned_stays_until_it_is_closed(open_report: Open) -> None:
    page = open_report(at="#view=graph&asset=model.shop.customers&column=revenue")
    expect(page.locator(".traced")).to_have_text("customers.revenue")
    x, y = page.evaluate(
        """() => {
          const { canvas, scene } = Report.app.view;
          const edge = scene.edges.find((e) => e.assetEdge !== undefined);
          const [x0, y0, x1, y1] = Report.geometry.ends(scene, edge);
          const box = canvas.top.getBoundingClientRect();
          const { x, y, k } = canvas.camera;
          return [box.left + ((x0 + x1) / 2 - x) * k, box.top + ((y0 + y1) / 2 - y) * k];
        }"""
    )
    page.mouse.move(x, y)
    tip = page.locator(".tip")
    expect(tip).to_contain_text("influences all rows")
    page.mouse.click(x, y)
    expect(tip.get_by_role("button", name="Close")).to_be_visible()
    page.mouse.move(x, y - 200)
    expect(tip).to_contain_text("influences all rows")
    expect(page.locator(".stage .base")).to_have_class(re.compile("dim"))
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    expect(page.locator(".drawer h1")).to_have_text("revenue")  # Esc closed that only
