"""The model store: ``models/<name>/<version>/`` with ``model.skops`` and ``model.json``.

A version is written to a temporary folder and renamed, so that it is there whole or not at
all. ``<target>.current`` names the version that a target uses, so that a model trained for
dev is never the one that prod scores with. Nothing is ever unpickled.
"""

import glob
import hashlib
import io
import json
import math
import numbers
import os
import platform
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.api import MLModel
from toolkit.text import with_article


class ModelInfo(msgspec.Struct, kw_only=True):
    """``model.json``.

    Attributes:
        sha256: of ``model.skops``, verified on load.
        content: fingerprint of what was learnt: equal for equal models, unlike ``sha256``,
            since skops writes memory addresses into its files.
        libraries: versions that it was made with.
        inputs: data versions of what it was trained on, by asset key.
        created_at: ISO 8601, UTC.
    """

    name: str
    version: str
    target: str
    sha256: str
    content: str
    metrics: dict[str, float]
    parameters: dict[str, Any]
    metadata: dict[str, Any]
    trusted: list[str]
    libraries: dict[str, str]
    code_version: str
    inputs: dict[str, str]
    created_at: str


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A model as it is stored; ``data`` is skops's."""

    data: bytes
    metrics: dict[str, float]
    parameters: dict[str, Any]
    metadata: dict[str, Any]


def pack(model: MLModel, trusted: tuple[str, ...]) -> Packed:
    """Make a model ready for the store.

    Raises:
        AssetFailedError: skops cannot store it, or would not load it again; a metric is
            no finite number; a parameter or metadata value is not JSON.
    """
    return Packed(
        metrics=_metrics(model.metrics),
        parameters=_json(model.parameters, "parameters"),
        metadata=_json(model.metadata, "metadata"),
        data=_dump(model.estimator, trusted),
    )


class ModelStore:
    """Saves and loads the models of one target.

    Args:
        folder: ``models`` in the project's state folder.
        target: the environment.
    """

    def __init__(self, folder: Path, target: str) -> None:
        self._folder = folder
        self._target = target

    def save(
        self,
        name: str,
        packed: "Packed",
        *,
        trusted: tuple[str, ...],
        code_version: str,
        inputs: Mapping[str, str],
    ) -> ModelInfo:
        """Store a model and make it the target's current one."""
        now = datetime.now(UTC)
        digest = hashlib.sha256(packed.data).hexdigest()
        info = ModelInfo(
            name=name,
            version=f"{now:%Y%m%dT%H%M%S%f}Z-{digest[:8]}",
            target=self._target,
            sha256=digest,
            content=_content(packed.data),
            metrics=packed.metrics,
            parameters=packed.parameters,
            metadata=packed.metadata,
            trusted=sorted(trusted),
            libraries=_libraries(),
            code_version=code_version,
            inputs=dict(inputs),
            created_at=now.isoformat(),
        )
        self._write(info, packed.data)
        return info

    def info(self, name: str) -> ModelInfo:
        """``model.json`` of the current version.

        Raises:
            AssetFailedError: there is none yet, or it cannot be read.
        """
        current = self._current(name)
        try:
            version = current.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise AssetFailedError(
                f"The ML model {name!r} has not been made for the target {self._target!r}.",
                "What needs it was not run.",
                f"Make it first: toolkit build --select {name} --target {self._target}",
            ) from None
        path = self._folder / name / Path(version).name / "model.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=ModelInfo)
        except (OSError, msgspec.DecodeError) as error:
            raise _broken(name, path, str(error)) from error

    def path(self, info: ModelInfo) -> Path:
        """The folder of one version."""
        return self._folder / info.name / Path(info.version).name

    def load(self, name: str, trusted: tuple[str, ...]) -> MLModel:
        """The current model, after its file was found to be the one that was written.

        Raises:
            AssetFailedError: there is none, it was changed, or it holds types not in ``trusted``.
        """
        import skops.io

        info = self.info(name)
        path = self.path(info) / "model.skops"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise _broken(name, path, str(error)) from error
        digest = hashlib.sha256(data).hexdigest()
        if digest != info.sha256:
            raise _broken(
                name, path, f"its sha256 is {digest[:12]}..., but {info.sha256[:12]}... was written"
            )
        _refuse_untrusted(data, trusted)
        estimator = skops.io.loads(data, trusted=list(trusted))
        return MLModel(
            estimator=estimator,
            metrics=info.metrics,
            parameters=info.parameters,
            metadata=info.metadata,
            version=info.version,
        )

    def pointers(self) -> list[Path]:
        """The files that name the target's current versions, one for each model there is."""
        return sorted(self._folder.glob(f"*/{glob.escape(quote(self._target, safe=''))}.current"))

    def _current(self, name: str) -> Path:
        return self._folder / name / f"{quote(self._target, safe='')}.current"

    def _write(self, info: ModelInfo, data: bytes) -> None:
        folder = self._folder / info.name
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        try:
            _write_through(temporary / "model.skops", data)
            _write_through(
                temporary / "model.json", msgspec.json.format(msgspec.json.encode(info), indent=2)
            )
            temporary.rename(folder / info.version)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        pointer = folder / f".{info.version}.current"
        _write_through(pointer, info.version.encode())
        pointer.replace(self._current(info.name))


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def as_model(result: object) -> MLModel:
    """What an ``ml_model`` function returned, as an :class:`MLModel`.

    Raises:
        AssetFailedError: it is neither that nor an estimator.
    """
    model = result if isinstance(result, MLModel) else MLModel(result)
    estimator = model.estimator
    if isinstance(estimator, type) or not all(
        callable(getattr(estimator, method, None)) for method in ("get_params", "fit")
    ):
        raise AssetFailedError(
            f"It returned {_described(result)}, which is no scikit-learn estimator.",
            "Nothing was stored; the model is as it was.",
            "Return a fitted estimator, or MLModel(estimator, metrics={...}).",
        )
    return model


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _described(value: object) -> str:
    if isinstance(value, MLModel):
        return f"an MLModel of {_described(value.estimator)}"
    return "None" if value is None else with_article(_name(type(value)))


