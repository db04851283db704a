"""Hostile names, descriptions and SQL are only text: nothing of them runs, nothing goes out."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from toolkit.errors import Problem
from toolkit.graph import Asset, AssetGraph, Check, Column
from toolkit.ledger import Point
from toolkit.lineage import ColumnEdge, Lineage
from toolkit.report.page.data import RunRecord
from toolkit.report.page.html import write_report
from toolkit.rules import Finding

pytestmark = pytest.mark.e2e

Open = Callable[..., Page]

VIEWS = (
    "overview", "graph", "assets", "columns", "connections", "run", "runs", "checks", "problems",
)  # fmt: skip

shop: Any = sys.modules["report_page"].shop

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "javascript:alert(4)",
    "\u2028\u2029line\u0000null",
    "\u202egnp.exe",
    "]]>--><!--",
    "x" * 500,
    "{{7*7}}${7*7}`",
    "\"'><svg onload=alert(5)>",
    "__proto__",
    "constructor",
    "#view=runs&asset=x",
    "日本語 🦆",
]


KINDS: tuple[Any, ...] = ("exposure", "model", "stream")


def hostile_data() -> Any:
    """Every text that there is, as bad as it gets."""
    assets, edges, columns = [], [], {}
    for i, text in enumerate(HOSTILE):
        key = f"model.{i}.{text}"
        assets.append(
            Asset(
                key=key, kind=KINDS[i % 3], name=text, integration=text,
                depends_on=(assets[-1].key,) if assets else (), description=text, owner=text,
                tags=(text,), group=text, path=f"models/{text}/{text}.sql", package=text, url=text,
                raw_sql=text, sql=f"select {text}", source_name=text, subtype=text,
                materialized=text,
                columns={text: Column(name=text, type=text, description=text, tags=(text,))},
                config={"sync_mode": text, "schedule": {text: text}, "connection": text,
                        "incremental_strategy": text}, version=text, volatile=text,
            )
        )  # fmt: skip
        columns[key] = {text: text}
        if i:
            source = (assets[i - 1].key, HOSTILE[i - 1])
            edges.append(ColumnEdge(source, (key, text), "DIRECT", "TRANSFORMATION", text, 1))
    checks = [
        Check(key=f"check.{text}", name=text, kind="python", integration=text, assets=(a.key,),
              column=text, path=text)
        for text, a in zip(HOSTILE, assets, strict=True)
    ]  # fmt: skip
    problems = tuple(
        Problem(asset=a.key, code=text, message=text, path=text)
        for text, a in zip(HOSTILE, assets, strict=True)
    )
    good = shop.data()
    record = good.runs[0]
    steps = tuple(
        msgspec.structs.replace(
            record.steps[0],
            step=a.key,
            name=t,
            message=t,
            reason=t,
            status=t,
            integration=t,
            thread=t,
        )
        for t, a in zip(HOSTILE, assets, strict=True)
    )
    run = msgspec.structs.replace(
        record.run, command=HOSTILE[1], selection=HOSTILE[2], target=HOSTILE[9]
    )
    findings = tuple(
        Finding(rule=t, severity="error", asset=a.key, column=t, message=t, path=t, mend=t, tool=t)
        for t, a in zip(HOSTILE, assets, strict=True)
    )
    points = tuple(Point(asset=a.key, rows=n, metrics={t: 0.5 * n})
                   for n, (t, a) in enumerate(zip(HOSTILE, assets, strict=True)))  # fmt: skip
    records = tuple(
        RunRecord(msgspec.structs.replace(run, id=f"{n}{HOSTILE[0]}"), steps, points)
        for n in range(2)
    )
    return shop.data(
        project=HOSTILE[1], target=HOSTILE[9], commit=HOSTILE[2], findings=findings,
        graph=AssetGraph(assets, checks), problems=problems,
        lineage=Lineage(columns, edges, [], {a.key: "full" for a in assets}, problems),
        runs=records,
        results={s.step: s for s in steps},
    )  # fmt: skip


def test_hostile_names_are_only_text(open_report: Open) -> None:
    page = open_report(hostile_data())
    for view in VIEWS:
        page.evaluate("(view) => { Report.app.go({ view }) }", view)
        expect(page.locator("a.view[aria-current]")).to_contain_text(view.capitalize())
    for number in range(len(HOSTILE)):
        page.evaluate(
            "(i) => { const a = Report.app.model.assets[i];"
            " Report.app.go({ view: 'graph', asset: a.key, column: i % 2 ? a.name : null }) }",
            number,
        )
        name = page.evaluate("(i) => Report.format.plain(Report.app.model.assets[i].name)", number)
        expect(page.locator(".drawer h1")).to_have_text(name, use_inner_text=False)
    for text in HOSTILE:
        page.evaluate(
            "(text) => { const { input } = Report.app.search; input.value = text;"
            " input.dispatchEvent(new Event('input')) }",
            text,
        )
    for text in HOSTILE:
        page.evaluate(
            "(connection) => { Report.app.go({ view: 'connections', connection }) }", text
        )
    page.evaluate("() => { Report.app.go({ view: 'graph', asset: null, column: null }) }")
    expect(page.locator("canvas.top")).to_be_visible()
    files = page.evaluate(
        "() => { const { view, model } = Report.app; return ["
        " view.canvas.svg('</title><script>alert(6)</script>'), Report.export.mermaid(view.scene),"
        " Report.export.csv(Report.export.cardRows(view.scene))] }"
    )
    assert "<script" not in files[0] + files[1]
    assert (
        page.locator("#app script, #app img, #app iframe, #app [onload], #app [onerror]").count()
        == 0
    )
    targets = page.evaluate("() => [...document.querySelectorAll('#app a')].map((a) => a.protocol)")
    assert set(targets) == {"file:"}


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://bi.example.org/d/1", True),
        ("http://bi.example.org", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("file:///etc/passwd", False),
        ("//example.org", False),
        ("not a url", False),
    ],
)
def test_only_web_addresses_become_links(url: str, linked: bool, open_report: Open) -> None:
    assets = [Asset(key="exposure.p.e", kind="exposure", name="e", integration="dbt", url=url)]
    data = shop.data(graph=AssetGraph(assets), lineage=Lineage({}, [], [], {}, []), problems=())
    page = open_report(data, "#asset=exposure.p.e")
    expect(page.locator(".drawer")).to_contain_text(url.removesuffix("/"))
    links = page.locator(".drawer a[target=_blank]")
    expect(links).to_have_count(1 if linked else 0)
    if linked:
        assert "noreferrer" in (links.get_attribute("rel") or "")


def test_the_browser_itself_refuses_html(browser: Browser, tmp_path: Path) -> None:
    """The policy, and not only our care, keeps data from becoming markup."""
    page = browser.new_page()
    write_report(shop.data(), tmp_path / "r.html")
    page.goto((tmp_path / "r.html").as_uri())
    said = page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return 'done' }"
        " catch (e) { return e.name } }"
    )
    assert said == "TypeError"
    page.close()


def test_a_browser_that_cannot_decode_it_is_told(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    page.add_init_script("delete globalThis.DecompressionStream")
    write_report(shop.data(), tmp_path / "r.html")
    page.goto((tmp_path / "r.html").as_uri())
    expect(page.get_by_role("alert")).to_contain_text("A browser from 2023 or later is needed.")
    page.close()
