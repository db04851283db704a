"""Python between dbt models: the real CLI, dbt and DuckDB in a project of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
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
    "models/orders.sql": "select range as order_id, range * 2 as amount, range % 3 = 0 as returned "
    "from range(30)",
    "models/risky.sql": "select order_id from {{ source('ml', 'return_scores') }} "
    "where probability > 0.3",
    "models/sources.yml": "sources:\n  - name: ml\n    tables:\n      - name: return_scores\n",
    "ml/returns.py": """
import pandas as pd
from toolkit import MLModel, asset, check

print("imported")


@asset(kind="ml_model")
def return_model(orders: pd.DataFrame):
    from sklearn.linear_model import LogisticRegression

    print("training")
    features, label = orders[["amount"]], orders["returned"]
    estimator = LogisticRegression().fit(features, label)
    return MLModel(estimator, metrics={"accuracy": estimator.score(features, label)})


@asset(schema="ml")
def return_scores(orders: pd.DataFrame, return_model):
    print("scoring")
    probability = return_model.predict_proba(orders[["amount"]])[:, 1]
    return pd.DataFrame({"order_id": orders["order_id"], "probability": probability})


@check(asset="return_scores")
def enough(return_scores):
    print("checking")
    return len(return_scores) == 30
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def toolkit(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DBT_")}
    run: subprocess.CompletedProcess[str] = MIXED.call(words, folder, environment)
    assert run.returncode == code, run.stdout + run.stderr
    return run


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_dbt_python_dbt(folder: Path) -> None:
    build = toolkit(folder, "build")
    for printed in ("imported", "training", "scoring", "checking"):
        assert printed not in build.stdout
    assert rows(folder, "SELECT count(*) FROM ml.return_scores") == [(30,)]
    [(risky,)] = rows(folder, "SELECT count(*) FROM risky")
    assert isinstance(risky, int)
    assert 0 < risky <= 30

    listed = toolkit(folder, "ls", "--output", "json", "--select", "+risky")
    assets = {asset["key"]: asset for asset in map(json.loads, listed.stdout.splitlines())}
    assert set(assets) >= {
        "model.shop.orders",
        "python.return_model",
        "python.return_scores",
        "source.shop.ml.return_scores",
        "model.shop.risky",
    }
    assert assets["source.shop.ml.return_scores"]["depends_on"] == ["python.return_scores"]


def test_a_failed_asset_fails_the_build_and_spares_the_rest(folder: Path) -> None:
    toolkit(folder, "build")
    source = FILES["ml/returns.py"].replace('print("scoring")', "raise ValueError('no scores')")
    (folder / "ml" / "returns.py").write_text(source, encoding="utf-8")
    line = source[: source.index("raise ValueError")].count("\n") + 1
    build = toolkit(folder, "build", code=1)
    said = build.stdout + build.stderr
    assert f"raised ValueError: no scores at ml/returns.py:{line}" in " ".join(said.split())
    assert rows(folder, "SELECT count(*) FROM ml.return_scores") == [(30,)]
    logs = [path.read_text(encoding="utf-8") for path in folder.rglob("return_scores.log")]
    assert sorted("Traceback" in text for text in logs) == [False, True]


@pytest.mark.soak
def test_a_broken_declaration_is_exit_code_2(folder: Path) -> None:
    source = FILES["ml/returns.py"].replace("orders: pd.DataFrame, return_model", "order, x=1")
    (folder / "ml" / "returns.py").write_text(source, encoding="utf-8")
    listed = toolkit(folder, "ls", code=2)
    assert listed.stdout == ""
    assert "its parameter 'order' names no asset" in listed.stderr
    assert "Traceback" not in listed.stderr


ISOLATED = """
import os, pathlib, signal, subprocess, time
from toolkit import asset

HERE = pathlib.Path(__file__).parent


@asset(isolate=True)
def slow(orders):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    (HERE / "pids.new").write_text(f"{os.getpid()} {os.getppid()} {child.pid}")
    (HERE / "pids.new").rename(HERE / "pids")
    time.sleep(600)


@asset(isolate=True)
def quick(orders):
    print("quick")
    return orders
"""


def listen() -> None:
    """Ctrl-C is ignored in the workers of a test run, and what they start inherits that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def alive(pid: int) -> bool:
    """Whether it runs: one that died and that nobody has asked for yet does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(b")")[2].split()[0] not in (b"Z", b"X")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.soak)]
)
def test_ctrl_c_ends_an_isolated_function(folder: Path, number: signal.Signals) -> None:
    (folder / "ml" / "slow.py").write_text(ISOLATED, encoding="utf-8")
    (folder / "ml" / "returns.py").unlink()
    build = subprocess.Popen(
        [sys.executable, "-m", "toolkit.cli", "build", "--select", "orders", "slow", "quick"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=listen,
    )
    pids, deadline = folder / "ml" / "pids", time.monotonic() + 120
    while not pids.exists() and build.poll() is None and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    processes = [int(pid) for pid in pids.read_text().split()]
    assert all(alive(pid) for pid in processes)
    asked = time.monotonic()
    build.send_signal(number)
    said, _ = build.communicate(timeout=240)
    assert time.monotonic() - asked < 120  # it would sleep for ten minutes
    assert build.returncode == 128 + number, said
    assert [pid for pid in processes if alive(pid)] == []
    assert not list((folder / ".toolkit" / "python" / "exchange").iterdir())
    # The next build is whole.
    (folder / "ml" / "slow.py").write_text(ISOLATED.split("@asset")[0] + QUICK, encoding="utf-8")
    toolkit(folder, "build", "--select", "orders", "quick")
    assert rows(folder, "SELECT count(*) FROM quick") == [(30,)]


QUICK = "@asset(isolate=True)\ndef quick(orders):\n    print('quick')\n    return orders\n"
