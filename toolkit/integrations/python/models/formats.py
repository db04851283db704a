"""The formats of models, the safest first: skops and ONNX, a library's own, pickle.

A skops or ONNX file holds no code: what it names is known or listed as trusted before it is
read. A library's own format is read by that library alone. A pickle runs what is in it, so it
is read only when the project allows it and the ledger says that it is the file that was written.
"""

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.models import native
from toolkit.integrations.python.models.info import Format, ModelInfo, Storing, foreign

UNSTORED = "Nothing was stored; the model is as it was."


class Dumped(msgspec.Struct, frozen=True, kw_only=True):
    """A model's file, and what is to be remembered of it."""

    data: bytes
    file: str
    format: Format
    why: str
    content: str
    loader: str = ""
    metadata: dict[str, Any] = {}


def refused(fact: str, next_step: str = "Mend what the function returns.") -> AssetFailedError:
    """The error about a model that cannot be stored."""
    return AssetFailedError(fact, UNSTORED, next_step)


def is_model(value: object, asked: Format | None) -> bool:
    """Whether a value can be a model in some format (in the one asked for, at least perhaps)."""
    if value is None or isinstance(value, type):
        return False
    if isinstance(value, bytes | Path):
        return asked in (None, "native") or (asked == "onnx" and isinstance(value, bytes))
    if _is_onnx(value) or native.writes(value):
        return True
    if asked == "pickle":
        return True
    return all(callable(getattr(value, method, None)) for method in ("get_params", "fit"))


def chosen(value: object, asked: Format | None) -> tuple[Format, str]:
    """The format for a model, and why."""
    if asked is not None:
        return asked, f"the asset asks for it: format={asked!r}"
    if isinstance(value, bytes | Path):
        what = "bytes" if isinstance(value, bytes) else "a file"
        return "native", f"the function returned {what}: its format is the function's own"
    if _is_onnx(value):
        return "onnx", "the function returned an ONNX model"
    if native.writes(value):
        return "native", f"{native.name_of(type(value))} writes and reads a format of its own"
    return "skops", "skops holds estimators without code: nothing of the file is run on load"


def dump(value: object, storing: Storing) -> Dumped:
    """The file of a model.

    Raises:
        AssetFailedError: it cannot be made, or would not be loaded again.
    """
    kind, why = chosen(value, storing.format)
    if kind == "skops":
        data = _dump_skops(value, storing.trusted)
        return Dumped(
            data=data, file="model.skops", format=kind, why=why, content=_skops_content(data)
        )
    if kind == "onnx":
        from toolkit.integrations.python.models import onnx_format

        data, more = onnx_format.dump(value)
        return _plain(data, "model.onnx", kind, why, metadata=more)
    if kind == "native":
        data, file, loader = native.dump(value, storing.trusted)
        return _plain(data, file, kind, why, loader=loader)
    return _plain(_dump_pickle(value, storing), "model.pickle", kind, why)


def read(info: ModelInfo, path: Path, data: bytes, storing: Storing) -> Any:  # noqa: ANN401  # the model
    """A model, from a file that was found to be the one that was written.

    Raises:
        AssetFailedError: it holds types that are not trusted, or is a pickle that is not allowed.
    """
    if info.format == "skops":
        import skops.io

        _refuse_untrusted(data, storing.trusted)
        return skops.io.loads(data, trusted=list(storing.trusted))
    if info.format == "onnx":
        from toolkit.integrations.python.models.onnx_format import OnnxModel

        return OnnxModel(data, info.metadata.get("onnx_features"))
    if info.format == "native":
        return native.read(info, path, data, storing.trusted)
    refuse_pickle(storing, f"The stored model {info.name!r} is a pickle")
    return pickle.loads(data)  # allowed by the project; the ledger knows its hash


def refuse_pickle(storing: Storing, fact: str) -> None:
    """Pickle needs the word of the project and not only of the asset.

    Raises:
        AssetFailedError: it has not been given.
    """
    if not storing.pickle_allowed:
        raise AssetFailedError(
            f"{fact}, and toolkit.yml does not allow pickles.",
            "A pickle runs whatever code is in it when it is loaded, so it was not used.",
            "Use format='skops' or 'onnx'; or allow it in toolkit.yml: python: {allow_pickle: "
            "true}.",
        )


def _plain(
    data: bytes,
    file: str,
    kind: Format,
    why: str,
    *,
    loader: str = "",
    metadata: dict[str, Any] | None = None,
) -> Dumped:
    content = hashlib.sha256(data).hexdigest()[:32]
    return Dumped(
        data=data,
        file=file,
        format=kind,
        why=why,
        content=content,
        loader=loader,
        metadata=metadata or {},
    )


def _is_onnx(value: object) -> bool:
    kind = type(value)
    return kind.__name__ == "ModelProto" and kind.__module__.partition(".")[0] in ("onnx",)


def _dump_pickle(value: object, storing: Storing) -> bytes:
    refuse_pickle(storing, "The asset asks for format='pickle'")
    what = type(value).__qualname__
    with foreign(lambda said: refused(f"pickle cannot store a {what}: {said}.")):
        data = pickle.dumps(value, protocol=5)
        pickle.loads(data)  # of what this very process has just written
    return data


def _dump_skops(estimator: object, trusted: tuple[str, ...]) -> bytes:
    import skops.io

    what = type(estimator).__qualname__

    def unable(said: str) -> AssetFailedError:
        return refused(
            f"skops cannot store a {what}: {said}.",
            "Mend what the function returns, or choose another format: @asset(kind='ml_model', "
            "format='onnx' or 'native').",
        )

    with foreign(unable):
        data = skops.io.dumps(estimator)
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


def refuse_unreadable(info: ModelInfo, data: bytes, storing: Storing) -> None:
    """Whether it would be loaded, without loading it.

    Raises:
        AssetFailedError: it would not.
    """
    if info.format == "skops":
        _refuse_untrusted(data, storing.trusted)
    elif info.format == "native":
        native.refuse_untrusted(info.loader, storing.trusted)
    elif info.format == "pickle":
        refuse_pickle(storing, f"The stored model {info.name!r} is a pickle")


def _skops_content(data: bytes) -> str:
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
