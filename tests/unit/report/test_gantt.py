"""One run on a line of time: rows, waits, critical path and ticks, as the page computes them."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import pytest

from toolkit.report.page.columnar import pack
from toolkit.report.page.payload import build_payload

RunJs = Callable[[str, object], Any]

MODEL = "const model = R.data.build(await R.data.unpack(input.core)); const run = model.runs[0];"


def core(shop: ModuleType, **changes: Any) -> dict[str, Any]:
    data = shop.data(runs=(shop.timed_run(), *shop.data().runs), **changes)
    return {"core": pack(build_payload(data)[0])}


def test_steps_come_back_as_they_were(shop: ModuleType, run_js: RunJs) -> None:
    record = shop.timed_run()
    told = run_js(
        MODEL + " return run.steps.map((s) => [s.key, s.tool, s.started_at, s.finished_at,"
        " s.thread, s.attempts, s.critical, s.waited]);",
        core(shop),
    )
    path = {"sync.faker", "model.shop.stg_purchases", "test.shop.positive_price",
            "model.shop.customers", "test.shop.unique_customers_id"}  # fmt: skip
    waited = {"sync.faker": 0.5, "model.shop.stg_users": 0.1, "model.shop.stg_purchases": 0.1,
              "model.shop.customers": 3.0, "model.shop.audit": 0.1}  # fmt: skip
    for (key, tool, began, ended, *rest), step in zip(told, record.steps, strict=True):
        assert (key, tool) == (step.step, step.integration)
        assert (began, ended) == (
            pytest.approx(step.started_at, abs=1e-3), pytest.approx(step.finished_at, abs=1e-3)
        )  # fmt: skip
        attempts = 2 if key == "sync.faker" else 1
        assert rest == [step.thread or None, attempts, int(key in path), waited.get(key, 0)]


def test_what_was_up_to_date_is_listed_of_the_newest_run_and_counted_of_all(
    shop: ModuleType, run_js: RunJs
) -> None:
    idle = msgspec.structs.replace(
        shop.timed_run(), run=msgspec.structs.replace(shop.timed_run().run, id="older")
    )
    data = {"core": pack(build_payload(shop.data(runs=(shop.timed_run(), idle)))[0])}
    found = run_js(
        MODEL + " return model.runs.map((r) => [r.up_to_date, r.steps.filter(R.gantt.upToDate)"
        ".map((s) => s.key), r.steps.length, R.gantt.rows(r, 0).ran, R.gantt.rows(r, 0).left]);",
        data,
    )
    assert found == [[1, ["seed.shop.countries"], 10, 7, 2], [1, [], 9, 7, 2]]


def test_expected_is_the_last_success_before(shop: ModuleType, run_js: RunJs) -> None:
    body = """
      const of = (r, key) => {
        const step = model.runs[r].steps.find((s) => s.key === key);
        const usual = R.gantt.expected(model, step);
        return usual == null ? null : Math.round(usual * 10) / 10;
      };
      return [of(0, 'model.shop.customers'), of(0, 'sync.faker'), of(1, 'model.shop.stg_users'),
        of(3, 'model.shop.stg_users')];
    """
    # run-3 skipped customers, so the one before it counts
    found = run_js(MODEL + body, core(shop))
    runs = shop.data().runs
    took = [{s.step: round(s.seconds, 1) for s in record.steps} for record in runs]
    assert found == [took[1]["model.shop.customers"], None, took[1]["model.shop.stg_users"], None]


@pytest.mark.parametrize(
    ("least", "every"),
    [(0.00003, 0.00005), (0.004, 0.005), (0.07, 0.1), (0.5, 0.5), (0.9, 1), (1.2, 2), (11, 15),
     (61, 120), (4000, 7200), (90000, 172800)],
)  # fmt: skip
def test_ticks(least: float, every: float, run_js: RunJs) -> None:
    assert run_js("return R.gantt.tick(input);", least) == pytest.approx(every)


@pytest.mark.parametrize(
    ("seconds", "every", "said"),
    [(0, 5, "0 s"), (0.25, 0.05, "0.25 s"), (3, 0.5, "3.0 s"), (45, 15, "45 s"),
     (90, 30, "1 min 30 s"), (7200, 3600, "2 h")],
)  # fmt: skip
def test_ticks_say_no_more_than_they_know(
    seconds: float, every: float, said: str, run_js: RunJs
) -> None:
    assert run_js("return R.gantt.tickSaid(...input);", [seconds, every]) == said
