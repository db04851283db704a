"""A new version of a model counts when its checks passed."""

import pytest
from model_builds import FLOOR, GOOD, Builds
from python_harness import PythonProject

from toolkit.integrations.python.models import gates
from toolkit.integrations.python.registry import Gate
from toolkit.plan import states


def test_a_version_that_passes_is_promoted_and_read(builds: Builds) -> None:
    builds.source(70)
    ended = builds.build()
    assert {key: status for key, (status, _) in ended.items()} == GOOD
    version = builds.store().current("churn")
    assert ended["python.churn"][1] == "auc 0.7; a candidate: a check decides"
    assert ended["check.churn.gate_auc"][1] == f"auc 0.7; churn {version} is promoted"
    assert builds.store().candidate("churn") is None
    assert builds.score() == 70
    assert set(builds.statuses().values()) == {"no-op"}


def test_a_version_that_is_refused_changes_nothing_below(builds: Builds) -> None:
    builds.source(70)
    builds.build()
    first = builds.store().current("churn")
    builds.source(50)
    ended = builds.build()
    assert {key: status for key, (status, _) in ended.items()} == {
        "python.churn": "success",
        "check.churn.gate_auc": "fail",
        "python.scores": "skipped",
    }
    candidate = builds.store().candidate("churn")
    said = ended["check.churn.gate_auc"][1]
    assert said == (
        f"auc 0.5; at least 0.6 is wanted: churn {candidate} is not promoted; "
        f"{first} stays the current one."
    )
    assert builds.store().current("churn") == first
    assert builds.score() == 70


def test_a_refused_version_is_not_trained_again_but_judged_again(builds: Builds) -> None:
    builds.source(50)
    builds.build()
    candidate = builds.store().candidate("churn")
    assert builds.reasons() == {
        "python.churn": f"skip: the candidate {candidate} is not promoted: check gate_auc failed",
        "check.churn.gate_auc": "run: never passed on churn",
        "python.scores": "run: never built here",
    }
    found = states(builds.graph, builds.history, frozenset({"python.churn", "python.scores"}))
    assert found["python.churn"].state == "failed"
    assert found["python.churn"].reason == (
        f"the candidate {candidate} is not promoted: check gate_auc failed"
    )
    assert builds.statuses() == {
        "python.churn": "no-op",
        "check.churn.gate_auc": "fail",
        "python.scores": "skipped",
    }
    # The gate is lowered: the version that is there passes, and counts.
    builds.source(50, {"auc": {"at_least": 0.4}})
    assert builds.statuses() == {**GOOD, "python.churn": "no-op"}
    assert builds.store().current("churn") == candidate
    assert builds.score() == 50
    assert len(builds.store().versions("churn")) == 1


def test_a_lowered_gate_wakes_what_was_made_with_the_version_before(builds: Builds) -> None:
    builds.source(70)
    builds.build()
    builds.source(50)
    builds.build()
    builds.source(50, {"auc": {"at_least": 0.4}})
    assert builds.reasons()["python.scores"] == "if changed: if churn changes"
    assert builds.statuses() == {**GOOD, "python.churn": "no-op"}
    assert builds.score() == 50
    assert set(builds.statuses().values()) == {"no-op"}


def test_what_is_below_reads_the_promoted_one_while_another_waits(builds: Builds) -> None:
    builds.source(70)
    builds.build()
    builds.source(50)
    builds.build()
    assert builds.statuses(only=frozenset({"python.scores"}), force=True) == {
        "python.scores": "success"
    }
    assert builds.score() == 70


def test_without_a_promoted_one_nobody_can_read_it(builds: Builds) -> None:
    builds.source(50)
    builds.build()
    ended = builds.build(only=frozenset({"python.scores"}))
    candidate = builds.store().candidate("churn")
    assert f"{candidate} has not passed its checks" in ended["python.scores"][1]


