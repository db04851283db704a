"""Terraform's functions on lists, sets and maps, which may have unknown values in them."""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

from toolkit.integrations.airbyte.readers.terraform.values import (
    EvaluationError,
    SetValue,
    Unknown,
    Value,
    kind_of,
    merged,
    same,
    to_bool,
    to_number,
    to_set,
    to_text,
    unknowns_in,
)

_MOST_ROWS = 100_000

# Arguments are Terraform's, of any type; a wrong one is an error of the caller's.
_Any = Any


def _items(value: _Any) -> list[Value]:
    if not isinstance(value, list):
        raise EvaluationError(f"a {kind_of(value)}")
    return value


def _map(value: _Any) -> Mapping[str, Value]:
    if not isinstance(value, Mapping):
        raise EvaluationError(f"a {kind_of(value)}")
    return value


def _length(value: _Any) -> Value:
    if isinstance(value, str | list | Mapping):
        return len(value)
    raise EvaluationError(f"a {kind_of(value)}")


def _merge(*maps: _Any) -> Value:
    found: dict[str, Value] = {}
    for one in maps:
        if one is not None:
            found.update(_map(one))
    return dict(sorted(found.items()))


def _concat(*lists: _Any) -> Value:
    return [item for one in lists for item in _items(one)]


def _lookup(where: _Any, key: _Any, *default: _Any) -> Value:
    if to_text(key) in _map(where):
        return where[to_text(key)]
    if not default:
        raise EvaluationError("a map that has not this key")
    value: Value = default[0]
    return value


def _keys(value: _Any) -> Value:
    return sorted(_map(value))


def _values(value: _Any) -> Value:
    return [value[key] for key in sorted(_map(value))]


def _contains(where: _Any, wanted: _Any) -> Value:
    missing = unknowns_in(where, wanted)
    if any(not unknowns_in(item) and same(item, wanted) for item in _items(where)):
        return True
    return merged(missing) if missing else False


def _element(value: _Any, place: _Any) -> Value:
    items = _items(value)
    if not items:
        raise EvaluationError("an empty list")
    return items[int(to_number(place)) % len(items)]


def _index(value: _Any, wanted: _Any) -> Value:
    for place, item in enumerate(_items(value)):
        if same(item, wanted):
            return place
    raise EvaluationError("a list that has not this element")


def _flatten(value: _Any) -> Value:
    found: list[Value] = []
    for item in _items(value):
        if isinstance(item, list):
            inner = _flatten(item)
            if not isinstance(inner, list):
                return inner  # something in it is unknown
            found += inner
        elif isinstance(item, Unknown):
            return merged([item])  # it may be a list of any length
        else:
            found.append(item)
    return found


def _compact(value: _Any) -> Value:
    return [item for item in _items(value) if item]


def _distinct(value: _Any) -> Value:
    found: list[Value] = []
    for item in _items(value):
        if not any(same(item, other) for other in found):
            found.append(item)
    return found


def _zipmap(keys: _Any, values: _Any) -> Value:
    if len(_items(keys)) != len(_items(values)):
        raise EvaluationError("lists that differ in length")
    return dict(sorted(zip(map(to_text, keys), values, strict=True)))


def _slice(value: _Any, start: _Any, end: _Any) -> Value:
    items, first, last = _items(value), int(to_number(start)), int(to_number(end))
    if not 0 <= first <= last <= len(items):
        raise EvaluationError("a slice that is not in the list")
    return items[first:last]


def _reverse(value: _Any) -> Value:
    return list(reversed(_items(value)))


def _sort(value: _Any) -> Value:
    return sorted(map(to_text, _items(value)))


def _one(value: _Any) -> Value:
    items = _items(value)
    if len(items) > 1:
        raise EvaluationError("a list of several elements")
    return items[0] if items else None


def _range(*bounds: _Any) -> Value:
    numbers = [to_number(bound) for bound in bounds]
    start, end = (0, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
    step = numbers[2] if len(numbers) > 2 else (1 if start <= end else -1)
    if step == 0:
        raise EvaluationError("a step of 0")
    count = max(0, -int(-(end - start) // step))
    if count > 1024:
        raise EvaluationError("more than 1024 values")
    return [start + step * place for place in range(count)]


def _coalesce_list(*lists: _Any) -> Value:
    for one in lists:
        if one is not None and _items(one):
            value: Value = one
            return value
    raise EvaluationError("nothing but empty lists")


def _chunk(value: _Any, size: _Any) -> Value:
    step, items = int(to_number(size)), _items(value)
    return [items[start : start + step] for start in range(0, len(items), step)]


def _product(*sets: _Any) -> Value:
    if math.prod(len(_items(one)) for one in sets) > _MOST_ROWS:
        raise EvaluationError(f"sets with more than {_MOST_ROWS} combinations")
    found: list[Value] = [list(row) for row in itertools.product(*map(_items, sets))]
    return SetValue(found) if all(isinstance(one, SetValue) for one in sets) else found


def _union(*sets: _Any) -> Value:
    return to_set(item for one in sets for item in _items(one))


def _intersection(first: _Any, *others: _Any) -> Value:
    return to_set(item for item in _items(first) if all(_has(other, item) for other in others))


def _subtract(first: _Any, second: _Any) -> Value:
    return to_set(item for item in _items(first) if not _has(second, item))


def _has(value: _Any, wanted: Value) -> bool:
    return any(same(item, wanted) for item in _items(value))


def _truths(value: _Any) -> list[bool]:
    return [item is not None and to_bool(item) for item in _items(value)]


# Take collections with unknown values in them.
SHALLOW: Mapping[str, Callable[..., Value]] = {
    "chunklist": _chunk,
    "coalescelist": _coalesce_list,
    "concat": _concat,
    "contains": _contains,
    "element": _element,
    "flatten": _flatten,
    "keys": _keys,
    "length": _length,
    "lookup": _lookup,
    "merge": _merge,
    "one": _one,
    "range": _range,
    "reverse": _reverse,
    "setproduct": _product,
    "slice": _slice,
    "values": _values,
    "zipmap": _zipmap,
}

# Look at every element.
DEEP: Mapping[str, Callable[..., Value]] = {
    "alltrue": lambda value: all(_truths(value)),
    "anytrue": lambda value: any(_truths(value)),
    "compact": _compact,
    "distinct": _distinct,
    "index": _index,
    "setintersection": _intersection,
    "setsubtract": _subtract,
    "setunion": _union,
    "sort": _sort,
}
