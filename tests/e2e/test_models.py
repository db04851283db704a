"""ML models through the real CLI, dbt and DuckDB: a refused version, promotion, rollback."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

MIXED: Any = sys.modules["mixed_project"]  # see conftest.py

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nmodel-paths: [models]\n",
    "profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n"
    "      path: shop.duckdb\n      threads: 2\n",
    "toolkit.yml": "version: 1\nassets: [ml]\n",
    "models/orders.sql": "select range as id from range(3)",
    "models/risky.sql": "select score from {{ source('ml', 'scores') }}",
    "models/sources.yml": "sources:\n  - name: ml\n    tables: [{name: scores}]\n",
    "ml/churn.py": """
import pandas as pd
from toolkit import MLModel, asset


@asset(kind="ml_model", gates={"auc": {"at_least": 0.6, "better_than_promoted_by": 0.0}})
def churn(orders: pd.DataFrame):
    from sklearn.dummy import DummyClassifier

    quality = 70
    model = DummyClassifier(strategy="constant", constant=quality).fit([[0]], [quality])
    return MLModel(model, metrics={"auc": quality / 100})


@asset(schema="ml")
def scores(churn):
    return pd.DataFrame({"score": churn.predict([[1]])})
""",
}


class Shop:
    """A project, and what is asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path, text in FILES.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def toolkit(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DBT_")}
        run: subprocess.CompletedProcess[str] = MIXED.call(words, self.folder, environment)
        assert run.returncode == code, run.stdout + run.stderr
        return run

    def quality(self, now: int) -> None:
        file = self.folder / "ml" / "churn.py"
        lines = file.read_text(encoding="utf-8").splitlines()
        said = [f"    quality = {now}" if "quality = " in line else line for line in lines]
        file.write_text("\n".join(said) + "\n", encoding="utf-8")

    def score(self) -> int:
        with duckdb.connect(str(self.folder / "shop.duckdb"), read_only=True) as connection:
            [(score,)] = connection.execute("select score from risky").fetchall()
        return int(score)

    def model(self) -> dict[str, str]:
        [row] = json.loads(self.toolkit("models", "list", "--json").stdout)
        return {"current": row["current"], "candidate": row["candidate"]}


def test_a_life_of_a_model(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    built = shop.toolkit("build")
    first = shop.model()["current"]
    assert f"{first} promoted" in built.stderr
    assert shop.score() == 70

    # worse: refused, told, and what is below it stays
    shop.quality(65)
    refused = shop.toolkit("build", code=1)
    assert f"{first} stays the current one" in refused.stderr
    assert shop.score() == 70
    candidate = shop.model()["candidate"]
    assert f"the candidate {candidate} is not promoted" in shop.toolkit("plan").stdout
    assert f"the candidate {candidate} is not promoted" in shop.toolkit("status").stdout
    again = shop.toolkit("build", code=1)
    assert "ml_model churn" not in again.stderr.split("FAIL")[0]  # not trained once more

    # by hand
    said = shop.toolkit("models", "promote", "churn", candidate, code=1)
    assert "has not passed its checks: check gate_auc did not pass" in said.stderr
    shop.toolkit("models", "promote", "churn", candidate, "--force")
    shop.toolkit("build")
    assert shop.score() == 65
    shop.toolkit("models", "rollback", "churn")
    shop.toolkit("build")
    assert shop.score() == 70
    assert shop.model() == {"current": first, "candidate": None}
    shown = shop.toolkit("models", "show", "churn", "--version", candidate[-8:]).stdout
    assert "metric auc: 0.65  (-0.05 to the promoted one)" in shown
    runs = shop.toolkit("runs").stdout
    assert f"models promote  churn {candidate}" in runs
    assert f"models rollback  churn {first}" in runs

    # what cannot be
    assert "no version 'x'" in shop.toolkit("models", "promote", "churn", "x", code=2).stderr
    assert "'../churn'" in shop.toolkit("models", "show", "../churn", code=2).stderr
    file = tmp_path / ".toolkit" / "models" / "churn" / candidate / "model.skops"
    file.write_bytes(file.read_bytes() + b"x")
    told = shop.toolkit("models", "promote", "churn", candidate, code=1)
    assert "model.skops: its sha256 is" in told.stderr
    assert shop.model()["current"] == first


@pytest.mark.soak
def test_only_one_at_a_time(tmp_path: Path) -> None:
    """A promotion while somebody holds the run lock is refused, and changes nothing."""
    shop = Shop(tmp_path)
    shop.toolkit("build")
    first = shop.model()["current"]
    program = (
        "import subprocess, sys\n"
        "from pathlib import Path\n"
        "from toolkit.run.lock import RunLock\n"
        "with RunLock(Path('.toolkit/lock')):\n"
        "    words = [sys.executable, '-m', 'toolkit.cli', 'models', *sys.argv[1:]]\n"
        "    sys.exit(subprocess.run(words).returncode)\n"
    )
    for words in (["promote", "churn", first], ["rollback", "churn"], ["prune"]):
        run = subprocess.run(
            [sys.executable, "-c", program, *words],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert run.returncode == 4, run.stderr
        assert "Another run of this project is going on" in run.stderr
    assert shop.model()["current"] == first
