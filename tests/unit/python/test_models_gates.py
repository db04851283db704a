"""A new version of a model counts when its checks passed: plan, run, ledger and store together."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from python_harness import PythonProject

from toolkit.graph import AssetGraph
from toolkit.integrations.python import PythonIntegration
from toolkit.integrations.python.models import gates, manage
from toolkit.integrations.python.models.info import Storing
from toolkit.integrations.python.models.store import ModelStore
from toolkit.integrations.python.registry import Gate
from toolkit.ledger import Ledger
from toolkit.plan import Plan, make_plan, states
from toolkit.recall import recall
from toolkit.run import BuildOptions, build

# What is learnt is the number in `quality`: one line decides how good a version is.
SOURCE = """
import pandas as pd
from sklearn.dummy import DummyClassifier
from toolkit import MLModel, asset, check

@asset(kind='ml_model', gates={gates})
def churn(orders: pd.DataFrame):
    quality = {quality}
    model = DummyClassifier(strategy='constant', constant=quality).fit([[0]], [quality])
    return MLModel(model, metrics={{'auc': quality / 100}})

@asset
def scores(churn):
    return pd.DataFrame({{'score': churn.predict([[1]])}})
"""
FLOOR = {"auc": {"at_least": 0.6}}


class Builds:
    """Builds of one project with nothing mocked, in this process and without dbt."""

    def __init__(self, project: PythonProject) -> None:
        self.project = project
        self.graph = AssetGraph([])
        if project.warehouse is not None:
            project.warehouse.close()
        project.warehouse = None

    def source(self, quality: int, given: Any = FLOOR, more: str = "") -> None:
        self.project.write(SOURCE.format(quality=quality, gates=given) + textwrap.dedent(more))

    def plan(self, only: frozenset[str] | None = None, force: bool = False) -> Plan:
        self.tool = PythonIntegration()
        settings = self.project.settings
        loaded = self.tool.load(settings, self.project.known)
        self.graph = AssetGraph([*self.project.known.values(), *loaded.assets], loaded.checks)
        keys = only or frozenset([*self.graph.assets, *self.graph.checks])
        with Ledger(settings.state_dir / "ledger.db") as ledger:
            self.history = recall(self.graph, settings, ledger, None, [self.tool])
        steps = self.tool.steps(self.graph, keys)
        everything = "--force" if force else None
        return make_plan(self.graph, steps, keys, self.history, everything=everything)

    def build(self, **more: Any) -> dict[str, tuple[str, str]]:
        """Status and message of each step."""
        publish = more.pop("publish", False)
        plan = self.plan(**more)
        result = build(
            plan, self.graph, self.project.settings, {"python": self.tool},
            BuildOptions(publish=publish), history=self.history,
        )  # fmt: skip
        return {row.step: (row.status, row.message) for row in result.steps}

    def statuses(self, **more: Any) -> dict[str, str]:
        return {key: status for key, (status, _) in self.build(**more).items()}

    def reasons(self) -> dict[str, str]:
        return {p.step.key: f"{p.action}: {p.reason}" for p in self.plan().steps}

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.project.settings.state_dir / "ledger.db")

    def store(self, ledger: Ledger | None = None, target: str = "dev") -> ModelStore:
        return ModelStore(self.project.settings.state_dir / "models", target, ledger)

    def score(self) -> int:
        import duckdb

        with duckdb.connect(str(self.project.folder / "shop.duckdb")) as connection:
            (row,) = connection.execute("SELECT score FROM scores").fetchall()
        return int(row[0])

    def quality(self, version: str | None) -> float:
        return self.store().info("churn", version).metrics["auc"]


@pytest.fixture
def builds(project: PythonProject) -> Builds:
    project.table("orders", "SELECT 1 AS id", "source", source_name="shop")
    return Builds(project)


GOOD = {
    "python.churn": "success",
    "check.churn.gate_auc": "pass",
    "python.scores": "success",
}


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


# ---- by hand ----


def promote(builds: Builds, version: str, **more: Any) -> None:
    with builds.ledger as ledger:
        manage.promote(builds.store(ledger), ledger, "churn", version, Storing(), **more)


def test_promote_by_hand_wakes_what_is_below_and_nothing_else(builds: Builds) -> None:
    from toolkit.errors import AssetFailedError

    builds.source(70)
    builds.build()
    builds.source(50)
    builds.build()
    candidate = builds.store().candidate("churn")
    assert candidate is not None
    with pytest.raises(AssetFailedError, match="has not passed its checks: check gate_auc"):
        promote(builds, candidate)
    promote(builds, candidate[-8:], force=True)
    assert builds.store().candidate("churn") is None
    plan = builds.reasons()
    assert plan["python.churn"] == "skip: up to date"
    assert plan["python.scores"] == "run: churn changed since"
    assert plan["check.churn.gate_auc"] == "skip: no new version waits for it"
    assert builds.statuses() == {
        "python.churn": "no-op",
        "check.churn.gate_auc": "no-op",
        "python.scores": "success",
    }
    assert builds.score() == 50
    found = states(builds.graph, builds.history, frozenset({"python.churn", "python.scores"}))
    assert found["python.churn"].state == "fresh"
    assert len(builds.store().versions("churn")) == 2
    # a stricter gate judges the next version, not the one that somebody chose
    builds.source(50, {"auc": {"at_least": 0.9}})
    assert set(builds.statuses().values()) == {"no-op"}


def test_a_check_that_reads_more_than_the_model_goes_on_looking(builds: Builds) -> None:
    """Drift: the model is what it was, and the world is not."""
    more = """
        @asset
        def fresh():
            return pd.DataFrame({'x': [LIMIT]})

        @check('churn', deps={'fresh': 'fresh'})
        def still_good(churn, fresh: pd.DataFrame):
            return churn.constant > fresh['x'][0]
    """
    builds.source(70, None, more.replace("LIMIT", "1"))
    ended = builds.build()
    assert {status for status, _ in ended.values()} == {"success", "pass"}, ended
    builds.source(70, None, more.replace("LIMIT", "99"))
    again = builds.statuses()
    assert again["python.churn"] == "no-op"
    assert again["check.churn.still_good"] == "fail"
    assert builds.quality(None) == 0.7


def test_a_check_on_what_is_made_with_the_model_decides_nothing(builds: Builds) -> None:
    """It could only run when the version counts; it blocks nothing but says what is wrong."""
    more = """
        @check('churn')
        def scores_are_high(churn, scores: pd.DataFrame):
            return scores['score'][0] > 90
    """
    builds.source(70, None, more)
    ended = builds.build()
    assert ended["python.churn"] == ("success", "auc 0.7")
    assert ended["python.scores"][0] == "success"
    assert ended["check.churn.scores_are_high"][0] == "fail"
    assert builds.quality(None) == 0.7


def test_rollback_trains_nothing(builds: Builds) -> None:
    from toolkit.errors import AssetFailedError

    for quality in (61, 62, 63):
        builds.source(quality)
        builds.build()
    for expected in (0.62, 0.61):
        with builds.ledger as ledger:
            manage.rollback(builds.store(ledger), ledger, "churn", Storing())
        assert builds.quality(None) == expected
        assert builds.statuses() == {
            "python.churn": "no-op",
            "check.churn.gate_auc": "no-op",
            "python.scores": "success",
        }
        assert builds.score() == round(expected * 100)
        assert set(builds.statuses().values()) == {"no-op"}
    with builds.ledger as ledger, pytest.raises(AssetFailedError, match="before the current one"):
        manage.rollback(builds.store(ledger), ledger, "churn", Storing())
    assert len(builds.store().versions("churn")) == 3


def test_promoting_the_current_one_refuses_the_candidate(builds: Builds) -> None:
    builds.source(70)
    builds.build()
    current = builds.store().current("churn")
    assert current is not None
    builds.source(50)
    builds.build()
    promote(builds, current)
    assert builds.statuses() == {
        "python.churn": "no-op",
        "check.churn.gate_auc": "no-op",
        "python.scores": "no-op",
    }
    assert builds.score() == 70


def test_prune_keeps_what_is_needed(builds: Builds) -> None:
    for quality in (61, 62, 63, 64, 50):
        builds.source(quality)
        builds.build()
    half = builds.project.folder / ".toolkit" / "models" / "churn" / ".new-killed"
    half.mkdir()
    with builds.ledger as ledger:
        removed = manage.prune([builds.store(ledger)], ledger, "churn", 0)
        left = [builds.quality(version) for version in builds.store().versions("churn")]
        assert left == [0.63, 0.64, 0.5]
        assert not half.exists()
        assert len(removed) == 2
        assert all(ledger.models.version("churn", version) is None for version in removed)
        # after it: still nothing to train, and the way back is there
        manage.rollback(builds.store(ledger), ledger, "churn", Storing())
        manage.prune([builds.store(ledger)], ledger, "churn", 0)
        left = [builds.quality(version) for version in builds.store().versions("churn")]
        assert left == [0.63, 0.5]  # what counts, and what was trained last
    assert builds.reasons()["python.churn"] == "skip: up to date"


def test_a_publication_that_fails_takes_the_models_back(builds: Builds) -> None:
    builds.source(70)
    assert builds.statuses(publish=True) == GOOD
    first = builds.store().current("churn")
    builds.source(50)
    assert builds.statuses(publish=True)["check.churn.gate_auc"] == "fail"
    builds.plan()  # as the next command: it settles what the build has left
    settle(builds)
    assert (builds.store().current("churn"), builds.store().candidate("churn")) == (first, None)
    with builds.ledger as ledger:
        row = manage.model(builds.store(ledger), ledger, "churn")
    assert [version.state for version in row.versions] == ["not promoted", "current"]
    builds.source(80)
    assert builds.statuses(publish=True) == GOOD
    assert builds.score() == 80
    from toolkit.run.publish import rollback

    rollback(builds.project.settings)
    assert builds.store().current("churn") == first
    assert set(builds.reasons().values()) >= {"run: its code changed"}


def settle(builds: Builds) -> None:
    from toolkit.run.publish import settle as settle_

    with builds.ledger as ledger:
        settle_(ledger, builds.project.settings.state_dir)


def test_each_target_decides_for_itself(builds: Builds) -> None:
    builds.source(70)
    builds.build()
    builds.project.target = "prod"
    builds.source(50)
    assert builds.statuses()["check.churn.gate_auc"] == "fail"
    assert builds.store(target="prod").current("churn") is None
    assert builds.quality(None) == 0.7
    with builds.ledger as ledger:
        row = manage.model(builds.store(ledger, "prod"), ledger, "churn")
        assert [one.state for one in row.versions] == ["candidate", "not promoted"]
        # what passed in dev may be promoted in prod
        manage.promote(
            builds.store(ledger, "prod"), ledger, "churn", row.versions[1].version, Storing()
        )
    builds.project.target = "prod"
    assert builds.statuses()["python.scores"] == "success"
    assert builds.score() == 70


# ---- kill -9 ----

# A build that is killed when it comes to do this.
KILLED = {
    "before it is stored": "ModelStore.save",
    "stored, not a candidate": "ModelStore.wait",
    "a candidate, step not noted": "RunModels._made",
    "checks passed, not promoted": "ModelStore.promote",
    "promoted, not noted": "ModelStore.note",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(one, marks=[pytest.mark.soak] * (n not in (0, 3)))
        for n, one in enumerate(KILLED)
    ],
)
def test_killed(builds: Builds, case: str) -> None:
    """Whatever was noted: the next build ends with the good version promoted and read."""
    builds.source(70)
    builds.build()
    builds.source(80)
    kind, method = KILLED[case].split(".")
    module = "of_run" if kind == "RunModels" else "store"
    program = textwrap.dedent(
        f"""
        import importlib.util, os, signal, sys
        from pathlib import Path
        import toolkit.integrations.python.models.{module} as module

        def killed(*_, **__):
            os.kill(os.getpid(), signal.SIGKILL)

        module.{kind}.{method} = killed
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import conftest, test_models_gates
        from python_harness import PythonProject
        project = PythonProject(Path({str(builds.project.folder)!r}))
        test_models_gates.orders_again(project)
        test_models_gates.Builds(project).build()
        """
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == -9, ended.stderr
    assert builds.score() == 70
    with builds.ledger as ledger:
        ledger.close_abandoned()
    after = builds.statuses()
    assert set(after.values()) <= {"success", "pass", "no-op"}, after
    assert builds.quality(None) == 0.8
    assert builds.score() == 80
    assert set(builds.statuses().values()) == {"no-op"}


def test_killed_between_the_two_pointers(builds: Builds) -> None:
    """It counts already: nothing waits."""
    builds.source(70)
    builds.build()
    store = builds.store()
    store.wait(store.info("churn"))
    assert store.candidate("churn") is None
    assert set(builds.statuses().values()) == {"no-op"}


def orders_again(project: PythonProject) -> None:
    """The graph's `orders`, whose table is there."""
    project.add("source.shop.orders", "orders", "source", source_name="shop")


def test_names_of_versions_of_one_instant(builds: Builds, tmp_path: Path) -> None:
    """Two versions of equal bytes in the same microsecond both stay."""
    from datetime import UTC, datetime

    from toolkit.integrations.python.models.packing import pack

    store = builds.store()
    packed = pack(b"model", Storing())
    now = datetime.now(UTC)
    written = []
    for _ in range(3):
        info = store.save("raw", packed, trusted=(), code_version="", inputs={}, at=now)
        written.append(info.version)
    assert written == store.versions("raw")
    assert len(set(written)) == 3
