"""Fingerprint of how a Python asset is made: of the code that it can reach in the project.

Comments, formatting and docstrings do not count, and neither do the other assets of the
same file, unless they are called. Libraries do not count. A name that is looked up by a
string (``globals()[...]``) is not seen.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType


def code_version(
    file: Path, line: int, folders: tuple[Path, ...], definitions: frozenset[int], extra: str
) -> str:
    """Fingerprint of the function that begins at ``line`` of ``file``.

    Args:
        file: absolute.
        line: of its first decorator.
        folders: where the project's own modules are looked for.
        definitions: first lines of all assets, checks and resources of the file.
        extra: whatever else decides what is made (kind, relation, inputs).
    """
    digest = hashlib.sha256(extra.encode())
    tree = _parse(file)
    own = _reachable(tree, line, definitions)
    for statement in own:
        digest.update(_normal(statement).encode())
    seen = {file}
    queue = list(_local_imports(own, file, folders))
    while queue:
        module = queue.pop()
        if module in seen:
            continue
        seen.add(module)
        body = _parse(module).body
        queue.extend(_local_imports(body, module, folders))
    for module in sorted(seen - {file}):
        digest.update(_normal_module(module).encode())
    return digest.hexdigest()[:32]


def _parse(file: Path) -> ast.Module:
    return _parsed(file, file.stat().st_mtime_ns, file.stat().st_size)


@lru_cache(maxsize=256)
def _parsed(file: Path, mtime: int, size: int) -> ast.Module:
    del mtime, size  # part of the cache's key only
    return ast.parse(file.read_bytes(), str(file))


def _normal_module(file: Path) -> str:
    return "".join(_normal(statement) for statement in _parse(file).body)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _reachable(tree: ast.Module, line: int, definitions: frozenset[int]) -> list[ast.stmt]:
    """All top-level statements but those assets, checks and resources that nothing calls."""
    others = {
        _first_line(statement): statement
        for statement in tree.body
        if isinstance(statement, ast.FunctionDef) and _first_line(statement) in definitions
    }
    included = {_first_line(s) for s in tree.body} - (set(others) - {line})
    names: set[str] = set()
    for statement in tree.body:
        if _first_line(statement) in included:
            names |= _global_names(statement)
    while called := {n for n, s in others.items() if s.name in names and n not in included}:
        included |= called
        for number in called:
            names |= _global_names(others[number])
    return [statement for statement in tree.body if _first_line(statement) in included]


def _global_names(statement: ast.stmt) -> set[str]:
    """Names that the statement takes from its module: parameters and locals are not."""
    # The module stores a function's own name, which is no use of it.
    stored = {statement.name} if isinstance(statement, ast.FunctionDef) else set()
    code = compile(ast.Module([statement], []), "<statement>", "exec", dont_inherit=True)
    inner = {name for nested in _nested(code) if nested is not code for name in nested.co_names}
    return inner | (set(code.co_names) - stored)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


class _Normalizer(ast.NodeTransformer):
    """Without docstrings, and without our decorators: what they say is in ``extra``."""

    def _body(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        body = getattr(node, "body", [])
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            node.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.decorator_list = [d for d in node.decorator_list if not _is_ours(d)]
        return self._body(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._body(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._body(node)


def _is_ours(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("asset", "check", "resource")


def _normal(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return ""
    # Parsing the statement anew keeps the cached tree as it was read.
    copy = ast.parse(ast.unparse(statement))
    return ast.dump(_Normalizer().visit(copy))


def _local_imports(
    statements: list[ast.stmt], file: Path, folders: tuple[Path, ...]
) -> Iterator[Path]:
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module_files(alias.name.split("."), folders)
        elif isinstance(node, ast.ImportFrom):
            parts = node.module.split(".") if node.module else []
            roots = (file.parents[node.level - 1],) if node.level else folders
            yield from _module_files(parts, roots)
            for alias in node.names:
                yield from _module_files([*parts, alias.name], roots)


def _module_files(parts: list[str], roots: tuple[Path, ...]) -> Iterator[Path]:
    for root in roots:
        stem = root.joinpath(*parts)
        module = [stem.with_name(stem.name + ".py")] if parts else []
        for candidate in (*module, stem / "__init__.py"):
            if candidate.is_file():
                yield candidate
                return
