"""Which columns of an input a function's code uses, where every use of it is understood.

Read from the code, not watched: a frame that notes what is asked of it could behave otherwise
than the frame. So little is understood on purpose: ``frame["amount"]``, ``frame[["id", "day"]]``
(the names may be a list of the function or of its file), the rows of a condition over such, and
how many rows there are. A parameter that is used in any other way may have any column read.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

from toolkit.integrations.python.code.sources import first_line, is_ours, parse
from toolkit.integrations.python.registry import Input

_SEES_ALL = frozenset({"locals", "vars", "globals", "eval", "exec"})
_SUBSCRIPTED = frozenset({"any", "arrow", "pandas", "polars"})
# What gives the number of rows, by form. In pandas these would be columns of that name.
_COUNTS = {"any": "num_rows", "arrow": "num_rows", "polars": "height"}
_BY_NAME = frozenset({"column", "get_column"})  # methods that take one name
_BY_NAMES = frozenset({"select"})  # and several


def columns_read(file: Path, line: int, inputs: Iterable[Input]) -> dict[str, tuple[str, ...]]:
    """For each input, by asset key, the columns that are used; without those of which any may be.

    Args:
        line: of the function's first decorator in ``file``.
    """
    tree = parse(file)
    function = next(
        (node for node in ast.walk(tree)
         if isinstance(node, ast.FunctionDef) and first_line(node) == line),
        None,
    )  # fmt: skip
    if function is None or not all(map(is_ours, function.decorator_list)) or _sees_all(function):
        return {}
    reader = _Reader(function, tree)
    found: dict[str, tuple[str, ...]] = {}
    unclear: set[str] = set()
    for item in inputs:
        names = reader.of(item.parameter, item.form) if item.form in _SUBSCRIPTED else None
        if names is None or item.relation is None:
            unclear.add(item.key)
        else:
            found[item.key] = tuple(sorted({*found.get(item.key, ()), *names}))
    return {key: names for key, names in found.items() if key not in unclear}


def _sees_all(function: ast.FunctionDef) -> bool:
    return any(isinstance(n, ast.Name) and n.id in _SEES_ALL for n in ast.walk(function))


class _Reader:
    """One function, with the constants of its file."""

    def __init__(self, function: ast.FunctionDef, tree: ast.Module) -> None:
        self._function = function
        self._above = {
            child: node for node in ast.walk(function) for child in ast.iter_child_nodes(node)
        }
        self._constants = {**_constants(tree.body), **_constants(function.body)}
        stored = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and _is_store(n)]
        for name in {name for name in stored if stored.count(name) > 1}:
            self._constants.pop(name, None)
        arguments = {a.arg for n in ast.walk(function) if isinstance(n, ast.arguments)
                     for a in (*n.posonlyargs, *n.args, *n.kwonlyargs)}  # fmt: skip
        for name in arguments:
            self._constants.pop(name, None)

    def of(self, parameter: str, form: str) -> set[str] | None:
        """Columns of a parameter that are used; ``None``: perhaps any."""
        found: set[str] = set()
        for node in ast.walk(self._function):
            inner = isinstance(node, ast.FunctionDef | ast.Lambda) and node is not self._function
            if inner and any(a.arg == parameter for a in ast.walk(node) if isinstance(a, ast.arg)):
                return None
            if isinstance(node, ast.Name) and node.id == parameter:
                names = self._used(node, form)
                if names is None:
                    return None
                found |= names
        return found

    def _used(self, node: ast.expr, form: str) -> set[str] | None:
        """What one use of a frame, or of some of its rows, takes of it."""
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            return None
        above = self._above[node]
        if isinstance(above, ast.Subscript) and above.value is node:
            if not isinstance(above.ctx, ast.Load):
                return None
            names = self._names(above.slice)
            if names is None and _is_condition(above.slice):
                return self._used(
                    above, form
                )  # rows by a condition; what that reads is met by itself
            return names
        if isinstance(above, ast.Attribute):
            return self._attribute(above, form)
        if isinstance(above, ast.Call) and isinstance(above.func, ast.Name):
            return set() if above.func.id == "len" and above.args == [node] else None
        return None

    def _attribute(self, node: ast.Attribute, form: str) -> set[str] | None:
        above = self._above[node]
        if isinstance(above, ast.Call) and above.func is node:
            if above.keywords:
                return None
            if node.attr in _BY_NAME and len(above.args) == 1:
                return self._names(above.args[0])
            if node.attr in _BY_NAMES:
                parts = [self._names(argument) for argument in above.args]
                known = [names for names in parts if names is not None]
                return set().union(*known) if parts and len(known) == len(parts) else None
            return None
        counts = node.attr == _COUNTS.get(form) and isinstance(node.ctx, ast.Load)
        return set() if counts else None

    def _names(self, node: ast.expr) -> set[str] | None:
        """The texts that an expression stands for."""
        if isinstance(node, ast.Name):
            return self._constants.get(node.id)
        return _texts(node)


def _is_condition(node: ast.expr) -> bool:
    """A comparison, or several: what chooses rows and no columns."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.BitAnd | ast.BitOr) and all(
            _is_condition(side) for side in (node.left, node.right)
        )
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Invert)
    return isinstance(node, ast.Compare)


def _constants(body: Iterable[ast.stmt]) -> Mapping[str, set[str]]:
    """Names that stand for a text, or a list of texts, right in a body."""
    found: dict[str, set[str]] = {}
    for statement in body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, texts = statement.targets[0], _texts(statement.value)
            if isinstance(target, ast.Name) and texts is not None:
                found[target.id] = texts
    return found


def _texts(node: ast.expr) -> set[str] | None:
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else None
    if isinstance(node, ast.List | ast.Tuple):
        parts = [_texts(item) for item in node.elts if isinstance(item, ast.Constant)]
        known = [part for part in parts if part is not None]
        return set().union(*known) if known and len(known) == len(node.elts) else None
    return None


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)
