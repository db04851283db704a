"""Terraform's functions that read files beside the configuration: only when they are asked for."""

import contextlib
import csv
import io
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from toolkit.integrations.airbyte.readers.terraform.values import (
    EvaluationError,
    Value,
    to_set,
    to_text,
)
from toolkit.integrations.airbyte.yamltext import is_file

# Arguments are Terraform's, of any type; a wrong one is an error of the caller's.
_Any = Any

# Stream lists and templates are small; whatever is not is none.
_LARGEST = 4_000_000
_MOST_FILES = 10_000


def _file(folder: Path, name: _Any) -> Value:
    text: str | None = None
    try:
        path = folder / Path(to_text(name)).expanduser()
        if path.is_file() and path.stat().st_size <= _LARGEST:
            text = path.read_text("utf-8")
    except (OSError, ValueError, RuntimeError):
        text = None
    if text is None:
        raise EvaluationError(f"a file that cannot be read ({PurePosixPath(to_text(name)).name})")
    return text


def _exists(folder: Path, name: _Any) -> Value:
    return is_file(folder / to_text(name))


def _file_set(folder: Path, base: _Any, pattern: _Any) -> Value:
    root = folder / to_text(base)
    # Python's `**` at the end stands for folders, Terraform's for files at any depth.
    glob = re.sub(r"(^|/)\*\*$", r"\1**/*", to_text(pattern))
    found: list[str] | None = None
    with contextlib.suppress(OSError, ValueError, NotImplementedError):
        files = (path for path in root.glob(glob) if path.is_file())
        found = [path.relative_to(root).as_posix() for path in islice(files, _MOST_FILES + 1)]
    if found is None:
        raise EvaluationError("a pattern that is not relative, or that cannot be read")
    if len(found) > _MOST_FILES:
        raise EvaluationError(f"a pattern that fits more than {_MOST_FILES} files")
    return to_set(found)


def _yaml(_: Path, text: _Any) -> Value:
    try:
        value: Value = yaml.safe_load(to_text(text))
        return _plain(value, {})
    # PyYAML lets out whatever a tag such as !!timestamp stumbles over.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        pass
    # Outside of the handler: yaml's messages quote the text.
    raise EvaluationError("a text that is not YAML")


def _plain(value: Value, done: dict[int, Value]) -> Value:
    """Terraform's values; what aliases repeat is made once, or it could fill the memory."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "") + "Z"
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if not isinstance(value, list | Mapping):
        return value
    if id(value) not in done:
        done[id(value)] = (
            {str(key): _plain(item, done) for key, item in value.items()}
            if isinstance(value, Mapping)
            else [_plain(item, done) for item in value]
        )
    return done[id(value)]


def _csv(_: Path, text: _Any) -> Value:
    return [dict(row) for row in csv.DictReader(io.StringIO(to_text(text)))]


def _base(_: Path, path: _Any) -> Value:
    return PurePosixPath(to_text(path)).name


def _folder(_: Path, path: _Any) -> Value:
    return str(PurePosixPath(to_text(path)).parent)


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "basename": _base,
    "csvdecode": _csv,
    "dirname": _folder,
    "file": _file,
    "fileexists": _exists,
    "fileset": _file_set,
    "yamldecode": _yaml,
}
