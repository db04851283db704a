"""What a repository holds that toolkit can use, told from the content of its files."""

import ast
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

MAX_FILES = 20_000
MAX_BYTES = 2_000_000

_SKIPPED = frozenset(
    {
        "node_modules",
        "target",
        "dbt_packages",
        "dbt_modules",
        "logs",
        "venv",
        "env",
        "build",
        "dist",
        "__pycache__",
    }
)
# Tests hold examples of everything, and none of it is the project's own.
_TESTS = re.compile(r"(^|/)(tests?|fixtures)/|(^|/)(test_[^/]*|conftest)\.py$")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Files and folders worth naming in toolkit.yml; absolute, sorted.

    Attributes:
        cut_off: there were more files than we look at.
    """

    connections: tuple[Path, ...] = ()
    assets: tuple[Path, ...] = ()
    cut_off: bool = False


def find_in_repository(project_dir: Path) -> Found:
    """Look through the repository around a dbt project.

    The repository is the nearest folder above with ``.git``, else the project itself.
    """
    root = next((p for p in (project_dir, *project_dir.parents) if (p / ".git").exists()), None)
    root = root or project_dir
    connections: list[Path] = []
    assets: list[Path] = []
    cut_off = False
    for count, path in enumerate(_files(root)):
        if count >= MAX_FILES:
            cut_off = True
            break
        recognise = _RECOGNISERS.get(path.suffix)
        if recognise is None or _TESTS.search(path.relative_to(root).as_posix()):
            continue
        text = _text(path)
        if text and recognise(text):
            (assets if path.suffix == ".py" else connections).append(path)
    own = frozenset({root, project_dir})
    return Found(
        connections=_folders(connections, own), assets=_folders(assets, own), cut_off=cut_off
    )


def is_connection_yaml(text: str) -> bool:
    """Whether it is a connection in our own form."""
    if not re.search(r"^streams\s*:", text, re.MULTILINE):
        return False
    import yaml

    # A repository's files are not ours to trust: only look at the keys of the first level, as
    # flat events, and build nothing.
    try:
        keys = _top_keys(yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError:
        return False
    needed = {"name", "streams"} <= keys and {"source", "destination"} & keys
    return bool(needed) and "type" not in keys  # a low-code source has a type


def is_connection_json(text: str) -> bool:
    """Whether it holds connections as Airbyte's API gives them: one, a list, or a page."""
    if '"connectionId"' not in text:
        return False
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if isinstance(data, dict) and isinstance(data.get("data"), list):
        data = data["data"]
    items = data if isinstance(data, list) else [data]
    return any(isinstance(item, dict) and "connectionId" in item for item in items)


def is_connection_terraform(text: str) -> bool:
    """Whether it declares a connection as Airbyte's Terraform provider has them."""
    return bool(re.search(r'^\s*resource\s+"airbyte_connection"', text, re.MULTILINE))


def is_python_assets(text: str) -> bool:
    """Whether it imports toolkit and decorates a function with ``@asset``."""
    if "toolkit" not in text or "asset" not in text:
        return False
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "toolkit":
            names |= {a.asname or a.name for a in node.names if a.name == "asset"}
        elif isinstance(node, ast.Import):
            names |= {f"{a.asname or a.name}.asset" for a in node.names if a.name == "toolkit"}
    return any(
        ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator) in names
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
    )


_RECOGNISERS: dict[str, Callable[[str], bool]] = {
    ".yml": is_connection_yaml,
    ".yaml": is_connection_yaml,
    ".json": is_connection_json,
    ".tf": is_connection_terraform,
    ".py": is_python_assets,
}


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in _SKIPPED and not f.startswith("."))
        for name in sorted(files):
            yield Path(folder, name)


def _text(path: Path) -> str:
    """The file's text; empty for what is too big, not text or not to be read."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return ""
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _folders(files: list[Path], own: frozenset[Path]) -> tuple[Path, ...]:
    """The folders of these files, or the files where their folder holds everything else too."""
    places = {path if path.parent in own else path.parent for path in files}
    return tuple(sorted(p for p in places if not any(q in places for q in p.parents)))


def _top_keys(events: Iterable[Any]) -> frozenset[str]:
    """Scalar keys of a document's first level."""
    import yaml

    keys: set[str] = set()
    depth = 0
    at_key = True  # on the first level keys and values take turns
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        if depth == 0 and not isinstance(event, yaml.MappingStartEvent):
            return frozenset()
        if depth == 1:
            if at_key and isinstance(event, yaml.ScalarEvent):
                keys.add(event.value)
            at_key = not at_key
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
    return frozenset(keys)
