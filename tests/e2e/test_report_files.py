"""What the report gives out as files, in a real browser: from file://, under its own policy."""

import csv
import io
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e

Open = Callable[..., Page]
shop: Any = sys.modules["report_page"].shop
SVG = "{http://www.w3.org/2000/svg}"


def given(page: Page, label: str, tmp_path: Path) -> tuple[str, str]:
    """Name and text of the file that an item of the menu gives."""
    if not page.locator(".menu[open]").count():
        page.locator(".menu summary").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=label).click()
    path = tmp_path / "file"
    download.value.save_as(path)
    return download.value.suggested_filename, path.read_text(encoding="utf-8")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_graph_as_files(open_report: Open, tmp_path: Path) -> None:
    page = open_report(at="#view=graph&select=%2Bcustomers")
    expect(page.locator(".toolbar .said")).to_have_text("8 assets")
    name, text = given(page, "SVG picture", tmp_path)
    assert name == "shop-customers.svg"
    root = ET.fromstring(text)
    words = {element.text for element in root.iter(f"{SVG}text")}
    assert {"customers", "stg_users", "countries", "Airbyte", "dbt"} <= words
    assert {element.tag for element in root.iter()} <= {
        SVG + tag for tag in ("svg", "title", "defs", "clipPath", "rect", "path", "text", "g")
    }
    name, text = given(page, "CSV", tmp_path)
    assert name == "shop-customers.csv"
    found = {row["asset"]: row for row in rows(text)}
    assert len(found) == 8
    assert sorted(found["model.shop.customers"]["reads"].split()) == [
        "model.shop.stg_purchases", "model.shop.stg_users", "seed.shop.countries",
    ]  # fmt: skip
    assert found["stream.faker.users"]["state"] == "stale"
    name, text = given(page, "Mermaid diagram", tmp_path)
    assert name == "shop-customers.mmd"
    assert text.startswith("graph LR\n")
    assert text.count("-->") == 7


def test_a_trace_as_files(open_report: Open, tmp_path: Path) -> None:
    page = open_report(at="#view=graph&asset=model.shop.customers&column=revenue")
    expect(page.locator(".traced")).to_have_text("customers.revenue")
    name, text = given(page, "CSV of the edges", tmp_path)
    assert name == "shop-model.shop.customers-revenue.csv"
    found = rows(text)
    assert len(found) == 9
    spent = "coalesce(sum(price) over (partition by user_id), 0)"
    assert {
        "from_asset": "model.shop.stg_purchases", "from_column": "price",
        "to_asset": "model.shop.customers", "to_column": "revenue", "type": "DIRECT",
        "subtype": "AGGREGATION", "expression": spent,
    } in found  # fmt: skip
    _, text = given(page, "SVG picture", tmp_path)
    root = ET.fromstring(text)
    dashed = [e for e in root.iter(f"{SVG}path") if "stroke-dasharray" in e.attrib]
    assert len(dashed) == 1  # all that decide, in one stroke
    assert "revenue" in {e.text for e in root.iter(f"{SVG}text")}


def test_the_picture_holds_all_and_not_only_the_window(open_report: Open, tmp_path: Path) -> None:
    page = open_report(at="#view=graph&by=none")
    for _ in range(6):
        page.get_by_label("Zoom in").click()
    assert not page.evaluate("() => Report.app.view.canvas.whole()")
    before = page.evaluate("() => ({ ...Report.app.view.canvas.camera })")
    _, text = given(page, "SVG picture", tmp_path)
    words = {element.text for element in ET.fromstring(text).iter(f"{SVG}text")}
    assert {a.name for a in shop.assets()} <= words
    assert page.evaluate("() => ({ ...Report.app.view.canvas.camera })") == before


def test_a_run_as_files(open_report: Open, tmp_path: Path) -> None:
    page = open_report(shop.data(runs=(shop.timed_run(), *shop.data().runs)), "#view=run")
    name, text = given(page, "SVG picture", tmp_path)
    assert name == "shop-run-run-9.svg"
    words = {element.text for element in ET.fromstring(text).iter(f"{SVG}text")}
    assert {"faker", "customers", "unique_customers_id"} <= words
    assert any((word or "").startswith("11.5 s") for word in words)
    name, text = given(page, "CSV of the steps", tmp_path)
    found = {row["Step"]: row for row in rows(text)}
    assert found["model.shop.customers"]["Took"] == "7.5"
    assert found["sync.faker"]["Critical path"] == "yes"


@pytest.mark.parametrize(
    ("view", "name", "count", "first"),
    [
        ("assets", "shop-assets.csv", 12, {"Asset": "model.shop.stg_purchases", "Checks": "1"}),
        ("columns", "shop-columns.csv", 33, {"Column": "code", "Type": "VARCHAR"}),
        ("checks", "shop-checks.csv", 3, {"Check": "test.shop.positive_price", "Failures": "3"}),
        ("problems", "shop-problems.csv", 4, {"Severity": "error", "Rule": "toolkit:pii-spreads"}),
        ("runs", "shop-run-run-3.csv", 10, {"Step": "seed.shop.countries", "Status": "success"}),
    ],
)  # fmt: skip
def test_tables_as_files(
    view: str, name: str, count: int, first: dict[str, str], open_report: Open, tmp_path: Path
) -> None:
    page = open_report(shop.data(findings=shop.findings()), f"#view={view}")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "file")
    assert download.value.suggested_filename == name
    found = rows((tmp_path / "file").read_text(encoding="utf-8"))
    assert len(found) == count
    assert {key: found[0][key] for key in first} == first


def test_the_menu_closes_by_itself(open_report: Open) -> None:
    page = open_report(at="#view=graph")
    items = page.locator(".menu .items")
    page.locator(".menu summary").click()
    expect(items).to_be_visible()
    page.keyboard.press("Escape")
    expect(items).to_be_hidden()
    page.locator(".menu summary").click()
    page.get_by_label("Select assets").click()
    expect(items).to_be_hidden()
