"""A YAML file with its lines: read safely, point at any key.

PyYAML's C loader recurses on the C stack, so ``[[[[...`` in a file ends the process with a
segmentation fault, and a few lines of nested aliases expand to gigabytes. A file is therefore
walked as flat events first, and refused before anything is built from it.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from toolkit.errors import SettingsError

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML without libyaml: the same result, ten times slower
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

Keys = tuple[str | int, ...]

MAX_BYTES = 10_000_000
MAX_DEPTH = 100
MAX_NODES = 200_000

# What PyYAML's constructors raise besides YAMLError on odd scalars (``!!int x``, 2024-99-99).
_CONSTRUCTION_ERRORS = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)


class Document:
    """One YAML file: its data, and the line of every key.

    Attributes:
        path: absolute.
        shown: how messages name the file: relative to the working folder where it lies below.
        data: what PyYAML's safe loader makes of it; ``None`` for an empty file.

    Raises:
        SettingsError: cannot be read, is not UTF-8, not YAML, too big, too deep.
    """

    def __init__(self, path: Path, *, refuse_duplicates: bool = False) -> None:
        self.path = path
        self.shown = shown_path(path)
        text = self._read()
        try:
            self._check_shape(text)
            loader = Loader(text)
            try:
                self._root = loader.get_single_node()
                if refuse_duplicates and self._root is not None:
                    self._refuse_duplicates(self._root, ())
                self.data: Any = (
                    None if self._root is None else loader.construct_document(self._root)
                )
            finally:
                loader.dispose()
        except yaml.YAMLError as error:
            raise self._syntax_error(error, text) from None
        except _CONSTRUCTION_ERRORS as error:
            raise self.error((), f"holds a value that YAML cannot read: {error}.") from None

    def mapping(self) -> dict[Any, Any]:
        """The data of a file that must be a mapping.

        Raises:
            SettingsError: it is empty or something else.
        """
        if self.data is None:
            raise self.error((), "is empty.", next_step=f"Fill in {self.shown} or remove it.")
        if not isinstance(self.data, dict):
            raise self.error((), f"must be a mapping of keys to values, not {kind_of(self.data)}.")
        return self.data

    def line(self, keys: Sequence[str | int]) -> int | None:
        """1-based line of the key (or list entry) at ``keys``, or of its nearest parent."""
        node = self._root
        found = None
        for key in keys:
            at, node = _child(node, key)
            if at is None:
                break
            found = at.start_mark.line + 1
        return found

    def error(
        self,
        keys: Sequence[str | int],
        fact: str,
        consequence: str = "Nothing was run.",
        next_step: str = "",
    ) -> SettingsError:
        """An error about ``keys`` of this file: ``file:line: `a.b` <fact>``."""
        line = self.line(keys)
        place = f"{self.shown}:{line}: " if line else f"{self.shown}: "
        name = f"`{dotted(keys)}` " if keys else "the file "
        return SettingsError(
            place + name + fact, consequence, next_step or f"Correct {self.shown}, then try again."
        )

    def _read(self) -> str:
        try:
            if not self.path.is_file():
                raise self.error_unread("is not a file")
            if self.path.stat().st_size > MAX_BYTES:
                raise self.error_unread(f"is bigger than {MAX_BYTES // 1_000_000} MB")
            return self.path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.error_unread(
                f"is not UTF-8 text (byte {error.start})", "Save it as UTF-8, then try again."
            ) from None
        except OSError as error:
            raise self.error_unread(f"cannot be read: {error.strerror}") from None

    def error_unread(self, fact: str, next_step: str = "") -> SettingsError:
        """An error about the file as such, before there are lines."""
        return SettingsError(
            f"{self.shown} {fact}.",
            "Nothing was run.",
            next_step or f"Look at {self.shown}, then try again.",
        )

    def _check_shape(self, text: str) -> None:
        """Refuse what would overflow the stack or the memory, from the flat event stream."""
        limits = _Limits()
        loader = Loader(text)
        try:
            while loader.check_event():
                event: Any = loader.get_event()
                problem = limits.count(event)
                if problem:
                    raise SettingsError(
                        f"{self.shown}:{event.start_mark.line + 1}: {problem}.",
                        "Reading it further could take all memory, so nothing was run.",
                        f"Write {self.shown} more simply, then try again.",
                    )
        finally:
            loader.dispose()

    def _refuse_duplicates(self, node: yaml.Node, keys: Keys) -> None:
        if isinstance(node, yaml.MappingNode):
            lines: dict[tuple[str, str], int] = {}
            for key, value in node.value:
                name = key.value if isinstance(key, yaml.ScalarNode) else ""
                line = key.start_mark.line + 1
                first = lines.setdefault((key.tag, name), line) if name else line
                if first is not line:
                    raise SettingsError(
                        f"{self.shown}:{line}: `{dotted((*keys, name))}` is already there "
                        f"in line {first}.",
                        "Only one of the two could count, so nothing was run.",
                        "Remove one of them.",
                    )
                self._refuse_duplicates(value, (*keys, name))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._refuse_duplicates(value, (*keys, index))

    def _syntax_error(self, error: yaml.YAMLError, text: str) -> SettingsError:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        if mark is None:
            return self.error_unread(f"is not valid YAML: {problem}")
        lines = text.splitlines()
        source = lines[mark.line] if mark.line < len(lines) else ""
        if "\t" in source[: len(source) - len(source.lstrip())]:
            problem = "it is indented with a tab, and YAML allows spaces only"
        return SettingsError(
            f"{self.shown}:{mark.line + 1}: not valid YAML: {problem}.",
            "Nothing was run.",
            f"Correct line {mark.line + 1} of {self.shown} (or the one above), then try again.",
        )


class _Limits:
    """Counts depth and expanded size over a stream of YAML events."""

    def __init__(self) -> None:
        self.total = 0
        self._open: list[tuple[str | None, int]] = []  # anchor and `total` at its start
        self._sizes: dict[str, int] = {}

    def count(self, event: yaml.Event) -> str | None:
        """Take one event; the problem in words when a limit is passed."""
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in self._open):
                return f"the alias *{event.anchor} holds itself"
            self.total += self._sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            self.total += 1
            if event.anchor:
                self._sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, self.total))
            self.total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self._open.pop()
            if anchor:
                self._sizes[anchor] = self.total - before
        if len(self._open) > MAX_DEPTH:
            return f"it is nested more than {MAX_DEPTH} levels deep"
        if self.total > MAX_NODES:
            return f"it holds more than {MAX_NODES:,} values (aliases counted as often as used)"
        return None


def shown_path(path: Path) -> str:
    """``path`` as messages show it: relative to the working folder where it lies below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def dotted(keys: Sequence[str | int]) -> str:
    """A key path as a person writes it: ``airbyte.dev.url``, ``connections[0]``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def kind_of(value: object) -> str:
    """What a YAML value is, in a person's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    names: tuple[tuple[type, str], ...] = (
        (str, "text"),
        (int, "a number"),
        (float, "a number"),
        (dict, "a mapping"),
        (list, "a list"),
    )
    return next((name for cls, name in names if isinstance(value, cls)), type(value).__name__)


def nearest(word: str, words: Sequence[str]) -> str:
    """`` Did you mean `x`?`` for a misspelled word, or nothing."""
    import difflib

    squeezed = {re.sub(r"[^a-z0-9]", "", known.lower()): known for known in words}
    close = difflib.get_close_matches(re.sub(r"[^a-z0-9]", "", word.lower()), squeezed, 1, 0.5)
    return f"Did you mean `{squeezed[close[0]]}`?" if close else ""


def _child(node: object, key: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The node to point at for ``key`` in ``node``, and the value below it."""
    if isinstance(node, yaml.MappingNode):
        for name, value in _last_first(node):
            if isinstance(name, yaml.ScalarNode) and name.value == str(key):
                return name, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None, None


def _last_first(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Pairs from the end: of two equal keys YAML takes the last; merged ones stand in front."""
    yield from reversed(node.value)
