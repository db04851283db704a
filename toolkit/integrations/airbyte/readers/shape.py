"""Looking into somebody else's decoded documents: tolerant, and exact about what is wrong."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from toolkit.errors import ArtifactError

_T = TypeVar("_T")
_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Element(msgspec.Struct, frozen=True):
    """One object of a document and where it stands.

    Attributes:
        value: as decoded.
        path: the file (or, for what came over the network, what it would be saved as).
        at: path of keys within it, such as ``data[3]``; empty for the document itself.
        container: ``at`` of the list that it stands in.
    """

    value: Any
    path: Path
    at: str = ""
    container: str = ""

    @property
    def where(self) -> str:
        """``file: path of keys`` for messages."""
        return f"{self.path}: {self.at}" if self.at else str(self.path)

    def inner(self, *keys: str | int) -> "Element | None":
        """What stands at these keys; ``None`` where there is nothing."""
        value, at = self.value, self.at
        for key in keys:
            if isinstance(key, int):
                value = value[key] if isinstance(value, list) and key < len(value) else None
            else:
                value = value.get(key) if isinstance(value, Mapping) else None
            at = join(at, key)
        return None if value is None else Element(value, self.path, at, self.at)

    def items(self) -> "Iterator[Element]":
        """The items of a list, in order; nothing for anything else."""
        if isinstance(self.value, list):
            for index, value in enumerate(self.value):
                yield Element(value, self.path, join(self.at, index), self.at)


def join(at: str, key: str | int) -> str:
    """A path of keys with one more: ``data[3]``, ``data[3].name``."""
    if isinstance(key, int):
        return f"{at}[{key}]"
    return f"{at}.{key}" if at else key


def convert(element: Element, type_: type[_T], what: str, again: str) -> _T:
    """Decode an element into a struct; unknown keys are nothing.

    Args:
        what: what it should be, such as "a connection as Airbyte's API gives it".
        again: what the user does about it.

    Raises:
        ArtifactError: it is not that; names the file and the path of keys, and no value.
    """
    try:
        return msgspec.convert(element.value, type_)
    except (msgspec.ValidationError, RecursionError) as error:
        message, _, inner = str(error).partition(" - at `$")
        at = join(element.at, "")[:-1] if element.at else ""
        at += inner.rstrip("`")
        raise ArtifactError(
            f"{element.path}: {at.lstrip('.') or 'the document'} is not {what}: {message}.",
            "The connections in this file are not known, so nothing was done.",
            again,
        ) from error


def snake_keys(element: Element) -> Element:
    """The same object with keys in Python's spelling; its values stay as they are.

    Raises:
        ArtifactError: a key stands there in both spellings and with two values.
    """
    if not isinstance(element.value, Mapping):
        return element
    found: dict[str, Any] = {}
    for key, value in element.value.items():
        name = _CAPITAL.sub(r"_\1", str(key)).lower()
        if name in found and found[name] != value:
            raise ArtifactError(
                f"{element.path}: {join(element.at, str(key))} stands there a second time as "
                f"`{name}`, with another value.",
                "Which of the two counts is not known, so nothing was done.",
                "Remove one of the two.",
            )
        found[name] = value
    return Element(found, element.path, element.at, element.container)
