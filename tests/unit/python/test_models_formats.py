"""The formats of models: what each stores and loads, and what it refuses."""

import json
import pickle
import resource
from pathlib import Path

import msgspec
import numpy as np
import pytest
from python_harness import PythonProject

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.models.info import ModelInfo, Storing
from toolkit.integrations.python.models.packing import pack
from toolkit.integrations.python.models.store import ModelStore, opened
from toolkit.ledger import Ledger
from toolkit.settings import PythonSettings, Settings

HEAD = """
import pathlib
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression
from toolkit import MLModel, asset

X = pd.DataFrame({'a': [0.0, 1, 2, 3], 'b': [1.0, 0, 1, 0]})
Y = [0, 0, 1, 1]

class Own:
    '''Writes and reads a format of its own.'''
    def __init__(self):
        self.number = 0
    def save_model(self, path):
        pathlib.Path(path).write_text(str(self.number))
    def load_model(self, path):
        self.number = int(pathlib.Path(path).read_text())

def own(number):
    made = Own()
    made.number = number
    return made
"""

OWN = "toolkit_assets_ml.assets.Own"

# Decorator, what the function returns -> format, file, and what a reader makes of it.
STORED = {
    "an estimator": (
        "", "LogisticRegression().fit(X, Y)", "skops", "model.skops",
        "m: LogisticRegression", "m.predict(X).tolist()", [0, 0, 1, 1],
    ),
    "onnx": (
        ", format='onnx'", "LogisticRegression().fit(X, Y)", "onnx", "model.onnx",
        "m", "m.predict(X[['b', 'a']]).tolist()", [0, 0, 1, 1],
    ),
    "onnx, a regression": (
        ", format='onnx'", "LinearRegression().fit(X, [1, 2, 3, 4])", "onnx", "model.onnx",
        "m", "[round(v, 3) for v in m.predict(X).tolist()]", [1, 2, 3, 4],
    ),
    "bytes": ("", "b'weights'", "native", "model.bin", "m", "[m.decode()]", ["weights"]),
    "an estimator's bytes": (
        "", "MLModel(b'weights', metrics={'auc': 1})", "native", "model.bin",
        "m: MLModel", "[m.estimator.decode()]", ["weights"],
    ),
    "a file": (
        "", "written('w.json')", "native", "native.json",
        "m: pathlib.Path", "[m.read_text(), m.suffix]", ["file", ".json"],
    ),
    "a file as bytes": (
        "", "written('w.txt')", "native", "model.txt", "m: bytes", "[m.decode()]", ["file"],
    ),
    "its own": (
        f", trusted=['{OWN}']", "own(7)", "native", "model.model", "m", "[m.number]", [7],
    ),
    "pickle": (
        ", format='pickle'", "own(8)", "pickle", "model.pickle", "m", "[m.number]", [8],
    ),
}  # fmt: skip


class Allowed(PythonProject):
    """A project whose toolkit.yml allows pickles."""

    allow = True

    @property
    def settings(self) -> Settings:
        python = PythonSettings(allow_pickle=self.allow)
        return msgspec.structs.replace(super().settings, python=python)


@pytest.fixture
def allowed(project: PythonProject) -> PythonProject:
    project.__class__ = Allowed
    return project


def source(decorator: str, value: str, parameter: str = "m", result: str = "[1]") -> str:
    return (
        HEAD
        + "def written(name):\n    path = pathlib.Path(__file__).parent / name\n"
        + "    path.write_text('file')\n    return path\n"
        + f"@asset(kind='ml_model'{decorator})\ndef m():\n    return {value}\n"
        + f"@asset\ndef used({parameter}):\n    return pd.DataFrame({{'x': {result}}})\n"
    )


@pytest.mark.parametrize("case", STORED)
def test_stored_and_read(allowed: PythonProject, case: str) -> None:
    decorator, value, kind, file, parameter, result, expected = STORED[case]
    ended = allowed.run(source(decorator, value, parameter, result))
    assert {step.status for step in ended.values()} == {"success"}, ended
    assert [row[0] for row in allowed.rows("SELECT x FROM used")] == expected
    store = ModelStore(allowed.folder / ".toolkit" / "models", "dev")
    info = store.info("m")
    assert (info.format, info.file) == (kind, file)
    assert info.format_reason
    assert sorted(path.name for path in store.path(info).iterdir()) == sorted([file, "model.json"])


@pytest.mark.parametrize("case", ["an estimator", "onnx", "bytes", "pickle"])
def test_the_same_model_is_the_same_content(allowed: PythonProject, case: str) -> None:
    decorator, value, *_ = STORED[case]
    text = source(decorator, value)
    versions = {allowed.run(text, ["python.m"])["python.m"].made[0].data_version for _ in "ab"}
    assert len(versions) == 1


def test_onnx_gives_the_estimators_probabilities() -> None:
    from sklearn.linear_model import LogisticRegression

    rows = np.random.default_rng(1).normal(size=(200, 3))
    estimator = LogisticRegression().fit(rows, rows[:, 0] + rows[:, 1] > 0)
    packed = pack(estimator, Storing(format="onnx"))
    assert packed.metadata["onnx_input"] == "double"
    from toolkit.integrations.python.models.onnx_format import OnnxModel

    model = OnnxModel(packed.data)
    assert np.allclose(model.predict_proba(rows), estimator.predict_proba(rows), atol=1e-6)
    assert (model.predict(rows) == estimator.predict(rows)).all()


