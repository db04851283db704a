"""Comparing names and paths with patterns, without touching a disk."""

import fnmatch
import re
from collections.abc import Callable
from functools import lru_cache

_WILDCARDS = frozenset("*?[]")


def is_pattern(text: str) -> bool:
    """Whether ``text`` holds a wildcard."""
    return not _WILDCARDS.isdisjoint(text)


@lru_cache(maxsize=1024)
def matcher(pattern: str) -> Callable[[str], object]:
    """A function that tells whether a whole text fits ``* ? [ ]``; case counts."""
    if not is_pattern(pattern):
        return pattern.__eq__
    return re.compile(fnmatch.translate(pattern)).match


class PathPattern:
    """A glob over paths relative to the project folder, with pathlib's meaning.

    ``*`` stays within one folder, ``**`` crosses folders, and a pattern that ends
    with ``/`` or ``**`` means folders only.
    """

    def __init__(self, pattern: str) -> None:
        parts = [part for part in pattern.split("/") if part not in ("", ".")]
        self._only_folders = pattern.endswith("/") or parts[-1:] == ["**"]
        self._parts = tuple((part == "**", matcher(part)) for part in parts)

    def names(self, path: str) -> bool:
        """Whether the pattern means the file ``path`` itself."""
        return not self._only_folders and self._fits(path.split("/"), 0, 0, below=False)

    def covers(self, path: str) -> bool:
        """Whether the pattern means the file ``path`` or a folder that it is in."""
        return self._fits(path.split("/"), 0, 0, below=True)

    def _fits(self, path: list[str], at: int, part: int, *, below: bool) -> bool:
        if part == len(self._parts):
            if at == len(path):
                return not self._only_folders
            return below
        any_depth, fits = self._parts[part]
        if any_depth:
            return self._fits(path, at, part + 1, below=below) or (
                at < len(path) and self._fits(path, at + 1, part, below=below)
            )
        return (
            at < len(path)
            and bool(fits(path[at]))
            and self._fits(path, at + 1, part + 1, below=below)
        )