# Metrics of a candidate and the promoted one -> whether a gate lets it pass, and what is said.
JUDGED: dict[str, tuple[Gate, float, float | None, bool, str]] = {
    "above the floor": (Gate(metric="m", at_least=0.5), 0.5, 0.9, True, "m 0.5"),
    "below the floor": (
        Gate(metric="m", at_least=0.5), 0.4, None, False, "m 0.4; at least 0.5 is wanted",
    ),
    "above the ceiling": (
        Gate(metric="m", at_most=2, lower=True), 3, None, False, "m 3; at most 2 is wanted",
    ),
    "first": (
        Gate(metric="m", better_by=0.1), 0.1, None, True, "m 0.1, no version is promoted yet",
    ),
    "better": (Gate(metric="m", better_by=0.1), 0.8, 0.7, True, "m 0.8, promoted 0.7"),
    "as good": (Gate(metric="m", better_by=0.0), 0.7, 0.7, True, "m 0.7, promoted 0.7"),
    "worse": (
        Gate(metric="m", better_by=0.0), 0.6, 0.7, False,
        "m 0.6, promoted 0.7; no worse than the promoted one is wanted",
    ),
    "too little better": (
        Gate(metric="m", better_by=0.2), 0.8, 0.7, False,
        "m 0.8, promoted 0.7; 0.2 higher than the promoted one is wanted",
    ),
    "lower": (Gate(metric="m", better_by=1, lower=True), 3, 4, True, "m 3, promoted 4"),
    "not lower": (
        Gate(metric="m", better_by=1, lower=True), 5, 4, False,
        "m 5, promoted 4; 1 lower than the promoted one is wanted",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", JUDGED)
def test_judging(case: str) -> None:
    gate, value, before, passed, said = JUDGED[case]
    promoted = {"m": before} if before is not None else None
    assert gates.judge(gate, {"m": value}, promoted, same=False) == (passed, said)


def test_a_model_need_not_be_better_than_itself(builds: Builds) -> None:
    builds.source(70, {"auc": {"better_than_promoted_by": 0.01}})
    assert builds.statuses() == GOOD
    first = builds.store().current("churn")
    assert builds.statuses(force=True) == GOOD
    assert builds.store().current("churn") != first
    builds.source(71, {"auc": {"better_than_promoted_by": 0.02}})
    assert builds.statuses()["check.churn.gate_auc"] == "fail"


CHECKS = """
    @check('churn')
    def not_worse(churn, metrics, promoted: MLModel, promoted_metrics):
        print('has', churn.constant, promoted and promoted.estimator.constant, promoted_metrics)
        return promoted is None or metrics['auc'] >= promoted_metrics['auc']

    @check('churn', severity='warn')
    def pretty(metrics):
        return metrics['auc'] > 0.9
"""


def test_checks_of_ones_own_are_gates_and_warnings_are_not(builds: Builds) -> None:
    builds.source(70, None, CHECKS)
    ended = builds.statuses()
    assert (ended["check.churn.not_worse"], ended["check.churn.pretty"]) == ("pass", "warn")
    assert builds.quality(None) == 0.7
    builds.source(60, FLOOR, CHECKS)
    ended = builds.statuses()
    assert (ended["check.churn.not_worse"], ended["check.churn.gate_auc"]) == ("fail", "pass")
    assert builds.quality(None) == 0.7
    assert builds.quality(builds.store().candidate("churn")) == 0.6
    builds.source(80, FLOOR, CHECKS)
    builds.build()
    assert builds.quality(None) == 0.8


@pytest.mark.slow
def test_a_check_in_a_process_of_its_own_sees_the_candidate(builds: Builds) -> None:
    isolated = CHECKS.replace("@check('churn')", "@check('churn', isolate=True)")
    for quality, expected in ((70, 0.7), (60, 0.7), (80, 0.8)):
        builds.source(quality, None, isolated)
        builds.build()
        assert builds.quality(None) == expected


def test_a_gate_on_a_metric_that_is_not_there(builds: Builds) -> None:
    builds.source(70, {"rmse": {"at_most": 1}})
    status, said = builds.build()["check.churn.gate_rmse"]
    assert status == "error"
    assert "The model has no metric 'rmse'; it has auc." in said
    assert "is not promoted; no version is promoted." in said


# What `gates` says -> what is wrong with it.
WRONG = {
    "no dict": ("['auc']", "is not a dict of metrics"),
    "unknown key": ("{'auc': {'above': 1}}", "has 'above'; its keys are at_least"),
    "nothing": ("{'auc': {}}", "must be a dict with at_least"),
    "only a direction": ("{'auc': {'lower_is_better': True}}", "says nothing that a version must"),
    "no number": ("{'auc': {'at_least': '1'}}", "is '1'; it must be a number"),
    "not finite": ("{'auc': {'at_least': float('nan')}}", "it must be finite"),
    "impossible": ("{'auc': {'at_least': 2, 'at_most': 1}}", "at least 2 and at most 1"),
    "no direction": (
        "{'a': {'at_least': 0, 'at_most': 1, 'better_than_promoted_by': 0}}",
        "does not say which is better",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_gates(project: PythonProject, case: str) -> None:
    from toolkit.errors import AssetError

    given, part = WRONG[case]
    project.write(
        f"from toolkit import asset\n@asset(kind='ml_model', gates={given})\ndef m(): ..."
    )
    with pytest.raises(AssetError) as raised:
        project.load()
    assert part in raised.value.fact
    assert "ml/assets.py:2" in raised.value.fact
