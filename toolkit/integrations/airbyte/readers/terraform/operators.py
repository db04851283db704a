"""Terraform's operators on values that may be unknown."""

import math
import operator
from collections.abc import Callable, Mapping

from toolkit.integrations.airbyte.readers.terraform.values import (
    EvaluationError,
    Lazy,
    Unknown,
    Value,
    kind_of,
    merged,
    same,
    to_bool,
    to_number,
    unknowns_in,
    whole,
)

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def unary(sign: str, value: Value) -> Value:
    """``!value`` or ``-value``.

    Raises:
        EvaluationError: the value is of a wrong type.
    """
    if isinstance(value, Unknown | Lazy):
        return merged(unknowns_in(value))
    return not to_bool(value) if sign == "!" else -to_number(value)


def binary(sign: str, left: Value, right: Value) -> Value:
    """``left sign right``.

    Raises:
        EvaluationError: a value is of a wrong type, or a division by zero.
    """
    open_ = isinstance(left, Unknown | Lazy) or isinstance(right, Unknown | Lazy)
    if sign in ("&&", "||"):
        return _logical(sign, left, right)
    if open_:
        return merged(unknowns_in(left, right))
    if sign in ("==", "!="):
        equal = _equal(left, right)
        return equal if isinstance(equal, Unknown) else equal == (sign == "==")
    first, second = to_number(left), to_number(right)
    try:
        if sign in _COMPARISONS:
            return _COMPARISONS[sign](first, second)
        return _arithmetic(sign, first, second)
    except OverflowError:  # Terraform's numbers have 512 bits, and Python's fractions 53
        raise EvaluationError("a number that is too large") from None


def _equal(left: Value, right: Value) -> bool | Unknown:
    if kind_of(left) != kind_of(right):
        return False
    missing = unknowns_in(left, right)
    return merged(missing) if missing else same(left, right)


def _logical(sign: str, left: Value, right: Value) -> Value:
    """A side that decides by itself decides, whatever the other one is."""
    decisive = sign == "||"
    missing = unknowns_in(*(side for side in (left, right) if isinstance(side, Unknown | Lazy)))
    known = [to_bool(side) for side in (left, right) if not isinstance(side, Unknown | Lazy)]
    if decisive in known:
        return decisive
    return merged(missing) if missing else not decisive


def _arithmetic(sign: str, left: float, right: float) -> Value:
    if sign in ("/", "%") and right == 0:
        raise EvaluationError("a division by zero")
    if sign == "+":
        return whole(left + right)
    if sign == "-":
        return whole(left - right)
    if sign == "*":
        return whole(left * right)
    if sign == "%":
        return whole(math.fmod(left, right))
    exact = isinstance(left, int) and isinstance(right, int) and left % right == 0
    return left // right if exact else whole(left / right)
