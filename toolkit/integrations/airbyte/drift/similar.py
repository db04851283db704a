"""Whether a field that came may be one that went: a guess by name and type, only ever a hint."""

import difflib
import re
from collections.abc import Mapping

# Below this, two names of ten letters share less than they do not.
_ALIKE = 0.7


def looks_renamed(name: str, type_: str, candidates: Mapping[str, str]) -> str | None:
    """The one candidate that ``name`` may be called now; ``None`` if none is likely.

    Args:
        type_: what it landed as; empty where that is not known.
        candidates: names that are new -> what they land as, likewise.
    """
    scored = [
        (_likeness(name, other), other)
        for other, other_type in candidates.items()
        if other != name and (not type_ or not other_type or type_ == other_type)
    ]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    if not scored or scored[0][0] < _ALIKE:
        return None
    if len(scored) > 1 and scored[1][0] == scored[0][0]:
        return None  # two that are as likely: say neither
    return scored[0][1]


def _likeness(name: str, other: str) -> float:
    """From 0 to 1; one name's words within the other's (email, email_address) count as alike."""
    one, two = _words(name), _words(other)
    if one and two and (one <= two or two <= one):
        return 0.8 + 0.2 * min(len(one), len(two)) / max(len(one), len(two))
    plain = ("".join(sorted(one)), "".join(sorted(two)))
    return max(
        difflib.SequenceMatcher(None, name.casefold(), other.casefold()).ratio(),
        difflib.SequenceMatcher(None, *plain).ratio(),
    )


def _words(name: str) -> frozenset[str]:
    """The words of a name in snake, camel or kebab case, folded."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return frozenset(re.findall(r"[a-z0-9]+", spaced.casefold()))