def _metrics(given: Mapping[str, Any]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, value in given.items():
        if not isinstance(name, str) or (
            isinstance(value, bool) or not isinstance(value, numbers.Real)
        ):
            raise _refused(f"The metric {name!r} is {value!r}, which is no number.")
        if not math.isfinite(value):
            raise _refused(f"The metric {name!r} is {value!r}, which is not finite.")
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
        raise _refused(f"MLModel.{option} cannot be kept as JSON: {error}.") from error
    assert isinstance(decoded, dict)
    return decoded


def _refused(fact: str) -> AssetFailedError:
    return AssetFailedError(
        fact, "Nothing was stored; the model is as it was.", "Mend what the function returns."
    )


def _dump(estimator: object, trusted: tuple[str, ...]) -> bytes:
    import skops.io

    try:
        data = skops.io.dumps(estimator)
    except Exception as error:  # skops and the user's __getstate__ may raise anything
        raise _refused(
            f"skops cannot store a {type(estimator).__qualname__}: {type(error).__name__}: {error}."
        ) from error
    assert isinstance(data, bytes)
    _refuse_untrusted(data, trusted)
    return data


def _refuse_untrusted(data: bytes, trusted: tuple[str, ...]) -> None:
    import skops.io

    unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - set(trusted))
    if unknown:
        raise AssetFailedError(
            f"The model holds types that skops does not load unasked: {', '.join(unknown)}.",
            "Loading them can run their code, so the model was not used.",
            f"If you trust them: @asset(kind='ml_model', trusted={unknown!r}).",
        )


def _broken(name: str, path: Path, why: str) -> AssetFailedError:
    return AssetFailedError(
        f"The stored ML model {name!r} cannot be used: {path}: {why}.",
        "What needs it was not run.",
        f"Make it anew: toolkit build --select {name}",
    )


def _content(data: bytes) -> str:
    """Fingerprint of a skops file without the memory addresses that it names things by."""
    order: dict[str, int] = {}

    def number(key: object) -> int:
        return order.setdefault(str(key), len(order))

    def walk(node: Any) -> Any:  # noqa: ANN401  # any JSON
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        return {
            key: number(value)
            if key == "__id__"
            else contents(value)
            if key == "file"
            else walk(value)
            for key, value in node.items()
        }

    def contents(name: str) -> str:
        return hashlib.sha256(archive.read(name)).hexdigest()

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = walk(json.loads(archive.read("schema.json")))
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:32]


def _libraries() -> dict[str, str]:
    from importlib.metadata import version

    return {
        "python": platform.python_version(),
        **{package: version(package) for package in ("numpy", "scikit-learn", "skops")},
    }
