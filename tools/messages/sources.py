"""The product's modules as syntax trees, with what is needed to follow a name to its meaning."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Def = ast.FunctionDef | ast.AsyncFunctionDef
Bound = dict[str, ast.expr]


@dataclass(eq=False)
class Function:
    """A function, or the module's own code (``node`` is ``None``)."""

    module: "Module"
    qualname: str
    node: Def | None = None
    owner: str | None = None
    outer: "Function | None" = None
    assigned: dict[str, list[ast.expr]] = field(default_factory=dict)
    returned: list[ast.expr] = field(default_factory=list)
    calls: list[ast.Call] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name alone."""
        return self.qualname.rpartition(".")[2]

    @property
    def parameters(self) -> list[str]:
        """In order, without ``self``; the keyword-only ones last."""
        if self.node is None:
            return []
        a = self.node.args
        return [p.arg for p in (*a.posonlyargs, *a.args)][self._skipped :] + [
            p.arg for p in a.kwonlyargs
        ]

    @property
    def _skipped(self) -> int:
        assert self.node is not None
        static = any(ast.unparse(d) == "staticmethod" for d in self.node.decorator_list)
        return int(self.owner is not None and not static)

    def bind(self, call: ast.Call) -> Bound:
        """Which expression each parameter gets in a call, defaults too."""
        assert self.node is not None
        a = self.node.args
        positional = [p.arg for p in (*a.posonlyargs, *a.args)][self._skipped :]
        bound: Bound = dict(zip(reversed(positional), reversed(a.defaults), strict=False))
        only = zip(a.kwonlyargs, a.kw_defaults, strict=True)
        bound |= {p.arg: d for p, d in only if d is not None}
        bound |= dict(zip(positional, call.args, strict=False))
        return bound | {k.arg: k.value for k in call.keywords if k.arg}


@dataclass(eq=False)
class Module:
    """One file of the product."""

    path: str
    name: str
    constants: dict[str, ast.expr] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)


class _Reader(ast.NodeVisitor):
    def __init__(self, module: Module) -> None:
        self._module = module
        self._names: list[str] = []
        self._owner: str | None = None
        self._function = module.functions[""] = Function(module, "")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._module.classes[node.name] = node
        owner, self._owner = self._owner, node.name
        self._names.append(node.name)
        self.generic_visit(node)
        self._names.pop()
        self._owner = owner

    def visit_FunctionDef(self, node: Def) -> None:
        outer, owner = self._function, self._owner
        self._names.append(node.name)
        inner = Function(self._module, ".".join(self._names), node, owner, outer)
        self._module.functions[inner.qualname] = self._function = inner
        self._owner = None
        self.generic_visit(node)
        self._names.pop()
        self._function, self._owner = outer, owner

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._assign(target, node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assign(node.target, node.value)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._assign(node.target, node.value, more=True)
        self.generic_visit(node)

    def _assign(self, target: ast.expr, value: ast.expr, more: bool = False) -> None:
        if isinstance(target, ast.Tuple):
            if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
                for one, its in zip(target.elts, value.elts, strict=True):
                    self._assign(one, its)
            elif isinstance(value, ast.IfExp):
                self._assign(target, value.body)
                self._assign(target, value.orelse)
            elif isinstance(value, ast.Call):
                for index, one in enumerate(target.elts):
                    self._assign(one, ast.Subscript(value, ast.Constant(index)))
            return
        if not isinstance(target, ast.Name):
            return
        known = self._function.assigned.setdefault(target.id, [])
        known.append(ast.BinOp(known.pop(), ast.Add(), value) if more and known else value)
        if self._function.node is None and self._owner is None:
            self._module.constants[target.id] = value

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self._function.returned.append(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self._function.calls.append(node)
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._module.imports[alias.asname or alias.name] = (node.module or "", alias.name)


class Sources:
    """Every module of the package, by its dotted name."""

    def __init__(self, root: Path) -> None:
        self.modules: dict[str, Module] = {}
        for path in sorted(root.rglob("*.py")):
            shown = path.relative_to(root.parent)
            name = ".".join(shown.with_suffix("").parts).removesuffix(".__init__")
            module = self.modules[name] = Module(shown.as_posix(), name)
            _Reader(module).visit(ast.parse(path.read_text(encoding="utf-8")))

    def functions(self) -> Iterator[Function]:
        """All functions, and each module's own code."""
        for module in self.modules.values():
            yield from module.functions.values()

    def origin(self, module: Module, name: str) -> tuple[Module, str] | None:
        """Where a name that a module uses was made, through every import."""
        for _ in range(6):
            if name not in module.imports or name in module.functions:
                return module, name
            source, name = module.imports[name]
            if source not in self.modules:
                return None
            module = self.modules[source]
        return None
