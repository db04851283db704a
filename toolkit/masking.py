"""Hide secret values wherever text leaves the process. Imports nothing of ours.

Masking goes by *value*, not by key: a password is hidden in a traceback, a URL or
a connector's log line just as in a configuration dump, and so are its JSON-, URL-
and base64-encoded forms.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from urllib.parse import quote, quote_plus

MASK = "*****"
MIN_LENGTH = 4
_MIN_LINE = 12

# Shorter or commoner than this and masking blanks whole logs instead of hiding anything.
_INNOCENT = frozenset({"true", "false", "none", "null"})

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|passw|secret|token|credential|private|authorization|"
    r"(api|access|account|encryption|client|signing|shared|ssh|service_account)[-_ ]?key|"
    r"apikey|^key$|jwt|bearer|cookie|dsn|connection_?string|service_account",
    re.IGNORECASE,
)


class Masker:
    """Replaces secret values in text.

    Args:
        values: the secrets; those shorter than four characters are ignored, since
            replacing them would blank the text and hide nothing.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values: frozenset[str] = frozenset(
            value
            for value in values
            if len(value.strip()) >= MIN_LENGTH and value.strip().casefold() not in _INNOCENT
        )

    def mask(self, text: str) -> str:
        """``text`` with every form of every secret replaced by ``*****``."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    def with_values(self, values: Iterable[str]) -> "Masker":
        """A masker for these values too."""
        return Masker([*self.values, *values])

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        forms = {form for value in self.values for form in _forms(value)}
        if not forms:
            return None
        # Longest first: a secret that contains another one goes as a whole.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        return re.compile("|".join(re.escape(form) for form in ordered))


def is_secret_key(key: str) -> bool:
    """Whether a configuration key looks as if it held a secret."""
    return _SECRET_KEY.search(key) is not None


def secret_values(config: object, *, inside: bool = False) -> Iterator[str]:
    """Values under secret-looking keys, at any depth of a configuration.

    Args:
        config: what JSON or YAML gives.
        inside: whether ``config`` already is below a secret-looking key.
    """
    if isinstance(config, Mapping):
        for key, value in config.items():
            yield from secret_values(value, inside=inside or is_secret_key(str(key)))
    elif isinstance(config, list | tuple):
        for value in config:
            yield from secret_values(value, inside=inside)
    elif inside and isinstance(config, str | int | float) and not isinstance(config, bool):
        yield str(config)


def _forms(value: str) -> Iterator[str]:
    """``value`` as it may be spelled in a log: plain, escaped and encoded."""
    plain = {value, value.strip()}
    # A multi-line secret (a PEM key) is often printed a line at a time.
    plain |= {line.strip() for line in value.splitlines() if len(line.strip()) >= _MIN_LINE}
    for text in plain:
        yield text
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield repr(text)[1:-1]
        yield quote(text, safe="")
        yield quote(text)
        yield quote_plus(text)
        yield from _base64_cores(text.encode())


def _base64_cores(data: bytes) -> Iterator[str]:
    """What ``data`` looks like inside a base64 text, at each of the three offsets.

    ``user:secret`` in base64 does not contain the base64 of ``secret`` unless it begins at
    a multiple of three bytes; these are the characters that depend on the secret alone.
    """
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + data).rstrip(b"=")
        first = (offset * 8 + 5) // 6
        whole = ((offset + len(data)) * 8) // 6
        core = encoded[first:whole].decode()
        if len(core) >= MIN_LENGTH:
            yield core
            yield core.replace("+", "-").replace("/", "_")
