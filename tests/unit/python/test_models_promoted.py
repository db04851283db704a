"""Versions that people promote, roll back and prune, and what a publication does to them."""

from pathlib import Path
from typing import Any

import pytest
from model_builds import GOOD, Builds

from toolkit.integrations.python.models import manage
from toolkit.integrations.python.models.info import Storing
from toolkit.plan import states


def promote(builds: Builds, version: str, **more: Any) -> None:
    with builds.ledger as ledger:
        manage.promote(builds.store(ledger), ledger, "churn", version, Storing(), **more)


def settle(builds: Builds) -> None:
    from toolkit.run.publish import settle as settle_

    with builds.ledger as ledger:
        settle_(ledger, builds.project.settings.state_dir)


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
