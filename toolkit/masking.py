"""Hide secret values wherever text leaves the process. Imports nothing of ours.

Masking goes by *value*, not by key: a password is hidden in a traceback, a URL or
a connector's log line just as in a configuration dump, and so are its forms in JSON (also
JSON within JSON), Python, HTML, URLs, base64 and hex.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote

MASK = "*****"
MIN_LENGTH = 4
_WORD_LENGTH = 3
_MIN_LINE = 12

# Shorter or commoner than this and masking blanks whole logs instead of hiding anything.
_INNOCENT = frozenset({"true", "false", "none", "null"})

_NUMBER = re.compile(r"[-+.\deE]+")

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|passw|pwd|secret|token|credential|private|authorization|"
    r"(api|access|account|encryption|client|signing|shared|ssh|service_account)[-_ ]?key|"
    r"apikey|^key$|jwt|bearer|cookie|dsn|connection_?string|service_account",
    re.IGNORECASE,
)


_IN_URL = re.compile(
    r"://[^/@:\s]*:([^/@\s]+)@|[?&;](?:\w*token|\w*password|\w*secret|\w*key)=([^&;\s]+)",
    re.IGNORECASE,
)


class Masker:
    """Replaces secret values in text.

    Args:
        values: the secrets. One of three characters is replaced where it stands alone, and a
            shorter one (or a number of three digits) never: that would blank the text and hide
            nothing.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._own: frozenset[str] = frozenset(filter(_can_hide, values))
        self._compiled: tuple[int, re.Pattern[str] | None] | None = None

    @property
    def values(self) -> frozenset[str]:
        """The secrets, those told by :func:`hide_from_now_on` among them."""
        return self._own | _told

    def mask(self, text: str) -> str:
        """``text`` with every form of every secret replaced by ``*****``."""
        pattern = self._pattern
        return pattern.sub(MASK, text) if pattern is not None else text

    def with_values(self, values: Iterable[str]) -> "Masker":
        """A masker for these values too."""
        return Masker([*self.values, *values])

    @property
    def _pattern(self) -> re.Pattern[str] | None:
        told = len(_told)  # it only grows
        if self._compiled is None or self._compiled[0] != told:
            self._compiled = (told, self._compile())
        return self._compiled[1]

    def _compile(self) -> re.Pattern[str] | None:
        words = {value.strip() for value in self.values if _is_word(value.strip())}
        forms = {form for value in self.values - words for form in _forms(value)}
        # Longest first: a secret that contains another one goes as a whole.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        parts = [re.escape(form) for form in ordered]
        parts += [rf"(?<!\w){re.escape(word)}(?!\w)" for word in sorted(words)]
        return re.compile("|".join(parts)) if parts else None

    @property
    def hides_numbers(self) -> bool:
        """Whether a secret looks like a number: JSON text that is masked may be none then."""
        return any(_NUMBER.fullmatch(value.strip()) for value in self.values)

    def mask_strings(self, value: object) -> object:
        """JSON values with every string masked, keys too."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, Mapping):
            return {self.mask(str(key)): self.mask_strings(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask_strings(part) for part in value]
        return value


_told: set[str] = set()


def hide_from_now_on(value: str) -> None:
    """Make a value a secret of every masker in this process, also of those made before."""
    if _can_hide(value):
        _told.add(value)


def _can_hide(value: str) -> bool:
    text = value.strip()
    long_enough = len(text) >= MIN_LENGTH or _is_word(text)
    return long_enough and text.casefold() not in _INNOCENT


def is_secret_key(key: str) -> bool:
    """Whether a configuration key looks as if it held a secret."""
    return _SECRET_KEY.search(key) is not None


def secret_values(config: object, *, inside: bool = False) -> Iterator[str]:
    """Values under secret-looking keys, at any depth of a configuration; and those in URLs.

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
    elif isinstance(config, str):
        yield from url_secrets(config)


def url_secrets(text: str) -> Iterator[str]:
    """Passwords and tokens that stand in URLs."""
    for found in _IN_URL.finditer(text):
        value = found[1] or found[2]
        yield value
        yield unquote(value)


def _is_word(value: str) -> bool:
    return len(value) == _WORD_LENGTH and not value.isdecimal()


def _forms(value: str) -> Iterator[str]:
    """``value`` as it may be spelled in a log: plain, escaped and encoded."""
    plain = {value, value.strip()}
    # A multi-line secret (a PEM key) is often printed a line at a time.
    plain |= {line.strip() for line in value.splitlines() if len(line.strip()) >= _MIN_LINE}
    for text in plain:
        yield text
        for escaped in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            yield escaped
            yield json.dumps(escaped)[1:-1]
        yield repr(text)[1:-1]
        yield html.escape(text)
        yield html.escape(text, quote=False)
        yield text.encode().hex()
        yield text.encode().hex().upper()
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
