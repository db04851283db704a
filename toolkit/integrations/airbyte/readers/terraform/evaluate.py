"""What an expression is worth: Terraform's rules, with unknown values kept unknown.

An error that Terraform would report is an :class:`EvaluationError` (``try`` needs it); what
Terraform can do and we cannot is an :class:`Unknown` that names it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from toolkit.integrations.airbyte.readers.terraform import functions
from toolkit.integrations.airbyte.readers.terraform.budget import Budget
from toolkit.integrations.airbyte.readers.terraform.operators import binary, unary
from toolkit.integrations.airbyte.readers.terraform.syntax import (
    Attribute,
    Call,
    Conditional,
    Expression,
    For,
    Index,
    Literal,
    Name,
    Object,
    Operation,
    Splat,
    Template,
    Tuple,
)
from toolkit.integrations.airbyte.readers.terraform.values import (
    EvaluationError,
    Lazy,
    ObjectValue,
    PartText,
    SetValue,
    Unknown,
    Value,
    kind_of,
    merged,
    pairs,
    same,
    to_bool,
    to_number,
    to_text,
    unknown,
    unknowns_in,
)


class Environment(msgspec.Struct, frozen=True):
    """What names mean.

    Attributes:
        root: gives ``var``, ``local``, a type of resources, ...
        folder: where relative file names begin.
        symbols: of ``for``, of a splat, ``each``, ``count``.
        template: reads a template file's text.
        budget: what may be worked out yet.
    """

    root: Callable[[str], Value]
    folder: Path
    symbols: Mapping[str, Value] = {}
    template: Callable[[str, Path], Expression] | None = None
    budget: Budget = msgspec.field(default_factory=Budget)

    def having(self, **symbols: Value) -> "Environment":
        """The same with more symbols."""
        return msgspec.structs.replace(self, symbols={**self.symbols, **symbols})


def evaluate(node: Expression, env: Environment) -> Value:
    """The value of an expression; perhaps unknown, as a whole or in parts.

    Raises:
        EvaluationError: Terraform would report an error.
        TooMuch: it would take too long, or become too large.
    """
    if isinstance(node, Literal):
        return node.value
    env.budget.step()
    value = _evaluate(node, env)
    if isinstance(value, str | list | Mapping):
        env.budget.weigh(value)
    return value


def _evaluate(node: Expression, env: Environment) -> Value:
    match node:
        case Literal():
            return node.value
        case Name():
            return env.symbols[node.name] if node.name in env.symbols else env.root(node.name)
        case Attribute():
            return attribute(evaluate(node.object, env), node.name)
        case Index():
            return index(evaluate(node.object, env), evaluate(node.key, env))
        case Template():
            return _template(node, env)
        case Operation():
            return _operation(node, env)
        case Conditional():
            return _conditional(node, env)
        case Tuple():
            return [evaluate(item, env) for item in node.items]
        case Object():
            return _object(node, env)
        case For():
            return _for(node, env)
        case Splat():
            return _splat(node, env)
        case Call():
            return _call(node, env)


def attribute(value: Value, name: str) -> Value:
    """``value.name``."""
    if isinstance(value, Lazy):
        return value.get(name)
    if isinstance(value, Unknown):
        # Of one reference the attribute is a longer reference; of a calculation it is not.
        plain = len(value.names) == 1 and not value.names[0].endswith(")")
        return unknown(f"{value.names[0]}.{name}") if plain else unknown(*value.names)
    if isinstance(value, Mapping):
        if name not in value:
            raise EvaluationError(f"an object has no attribute `{name}`")
        return value[name]
    raise EvaluationError(f"a {kind_of(value)} has no attribute `{name}`")


def index(value: Value, key: Value) -> Value:
    """``value[key]``."""
    if isinstance(key, Unknown):
        return unknown(*key.names)
    if isinstance(value, Unknown):
        return unknown(*value.names)
    if isinstance(value, Lazy):
        return value.get(to_text(key))
    if isinstance(value, Mapping):
        return attribute(value, to_text(key))
    if isinstance(value, list) and not isinstance(value, SetValue):
        place = to_number(key)
        if isinstance(place, float) or not 0 <= place < len(value):
            raise EvaluationError("an index that is not in the list")
        return value[place]
    raise EvaluationError(f"a {kind_of(value)} has no elements to choose by index")


def _template(node: Template, env: Environment) -> Value:
    if node.alone:
        return evaluate(node.parts[0], env)
    parts: list[str | Unknown] = []
    for part in node.parts:
        value = evaluate(part, env)
        if isinstance(value, PartText):
            parts += value.parts
        elif isinstance(value, Unknown | Lazy):
            parts.append(merged(unknowns_in(value)))
        else:
            parts.append(to_text(value))
    missing = [part for part in parts if isinstance(part, Unknown)]
    if missing:
        return PartText(merged(missing).names, tuple(parts))
    return "".join(part for part in parts if isinstance(part, str))


def _operation(node: Operation, env: Environment) -> Value:
    right = evaluate(node.right, env)
    if node.left is None:
        return unary(node.operator, right)
    return binary(node.operator, evaluate(node.left, env), right)


def _conditional(node: Conditional, env: Environment) -> Value:
    condition = evaluate(node.condition, env)
    if isinstance(condition, Unknown | Lazy):
        yes, no = _settled(node.yes, env), _settled(node.no, env)
        if not unknowns_in(yes, no) and same(yes, no):
            return yes
        return merged(unknowns_in(condition))
    chosen, other = (node.yes, node.no) if to_bool(condition) else (node.no, node.yes)
    value = evaluate(chosen, env)
    # Both sides are of one type: a number beside a text is a text.
    if isinstance(value, bool | int | float) and isinstance(_settled(other, env), str):
        return to_text(value)
    return value


def _settled(node: Expression, env: Environment) -> Value:
    """Its value; unknown where Terraform would report an error."""
    try:
        return evaluate(node, env)
    except EvaluationError as error:
        return unknown(str(error))


def _object(node: Object, env: Environment) -> Value:
    found = ObjectValue()
    found.at = node.at
    for key, value in node.items:
        name = evaluate(key, env)
        if isinstance(name, Unknown | Lazy):
            return merged(unknowns_in(name))
        found[to_text(name)] = evaluate(value, env)
    return found


def _for(node: For, env: Environment) -> Value:
    collection = evaluate(node.collection, env)
    if isinstance(collection, Unknown | Lazy):
        return merged(unknowns_in(collection))
    values: list[Value] = []
    keyed: dict[str, Value] = {}
    for key, value in pairs(collection):
        env.budget.step()
        symbols = {node.value_name: value}
        if node.key_name is not None:
            symbols = {node.key_name: key, node.value_name: value}
        inner = env.having(**symbols)
        if node.condition is not None:
            wanted = evaluate(node.condition, inner)
            if isinstance(wanted, Unknown | Lazy):
                return merged(unknowns_in(wanted))
            if not to_bool(wanted):
                continue
        result = evaluate(node.value, inner)
        if node.key is None:
            values.append(result)
            continue
        name = evaluate(node.key, inner)
        if isinstance(name, Unknown | Lazy):
            return merged(unknowns_in(name))
        _keep(keyed, to_text(name), result, group=node.group)
    if node.text:
        return functions.call("join", ["", values], env.folder)
    return values if node.key is None else dict(sorted(keyed.items()))


def _keep(keyed: dict[str, Value], name: str, value: Value, *, group: bool) -> None:
    if group:
        gathered = keyed.setdefault(name, [])
        assert isinstance(gathered, list)
        gathered.append(value)
    elif name in keyed:
        raise EvaluationError("a `for` that gives one key twice")
    else:
        keyed[name] = value


def _splat(node: Splat, env: Environment) -> Value:
    value = evaluate(node.object, env)
    if isinstance(value, Unknown):
        return unknown(*value.names)
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    return [evaluate(node.each, env.having(**{"*": item})) for item in items]


def _call(node: Call, env: Environment) -> Value:
    if node.name == "try":
        return _try(node, env)
    if node.name == "can":
        value = _try(node, env, otherwise=False)
        return value if value is False or isinstance(value, Unknown) else True
    arguments = [evaluate(argument, env) for argument in node.arguments]
    if node.expand:
        rest = arguments.pop()
        if isinstance(rest, Unknown):
            return unknown(*rest.names)
        if not isinstance(rest, list):
            raise EvaluationError(f"a {kind_of(rest)} cannot be `...` arguments")
        arguments += rest
    if node.name == "templatefile":
        return _template_file(arguments, env)
    return functions.call(node.name, arguments, env.folder)


def _try(node: Call, env: Environment, **otherwise: Value) -> Value:
    for argument in node.arguments:
        try:
            return evaluate(argument, env)
        except EvaluationError:
            continue
    if otherwise:
        return next(iter(otherwise.values()))
    raise EvaluationError("`try` without an argument that has a value")


def _template_file(arguments: list[Value], env: Environment) -> Value:
    if len(arguments) != 2 or env.template is None:
        raise EvaluationError("`templatefile` takes a path and an object")
    path, values = arguments
    if isinstance(path, Unknown) or isinstance(values, Unknown):
        return merged(unknowns_in(path, values))
    if not isinstance(values, Mapping):
        raise EvaluationError("`templatefile` takes a path and an object")
    text = functions.call("file", [path], env.folder)
    if not isinstance(text, str):
        return text
    node = env.template(text, env.folder / to_text(path))
    return evaluate(node, msgspec.structs.replace(env, symbols=dict(values)))
