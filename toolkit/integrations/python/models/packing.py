"""From what a function returned to what the store takes: judged, in one of the formats."""

import json
import math
import numbers
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.definitions import MLModel
from toolkit.integrations.python.models import formats
from toolkit.integrations.python.models.info import Packed, Storing
from toolkit.masking import Masker
from toolkit.text import with_article

# What reads a file of a format again: a later release of it may not be able to.
_READERS = {
    "skops": ("numpy", "scikit-learn", "skops"),
    "onnx": ("onnx", "onnxruntime", "skl2onnx"),
    "native": (),
    "pickle": ("numpy", "scikit-learn"),
}


def pack(result: object, storing: Storing) -> Packed:
    """Make what an ``ml_model`` function returned ready for the store.

    Raises:
        AssetFailedError: it is no model; it cannot be stored in the format asked for, or would
            not load again; a metric is no finite number; something of it is not JSON.
    """
    model = result if isinstance(result, MLModel) else MLModel(result)
    if not formats.is_model(model.estimator, storing.format):
        raise AssetFailedError(
            f"It returned {_described(result)}, which is no scikit-learn estimator and nothing "
            "else that can be stored as a model.",
            "Nothing was stored; the model is as it was.",
            "Return a fitted estimator, an ONNX model, bytes, the pathlib.Path of a file, or "
            "MLModel(one of these, metrics={...}).",
        )
    metrics = _metrics(model.metrics)
    parameters = _json(model.parameters, "parameters")
    more = _json(model.metadata, "metadata")
    dumped = formats.dump(model.estimator, storing)
    return Packed(
        data=dumped.data,
        file=dumped.file,
        format=dumped.format,
        format_reason=dumped.why,
        content=dumped.content,
        loader=dumped.loader,
        metrics=metrics,
        parameters=parameters,
        metadata={**dumped.metadata, **more},
        libraries=_libraries([*storing.libraries, *_READERS[dumped.format]]),
        platform=platform.platform(),
    )


def _libraries(names: Iterable[str]) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in sorted(set(names)):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # not a package, or one of another environment
            continue
    return found


def _described(value: object) -> str:
    if isinstance(value, MLModel):
        return f"an MLModel of {_described(value.estimator)}"
    kind = type(value)
    return "None" if value is None else with_article(f"{kind.__module__}.{kind.__qualname__}")


def _metrics(given: Mapping[str, Any]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, value in given.items():
        if not isinstance(name, str) or (
            isinstance(value, bool) or not isinstance(value, numbers.Real)
        ):
            raise formats.refused(f"The metric {name!r} is {value!r}, which is no number.")
        if not math.isfinite(value):
            raise formats.refused(f"The metric {name!r} is {value!r}, which is not finite.")
        metrics[name] = float(value)
    return metrics


def _json(given: Mapping[str, Any], option: str) -> dict[str, Any]:
    """As JSON gives it back; numpy's scalars and arrays become numbers and lists."""

    def convert(value: Any) -> Any:  # noqa: ANN401  # json's own contract
        if hasattr(value, "tolist"):
            return value.tolist()
        raise TypeError(f"{with_article(type(value).__qualname__)} is not JSON")

    try:
        decoded = json.loads(json.dumps(dict(given), default=convert, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise formats.refused(f"MLModel.{option} cannot be kept as JSON: {error}.") from error
    hidden = Masker().mask_strings(decoded)  # what `toolkit.secret` gave is in no file
    assert isinstance(hidden, dict)
    return hidden
