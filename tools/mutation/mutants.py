"""The small faults that can be put into a module: one change of its source each."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}
_NO_CODE = {"annotation", "returns", "decorator_list", "bases", "type_params"}


class Mutant(NamedTuple):
    """A module with one small fault.

    Attributes:
        line: where the fault is, from 1.
        begins: where the statement begins that the fault is in.
        was: the code that it replaces, on one line.
        now: what stands there instead.
        source: the whole module with the fault.
    """

    line: int
    begins: int
    was: str
    now: str
    source: str


def mutants(source: str) -> list[Mutant]:
    """Every fault that we know to put into ``source``, in the order of its lines."""
    tree = ast.parse(source)
    found = []
    for node, begins in _code(tree, 1):
        for changed in _changes(node):
            new = _spliced(source, node, changed)
            was = ast.get_source_segment(source, node) or ""
            found.append(Mutant(node.lineno, begins, " ".join(was.split()), changed, new))
    return sorted(set(found), key=lambda one: (one.line, one.was, one.now))


def _code(node: ast.AST, begins: int) -> Iterator[tuple[ast.expr | ast.stmt, int]]:
    """Nodes that run and decide something: no docstrings, annotations, words of messages.

    With each the line where its statement begins.
    """
    for name, value in ast.iter_fields(node):
        if name in _NO_CODE or (name == "keywords" and isinstance(node, ast.ClassDef)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _only_says(child):
                continue
            first = child.lineno if isinstance(child, ast.stmt) else begins
            if isinstance(child, ast.expr | ast.stmt):
                yield child, first
            yield from _code(child, first)


def _only_says(node: ast.AST) -> bool:
    """Whether it is for people or for the type checker."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
        return ast.unparse(node.value.value) == "Literal"
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return True
    called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
    return isinstance(node, ast.JoinedStr) or called in ("TypeVar", "cast")


def _changes(node: ast.expr | ast.stmt) -> Iterator[str]:
    """What could stand instead of ``node``, as code."""
    match node:
        case ast.Compare(left, [op, *ops], comparators) if type(op) in _COMPARISONS:
            swapped = _COMPARISONS[type(op)]()
            yield _unparsed(ast.Compare(left, [swapped, *ops], comparators))
        case ast.BoolOp(op, values):
            yield _unparsed(ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values))
        case ast.UnaryOp(ast.Not(), operand):
            yield _unparsed(operand)
        case ast.BinOp(left, ast.Sub(), _):  # of sets, too
            yield _unparsed(left)
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            yield _unparsed(ast.BinOp(left, _OPERATORS[type(op)](), right))
        case ast.IfExp(test, body, orelse):
            yield _unparsed(ast.IfExp(test, orelse, body))
        case ast.Constant(value):
            yield from _constants(value)
        case ast.Return(value) if not (value is None or _is_none(value)):
            yield "return None"
        case ast.Expr(ast.Call()):
            yield "pass"
        case ast.Break():
            yield "continue"
        case ast.Continue():
            yield "break"
        case _:
            return


def _constants(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(not value)
    elif isinstance(value, int):
        yield str(value + 1)
    elif isinstance(value, str) and " " not in value:  # with a space it is said to people
        yield repr(f"{value}?")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _unparsed(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


def _spliced(source: str, node: ast.expr | ast.stmt, new: str) -> str:
    """``source`` with ``new`` where ``node`` stands; ``ast`` counts columns in bytes."""
    lines = source.encode().splitlines(keepends=True)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    before = lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :]
    head, tail = lines[: node.lineno - 1], lines[node.end_lineno :]
    return b"".join([*head, before, new.encode(), after, *tail]).decode()
