"""Builds with a model that are killed: whatever was noted, the next one ends well."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from model_builds import Builds

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
        import conftest
        from model_builds import Builds, orders_again
        from python_harness import PythonProject
        project = PythonProject(Path({str(builds.project.folder)!r}))
        orders_again(project)
        Builds(project).build()
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
