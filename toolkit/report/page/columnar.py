"""A compact way to bring tables into a page: columns of numbers over one pool of strings."""

import base64
import gzip
from collections.abc import Iterable

import msgspec

from toolkit.masking import Masker


class Interner:
    """Gives each distinct string a number; ``None`` is -1.

    Args:
        secrets: values that are masked in every string.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._masker = Masker(secrets)
        self._numbers: dict[str, int] = {}
        self.strings: list[str] = []

    def __call__(self, text: str | None) -> int:
        """The number of ``text``, a new one where it is met for the first time."""
        if text is None:
            return -1
        number = self._numbers.get(text)
        if number is None:
            number = len(self.strings)
            self._numbers[text] = number
            self.strings.append(self.clean(text))
        return number

    def clean(self, text: str) -> str:
        """``text`` without secrets and without lone surrogates (which no encoding can carry)."""
        return self._masker.mask(text.encode("utf-8", "replace").decode("utf-8"))


def delta(numbers: Iterable[int]) -> list[int]:
    """Each number as its distance from the one before: small numbers compress well."""
    last = 0
    distances = []
    for number in numbers:
        distances.append(number - last)
        last = number
    return distances


def pack(value: object) -> str:
    """JSON, gzip, base64: letters that can stand in a page as they are. Same value, same text."""
    raw = msgspec.json.encode(value)
    return base64.b64encode(gzip.compress(raw, compresslevel=9, mtime=0)).decode("ascii")
