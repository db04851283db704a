"""What is known of a model: as it is stored, and as a function has just given it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import msgspec

from toolkit.errors import AssetFailedError

Format = Literal["skops", "onnx", "native", "pickle"]
FORMATS: tuple[str, ...] = get_args(Format)
INFO_FILE = "model.json"


@contextmanager
def foreign(told: Callable[[str], AssetFailedError]) -> Iterator[None]:
    """Code of a library, or of the user's own class, runs within: it may raise anything.

    Args:
        told: gives the error for what it raised: ``ValueError: no such column``.
    """
    try:
        yield
    except Exception as error:
        raise told(f"{type(error).__name__}: {error}") from error


class ModelInfo(msgspec.Struct, kw_only=True):
    """``model.json``.

    Attributes:
        file: the model's file, beside this one.
        sha256: of that file, verified on load.
        content: fingerprint of what was learnt: equal for equal models, unlike ``sha256``,
            since skops writes memory addresses into its files.
        format: how it is stored; ``format_reason``: why so.
        loader: for ``native``, what reads it: a class, ``bytes`` or ``path``.
        libraries / platform: that it was made with; Python is one of them.
        inputs: data versions of what it was trained on, by asset key.
        created_at: ISO 8601, UTC.
        run_id / who: the build, and the user whose process it was.
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
    file: str = "model.skops"
    format: Format = "skops"
    format_reason: str = ""
    loader: str = ""
    platform: str = ""
    run_id: str = ""
    who: str = ""


class Storing(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is to be stored and may be loaded.

    Attributes:
        format: what the asset asks for; ``None``: chosen by what the function returns.
        trusted: types that may be loaded besides those that are known to be harmless.
        pickle_allowed: toolkit.yml says ``python: {allow_pickle: true}``.
        libraries: packages that the function's code imports.
    """

    format: Format | None = None
    trusted: tuple[str, ...] = ()
    pickle_allowed: bool = False
    libraries: tuple[str, ...] = ()


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A model ready for the store; ``data`` is its file, the rest as in :class:`ModelInfo`."""

    data: bytes
    file: str
    format: Format
    format_reason: str
    content: str
    metrics: dict[str, float]
    parameters: dict[str, Any]
    metadata: dict[str, Any]
    libraries: dict[str, str]
    platform: str
    loader: str = ""
