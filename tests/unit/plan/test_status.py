"""Whether an asset is up to date, as a table: what happened -> its state and the reason."""

import time
from typing import Any

import pytest

from toolkit.graph import Asset, AssetGraph, Check
from toolkit.ledger import Materialization, StepRow
from toolkit.plan import History, State, inputs, states

# stream -> source -> stg -> (ephemeral) -> mart -> dashboard
ASSETS = {
    "stream": (), "source": ("stream",), "stg": ("source",), "ephemeral": ("stg",),
    "mart": ("ephemeral",), "dashboard": ("mart",), "alone": (), "alone_reader": ("alone",),
}  # fmt: skip
KINDS = {
    "stream": "stream",
    "source": "source",
    "dashboard": "exposure",
    "alone": "source",
    "alone_reader": "exposure",
}
CHECKS = [
    Check(key="unique", name="unique", kind="data_test", integration="dbt", assets=("stg",)),
    Check(
        key="maybe", name="maybe", kind="data_test", integration="dbt", assets=("stg",),
        severity="warn",
    ),
]  # fmt: skip
MADE = frozenset({"stream", "stg", "mart"})
GRAPH = AssetGraph(
    [
        Asset(
            key=key, name=key, kind=KINDS.get(key, "model"), integration="dbt",  # type: ignore[arg-type]
            depends_on=reads, code_version="1", materialized="ephemeral" if key == "ephemeral" else
            "table",
        )
        for key, reads in ASSETS.items()
    ],
    CHECKS,
)  # fmt: skip


def made(at: float, **more: Any) -> dict[str, Any]:
    return {"at": at, "code_version": "1", **more}


def find(made_at: dict[str, dict[str, Any]], steps: dict[str, str] | None = None) -> dict[str, Any]:
    latest = {
        key: Materialization(asset=key, run_id="r", **facts) for key, facts in made_at.items()
    }
    last = {
        key: StepRow(
            run_id="r", step=key, kind="dbt", name=key, integration="dbt", status=status,
            message="It broke.\nMore.",
        )
        for key, status in (steps or {}).items()
    }  # fmt: skip
    return states(GRAPH, History(latest=latest, last_steps=last), MADE)


IN_ORDER = {"stream": made(1), "stg": made(2), "mart": made(3)}


@pytest.mark.parametrize(
    ("made_at", "steps", "expected"),
    [
        ({}, {}, {"stream": "never", "stg": "never", "mart": "never", "dashboard": "never"}),
        (
            IN_ORDER,
            {},
            {"stream": "fresh", "source": "fresh", "stg": "fresh", "ephemeral": "fresh",
             "mart": "fresh", "dashboard": "fresh"},
        ),
        # the stream was synced again: what reads it through the source is stale, and so on
        (
            {**IN_ORDER, "stream": made(9)},
            {},
            {"source": "fresh", "stg": "stale", "ephemeral": "stale", "mart": "stale",
             "dashboard": "stale"},
        ),
        # ... unless what is in it is what was read
        (
            {"stream": made(9, data_version="v"), "stg": made(2, inputs={"stream": "v"}),
             "mart": made(3)},
            {},
            {"stg": "fresh", "mart": "fresh"},
        ),
        (
            {"stream": made(9, data_version="w"), "stg": made(2, inputs={"stream": "v"})},
            {},
            {"stg": "stale"},
        ),
        # ... also where the clock was set back between the two
        (
            {"stream": made(1, data_version="w"), "stg": made(2, inputs={"stream": "v"})},
            {},
            {"stg": "stale"},
        ),
        # an asset in the middle was built alone
        ({**IN_ORDER, "stg": made(9)}, {}, {"stg": "fresh", "mart": "stale"}),
        ({**IN_ORDER, "stg": made(2, code_version="0")}, {}, {"stg": "stale", "mart": "stale"}),
        (IN_ORDER, {"stg": "error"}, {"stg": "failed", "mart": "stale", "dashboard": "stale"}),
        (IN_ORDER, {"mart": "error"}, {"stg": "fresh", "mart": "failed", "dashboard": "failed"}),
        (IN_ORDER, {"unique": "fail"}, {"stg": "failed", "mart": "stale"}),
        (IN_ORDER, {"unique": "error"}, {"stg": "failed"}),
        (IN_ORDER, {"unique": "warn"}, {"stg": "fresh"}),
        (IN_ORDER, {"maybe": "fail"}, {"stg": "fresh"}),
        (IN_ORDER, {"stg": "success", "unique": "pass"}, {"stg": "fresh"}),
        ({}, {"stg": "error"}, {"stg": "failed", "mart": "never"}),
        ({}, {}, {"alone": "outside", "alone_reader": "outside"}),
    ],
)  # fmt: skip
def test_states(
    made_at: dict[str, dict[str, Any]], steps: dict[str, str], expected: dict[str, str]
) -> None:
    found = find(made_at, steps)
    assert {key: found[key].state for key in expected} == expected


