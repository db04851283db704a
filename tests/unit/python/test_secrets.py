"""A secret of ``toolkit.secret`` reaches no file, whatever a function does with it."""

from pathlib import Path

import pytest
from python_harness import PythonProject

from toolkit import masking, secret
from toolkit.errors import AssetError
from toolkit.integrations.base import StepFinished
from toolkit.masking import Masker
from toolkit.run.hidden import hiding

VALUE = "kaninchen-4711"

SOURCE = """
import base64, json, logging, subprocess, sys
import pyarrow as pa
from toolkit import CheckResult, MLModel, asset, check, resource, secret

@resource
class client:
    def __init__(self):
        self.key = secret('RABBIT')
        logging.getLogger('client').warning('signed in with %s', self.key)
    def close(self):
        raise OSError('cannot close ' + self.key)

@asset(isolate=ISOLATE)
def prints(client):
    print('key', client.key, file=sys.stderr)
    print(json.dumps({'key': client.key}), base64.b64encode(client.key.encode()))
    subprocess.run([sys.executable, '-c', 'import os; print(os.environ["RABBIT"])'])
    return pa.table({'a': [1]})

@asset(isolate=ISOLATE)
def raises(prints):
    raise ValueError('refused: ' + secret('RABBIT'))

@check('prints', isolate=ISOLATE)
def tells(prints):
    key = secret('RABBIT')
    return CheckResult(False, f'sent with {key}', metadata={'header': f'Bearer {key}'})

@asset(kind='ml_model')
def model(prints):
    from sklearn.dummy import DummyRegressor
    key = secret('RABBIT')
    return MLModel(DummyRegressor(), metadata={'tracked': f'https://x/{key}'})
"""


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_told", set())
    monkeypatch.setenv("RABBIT", VALUE)


def files_with(folder: Path, text: str) -> list[str]:
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    ]


@pytest.mark.parametrize("isolate", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_secret_reaches_no_file(project: PythonProject, isolate: bool) -> None:
    told: list[object] = []
    emit = hiding(told.append, ())
    ended = project.run(SOURCE.replace("ISOLATE", str(isolate)))
    for event in project.events:
        emit(event)
    assert ended["python.raises"].status == "error"
    assert "refused: *****" in ended["python.raises"].message
    assert "sent with *****" in ended["check.prints.tells"].message
    assert "Bearer *****" in project.log("check.prints.tells")
    assert project.log("prints").count("*****") >= 3
    problems = [problem.message for problem in project.runner.problems]
    assert any("cannot close *****" in text for text in problems), problems
    assert VALUE not in repr(told)
    made = [e.made[0] for e in told if isinstance(e, StepFinished) and e.step == "python.model"]
    assert made[0].metadata["metadata"] == {"tracked": "https://x/*****"}
    encoded = "a2FuaW5jaGVuLTQ3MT"
    allowed = {"shop.duckdb", "shop.duckdb.wal"}
    assert set(files_with(project.folder, VALUE)) - allowed == set()
    assert set(files_with(project.folder, encoded)) == set()


def test_it_is_the_value_or_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret("RABBIT") == VALUE
    assert secret("RABBIT_TOO", "none") == "none"
    monkeypatch.setenv("RABBIT", "")
    with pytest.raises(AssetError, match="The environment variable RABBIT is not set"):
        secret("RABBIT")


def test_maskers_made_before_hide_it_too() -> None:
    masker = Masker(["hutch-0815"])
    assert masker.mask(f"{VALUE} hutch-0815") == f"{VALUE} *****"
    secret("RABBIT")
    assert masker.mask(f"{VALUE} hutch-0815") == "***** *****"


def test_who_calls_it_is_volatile(project: PythonProject) -> None:
    project.table("orders", "SELECT 1 AS id")
    project.write(
        "from toolkit import asset, secret\n@asset\ndef f(orders):\n    return secret('RABBIT')\n"
    )
    assert "it calls secret()" in project.load().assets[0].volatile
