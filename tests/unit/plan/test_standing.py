"""Assets that have several versions, of which one counts: what runs, and what is said of them.

``train (an ML model) -> score (a table)``, the check ``auc`` on the model, and ``fits``, which
reads the scores, too, and so can only say something of the version that counts.
"""

from typing import Any

import pytest

from toolkit.graph import Asset, AssetGraph, Check
from toolkit.integrations.base import Standing, Step
from toolkit.ledger import Materialization, Passed, StepRow
from toolkit.plan import History, Seen, State, make_plan, states
from toolkit.plan.decide import is_gate
from toolkit.plan.versions import changed_by_others

TRAIN = Asset(key="train", name="train", kind="ml_model", integration="python", code_version="1")
SCORE = Asset(
    key="score", name="score", kind="python", integration="python", code_version="1",
    depends_on=("train",),
)  # fmt: skip


def check(name: str, reads: str, attached: str | None, severity: Any = "error") -> Check:
    return Check(
        key=name, name=name, kind="python", integration="python", assets=tuple(reads.split()),
        attached=attached, severity=severity, code_version="1",
    )  # fmt: skip


AUC = check("auc", "train", "train")
FITS = check("fits", "train score", "train")
GRAPH = AssetGraph([TRAIN, SCORE], [AUC, FITS])
COUNTS = Standing(current="v1")
WAITS = Standing(current="v1", candidate="v2", name="v2")
FIRST = Standing(candidate="v1", name="v1")


def history(
    standing: Standing | None,
    *,
    ended: dict[str, str] | None = None,
    read: str = "v1",
    passed: tuple[str, ...] = ("auc", "fits"),
) -> History:
    """All was built with ``v1`` and its checks passed, but for what is said."""
    status = {"train": "success", "score": "success", "auc": "pass", "fits": "pass"}
    status |= ended or {}
    return History(
        latest={
            "train": Materialization(
                asset="train", run_id="r1", at=1.0, code_version="1", data_version="v1"
            ),
            "score": Materialization(
                asset="score", run_id="r1", at=2.0, code_version="1", data_version="s1",
                inputs={"train": read},
            ),
        },
        last_steps={
            key: StepRow(
                run_id="r1", step=key, kind="python", name=key, integration="python",
                status=how, started_at=1.0,
            )
            for key, how in status.items()
        },
        passed={
            key: Passed(step=key, run_id="r1", at=1.0, code_version="1", inputs=inputs)
            for key, inputs in {
                "auc": {"train": "v1"}, "fits": {"train": "v1", "score": "s1"},
            }.items()
            if key in passed
        },
        seen=Seen(state="as left"),
        standing={} if standing is None else {"train": standing},
    )  # fmt: skip


STEPS = [
    Step(key="train", kind="python", integration="python", makes=("train",), reads=(),
         name="train"),
    Step(key="score", kind="python", integration="python", makes=("score",), reads=("train",),
         name="score"),
    *(Step(key=c.key, kind="check", integration="python", makes=(), reads=c.assets, name=c.name)
      for c in (AUC, FITS)),
]  # fmt: skip


def decided(known: History) -> dict[str, tuple[str, str]]:
    plan = make_plan(GRAPH, STEPS, frozenset(GRAPH.assets), known)
    return {planned.step.key: (planned.action, planned.reason) for planned in plan.steps}


WAITING = "the candidate v2 is not promoted: "
REST = ("skip", "up to date")
NO_NEW = ("skip", "no new version waits for it")
WAITED_FOR = ("run", "the candidate v2 waits for it")


