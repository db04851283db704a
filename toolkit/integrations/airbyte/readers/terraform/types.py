"""Type constraints of variables: what a value becomes by them, with ``optional`` defaults."""

from collections.abc import Mapping

from toolkit.integrations.airbyte.readers.terraform.evaluate import Environment, evaluate
from toolkit.integrations.airbyte.readers.terraform.syntax import (
    Call,
    Expression,
    Literal,
    Name,
    Object,
    Tuple,
)
from toolkit.integrations.airbyte.readers.terraform.values import (
    EvaluationError,
    Lazy,
    SetValue,
    Unknown,
    Value,
    kind_of,
    merged,
    to_bool,
    to_number,
    to_set,
    to_text,
    unknowns_in,
)


def convert(value: Value, constraint: Expression, env: Environment) -> Value:
    """The value as the constraint has it.

    Raises:
        EvaluationError: it does not fit.
    """
    if value is None or isinstance(value, Unknown | Lazy):
        return value
    if isinstance(constraint, Name | Literal):
        # A literal is the quoted form of old: `type = "string"`.
        name = constraint.name if isinstance(constraint, Name) else str(constraint.value)
        return _primitive(value, name)
    if not isinstance(constraint, Call) or not constraint.arguments:
        return value
    inner = constraint.arguments[0]
    if constraint.name == "optional":
        return convert(value, inner, env)
    if constraint.name == "object":
        return _object(value, inner, env)
    if constraint.name == "map":
        if not isinstance(value, Mapping):
            raise EvaluationError(f"a {kind_of(value)} that is no map")
        return {key: convert(item, inner, env) for key, item in value.items()}
    if not isinstance(value, list):
        raise EvaluationError(f"a {kind_of(value)} that is no {constraint.name}")
    if constraint.name == "tuple" and isinstance(inner, Tuple):
        if len(inner.items) != len(value):
            raise EvaluationError("a tuple of another length")
        return [convert(item, each, env) for item, each in zip(value, inner.items, strict=True)]
    items = [convert(item, inner, env) for item in value]
    if constraint.name != "set":
        return items
    missing = unknowns_in(items)
    return merged(missing) if missing else to_set(items)


def _primitive(value: Value, name: str) -> Value:
    if name == "string":
        return to_text(value)
    if name == "number":
        return to_number(value)
    if name == "bool":
        return to_bool(value)
    if name == "list" and isinstance(value, SetValue):
        return list(value)
    return value


def _object(value: Value, attributes: Expression, env: Environment) -> Value:
    if not isinstance(value, Mapping):
        raise EvaluationError(f"a {kind_of(value)} that is no object")
    if not isinstance(attributes, Object):
        return value
    # The place where it is written goes along.
    found = value.copy() if isinstance(value, dict) else dict(value)
    known: set[str] = set()
    for key, constraint in attributes.items:
        name = to_text(evaluate(key, env))
        known.add(name)
        optional = isinstance(constraint, Call) and constraint.name == "optional"
        item = value.get(name)
        if name not in value and not optional:
            raise EvaluationError(f"an object without the attribute `{name}`")
        if item is None and isinstance(constraint, Call) and optional:
            default = constraint.arguments[1:]
            item = evaluate(default[0], env) if default else None
        found[name] = convert(item, constraint, env)
    for name in found.keys() - known:
        del found[name]
    return found
