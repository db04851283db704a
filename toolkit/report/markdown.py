"""Text from elsewhere in Markdown that a code host renders: shown, never obeyed.

Names of models and columns, and SQL, are written by whoever opens a pull request. They must not
mention people, close tables, open HTML or pass for the comment's own marker.
"""

import re

from toolkit.text import printable

_ACTIVE = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~&$])")
_PAUSE = "\u200b"  # a mark of no width: what follows is no longer a mention or a link
_TICKS = re.compile(r"`+")


def plain(text: str) -> str:
    """``text`` as a part of a paragraph, on one line."""
    escaped = _ACTIVE.sub(r"\\\1", _one_line(text))
    escaped = escaped.replace("@", f"@{_PAUSE}").replace("\\#", f"\\#{_PAUSE}")
    return re.sub(r"(?i)://|www\.", lambda found: f"{found[0][0]}{_PAUSE}{found[0][1:]}", escaped)


def code(text: str) -> str:
    """``text`` as a code span, on one line."""
    text = _one_line(text).replace("<!--", "<!- -").replace("-->", "- ->")
    fence = "`" * (1 + max((len(found) for found in _TICKS.findall(text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{pad}{text or ' '}{pad}{fence}"


def _one_line(text: str) -> str:
    return " ".join(printable(text).split()).replace("\u2028", " ").replace("\u2029", " ")
