"""Words for messages, and text from elsewhere made fit for a terminal. Imports nothing of ours."""

import re
from collections.abc import Iterable

# Control characters move the cursor, change colors and titles; bidirectional ones show a line
# in another order than it has. Lone surrogates cannot be printed at all. Tab and newline stay.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """``text`` with everything that a terminal would obey spelled out: ``\\x1b`` for ESC."""
    return _UNFIT.sub(_spelled, text.replace("\r\n", "\n"))


def with_article(noun: str) -> str:
    """``an int``, ``a list``."""
    return f"{'an' if noun[:1].lower() in set('aeio') else 'a'} {noun}"


def nearest(word: str, words: Iterable[str]) -> str:
    """``Did you mean 'x'? `` for a misspelled word, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, [*words], 1, 0.6)
    return f"Did you mean {close[0]!r}? " if close else ""


def _spelled(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")