@pytest.mark.parametrize(
    ("made_at", "steps", "key", "expected"),
    [
        (IN_ORDER, {}, "mart", State(state="fresh", at=3)),
        ({}, {}, "mart", State(state="never", reason="never built here")),
        (
            {**IN_ORDER, "stg": made(9)}, {}, "mart",
            State(state="stale", reason="stg was made after it", at=3),
        ),
        (
            {**IN_ORDER, "stg": made(9, code_version="0"), "mart": made(10)}, {}, "mart",
            State(state="stale", reason="it reads stg, which is stale", at=10),
        ),
        (
            {**IN_ORDER, "mart": made(3, code_version="0")}, {}, "mart",
            State(state="stale", reason="its code changed since", at=3),
        ),
        (IN_ORDER, {"mart": "error"}, "mart", State(state="failed", reason="It broke.", at=3)),
        (
            IN_ORDER, {"unique": "fail"}, "stg",
            State(state="failed", reason="check unique failed", at=2),
        ),
        (
            {**IN_ORDER, "stg": made(9)}, {}, "dashboard",
            State(state="stale", reason="it reads mart, which is stale", at=3),
        ),
        (IN_ORDER, {}, "dashboard", State(state="fresh", at=3)),
        (IN_ORDER, {}, "source", State(state="fresh", at=1)),
        ({}, {}, "alone", State(state="outside", reason="something else loads it")),
    ],
)  # fmt: skip
def test_reasons_and_times(
    made_at: dict[str, dict[str, Any]], steps: dict[str, str], key: str, expected: State
) -> None:
    assert find(made_at, steps)[key] == expected


def test_parents_are_seen_through_what_nobody_makes() -> None:
    made = {"stream", "stg", "mart"}

    def parents(key: str) -> tuple[str, ...]:
        return inputs(GRAPH[key].depends_on, GRAPH, made).known

    assert parents("stg") == ("stream",)
    assert parents("mart") == ("stg",)
    assert parents("dashboard") == ("mart",)
    assert parents("stream") == ()


def test_a_tall_ladder_of_ephemeral_models_is_climbed_once() -> None:
    """Each of 60 layers reads both of the layer before: 2^60 paths."""
    layers = [
        Asset(
            key=f"e{layer}{side}", name="e", kind="model", integration="dbt",
            materialized="ephemeral",
            depends_on=(f"e{layer - 1}a", f"e{layer - 1}b") if layer else (),
        )
        for layer in range(60)
        for side in "ab"
    ]  # fmt: skip
    top = Asset(key="top", name="top", kind="model", integration="dbt", depends_on=("e59a", "e59b"))
    latest = {"top": Materialization(asset="top", run_id="r", at=1)}
    started = time.process_time()
    found = states(AssetGraph([*layers, top]), History(latest=latest), frozenset({"top"}))
    assert found["top"].state == "fresh"
    assert time.process_time() - started < 1
