"""A library's own format: ``save_model`` and ``load_model``, or what the function wrote itself.

The protocol is that of XGBoost and CatBoost: an object has ``save_model(path)``, its class can
be called without arguments, and what that gives has ``load_model(path)``. LightGBM's ``Booster``
and Keras have ways of their own. Which class reads a file again stands in ``model.json``; it is
imported only if it is one of these libraries' or is listed as trusted.
"""

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.models.info import ModelInfo, foreign

BYTES, PATH = "bytes", "path"

# The ending by which a library knows the format that it is to write.
_ENDINGS = {"xgboost": ".ubj", "catboost": ".cbm", "lightgbm": ".txt", "keras": ".keras"}


def name_of(kind: type) -> str:
    """A class as it is named in ``trusted``."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _root(name: str) -> str:
    return name.partition(".")[0]


def writes(value: object) -> bool:
    """Whether an object can write itself."""
    return callable(getattr(value, "save_model", None)) or _is_keras(type(value))


def _is_keras(kind: type) -> bool:
    return any(
        name_of(base).startswith("keras.") and base.__name__ == "Model" for base in kind.mro()
    )


def dump(value: object, trusted: tuple[str, ...]) -> tuple[bytes, str, str]:
    """The file's content, its name in the store, and what reads it again.

    Raises:
        AssetFailedError: it cannot be written, or would not be read again.
    """
    if isinstance(value, bytes):
        return value, "model.bin", BYTES
    if isinstance(value, Path):
        return _file(value)
    name = name_of(type(value))
    if not writes(value):
        raise _unable(f"a {name} has no save_model(path)")
    refuse_untrusted(name, trusted)
    ending = ".keras" if _is_keras(type(value)) else _ENDINGS.get(_root(name), ".model")
    with tempfile.TemporaryDirectory(prefix="toolkit-") as folder:
        path = Path(folder) / f"model{ending}"
        with foreign(_unable):
            save = value.save if _is_keras(type(value)) else value.save_model  # type: ignore[attr-defined]
            save(str(path))
            data = path.read_bytes()
            _load(type(value), path)
    return data, path.name, name


def _file(path: Path) -> tuple[bytes, str, str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unable(f"{path} cannot be read: {error.strerror}") from error
    ending = "".join(c for c in path.suffix if c.isalnum() or c == ".")[:20]
    return data, "native.json" if ending == ".json" else f"model{ending or '.bin'}", PATH


def _unable(why: str) -> AssetFailedError:
    return AssetFailedError(
        f"The model cannot be stored in its library's own format: {why}.",
        "Nothing was stored; the model is as it was.",
        "Return what has save_model(path) and load_model(path); or write the file yourself and "
        "return its pathlib.Path, or its bytes.",
    )


def refuse_untrusted(loader: str, trusted: tuple[str, ...]) -> None:
    """A class is imported only if somebody trusts it.

    Raises:
        AssetFailedError: nobody does.
    """
    if loader in (BYTES, PATH) or loader in trusted or _root(loader) in _ENDINGS:
        return
    raise AssetFailedError(
        f"The model is read again by {loader}, which is not one of "
        f"{', '.join(sorted(_ENDINGS))} and not trusted.",
        "Importing it runs its code, so the model was not used.",
        f"If you trust it: @asset(kind='ml_model', trusted=[{loader!r}]).",
    )


def read(info: ModelInfo, path: Path, data: bytes, trusted: tuple[str, ...]) -> Any:  # noqa: ANN401  # the model
    """The model in a file.

    Raises:
        AssetFailedError: its class is not trusted, or cannot read it.
    """
    if info.loader == BYTES:
        return data
    if info.loader == PATH:
        return path
    refuse_untrusted(info.loader, trusted)
    module, _, name = info.loader.rpartition(".")

    def unreadable(said: str) -> AssetFailedError:
        return AssetFailedError(
            f"{info.loader} cannot read the stored ML model {info.name!r}: {said}.",
            "What needs it was not run.",
            "Install the version of the library that it was made with (`toolkit models show "
            f"{info.name}`), or make it anew: toolkit build --select {info.name}",
        )

    with foreign(unreadable):
        return _load(getattr(import_module(module), name), path)


def _load(kind: type, path: Path) -> Any:  # noqa: ANN401  # the library's
    if _is_keras(kind):
        return import_module("keras").saving.load_model(str(path), safe_mode=True)
    if name_of(kind).startswith("lightgbm.") and kind.__name__ == "Booster":
        return kind(model_file=str(path))
    made = kind()
    given = made.load_model(str(path))
    return made if given is None else given
