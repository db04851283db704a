"""Structs: their fields, where the query itself writes them out."""

from collections.abc import Iterator

from sqlglot import exp

from toolkit.lineage.sql.expression import HANDLERS, VALUES, collect, descend, evaluate
from toolkit.lineage.sql.flow import AS_IS, TRANSFORMATION, Flow, compose, pour
from toolkit.lineage.sql.relation import Col, Fields, Value, inside
from toolkit.lineage.sql.scope import Scope


def is_literal(node: exp.Expr) -> bool:
    """The struct is written out right here."""
    while isinstance(node, exp.Paren):
        node = node.this
    return isinstance(node, exp.Struct)


def spread(fields: Fields, depth: float, lift: int) -> Iterator[Col]:
    """A column for each field; those of structs inside them too, as deep as is asked for."""
    for name, value in fields.items():
        if depth > 1 and value.fields is not None:
            yield from spread(value.fields, depth - 1, lift)
            continue
        flow: Flow = {}
        pour(flow, value.flow, lift)
        yield Col(name, value if lift == AS_IS else Value(flow, None, None, value.fields))


def of_list(node: exp.Expr, scope: Scope) -> Fields | None:
    """The fields of the structs in a list that is written out."""
    together: Fields = {}
    for item in node.expressions:
        fields = evaluate(item, scope).fields
        if fields is None:
            return None
        for name, value in fields.items():
            flow = dict(together[name].flow) if name in together else {}
            pour(flow, value.flow, AS_IS)
            together[name] = Value(flow, None, None, value.fields)
    return together or None


def _struct(node: exp.Expr, scope: Scope) -> Value:
    """``{'p': x}``, ``struct_pack(p := x)``, ``struct(x as p)``."""
    fields: Fields = {}
    flow: Flow = {}
    for item in node.expressions:
        named = isinstance(item, exp.PropertyEQ)
        value = evaluate(item.expression if named else item, scope)
        pour(flow, value.flow, TRANSFORMATION)
        name = item.this.name if named else item.alias_or_name
        if name:
            fields[name] = value
    whole = len(fields) == len(node.expressions)  # a field without a name is nobody's
    return Value(flow, None, None, fields if whole else None)


def _row(node: exp.Expr, scope: Scope) -> Value:
    """DuckDB's ``row(x, y)``, whose fields are ``element1`` and ``element2``."""
    values = [evaluate(item, scope) for item in node.expressions]
    flow: Flow = {}
    for value in values:
        pour(flow, value.flow, TRANSFORMATION)
    return Value(flow, None, None, {f"element{i}": value for i, value in enumerate(values, 1)})


def _anonymous(node: exp.Expr, scope: Scope) -> Value:
    if node.name.lower() == "row" and scope.context.facts.name == "duckdb":
        return _row(node, scope)
    flow: Flow = {}
    collect(node, scope, flow, AS_IS)
    return Value(flow)


def _field(node: exp.Expr, scope: Scope) -> Value:
    """``st['f']``, ``struct_extract(st, 'f')``, ``(...).f``."""
    flow: Flow = {}
    name = _name_in(node)
    base = node.this
    while isinstance(base, exp.Paren):
        base = base.this
    if name is not None:
        if _is_a_source(base, scope):  # a whole row is a struct of its columns
            of_row = exp.Column(this=name, table=base.this.copy())
            return inside(scope.column(of_row), ())
        value = evaluate(base, scope)
        if value.fields is not None:
            return inside(value, [name])
    descend(node, scope, flow, AS_IS)
    return Value(flow)


def _name_in(node: exp.Expr) -> exp.Identifier | None:
    """The field that is asked for, where it is written out."""
    if isinstance(node, exp.Dot):
        field = node.expression
        return field.copy() if isinstance(field, exp.Identifier) else None
    parts = node.expressions if isinstance(node, exp.Bracket) else [node.args.get("expression")]
    if len(parts) == 1 and isinstance(parts[0], exp.Literal) and parts[0].is_string:
        return exp.to_identifier(parts[0].name, quoted=True)
    return None


def _is_a_source(base: exp.Expr, scope: Scope) -> bool:
    if not isinstance(base, exp.Column) or base.args.get("table") is not None:
        return False
    folded = base.name.lower()
    return folded in scope.sources and scope.known(folded, base.name) is None


def _taken(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    pour(out, _field(node, scope).flow, compose(lift, TRANSFORMATION))


VALUES[exp.Struct] = _struct
VALUES[exp.Anonymous] = _anonymous
for _class in (exp.Bracket, exp.StructExtract, exp.Dot):
    VALUES[_class] = _field
    HANDLERS[_class] = _taken
