"""The report's picture of one run, in a real browser."""

import re
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from toolkit.ledger import StepRow

pytestmark = pytest.mark.e2e

Open = Callable[..., Page]
shop: Any = sys.modules["report_page"].shop

AT = "#view=run"
DRAWN = "() => Report.app.view.canvas.drawn"


def with_runs(**changes: Any) -> Any:
    record = shop.timed_run()
    run = msgspec.structs.replace(record.run, **changes)
    timed = msgspec.structs.replace(record, run=run)
    return shop.data(runs=(timed, *shop.data().runs))


def labels(page: Page) -> list[str]:
    """Rows from top to bottom: a tool with its count, or a step."""
    found: list[str] = page.evaluate(
        "() => Report.app.view.scene.rows"
        ".map((r) => (r.step ? r.step.name : r.head + ' ' + r.count))"
    )
    return found


def bar(page: Page, name: str) -> tuple[float, float]:
    """Where a step's bar begins on the screen."""
    x, y = page.evaluate(
        """(name) => {
          const { canvas, scene } = Report.app.view;
          const row = scene.rows.findIndex((r) => r.step && r.step.name === name);
          const box = canvas.host.getBoundingClientRect();
          const x = canvas.x(scene.rows[row].step.started_at);
          return [box.left + x + 2, box.top + canvas.y(row) + 10];
        }""",
        name,
    )
    return x, y


def test_rows_by_tool_in_the_order_of_their_begin(open_report: Open) -> None:
    page = open_report(with_runs(), AT)
    assert labels(page) == [
        "airbyte 1", "faker",
        "dbt 6", "stg_users", "stg_purchases", "positive_price", "audit", "customers",
        "unique_customers_id",
        "python 2", "features", "churn_model",
    ]  # fmt: skip
    expect(page.locator(".run-head")).to_contain_text(
        "7 steps ran, 1 up to date, 2 skipped, critical path 27.9 s of 32.0 s (87.2%), 5 steps"
    )
    number = page.locator("a.view", has_text=re.compile("^Run7")).locator(".count")
    expect(number).to_have_attribute("title", "7 steps ran in the last run")


def test_what_is_drawn_is_where_it_is_said_to_be(open_report: Open) -> None:
    """Pixels of the canvas: a bar in its colour, stripes in a failed one, nothing beside it."""
    page = open_report(with_runs(), AT)
    look = """([name, dx, width]) => {
      const { canvas, scene } = Report.app.view;
      const row = scene.rows.findIndex((r) => r.step && r.step.name === name);
      const x = canvas.x(scene.rows[row].step.started_at) + dx;
      const copy = document.createElement('canvas');
      copy.width = width;
      copy.height = 1;
      const g = copy.getContext('2d');
      g.drawImage(canvas.canvas, -x * canvas.ratio, -(canvas.y(row) + 10) * canvas.ratio);
      const { data } = g.getImageData(0, 0, width, 1);
      const seen = new Set();
      for (let i = 0; i < data.length; i += 4) {
        seen.add(data[i + 3] ? data.slice(i, i + 3).join() : 'none');
      }
      return [...seen];
    }"""
    colors = page.evaluate("() => Report.app.view.canvas.colors")
    ok = ",".join(re.findall(r"\d+", colors["state-ok"]))
    error = ",".join(re.findall(r"\d+", colors["state-error"]))
    assert page.evaluate(look, ["stg_purchases", 20, 40]) == [ok]
    striped = page.evaluate(look, ["audit", 20, 40])
    assert error in striped
    assert len(striped) > 1
    assert page.evaluate(look, ["stg_users", -40, 30]) == ["none"]


def test_pointing_and_clicking(open_report: Open) -> None:
    page = open_report(with_runs(), AT)
    page.mouse.move(*bar(page, "customers"))
    tip = page.locator(".tip")
    expect(tip).to_contain_text("model.shop.customers")
    for name, text in [
        ("Status", "success"), ("Took", "7.5 s"), ("Expected", "about 5.5 s"),
        ("Ran", "23.5 s to 31.0 s"), ("Waited", "3.0 s when it could have begun"),
        ("Rows", "1,200"), ("Thread", "step_0"), ("Critical path", "yes"),
    ]:  # fmt: skip
        expect(tip.locator(f"dt:text-is('{name}') + dd")).to_have_text(text)
    page.mouse.move(*bar(page, "audit"))
    expect(tip).to_contain_text("Binder Error: no such column")
    page.mouse.move(*bar(page, "faker"))
    expect(tip).to_contain_text("success, attempt 2")
    page.mouse.click(*bar(page, "unique_customers_id"))
    expect(page.locator(".drawer h1")).to_have_text("customers")  # what the check is about
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()