# Decorator, what the function returns -> parts of the message.
REFUSED = {
    "pickle not allowed": (
        ", format='pickle'", "own(1)",
        ["asks for format='pickle', and toolkit.yml does not allow pickles",
         "python: {allow_pickle: true}"],
    ),
    "a class that nobody trusts": (
        "", "own(1)", [f"read again by {OWN}", f"trusted=['{OWN}']"],
    ),
    "not convertible to ONNX": (
        ", format='onnx'", "own(1)", ["cannot be stored as ONNX", "how many features"],
    ),
    "bytes that are no ONNX": (
        ", format='onnx'", "b'x'", ["cannot be stored as ONNX: onnxruntime cannot run it"],
    ),
    "no save_model": (
        ", format='native'", "LogisticRegression().fit(X, Y)", ["has no save_model(path)"],
    ),
    "a file that is not there": (
        "", "pathlib.Path('nothing.bin')", ["nothing.bin cannot be read: No such file"],
    ),
    "skops cannot": (
        ", format='skops'", "own(1)", ["skops does not load unasked", OWN],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(project: PythonProject, case: str) -> None:
    decorator, value, parts = REFUSED[case]
    step = project.run(source(decorator, value), ["python.m"])["python.m"]
    assert step.status == "error"
    for part in parts:
        assert part in step.message, f"{part!r} not in:\n{step.message}"
    assert not (project.folder / ".toolkit" / "models" / "m").exists()


class Evil:
    """What a pickle may do when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.write_text, (Path("evil.txt"), "ran"))


def _write_both(project: PythonProject, data: bytes) -> None:
    """As somebody does it who may write to the store: the model, and the hash beside it."""
    import hashlib

    store = ModelStore(project.folder / ".toolkit" / "models", "dev")
    info = store.info("m")
    folder = store.path(info)
    (folder / info.file).write_bytes(data)
    text = json.loads((folder / "model.json").read_text())
    text["sha256"] = hashlib.sha256(data).hexdigest()
    (folder / "model.json").write_text(json.dumps(text))


def test_a_pickle_and_its_json_changed_together_are_not_loaded(
    allowed: PythonProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(allowed.folder)
    text = source(", format='pickle'", "own(8)")
    allowed.run(text)
    _write_both(allowed, pickle.dumps(Evil()))
    step = allowed.run(text, ["python.used"])["python.used"]
    assert step.status == "error"
    assert "model.json: it is not the one that was written: the ledger has another" in step.message
    assert not (allowed.folder / "evil.txt").exists()


def test_a_pickle_that_the_ledger_does_not_know_is_not_loaded(allowed: PythonProject) -> None:
    text = source(", format='pickle'", "own(8)")
    allowed.run(text)
    (allowed.folder / ".toolkit" / "ledger.db").unlink()
    step = allowed.run(text, ["python.used"])["python.used"]
    assert "it is a pickle, and the ledger knows no such version" in step.message


def test_a_pickle_is_not_allowed_any_more(allowed: PythonProject) -> None:
    text = source(", format='pickle'", "own(8)")
    allowed.run(text)
    Allowed.allow = False
    try:
        step = allowed.run(text, ["python.used"])["python.used"]
    finally:
        Allowed.allow = True
    assert "The stored model 'm' is a pickle, and toolkit.yml does not allow" in step.message


def test_safe_formats_of_before_the_ledger_knew_them_still_load(project: PythonProject) -> None:
    text = source("", "LogisticRegression().fit(X, Y)")
    project.run(text)
    (project.folder / ".toolkit" / "ledger.db").unlink()
    assert project.run(text, ["python.used"])["python.used"].status == "success"


def test_a_model_json_of_another_model(project: PythonProject) -> None:
    text = source("", "b'one'") + "@asset(kind='ml_model')\ndef n():\n    return b'two'\n"
    project.run(text)
    store = ModelStore(project.folder / ".toolkit" / "models", "dev")
    one, two = store.path(store.info("m")), store.path(store.info("n"))
    (one / "model.json").write_bytes((two / "model.json").read_bytes())
    with pytest.raises(AssetFailedError, match="it belongs to n"):
        store.info("m")


def test_a_full_disk_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        store = ModelStore(tmp_path / "models", "dev", ledger)
        first = _save(store, b"small")
        store.promote(first)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
        try:
            with pytest.raises(AssetFailedError, match=r"cannot be stored in .*: File too large"):
                _save(store, b"x" * (2 << 20))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert store.versions("m") == [first.version] == [store.current("m")]
        assert [event.event for event in ledger.models.events("m")] == ["trained", "promoted"]
        folder = store.path(first).parent
        assert {path.name for path in folder.iterdir()} == {first.version, "dev.current"}
        assert opened(first, store.path(first), Storing()) == b"small"


def _save(store: ModelStore, data: bytes) -> ModelInfo:
    return store.save("m", pack(data, Storing()), trusted=(), code_version="", inputs={})
