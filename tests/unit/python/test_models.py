"""ML models: stored by skops, verified on load, never unpickled."""

import json
from pathlib import Path

import pytest
from python_harness import PythonProject

HEAD = """
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from toolkit import asset, check, MLModel

X = pd.DataFrame({'a': [0.0, 1, 2, 3], 'b': [1.0, 0, 1, 0]})
Y = [0, 0, 1, 1]
"""

CHURN = """
@asset(kind='ml_model')
def churn(orders: pd.DataFrame):
    return MLModel(
        make_pipeline(StandardScaler(), LogisticRegression(C=2)).fit(X, Y),
        metrics={'accuracy': np.float64(0.75), 'rows': 4},
        parameters={'C': 2, 'columns': ['a', 'b'], 'step': np.int64(3)},
        metadata={'why': 'test'},
    )
"""


def folder(project: PythonProject, name: str = "churn", target: str = "dev") -> Path:
    models = project.folder / ".toolkit" / "models" / name
    return models / (models / f"{target}.current").read_text(encoding="utf-8")


@pytest.mark.usefixtures("orders")
def test_a_model_and_who_uses_it(project: PythonProject) -> None:
    ended = project.run(
        HEAD
        + CHURN
        + "@asset\ndef scores(churn):\n"
        + "    return pd.DataFrame({'score': churn.predict_proba(X)[:, 1]})\n"
        + "@asset(deps={'model': 'churn'})\ndef about(model: MLModel):\n"
        + "    return pd.DataFrame({'accuracy': [model.metrics['accuracy']],\n"
        + "        'c': [model.parameters['C']], 'version': [model.version]})\n"
        + "@check('churn')\ndef good(metrics, churn: LogisticRegression):\n"
        + "    return metrics['accuracy'] > 0.7 and churn.n_features_in_ == 2\n"
    )
    assert {key: step.status for key, step in ended.items()} == {
        "python.churn": "success",
        "python.about": "success",
        "python.scores": "success",
        "check.churn.good": "pass",
    }
    step = ended["python.churn"]
    assert step.message == "accuracy 0.75, rows 4; a candidate: a check decides"
    (made,) = step.made
    assert made.metrics == {"accuracy": 0.75, "rows": 4.0}
    stored = folder(project)
    assert made.metadata["version"] == stored.name
    assert made.metadata["path"] == f".toolkit/models/churn/{stored.name}"
    assert made.metadata["parameters"] == {"C": 2, "columns": ["a", "b"], "step": 3}
    assert sorted(path.name for path in stored.iterdir()) == ["model.json", "model.skops"]
    info = json.loads((stored / "model.json").read_text(encoding="utf-8"))
    assert info["metadata"] == {"why": "test"}
    assert info["target"] == "dev"
    assert set(info["libraries"]) == {"numpy", "pandas", "python", "scikit-learn", "skops"}
    assert (info["format"], info["file"]) == ("skops", "model.skops")
    assert info["platform"]
    assert info["who"]
    assert info["run_id"] == "1"
    assert list(info["inputs"]) == ["model.shop.orders"]
    assert info["code_version"] == project.load().assets[0].code_version
    assert project.rows("SELECT accuracy, c, version FROM about") == [(0.75, 2, stored.name)]
    [(first, last)] = project.rows("SELECT min(score), max(score) FROM scores")
    assert 0 < first < 0.5 < last < 1


@pytest.mark.usefixtures("orders")
def test_the_same_model_has_the_same_data_version(project: PythonProject) -> None:
    versions = [
        project.run(HEAD + source)["python.churn"].made[0].data_version
        for source in (CHURN, CHURN, CHURN.replace("C=2", "C=3"))
    ]
    assert versions[0] == versions[1] != versions[2]
    kept = [path for path in folder(project).parent.iterdir() if path.is_dir()]
    assert len(kept) == 3


@pytest.mark.usefixtures("orders")
def test_each_target_has_its_own_model(project: PythonProject) -> None:
    project.run(HEAD + CHURN)
    project.target = "prod"
    ended = project.run(HEAD + CHURN + "@asset\ndef scores(churn): ...\n", only=["python.scores"])
    assert "'churn' has not been made for the target 'prod'" in ended["python.scores"].message
    assert "--target prod" in ended["python.scores"].message


SCORES = "@asset\ndef scores(churn):\n    return pd.DataFrame({'score': churn.predict(X)})\n"


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def _pickle(path: Path) -> None:
    import pickle

    path.write_bytes(pickle.dumps({"a": 1}))