def test_all_of_it_with_keys(open_report: Open) -> None:
    page = open_report(with_runs(), AT)
    stage = page.locator(".run-stage")
    said = page.locator(".unseen[role=status]")
    stage.focus()
    page.keyboard.press("ArrowDown")
    expect(said).to_contain_text("faker. Status: success, attempt 2. Took: 11.5 s.")
    page.keyboard.press("End")
    expect(said).to_contain_text(
        "churn_model. Status: skipped. Expected: about 3.8 s. Message: skipped: features was"
    )
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(said).to_contain_text("unique_customers_id")
    expect(page.locator(".tip")).to_contain_text("Got 3 results")
    scale = page.evaluate("() => Report.app.view.canvas.scale")
    x = bar(page, "unique_customers_id")[0]
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert page.evaluate("() => Report.app.view.canvas.scale") == pytest.approx(scale * 2.56)
    assert bar(page, "unique_customers_id")[0] == pytest.approx(x, abs=2)  # it stays there
    assert page.evaluate("() => Report.app.view.stage.scrollLeft") > 0
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("0")
    assert page.evaluate("() => Report.app.view.canvas.scale") == pytest.approx(scale)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator(".drawer h1")).to_have_text("customers")
    page.keyboard.press("Escape")  # the details
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_be_hidden()


def test_zoom_with_the_wheel_keeps_what_is_under_it(open_report: Open) -> None:
    page = open_report(with_runs(), AT)
    x, y = bar(page, "customers")
    page.mouse.move(x - 2, y)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    page.wait_for_function("() => Report.app.view.canvas.zoomed > 3")
    assert bar(page, "customers")[0] == pytest.approx(x, abs=3)
    page.get_by_label("Show all").click()
    assert page.evaluate("() => Report.app.view.canvas.zoomed") == 1


def test_the_table_says_what_the_picture_shows(open_report: Open) -> None:
    page = open_report(with_runs(), AT)
    page.locator(".run-stage").focus()
    page.keyboard.press("t")
    rows = page.locator(".alternative tbody tr")
    expect(rows).to_have_count(9)
    cells = rows.filter(has_text="stg_purchases").locator("td")
    expect(cells).to_have_text(
        ["stg_purchases", "dbt", "success", "12.1 s", "7.9 s", "7.2 s", "100 ms", "1,200", "yes",
         ""]
    )  # fmt: skip
    skipped = rows.filter(has_text="churn_model").locator("td")
    expect(skipped).to_have_text(
        ["churn_model", "Python", "skipped", "–", "–", "3.8 s", "–", "–", "",
         "skipped: features was skipped"]
    )  # fmt: skip
    page.get_by_role("button", name="Critical path only").click()
    expect(rows).to_have_count(5)
    assert labels(page) == [
        "airbyte 1", "faker", "dbt 4", "stg_purchases", "positive_price", "customers",
        "unique_customers_id",
    ]  # fmt: skip
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Table").click()
    expect(rows).to_have_count(0)


def test_another_run(open_report: Open) -> None:
    page = open_report(with_runs(), AT)
    page.get_by_label("Which run").select_option("run-2")
    expect(page.locator(".run-head")).to_contain_text("run-2")
    assert "run=run-2" in page.url
    expect(page.locator(".run-head")).to_contain_text("10 steps ran, critical path")
    page.locator(".run-head a").click()
    expect(page.locator("main h2")).to_have_text("Steps of run-2")
    page.get_by_role("link", name="On a line of time").click()
    expect(page.locator(".run-head")).to_contain_text("run-2")


def test_without_any_run_it_says_so(open_report: Open) -> None:
    page = open_report(shop.data(runs=()), AT)
    expect(page.locator("main")).to_contain_text("No run is recorded.")


def test_a_run_that_had_nothing_to_do(open_report: Open) -> None:
    record = shop.timed_run()
    steps = tuple(
        msgspec.structs.replace(s, status="no-op", message="up to date: nothing changed",
                                started_at=None, finished_at=None)
        for s in record.steps
    )  # fmt: skip
    run = msgspec.structs.replace(record.run, finished_at=record.run.started_at, status="success")
    idle = msgspec.structs.replace(record, run=run, steps=steps)
    older = msgspec.structs.replace(
        idle, run=msgspec.structs.replace(run, id="run-8", started_at=run.started_at - 60)
    )
    page = open_report(shop.data(runs=(idle, older)), AT)
    expect(page.locator(".run-head")).to_contain_text("0 steps ran, 10 up to date")
    page.locator(".run-stage").focus()
    for key in ("ArrowDown", "+", "0", "Enter", "t"):
        page.keyboard.press(key)
    expect(page.locator(".alternative")).to_have_text("No step ran.")
    page.locator("a.view", has_text="Runs").click()
    expect(page.locator("main .short tbody tr td:nth-child(5)")).to_have_text(["10", "10"])
    page.locator("main .short tbody tr").nth(1).locator("a").click()
    expect(page.locator("main .note")).to_contain_text("10 steps: 10 up to date.")


