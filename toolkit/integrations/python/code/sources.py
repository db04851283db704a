"""The code that a decorated function can reach in the project: its file, and local modules.

The other assets, checks and resources of the same file are left out unless something calls
them. Installed libraries are not followed. A name that is looked up by a string
(``globals()[...]``) is not seen.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import NamedTuple, TypeGuard

STATEMENTS = 16_384  # of which we keep what we have found out


class Reached(NamedTuple):
    """What one function can reach.

    Attributes:
        file: the function's own, absolute.
        line: of its first decorator.
        own: top-level statements of that file, in order, without what nothing calls.
        modules: other files of the project, sorted; all of their statements count.
    """

    file: Path
    line: int
    own: list[ast.stmt]
    modules: list[Path]

    def parts(self) -> Iterator[tuple[Path, list[ast.stmt]]]:
        """Each file with its statements that count, the function's own file first."""
        yield self.file, self.own
        for module in self.modules:
            yield module, parse(module).body

    def called(self) -> list[ast.stmt]:
        """``own`` without the functions and classes that the function does not lead to."""
        defined = {
            statement.name: statement
            for statement in self.own
            if _is_definition(statement)
            # the function itself, or one that makes it
            and not first_line(statement) <= self.line <= (statement.end_lineno or 0)
        }
        kept = [statement for statement in self.own if statement not in defined.values()]
        queue, reached = list(kept), set(map(id, kept))
        while queue:
            for name in _global_names(queue.pop()):
                statement = defined.get(name)
                if statement is not None and id(statement) not in reached:
                    reached.add(id(statement))
                    queue.append(statement)
        return [statement for statement in self.own if id(statement) in reached]


def reach(
    file: Path, line: int, module: Path, folders: tuple[Path, ...], definitions: frozenset[int]
) -> Reached:
    """Follow the function that begins at ``line`` of ``file``.

    Args:
        file: absolute.
        line: of its first decorator.
        module: the file whose import declared it. Where a function makes the function, that is
            who has called it, with what only stands there: so all of that file counts.
        folders: where the project's own modules are looked for.
        definitions: first lines of all assets, checks and resources of the file.
    """
    own = _reachable(parse(file), line, definitions)
    seen = {file}
    made = any(_is_definition(s) and first_line(s) < line <= (s.end_lineno or 0) for s in own)
    queue = [*([module] if made else ()), *_local_imports(own, file, folders)]
    while queue:
        module = queue.pop()
        if module not in seen:
            seen.add(module)
            queue.extend(_local_imports(parse(module).body, module, folders))
    return Reached(file, line, own, sorted(seen - {file}))


def parse(file: Path) -> ast.Module:
    """The syntax tree of a file as it is now; nobody may change it."""
    return _parsed(file, file.stat().st_mtime_ns, file.stat().st_size)


@lru_cache(maxsize=256)
def _parsed(file: Path, mtime: int, size: int) -> ast.Module:
    del mtime, size  # part of the cache's key only
    return ast.parse(file.read_bytes(), str(file))


def first_line(statement: ast.stmt) -> int:
    """Where a statement begins, its decorators among it."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _is_definition(statement: ast.stmt) -> TypeGuard[_Definition]:
    return isinstance(statement, _Definition)


def is_ours(decorator: ast.expr) -> bool:
    """Whether a decorator is one of ours, by its name."""
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("asset", "check", "resource")


def imported(statements: Iterable[ast.stmt]) -> set[str]:
    """First parts of the names of all modules that are imported, but relatively."""
    names: set[str] = set()
    for node in (node for statement in statements for node in import_nodes(statement)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names


# A file of many assets is looked at once for each of them, so what costs is kept.
@lru_cache(maxsize=STATEMENTS)
def import_nodes(statement: ast.stmt) -> list[ast.Import | ast.ImportFrom]:
    """All imports within a statement."""
    return [n for n in ast.walk(statement) if isinstance(n, ast.Import | ast.ImportFrom)]


def _reachable(tree: ast.Module, line: int, definitions: frozenset[int]) -> list[ast.stmt]:
    """All top-level statements but those assets, checks and resources that nothing calls."""
    others = {
        first_line(statement): statement
        for statement in tree.body
        if isinstance(statement, ast.FunctionDef) and first_line(statement) in definitions
    }
    included = {first_line(s) for s in tree.body} - (set(others) - {line})
    names: set[str] = set()
    for statement in tree.body:
        if first_line(statement) in included:
            names |= _global_names(statement)
    while called := {n for n, s in others.items() if s.name in names and n not in included}:
        included |= called
        for number in called:
            names |= _global_names(others[number])
    return [statement for statement in tree.body if first_line(statement) in included]


@lru_cache(maxsize=STATEMENTS)
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


def _local_imports(
    statements: list[ast.stmt], file: Path, folders: tuple[Path, ...]
) -> Iterator[Path]:
    for node in (node for statement in statements for node in import_nodes(statement)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from module_files(alias.name.split("."), folders)
        else:
            parts = node.module.split(".") if node.module else []
            roots = (file.parents[node.level - 1],) if node.level else folders
            yield from module_files(parts, roots)
            for alias in node.names:
                yield from module_files([*parts, alias.name], roots)


def module_files(parts: list[str], roots: tuple[Path, ...]) -> Iterator[Path]:
    """The file of a module in the first of ``roots`` that has it, after its packages' files."""
    for root in roots:
        stem = root.joinpath(*parts)
        module = [stem.with_name(stem.name + ".py")] if parts else []
        for candidate in (*module, stem / "__init__.py"):
            if candidate.is_file():
                for count in range(1, len(parts)):
                    package = root.joinpath(*parts[:count], "__init__.py")
                    if package.is_file():
                        yield package
                yield candidate
                return
