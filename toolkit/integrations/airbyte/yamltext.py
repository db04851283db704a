"""YAML and JSON text as plain values, with the line of every key.

JSON is read by the same reader: it is YAML's subset, and errors get lines.
"""

from pathlib import Path
from typing import Any

import yaml

from toolkit.errors import ArtifactError

# Mappings, lists and scalars: whatever the text holds.
Json = Any

Lines = dict[tuple[str | int, ...], int]

_MAX_BYTES = 64 * 1024 * 1024


class Located:
    """A document and where its keys stand.

    Attributes:
        value: mappings, lists and scalars.
        lines: 1-based line of each key and list item, by path. What an alias repeats has no
            line of its own, so a small file cannot become a large table.
    """

    def __init__(self, value: Json, lines: Lines) -> None:
        self.value = value
        self.lines = lines


def read_text(path: Path) -> str:
    """The file as text.

    Raises:
        ArtifactError: it is not there, not readable, not UTF-8 or unreasonably large.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ArtifactError(
                f"{path} is larger than {_MAX_BYTES // 2**20} MB.",
                "That is no connection file, so nothing was read.",
                "Remove it from `connections:` in toolkit.yml.",
            )
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(
            f"{path} cannot be read: {error}.",
            "The connections in it are not known, so nothing was done.",
            "Correct the file or its permissions.",
        ) from error


def parse(text: str, path: Path) -> Located:
    """Read one YAML (or JSON) document.

    Raises:
        ArtifactError: with file:line; also for a key that stands twice.
    """
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    try:
        node = yaml.compose(text, Loader=loader)
        if node is None:
            return Located(None, {})
        walker = _Walker(path)
        return Located(walker.value(node, ()), walker.lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        what = getattr(error, "problem", None) or str(error)
        raise _unreadable(where, f"is not valid YAML: {what}") from error
    except RecursionError as error:
        raise _unreadable(str(path), "is nested too deeply") from error


def _unreadable(where: str, what: str) -> ArtifactError:
    return ArtifactError(
        f"{where} {what}.",
        "The connections in this file are not known, so nothing was done.",
        "Correct the file.",
    )


class _Walker:
    def __init__(self, path: Path) -> None:
        self.lines: Lines = {}
        self._path = path
        self._done: dict[int, Json] = {}
        self._open: set[int] = set()
        self._scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, at: tuple[str | int, ...]) -> Json:
        if not at:
            self.lines[at] = node.start_mark.line + 1
        if id(node) in self._done:
            return self._done[id(node)]
        if id(node) in self._open:
            raise _unreadable(self._where(node), "has an alias that contains itself")
        self._open.add(id(node))
        result: Json
        if isinstance(node, yaml.MappingNode):
            result = self._mapping(node, at)
        elif isinstance(node, yaml.SequenceNode):
            result = []
            for index, item in enumerate(node.value):
                self.lines[(*at, index)] = item.start_mark.line + 1
                result.append(self.value(item, (*at, index)))
        else:
            result = self._scalar(node)
        self._open.discard(id(node))
        self._done[id(node)] = result
        return result

    def _mapping(self, node: yaml.MappingNode, at: tuple[str | int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                inherited = self.value(value_node, (*at, "<<"))
                for part in inherited if isinstance(inherited, list) else [inherited]:
                    if not isinstance(part, dict):
                        raise _unreadable(self._where(key_node), "merges (<<) what is no mapping")
                    merged = {**part, **merged}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise _unreadable(self._where(key_node), "has a key that is no plain text")
            key = str(key_node.value)
            if key in result:
                raise _unreadable(self._where(key_node), f"has the key {key!r} twice")
            self.lines[(*at, key)] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, (*at, key))
        return {**merged, **result}

    def _scalar(self, node: yaml.Node) -> Json:
        try:
            value = self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise _unreadable(
                self._where(node), f"has a value that cannot be read: {error}"
            ) from error
        # YAML turns 2021-01-01 into a date; connector configurations are JSON and want text.
        return value if isinstance(value, str | int | float | bool | None) else str(node.value)

    def _where(self, node: yaml.Node) -> str:
        return f"{self._path}:{node.start_mark.line + 1}"
