"""Models as ONNX: written by skl2onnx, run by onnxruntime; a graph of numbers, no code."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.models.info import foreign

if TYPE_CHECKING:
    import numpy as np

_NAME = "toolkit"  # skl2onnx would choose one by chance, and equal models would differ


class OnnxModel:
    """An ONNX model that is called as an estimator is: ``predict``, ``predict_proba``.

    Args:
        data: the file's content, which stays in :attr:`bytes`.
        features: names of its columns: a frame's are put in this order.
    """

    def __init__(self, data: bytes, features: Sequence[str] | None = None) -> None:
        import onnxruntime

        self.bytes = data
        self.features = list(features) if features else None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"]
        )

    def run(self, values: Any) -> "list[np.ndarray[Any, Any]]":  # noqa: ANN401  # as an estimator takes it
        """All outputs of the graph for rows of numbers, or for ``{input: array}``."""
        given = values if isinstance(values, dict) else {self._input: self._array(values)}
        outputs: list[np.ndarray[Any, Any]] = self.session.run(None, given)
        return outputs

    def predict(self, values: Any) -> "np.ndarray[Any, Any]":  # noqa: ANN401
        """The first output: labels of a classifier, numbers of a regression."""
        found = self.run(values)[0]
        return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found

    def predict_proba(self, values: Any) -> "np.ndarray[Any, Any]":  # noqa: ANN401
        """The second output: a column for each class."""
        outputs = self.run(values)
        if len(outputs) < 2:
            raise AttributeError("this ONNX model gives no probabilities")
        return outputs[1]

    @property
    def _input(self) -> str:
        inputs = self.session.get_inputs()
        if len(inputs) != 1:
            names = ", ".join(found.name for found in inputs)
            raise TypeError(f"this ONNX model takes several inputs: call run({{{names}}})")
        return str(inputs[0].name)

    def _array(self, values: Any) -> "np.ndarray[Any, Any]":  # noqa: ANN401
        import numpy as np

        if self.features is not None and hasattr(values, "columns"):
            values = values[self.features]
        kind = self.session.get_inputs()[0].type
        wanted = {"tensor(double)": np.float64, "tensor(int64)": np.int64}.get(kind, np.float32)
        return np.ascontiguousarray(np.asarray(values), dtype=wanted)


def dump(value: Any) -> tuple[bytes, dict[str, Any]]:  # noqa: ANN401  # an estimator or ONNX
    """A model's file, and what is to be remembered of its columns.

    Raises:
        AssetFailedError: it cannot be converted, or what came out cannot be run.
    """
    try:
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise _unable(f"{error}", _INSTALL) from error
    more: dict[str, Any] = {}
    if isinstance(value, bytes):
        data = value
    elif hasattr(value, "SerializeToString"):
        data = value.SerializeToString()
    else:
        data, kind = _converted(value)
        names = [str(name) for name in getattr(value, "feature_names_in_", ())]
        more = {"onnx_input": kind, **({"onnx_features": names} if names else {})}
    with foreign(lambda said: _unable(f"onnxruntime cannot run it: {said}")):
        OnnxModel(data)
    return data, more


def _converted(estimator: Any) -> tuple[bytes, str]:  # noqa: ANN401
    """With numbers as exact as the estimator's where ONNX has that operator, else single ones."""
    try:
        return _made(estimator, "double"), "double"
    except AssetFailedError:
        return _made(estimator, "float"), "float"


def _made(estimator: Any, kind: str) -> bytes:  # noqa: ANN401
    try:
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    except ImportError as error:
        raise _unable(f"{error}", _INSTALL) from error
    width = getattr(estimator, "n_features_in_", None)
    if not isinstance(width, int):
        raise _unable(f"a {type(estimator).__qualname__} does not say how many features it takes")
    tensor = {"double": DoubleTensorType, "float": FloatTensorType}[kind]
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "classes_") else None
    with foreign(lambda said: _unable(f"skl2onnx: {' '.join(said.split())[:300]}")):
        made = convert_sklearn(
            estimator,
            name=_NAME,
            initial_types=[("features", tensor([None, width]))],
            options=options,
        )
        data: bytes = made.SerializeToString()
        OnnxModel(data)
    return data


_INSTALL = "pip install 'toolkit[onnx]'"


def _unable(why: str, next_step: str = "") -> AssetFailedError:
    return AssetFailedError(
        f"The model cannot be stored as ONNX: {why}.",
        "Nothing was stored; the model is as it was.",
        next_step
        or "Leave `format` out to use skops, or convert it yourself and return the ONNX model.",
    )