def test_a_run_that_goes_on(open_report: Open) -> None:
    record = shop.timed_run()
    steps = (
        *record.steps[:3],
        msgspec.structs.replace(record.steps[3], status="running", finished_at=None),
    )
    run = msgspec.structs.replace(record.run, finished_at=None, status="running")
    page = open_report(shop.data(runs=(msgspec.structs.replace(record, run=run, steps=steps),)), AT)
    until = page.evaluate("() => Report.app.view.scene.until - Report.app.view.scene.from")
    assert until == pytest.approx(shop.HOUR)  # it ran when the report was made
    page.mouse.move(*bar(page, "stg_purchases"))
    expect(page.locator(".tip dd").first).to_have_text("running")


def test_three_thousand_steps(open_report: Open) -> None:
    """Only what is seen is drawn, wherever one looks and however closely."""
    record = shop.timed_run()
    start = record.run.started_at
    steps = tuple(
        StepRow(
            run_id="run-9", step=f"model.shop.m{n:04}", name=f"m{n:04}", kind="dbt",
            integration="dbt", status="success", started_at=start + n * 0.01,
            finished_at=start + n * 0.01 + 0.05, waited_for=f"model.shop.m{n - 5:04}",
        )
        for n in range(3000)
    )  # fmt: skip
    big = msgspec.structs.replace(record, steps=steps)
    page = open_report(shop.data(runs=(big,)), AT)
    drawn = page.evaluate(DRAWN)
    assert drawn["first"] == 0
    assert drawn["last"] < 60
    page.locator(".run-stage").focus()
    page.keyboard.press("End")
    expect(page.locator(".unseen[role=status]")).to_contain_text("m2999")
    page.wait_for_function("() => Report.app.view.canvas.drawn.last === 3001")
    assert page.evaluate(DRAWN)["first"] > 2900
    most = page.evaluate(
        """() => {
          const { canvas } = Report.app.view;
          let most = 0;
          for (let i = 0; i < 40; i++) {
            canvas.zoom(1.25);
            canvas.host.scrollTop = i * 1400;
            canvas.draw();
            most = Math.max(most, canvas.drawn.last - canvas.drawn.first);
          }
          return most;
        }"""
    )
    assert 10 < most < 100  # of 3,000


def test_on_a_narrow_page_and_in_the_dark(open_report: Open) -> None:
    page = open_report(with_runs(), AT)
    page.set_viewport_size({"width": 420, "height": 700})
    page.wait_for_function("() => Report.app.view.canvas.width <= 420")
    assert page.evaluate("() => Report.app.view.canvas.gutter") < 140
    light = page.evaluate("() => Report.app.view.canvas.colors.text")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("(light) => Report.app.view.canvas.colors.text !== light", arg=light)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1400, "height": 860})


BAD = "<img src=x onerror=alert(1)>\u202e</script>"


def test_hostile_names_are_only_text_here_too(open_report: Open) -> None:
    record = shop.timed_run()
    steps = tuple(
        msgspec.structs.replace(
            s, name=BAD, step=f"model.{n}.{BAD}", message=BAD, reason=BAD, thread=BAD,
            integration=BAD, status=BAD if n % 2 else s.status,
        )
        for n, s in enumerate(record.steps)
    )  # fmt: skip
    run = msgspec.structs.replace(record.run, id=BAD, status=BAD)
    page = open_report(shop.data(runs=(msgspec.structs.replace(record, run=run, steps=steps),)), AT)
    page.locator(".run-stage").focus()
    page.keyboard.press("ArrowDown")
    shown = BAD.replace("\u202e", "·")
    expect(page.locator(".tip")).to_contain_text(shown)
    expect(page.locator(".unseen[role=status]")).to_contain_text(shown)
    page.keyboard.press("t")
    expect(page.locator(".alternative tbody tr")).to_have_count(10)
    expect(page.locator(".alternative tbody tr").first).to_contain_text(shown)
    expect(page.locator("#app img, #app script")).to_have_count(0)


def test_paper_has_the_table(open_report: Open) -> None:
    page = open_report(with_runs(), AT)
    page.evaluate(
        "() => addEventListener('beforeprint', () => {"
        " globalThis.paper = document.querySelectorAll('.alternative tbody tr').length })"
    )
    assert page.pdf()[:4] == b"%PDF"
    assert page.evaluate("() => globalThis.paper") == 9
    expect(page.locator(".alternative tbody tr")).to_have_count(0)
