"""Why a function may make something else of the same inputs, as far as its code says so plainly.

Names are followed through ``import ... as ...`` and ``from ... import ...``, not through
variables. Where code only might ask the outside world, the answer is that it does: the worst
that comes of it is work that was not needed, and ``volatile=False`` says otherwise.
"""

import ast
import builtins
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from toolkit.integrations.python.code import outside
from toolkit.integrations.python.code.sources import Reached, is_ours, parse
from toolkit.integrations.python.declared.modules import relative
from toolkit.integrations.python.registry import Callee, stamp

DECLARED = "it is declared volatile"


def volatile(declared: bool | None, callee: Callee, reached: Reached, project_dir: Path) -> str:
    """The reason in words ("it calls datetime.now() (ml/features.py:12)"), or nothing.

    Args:
        declared: what its author says; ``None`` is nothing.
        callee: the function with its parameters understood.
        reached: the code that it can reach.
        project_dir: what files in reasons are relative to.
    """
    if declared is not None:
        return DECLARED if declared else ""
    if callee.resources:
        return f"it takes the resource {callee.resources[0]!r}"
    paths = frozenset(item.parameter for item in callee.inputs if item.form == "path")
    own = reached.called()
    seeded = frozenset(_seeded(own)).union(*(_seeds_in(f, *stamp(f)) for f in reached.modules))
    found = _first(own, seeded, paths)
    place = reached.file
    for module in reached.modules if found is None else ():
        found, place = _first_in(module, *stamp(module), seeded), module
        if found is not None:
            break
    if found is not None:
        return f"{found.what} ({relative(place, project_dir)}:{found.line})"
    if not callee.inputs:
        return "it has no inputs, so nothing says when its content changes"
    return ""


class Finding(NamedTuple):
    """One place in the code that asks the outside world."""

    what: str
    line: int


# Modules are shared by many functions.
@lru_cache(maxsize=256)
def _first_in(module: Path, size: int, mtime: int, seeded: frozenset[str]) -> Finding | None:
    del size, mtime  # part of the cache's key only
    return _first(parse(module).body, seeded, frozenset())


@lru_cache(maxsize=256)
def _seeds_in(module: Path, size: int, mtime: int) -> frozenset[str]:
    del size, mtime  # part of the cache's key only
    return frozenset(_seeded(parse(module).body))


def _first(
    statements: list[ast.stmt], seeded: frozenset[str], paths: frozenset[str]
) -> Finding | None:
    scan = _Scan(_Names(statements), seeded, paths)
    for statement in statements:
        scan.visit(statement)
        if scan.found is not None:
            return scan.found
    return None


def _seeded(statements: list[ast.stmt]) -> Iterable[str]:
    """Modules of chance that are given a seed."""
    names = _Names(statements)
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.Call):
            name = names.full(node.func)
            if name in outside.SEEDS and _is_given(_argument(node)):
                yield outside.SEEDS[name]


