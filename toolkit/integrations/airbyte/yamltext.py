"""YAML and JSON text as plain values, YAML with the line of every key.

What is read here is safe to walk over: not too deep for recursion, not larger than it looks,
and all of its text can be written again.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from toolkit.errors import ArtifactError

# Mappings, lists and scalars: whatever the text holds.
Json = Any

Key = tuple[str | int, ...]
"""A path of keys and places in lists."""

Lines = Mapping[Key, int]

_MAX_BYTES = 64 * 1024 * 1024

# Levels of lists and mappings. What walks over documents recurses, and has a stack.
_MAX_DEPTH = 100

# An escape of half a character, as JSON writes all beyond the first 65,536: mostly in pairs.
_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")

# What opens and closes objects, and texts: those before a colon are keys.
_TOKEN = re.compile(r"[{}]|(?P<key>\"(?:[^\"\\]|\\.)*\")(?=\s*:)|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)

# Values in a document once its aliases are written out: no file that is meant comes near.
_MAX_VALUES = 20_000_000


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


def line_of(lines: Lines, key: Key) -> int | None:
    """The line of a key, or of the nearest thing round it that has one."""
    rounds = (key[:length] for length in range(len(key), -1, -1))
    return next((lines[around] for around in rounds if around in lines), None)


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


def is_file(path: Path) -> bool:
    """Whether there is such a file; a path that no system could have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def folder_at(base: Path, name: str) -> Path | None:
    """The folder ``name``, as seen from ``base``; one that no system could have is none."""
    try:
        path = (base / name).resolve()
        return path if path.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, links in a circle
        return None


def parse(text: str, path: Path) -> Located:
    """Read one YAML (or JSON) document.

    Raises:
        ArtifactError: with file:line; also for a key that stands twice.
    """
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    try:
        _check_nesting(text, path, loader)
        node = yaml.compose(text, Loader=loader)
        if node is None:
            return Located(None, {})
        walker = _Walker(path)
        located = Located(walker.value(node, ()), walker.lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        what = getattr(error, "problem", None) or str(error)
        raise _unreadable(where, f"is not valid YAML: {what}") from error
    except RecursionError as error:
        raise _unreadable(str(path), "is nested too deeply") from error
    _check_values(located.value, path)
    return located


def parse_json(text: str, path: Path) -> Json:
    """Read JSON: one document, or several one after the other (a line each, say) as a list.

    Raises:
        ArtifactError: with file:line where JSON says it; also for a key that stands twice.
    """
    decoder = json.JSONDecoder(object_pairs_hook=lambda pairs: _object(pairs, text, path))
    documents: list[Json] = []
    at = 0
    try:
        while True:
            while at < len(text) and text[at] in " \t\r\n":
                at += 1
            if at == len(text) and documents:
                break
            document, at = decoder.raw_decode(text, at)
            documents.append(document)
    except RecursionError as error:
        raise _unreadable(str(path), "is nested too deeply") from error
    except ValueError as error:
        where, what = f"{path}", str(error)
        if isinstance(error, json.JSONDecodeError):
            where, what = f"{path}:{error.lineno}", error.msg
        raise _unreadable(where, f"is not valid JSON: {what}") from error
    value = documents[0] if len(documents) == 1 else documents
    if _HALF_ESCAPE.search(text):
        _check_values(value, path)
    _check_depth(value, path)
    return value


def _check_depth(value: Json, path: Path) -> None:
    """The depth alone: JSON has no aliases, so a document is as large as it looks."""
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        level = [
            part
            for item in level
            if item and isinstance(item, dict | list)
            for part in (item.values() if isinstance(item, dict) else item)
            if part.__class__ is dict or part.__class__ is list
        ]
        if not level:
            return
    raise _unreadable(str(path), "is nested too deeply")


def _object(pairs: Sequence[tuple[str, Json]], text: str, path: Path) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        at, key = _repeated(text)
        line = text.count("\n", 0, at) + 1
        raise _unreadable(f"{path}:{line}", f"has the key {key!r} twice in one object")
    return found


def _repeated(text: str) -> tuple[int, str]:
    """Where the first key stands that its object has already, of JSON of which this is known."""
    objects: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        if token[0] == "{":
            objects.append(set())
        elif token[0] == "}":
            objects.pop()
        elif token["key"] is not None:
            key = str(json.loads(token["key"], strict=False))
            if key in objects[-1]:
                return token.start(), key
            objects[-1].add(key)
    return 0, "?"


def _check_nesting(
    text: str, path: Path, loader: "type[yaml.SafeLoader | yaml.CSafeLoader]"
) -> None:
    """libyaml's composer recurses in C without a limit: a deep document ends the process."""
    widest = max(map(len, text.splitlines()), default=0)
    # A block needs a column more for each level, a flow a bracket.
    if text.count("[") + text.count("{") + widest < _MAX_DEPTH:
        return
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                mark = event.start_mark
                line = f":{mark.line + 1}" if mark is not None else ""
                raise _unreadable(f"{path}{line}", "is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_values(value: Json, path: Path) -> None:
    """Depth, number and text of all values, aliases written out; each is looked at once."""
    sizes: dict[int, tuple[int, int]] = {}
    stack: list[tuple[Json, bool]] = [(value, False)]
    while stack:
        item, done = stack.pop()
        if isinstance(item, str) and not item.isascii():
            _check_text(item, path)
        if not isinstance(item, dict | list) or (id(item) in sizes and not done):
            continue
        inner = list(item.values()) if isinstance(item, dict) else item
        if not done:
            stack.append((item, True))
            stack += [(part, False) for part in inner]
            if isinstance(item, dict):
                stack += [(key, False) for key in item if not key.isascii()]
            if len(stack) > _MAX_VALUES:
                raise _unreadable(str(path), "is unreasonably large")
            continue
        below = [sizes[id(part)] for part in inner if isinstance(part, dict | list)]
        size = 1 + len(inner) + sum(part[0] for part in below)
        depth = 1 + max((part[1] for part in below), default=0)
        if depth > _MAX_DEPTH:
            raise _unreadable(str(path), "is nested too deeply")
        if size > _MAX_VALUES:
            raise _unreadable(str(path), "becomes unreasonably large where its aliases stand")
        sizes[id(item)] = (size, depth)


def _check_text(text: str, path: Path) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _unreadable(str(path), "has text with half a character (a lone surrogate)") from error


def _unreadable(where: str, what: str) -> ArtifactError:
    return ArtifactError(
        f"{where} {what}.",
        "The connections in this file are not known, so nothing was done.",
        "Correct the file.",
    )


class _Walker:
    def __init__(self, path: Path) -> None:
        self.lines: dict[Key, int] = {}
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
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError):
            # Its own words would repeat the value, which may be a password; so there is no cause.
            tag = node.tag.rpartition(":")[2]
            raise _unreadable(self._where(node), f"has a value that is no {tag}") from None
        # YAML turns 2021-01-01 into a date; connector configurations are JSON and want text.
        return value if isinstance(value, str | int | float | bool | None) else str(node.value)

    def _where(self, node: yaml.Node) -> str:
        return f"{self._path}:{node.start_mark.line + 1}"
