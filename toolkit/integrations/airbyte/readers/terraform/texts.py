"""Terraform's functions on texts and numbers."""

import base64
import contextlib
import hashlib
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from toolkit.integrations.airbyte.readers.terraform.values import (
    EvaluationError,
    Value,
    json_text,
    to_number,
    to_text,
    whole,
)

_WIDEST = 10_000

# Terraform's regular expressions take time that grows with the text, Python's may never end:
# one with a repetition or a choice within a repetition, and much text for any.
_LONGEST = 10_000

# Arguments are Terraform's, of any type; a wrong one is an error of the caller's.
_Any = Any

_VERB = re.compile(
    r"%(?:(?P<literal>%)|(?P<flags>[-+ #0]*)(?P<width>\d+)?(?:\.(?P<digits>\d+))?"
    r"(?:\[(?P<place>\d+)\])?(?P<verb>[a-zA-Z]))"
)

# What is escaped, a class, and what groups, repeats or chooses.
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\)[*+{]|[()*+{|]", re.DOTALL)


def _format(template: _Any, *arguments: _Any) -> Value:
    used = 0

    def one(found: re.Match[str]) -> str:
        nonlocal used
        if found["literal"]:
            return "%"
        if found["place"]:
            used = int(found["place"]) - 1
        if used >= len(arguments):
            raise EvaluationError("too few arguments")
        used += 1
        return _formatted(found, arguments[used - 1])

    text = _VERB.sub(one, to_text(template))
    if used < len(arguments) and "[" not in to_text(template):
        raise EvaluationError("too many arguments")
    return text


def _formatted(found: re.Match[str], value: Value) -> str:
    verb, digits = found["verb"], found["digits"]
    flags = found["flags"].replace("#", "")
    if verb == "v":
        text = to_text(value) if isinstance(value, str | int | float) else str(json_text(value))
    elif verb in "sq":
        text = to_text(value)[: int(digits)] if digits else to_text(value)
        text = str(json_text(text)) if verb == "q" else text
    elif verb == "t":
        if to_text(value) not in ("true", "false"):
            raise EvaluationError("a value that is no bool")
        text = to_text(value)
    elif verb in "dboxX":
        text = format(int(to_number(value)), ("+" if "+" in flags else "") + verb)
    elif verb in "feEgG":
        sign = "+" if "+" in flags else ""
        text = format(float(to_number(value)), f"{sign}.{digits or 6}{verb}")
    else:
        raise EvaluationError(f"a template with %{verb}")
    width = int(found["width"] or 0)
    if max(width, int(digits or 0)) > _WIDEST:
        raise EvaluationError(f"a template with a width of more than {_WIDEST}")
    if "-" in flags:
        return text.ljust(width)
    return text.zfill(width) if "0" in flags and verb in "dfbox" else text.rjust(width)


def _format_list(template: _Any, *arguments: _Any) -> Value:
    length = max((len(one) for one in arguments if isinstance(one, list)), default=1)
    return [
        _format(template, *(one[row] if isinstance(one, list) else one for one in arguments))
        for row in range(length)
    ]


def _join(separator: _Any, *lists: _Any) -> Value:
    if not all(isinstance(one, list) for one in lists):
        raise EvaluationError("something that is no list")
    return to_text(separator).join(to_text(item) for one in lists for item in one)


def _split(separator: _Any, text: _Any) -> Value:
    plain = to_text(separator)
    return list(to_text(text).split(plain)) if plain else list(to_text(text))


def _replace(text: _Any, wanted: _Any, by: _Any) -> Value:
    pattern = to_text(wanted)
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        template = re.sub(r"\\", r"\\\\", to_text(by))
        template = re.sub(r"\$(?:\{(\w+)\}|(\d+|\w+))", _group, template)
        return _pattern(pattern[1:-1], to_text(text)).sub(template, to_text(text))
    return to_text(text).replace(pattern, to_text(by))


def _group(found: re.Match[str]) -> str:
    return rf"\g<{found[1] or found[2]}>"


def _pattern(text: str, subject: str) -> re.Pattern[str]:
    """Go's regular expressions are nearly Python's; what is not gives no value."""
    compiled: re.Pattern[str] | None = None
    with contextlib.suppress(re.error, RecursionError, OverflowError):
        if len(subject) <= _LONGEST and len(text) <= _LONGEST and _ends(text):
            compiled = re.compile(text)
    if compiled is None:
        raise EvaluationError("a regular expression that is not understood here")
    return compiled


def _ends(pattern: str) -> bool:
    """Whether matching surely comes to an end soon: nothing is repeated in what is repeated."""
    open_groups = [False]  # whether there is a repetition or a choice in each
    for found in _PART.finditer(pattern):
        sign = found[0]
        if sign == "(":
            open_groups.append(False)
        elif sign.startswith(")"):
            inner = open_groups.pop() if len(open_groups) > 1 else False
            if inner and len(sign) > 1:
                return False
            open_groups[-1] |= inner or len(sign) > 1
        elif sign in "*+{|":
            open_groups[-1] = True
    return True


def _matched(found: re.Match[str]) -> Value:
    if found.re.groupindex:
        return dict(found.groupdict())
    return list(found.groups()) if found.re.groups else found[0]


def _regex(pattern: _Any, text: _Any) -> Value:
    found = _pattern(to_text(pattern), to_text(text)).search(to_text(text))
    if found is None:
        raise EvaluationError("a text that does not match")
    return _matched(found)


def _regex_all(pattern: _Any, text: _Any) -> Value:
    compiled = _pattern(to_text(pattern), to_text(text))
    return [_matched(found) for found in compiled.finditer(to_text(text))]


def _substr(text: _Any, start: _Any, length: _Any) -> Value:
    plain, first, count = to_text(text), int(to_number(start)), int(to_number(length))
    first = max(len(plain) + first, 0) if first < 0 else first
    return plain[first:] if count < 0 else plain[first : first + count]


def _title(text: _Any) -> Value:
    return re.sub(r"(?<![^\W_])[^\W\d_]", lambda found: found[0].upper(), to_text(text))


def _indent(spaces: _Any, text: _Any) -> Value:
    if to_number(spaces) > _WIDEST:
        raise EvaluationError(f"more than {_WIDEST} spaces")
    return to_text(text).replace("\n", "\n" + " " * int(to_number(spaces)))


def _trim(text: _Any, characters: _Any) -> Value:
    return to_text(text).strip(to_text(characters))


def _parse_int(text: _Any, base: _Any) -> Value:
    return int(to_text(text), int(to_number(base)))


def _minimum(*numbers: _Any) -> Value:
    return min(map(to_number, numbers))


def _maximum(*numbers: _Any) -> Value:
    return max(map(to_number, numbers))


def _sum(numbers: _Any) -> Value:
    if not numbers:
        raise EvaluationError("an empty list")
    return whole(sum(map(to_number, numbers)))


def _power(base: _Any, exponent: _Any) -> Value:
    return whole(float(to_number(base)) ** to_number(exponent))


def _strings(function: Callable[[str], str]) -> Callable[[_Any], Value]:
    return lambda text: function(to_text(text))


def _two(function: Callable[[str, str], Value]) -> Callable[[_Any, _Any], Value]:
    return lambda text, other: function(to_text(text), to_text(other))


def _numbers(function: Callable[[float], float]) -> Callable[[_Any], Value]:
    return lambda number: whole(function(to_number(number)))


def _digest(name: str) -> Callable[[_Any], Value]:
    return lambda text: hashlib.new(name, to_text(text).encode()).hexdigest()


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "abs": _numbers(abs),
    "base64decode": _strings(lambda text: base64.b64decode(text).decode()),
    "base64encode": _strings(lambda text: base64.b64encode(text.encode()).decode()),
    "ceil": _numbers(math.ceil),
    "chomp": _strings(lambda text: text.rstrip("\r\n")),
    "endswith": _two(str.endswith),
    "floor": _numbers(math.floor),
    "format": _format,
    "formatlist": _format_list,
    "indent": _indent,
    "join": _join,
    "lower": _strings(str.lower),
    "max": _maximum,
    "md5": _digest("md5"),
    "min": _minimum,
    "parseint": _parse_int,
    "pow": _power,
    "regex": _regex,
    "regexall": _regex_all,
    "replace": _replace,
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
    "signum": _numbers(lambda number: (number > 0) - (number < 0)),
    "split": _split,
    "startswith": _two(str.startswith),
    "strcontains": _two(lambda text, other: other in text),
    "strrev": _strings(lambda text: text[::-1]),
    "substr": _substr,
    "sum": _sum,
    "title": _title,
    "trim": _trim,
    "trimprefix": _two(str.removeprefix),
    "trimspace": _strings(str.strip),
    "trimsuffix": _two(str.removesuffix),
    "upper": _strings(str.upper),
    "urlencode": _strings(quote_plus),
}