class _Names:
    """What the names of one file's statements mean."""

    def __init__(self, statements: list[ast.stmt]) -> None:
        self._aliases: dict[str, str] = {}
        self._stars: list[str] = []
        self._defined: set[str] = set()
        for node in (node for statement in statements for node in ast.walk(statement)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    self._aliases[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self._from(node.module, node.names)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._defined.add(node.name)
            elif isinstance(node, ast.arg):
                self._defined.add(node.arg)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self._defined.add(node.id)

    def _from(self, module: str, names: list[ast.alias]) -> None:
        for alias in names:
            if alias.name == "*":
                self._stars.append(module)
            else:
                self._aliases[alias.asname or alias.name] = f"{module}.{alias.name}"

    def full(self, node: ast.expr) -> str | None:
        """``datetime.datetime.now`` for ``dt.now``, ``builtins.open`` for ``open``."""
        rest: list[str] = []
        while isinstance(node, ast.Attribute):
            rest.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        base = self._base(node.id)
        return ".".join([base, *reversed(rest)]) if base else None

    def _base(self, name: str) -> str | None:
        if name in self._aliases:
            return self._aliases[name]
        if name in self._defined:
            return None
        for module in self._stars:
            if _is_outside(f"{module}.{name}"):
                return f"{module}.{name}"
        return f"builtins.{name}" if hasattr(builtins, name) else None


def _is_outside(name: str) -> bool:
    parts = name.split(".")
    return (
        any(".".join(parts[: n + 1]) in outside.NAMES for n in range(len(parts)))
        or name.startswith(outside.PREFIXES)
        or (parts[0] == "builtins" and parts[-1] in outside.BUILTINS)
    )


def _argument(call: ast.Call) -> ast.expr | None:
    if call.args:
        return call.args[0]
    return call.keywords[0].value if call.keywords else None


def _is_given(value: ast.expr | None) -> bool:
    return value is not None and not (isinstance(value, ast.Constant) and value.value is None)


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _only_writes(call: ast.Call, position: int) -> bool:
    """Whether ``open``'s mode is one that reads nothing."""
    mode = call.args[position] if len(call.args) > position else _keyword(call, "mode")
    text = mode.value if isinstance(mode, ast.Constant) else ""
    return isinstance(text, str) and bool(set(text) & set("wax")) and "+" not in text


class _Scan(ast.NodeVisitor):
    """Finds the first place that asks the outside world.

    Args:
        paths: parameters that are files of inputs: reading these is no question.
    """

    def __init__(self, names: _Names, seeded: frozenset[str], paths: frozenset[str]) -> None:
        self._names = names
        self._seeded = seeded
        self._paths = paths
        self.found: Finding | None = None

    def visit(self, node: ast.AST) -> None:
        """Look no further once there is a finding."""
        if self.found is None:
            super().visit(node)

    def _find(self, what: str, node: ast.expr) -> None:
        if self.found is None:
            self.found = Finding(what, node.lineno)

    def visit_Call(self, node: ast.Call) -> None:
        name = self._names.full(node.func)
        if self._is_fine(node, name):
            for part in (*node.args, *node.keywords):
                self.visit(part)
            return
        if self._asks(node, name):
            self._find(f"it calls {ast.unparse(node.func)}()", node)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in outside.SQL_METHODS:
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                self._sql(argument)
        self.generic_visit(node)

    def _is_fine(self, node: ast.Call, name: str | None) -> bool:
        """Whether a call whose name sounds like the outside world asks nothing."""
        first = _argument(node)
        about = node.func.value if isinstance(node.func, ast.Attribute) else None
        if any(isinstance(part, ast.Name) and part.id in self._paths for part in (first, about)):
            return True  # it reads an input's file
        if name in outside.SEEDED:
            return _is_given(first)
        if name == "time.strftime":
            return len(node.args) > 1  # of a time that it is given
        if name in outside.IN_MEMORY:
            return first is None or (
                isinstance(first, ast.Constant) and first.value == outside.IN_MEMORY[name]
            )
        return name in ("builtins.open", "io.open") and _only_writes(node, 1)

    def _asks(self, node: ast.Call, name: str | None) -> bool:
        first = _argument(node)
        if name in outside.RANDOM_STATE:
            return not _is_given(_keyword(node, "random_state"))
        if name in outside.TIMES:
            text = first.value if isinstance(first, ast.Constant) else ""
            return isinstance(text, str) and text.strip().casefold() in ("now", "today")
        if name in outside.IN_MEMORY:
            return True
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method in outside.METHODS:
            return not (method == "open" and _only_writes(node, 0))
        return name is not None and self._counts(name)

    def _counts(self, name: str) -> bool:
        if name in outside.HARMLESS:
            return False
        if any(f"{name}.".startswith(f"{module}.") for module in self._seeded):
            return name in outside.SEEDED or name.endswith("SystemRandom")
        return _is_outside(name)

    def _reads(self, node: ast.Attribute | ast.Name) -> None:
        name = self._names.full(node)
        if name is not None and isinstance(node.ctx, ast.Load) and self._counts(name):
            self._find(f"it uses {ast.unparse(node)}", node)
        elif name is None and isinstance(node, ast.Attribute):
            self.visit(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._reads(node)

    def visit_Name(self, node: ast.Name) -> None:
        self._reads(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and {"select", "from"} <= set(node.value.lower().split()):
            self._sql(node)

    def _sql(self, node: ast.expr) -> None:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                found = outside.SQL_VOLATILE.search(part.value)
                if found is not None:
                    what = f"calls {found['call']}()" if found["call"] else f"has {found['word']}"
                    self._find(f"its SQL {what if not found['file'] else 'reads a file'}", node)

    # ---- what says nothing about what happens when the function is called ----

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            if not is_ours(decorator):
                self.visit(decorator)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self._body(node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def _body(self, body: list[ast.stmt]) -> None:
        for number, statement in enumerate(body):
            docstring = number == 0 and isinstance(statement, ast.Expr)
            if not (docstring and isinstance(getattr(statement, "value", None), ast.Constant)):
                self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._body(node.body)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring, or a text for nobody
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        for statement in node.body:
            self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        test = ast.unparse(node.test)
        if test in ("__name__ == '__main__'", "TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for statement in node.orelse:
                self.visit(statement)
            return
        self.generic_visit(node)
