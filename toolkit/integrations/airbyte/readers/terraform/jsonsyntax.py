"""``.tf.json`` and ``.tfvars.json`` -> our syntax tree: texts are templates."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.integrations.airbyte.readers.terraform.hcl import (
    broken,
    parse_expression,
    parse_text,
)
from toolkit.integrations.airbyte.readers.terraform.syntax import (
    Block,
    Body,
    Expression,
    Literal,
    Object,
    Tuple,
)
from toolkit.integrations.airbyte.yamltext import Json

# How many labels a block of each type has; others are of no interest.
_LABELS: Mapping[str, int] = {
    "resource": 2,
    "data": 2,
    "variable": 1,
    "output": 1,
    "module": 1,
    "locals": 0,
}

# Attributes whose text is an expression and no template.
_EXPRESSIONS = frozenset({("variable", "type")})


def json_blocks(text: str, path: Path) -> Iterator[Block]:
    """The blocks of a ``.tf.json`` file.

    Raises:
        ArtifactError: it is no JSON object, or has a broken expression; names file:line.
    """
    document = _document(text, path)
    for kind, count in _LABELS.items():
        for labels, body in _labelled(document.get(kind), count):
            line = _line_of(text, (kind, *labels))
            yield Block(kind, labels, _body(body, kind, path, line), path, line)


def json_body(text: str, path: Path) -> Body:
    """A ``.tfvars.json`` file: values only, nothing in them is evaluated.

    Raises:
        ArtifactError: it is no JSON object.
    """
    document = _document(text, path)
    return Body({key: _literal(value, path) for key, value in document.items()})


def _document(text: str, path: Path) -> dict[str, Any]:
    line, document = 1, None
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        line = error.lineno
    except RecursionError:
        document = None
    if not isinstance(document, dict):
        raise broken(path, line, "it is no JSON object")
    return document


def _labelled(value: object, count: int) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, Mapping):
            continue
        if count == 0:
            yield (), item
            continue
        for label, inner in item.items():
            for labels, body in _labelled(inner, count - 1):
                yield (label, *labels), body


def _body(raw: Mapping[str, Any], kind: str, path: Path, line: int) -> Body:
    attributes: dict[str, Expression] = {}
    for key, value in raw.items():
        if key == "//":
            continue
        if (kind, key) in _EXPRESSIONS and isinstance(value, str):
            attributes[key] = parse_expression(value, path, line)
        else:
            attributes[key] = _expression(value, path, line)
    return Body(attributes)


def _expression(value: Json, path: Path, line: int) -> Expression:
    if isinstance(value, str):
        return parse_text(value, path, line)
    if isinstance(value, list):
        return Tuple(tuple(_expression(item, path, line) for item in value))
    if isinstance(value, dict):
        items = tuple(
            (parse_text(key, path, line), _expression(item, path, line))
            for key, item in value.items()
            if key != "//"
        )
        return Object(items, (path, line))
    return Literal(value)


def _literal(value: Json, path: Path) -> Expression:
    if isinstance(value, list):
        return Tuple(tuple(_literal(item, path) for item in value))
    if isinstance(value, dict):
        items = tuple((Literal(key), _literal(item, path)) for key, item in value.items())
        return Object(items, (path, 1))
    return Literal(value)


def _line_of(text: str, labels: tuple[str, ...]) -> int:
    """JSON is parsed without lines: where the labels stand one after the other."""
    position = 0
    with contextlib.suppress(ValueError):
        for label in labels:
            position = text.index(f'"{label}"', position)
    return text.count("\n", 0, position) + 1
