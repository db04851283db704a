"""What a reader of one configuration format is given and gives."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

import msgspec

from toolkit.errors import Problem
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.yamltext import Json, Located, parse, parse_json, read_text

JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})


class SourceFile:
    """One file that may hold connections; read and parsed once, when first looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def text(self) -> str:
        """Its content."""
        return read_text(self.path)

    @cached_property
    def located(self) -> Located:
        """Its content: YAML with lines, or JSON (which can be megabytes) without."""
        if self.path.suffix in JSON_SUFFIXES:
            return Located(parse_json(self.text, self.path), {})
        return parse(self.text, self.path)

    @property
    def document(self) -> Json:
        """Its content as plain values."""
        return self.located.value


class Read(msgspec.Struct, kw_only=True):
    """What a reader found."""

    connections: list[Connection] = []
    problems: list[Problem] = []


class Reader(Protocol):
    """Reads one configuration format.

    Attributes:
        name: what the format is called in messages.
        suffixes: endings of the files worth looking into.
    """

    name: str
    suffixes: frozenset[str]

    def recognises(self, file: SourceFile) -> bool:
        """Whether the file's *content* is of this format."""

    def read(self, files: Sequence[SourceFile]) -> Read:
        """Read all files of this format that stand in one folder, together."""
