"""Fingerprint of how a Python asset or check is made: of its code, and of the libraries it uses.

Comments, formatting and docstrings do not count, and neither do the other assets of the same
file, unless they are called. Of a library, its version counts; of one that is no installed
package (or an editable one), its files.
"""

import ast
import hashlib
import sys
from collections.abc import Mapping
from functools import lru_cache

from toolkit.integrations.python.code.sources import STATEMENTS, Reached, is_ours, parse


def code_version(reached: Reached, libraries: Mapping[str, str], extra: str) -> str:
    """Fingerprint of one function.

    Args:
        reached: its code.
        libraries: versions of what it imports, by name.
        extra: whatever else decides what is made (kind, relation, inputs).
    """
    digest = hashlib.sha256(extra.encode())
    # What a newer Python makes of the same code may be something else.
    digest.update(f"python {sys.version_info[0]}.{sys.version_info[1]}".encode())
    digest.update(repr(sorted(libraries.items())).encode())
    for statement in reached.own:
        digest.update(_normal(statement).encode())
    for module in reached.modules:
        for statement in parse(module).body:
            digest.update(_normal(statement).encode())
    return digest.hexdigest()[:32]


class _Normalizer(ast.NodeTransformer):
    """Without docstrings, and without our decorators: what they say is in ``extra``."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._bare(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.decorator_list = [d for d in node.decorator_list if not is_ours(d)]
        return self._bare(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def _bare(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = node.body[1:] or [ast.Pass()]
        return node


@lru_cache(maxsize=STATEMENTS)
def _normal(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return ""
    # Parsing the statement anew keeps the cached tree as it was read.
    copy = ast.parse(ast.unparse(statement))
    return ast.dump(_Normalizer().visit(copy))