def test_which_checks_decide() -> None:
    warns = check("maybe", "train", "train", "warn")
    other = check("other", "score", "score")
    graph = AssetGraph([TRAIN, SCORE], [AUC, FITS, warns, other])
    assert [c.name for c in (AUC, FITS, warns, other) if is_gate(c, graph)] == ["auc"]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (history(None), dict.fromkeys(("train", "score", "auc", "fits"), REST)),
        (history(COUNTS), {"train": REST, "auc": NO_NEW, "score": REST, "fits": REST}),
        # of the version that counts it was decided, whatever the check said last
        (
            history(COUNTS, ended={"auc": "fail"}),
            {"train": REST, "auc": NO_NEW, "score": REST, "fits": REST},
        ),
        (history(COUNTS, passed=("fits",)), {"auc": NO_NEW}),
        (
            history(WAITS),
            {
                "train": ("skip", WAITING + "its checks have not passed yet"),
                "auc": WAITED_FOR,
                "score": ("if changed", "if train changes"),
                "fits": WAITED_FOR,
            },
        ),
        # it is not trained again: the same code would make the same
        (
            history(WAITS, ended={"auc": "fail"}),
            {
                "train": ("skip", WAITING + "check auc failed"),
                "auc": ("run", "its last run ended as fail"),
            },
        ),
        # a person took another version than the scores were made with
        (
            history(Standing(current="v0")),
            {"train": REST, "score": ("run", "train changed since"), "auc": NO_NEW},
        ),
        (history(FIRST), {"score": ("if changed", "if train changes")}),
    ],
)  # fmt: skip
def test_what_runs(known: History, expected: dict[str, tuple[str, str]]) -> None:
    found = decided(known)
    assert {key: found[key] for key in expected} == expected


def test_the_check_of_a_model_that_is_trained_anew_waits_for_the_version() -> None:
    known = history(COUNTS, ended={"train": "error"})
    assert decided(known) == {
        "train": ("run", "its last run ended as error: "),
        "auc": ("if changed", "if train changes"),
        "score": ("if changed", "if train changes"),
        "fits": ("if changed", "if score or train changes"),
    }


@pytest.mark.parametrize(
    ("known", "train", "score"),
    [
        (history(COUNTS), State(state="fresh", at=1.0), State(state="fresh", at=2.0)),
        (history(COUNTS, ended={"auc": "fail"}), State(state="fresh", at=1.0), None),
        (
            history(COUNTS, ended={"fits": "fail"}),
            State(state="failed", reason="check fits failed", at=1.0),
            State(state="failed", reason="check fits failed", at=2.0),  # it reads both
        ),
        (
            history(WAITS),
            State(state="stale", reason=WAITING + "its checks have not passed yet", at=1.0),
            State(state="stale", reason="it reads train, which is stale", at=2.0),
        ),
        (
            history(WAITS, ended={"auc": "fail"}),
            State(state="failed", reason=WAITING + "check auc failed", at=1.0),
            None,
        ),
        (
            history(Standing(current="v0")),
            State(state="fresh", at=1.0),
            State(
                state="stale", at=2.0,
                reason="another version of train counts than it was made with",
            ),
        ),
        # nothing is noted of versions, and the check failed
        (
            history(None, ended={"auc": "fail"}),
            State(state="failed", reason="check auc failed", at=1.0),
            None,
        ),
    ],
)  # fmt: skip
def test_what_is_said(known: History, train: State, score: State | None) -> None:
    found = states(GRAPH, known, frozenset({"train", "score"}))
    assert found["train"] == train
    assert score is None or found["score"] == score


def test_a_sample_is_stale_with_its_size() -> None:
    known = history(None)
    made = Materialization(
        asset="score", run_id="r1", at=2.0, code_version="1", metadata={"sampled": 1000}
    )
    found = states(
        AssetGraph([TRAIN, SCORE]), History(latest={**known.latest, "score": made}),
        frozenset({"train", "score"}),
    )  # fmt: skip
    assert found["score"] == State(
        state="stale", reason="sampled: it has at most 1,000 rows", at=2.0
    )


def test_nothing_is_changed_by_others_where_nobody_looked() -> None:
    assert changed_by_others(GRAPH, history(None)) == set()