# What happens to the stored files -> what the reader says.
TAMPERED = {
    "one byte more": (lambda stored: _append(stored / "model.skops"), "model.skops: its sha256 is"),
    "another file": (lambda stored: _pickle(stored / "model.skops"), "model.skops: its sha256 is"),
    "no file": (lambda stored: (stored / "model.skops").unlink(), "No such file"),
    "no json": (lambda stored: (stored / "model.json").unlink(), "model.json"),
    "broken json": (lambda stored: _append(stored / "model.json"), "model.json"),
    "a version elsewhere": (
        lambda stored: (stored.parent / "dev.current").write_text("../../../etc"),
        "model.json",
    ),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", TAMPERED)
def test_tampered(project: PythonProject, case: str) -> None:
    change, part = TAMPERED[case]
    project.run(HEAD + CHURN + SCORES)
    change(folder(project))
    step = project.run(only=["python.scores"])["python.scores"]
    assert step.status == "error"
    assert "The stored ML model 'churn' cannot be used" in step.message
    assert part in step.message
    assert "toolkit build --force --select churn" in step.message
    assert project.rows("SELECT count(*) FROM scores") == [(4,)]


# What an ml_model function returns -> parts of the message.
BAD = {
    "None": ("None", ["It returned None, which is no scikit-learn estimator"]),
    "a table": ("X", ["It returned a pandas."]),
    "a class": ("LogisticRegression", ["no scikit-learn estimator"]),
    "MLModel of nothing": ("MLModel(None)", ["an MLModel of None"]),
    "NaN": ("MLModel(M, metrics={'auc': float('nan')})", ["'auc' is nan, which is not finite"]),
    "infinite": ("MLModel(M, metrics={'auc': np.inf})", ["'auc' is inf, which is not finite"]),
    "no number": ("MLModel(M, metrics={'auc': 'high'})", ["'auc' is 'high', which is no number"]),
    "a bool": ("MLModel(M, metrics={'good': True})", ["'good' is True, which is no number"]),
    "parameters": ("MLModel(M, parameters={'f': print})", ["MLModel.parameters", "JSON"]),
    "metadata": ("MLModel(M, metadata={'x': float('nan')})", ["MLModel.metadata", "JSON"]),
    "untrusted types": (
        "RandomForestClassifier(2).fit(X, Y)",
        ["sklearn.tree._tree.Tree", "trusted=['sklearn.tree._tree.Tree']"],
    ),
    "a lambda": (
        "make_pipeline(FunctionTransformer(lambda x: x), M).fit(X, Y)",
        ["<lambda>", "model"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad(project: PythonProject, case: str) -> None:
    value, parts = BAD[case]
    step = project.run(
        f"{HEAD}\nM = LogisticRegression().fit(X, Y)\n"
        f"@asset(kind='ml_model')\ndef churn():\n    return {value}\n"
    )["python.churn"]
    assert step.status == "error"
    for part in parts:
        assert part in step.message, f"{part!r} not in:\n{step.message}"
    assert not (project.folder / ".toolkit" / "models" / "churn").exists()


def test_trusted_types(project: PythonProject) -> None:
    """Listed types load, in another process too; a class of the user's own is one of them."""
    source = (
        HEAD
        + "class Mine(LogisticRegression):\n    pass\n"
        + "@asset(kind='ml_model', trusted=['sklearn.tree._tree.Tree'])\n"
        + "def forest():\n    return RandomForestClassifier(2, random_state=1).fit(X, Y)\n"
        + "@asset(kind='ml_model', trusted=['toolkit_assets_ml.assets.Mine'])\n"
        + "def own():\n    return Mine().fit(X, Y)\n"
        + "@asset\ndef scores(forest, own):\n"
        + "    assert type(own) is Mine\n"
        + "    return pd.DataFrame({'f': forest.predict(X), 'o': own.predict(X)})\n"
    )
    ended = project.run(source)
    assert {step.status for step in ended.values()} == {"success"}, ended
    # Loading the project anew imports the file anew, as another process would.
    again = project.run(source, only=["python.scores"])
    assert again["python.scores"].status == "success", again["python.scores"].message


def test_a_type_is_not_trusted_any_more(project: PythonProject) -> None:
    source = (
        HEAD
        + "@asset(kind='ml_model', trusted=['sklearn.tree._tree.Tree'])\n"
        + "def forest():\n    return RandomForestClassifier(2).fit(X, Y)\n"
        + "@asset\ndef scores(forest): ...\n"
    )
    project.run(source, only=["python.forest"])
    step = project.run(
        source.replace(", trusted=['sklearn.tree._tree.Tree']", ""), only=["python.scores"]
    )["python.scores"]
    assert step.status == "error"
    assert "types that skops does not load unasked: sklearn.tree._tree.Tree" in step.message
