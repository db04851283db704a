"""``.tf`` and ``.tfvars`` text -> our syntax tree, by python-hcl2's parser.

Of what python-hcl2 offers we take the tree of its grammar (``parses_to_tree``) and not the
dictionaries of ``load``: those have expressions as text put together again (``${...}``, quotes
within strings, a ``for`` as one string), which would have to be parsed a second time by a
grammar of ours. The tree has each operator and each part of a string in its place, with lines.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.readers.terraform.scan import RawBlock, Unbalanced, raw_blocks
from toolkit.integrations.airbyte.readers.terraform.syntax import (
    ELEMENT,
    Attribute,
    Block,
    Body,
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
    Tuple,
)
from toolkit.integrations.airbyte.readers.terraform.templates import (
    Malformed,
    Piece,
    assemble,
    parse_template,
)

# python-hcl2 has no types for its trees that would help here: `lark.Tree` or `lark.Token`.
Tree = Any

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_HEREDOC = re.compile(r"<<(-?)(\S+?)\r?\n(.*)", re.DOTALL)


def blocks_in(text: str, path: Path) -> list[RawBlock]:
    """The top-level blocks of a ``.tf`` file, not parsed yet.

    Raises:
        ArtifactError: braces or strings do not end; names file:line.
    """
    try:
        return list(raw_blocks(text))
    except Unbalanced as error:
        raise broken(path, text.count("\n", 0, error.position) + 1, error.what) from None


def parse_block(text: str, raw: RawBlock, path: Path) -> Block:
    """Parse one block of a file.

    Raises:
        ArtifactError: it is broken; names file:line.
    """
    body = _parse(text[raw.start : raw.end], path, raw.line)
    return body.blocks[0]


def parse_values(text: str, path: Path) -> Body:
    """A ``.tfvars`` file: attributes only.

    Raises:
        ArtifactError: it is broken; names file:line.
    """
    return _parse(text, path, 1)


def parse_expression(text: str, path: Path, line: int = 1) -> Expression:
    """One expression, as it stands in a placeholder.

    Raises:
        ArtifactError: it is broken; names file:line.
    """
    body = _parse(f"x = ({text.strip()}\n)", path, line, alone=False)
    return body.attributes["x"]


def parse_text(text: str, path: Path, line: int = 1) -> Expression:
    """A text with placeholders.

    Raises:
        ArtifactError: it is broken; names file:line.
    """
    try:
        return parse_template(text, lambda part, down: parse_expression(part, path, line + down))
    except Unbalanced as error:
        at = line + text.count("\n", 0, error.position)
        raise broken(path, at, error.what) from None
    except Malformed as error:
        raise broken(path, line, f"a text with {error}") from None


def broken(path: Path, line: int, what: str) -> ArtifactError:
    """The error for a file that cannot be read."""
    return ArtifactError(
        f"{path}:{line} is not valid Terraform: {what}.",
        "The connections in this folder are not known, so nothing was done.",
        "`terraform validate` says more. To leave the folder out, take it out of `connections:` "
        "in toolkit.yml.",
    )


def _parse(text: str, path: Path, line: int, *, alone: bool = True) -> Body:
    """Parse; ``alone`` is false for text with signs of ours round it."""
    import hcl2
    from lark.exceptions import LarkError, UnexpectedInput

    at, what = line, "it cannot be parsed"
    try:
        return _Reader(path, line - 1).body(hcl2.parses_to_tree(text).children[0])
    except UnexpectedInput as error:
        at += min(max(error.line, 1) - 1, text.count("\n") - (not alone))
        if alone:
            known = error.column > 0
            what = f"column {error.column} is not expected" if known else "it ends too early"
    except (LarkError, Malformed, ValueError) as error:
        what = str(error) if isinstance(error, Malformed) else what
    except RecursionError:
        what = "it is nested too deeply"
    # Outside of the handlers: lark's errors quote the file, and it may hold secrets.
    raise broken(path, at, what)


class _Reader:
    """Makes our nodes of python-hcl2's trees."""

    def __init__(self, path: Path, above: int) -> None:
        self._path = path
        self._above = above

    def body(self, tree: Tree) -> Body:
        attributes: dict[str, Expression] = {}
        blocks: list[Block] = []
        for child in _trees(tree):
            parts = list(_trees(child))
            if child.data == "attribute":
                attributes[_word(parts[0])] = self.expression(parts[1])
            else:
                labels = tuple(_word(part) for part in parts[1:-1])
                body = self.body(parts[-1])
                blocks.append(Block(_word(parts[0]), labels, body, self._path, self._line(child)))
        return Body(attributes, tuple(blocks))

    def _line(self, tree: Tree) -> int:
        return self._above + int(tree.meta.line)

    def expression(self, tree: Tree) -> Expression:
        parts = list(_trees(tree))
        kind = str(tree.data)
        if kind == "expr_term":
            return self.expression(parts[0])
        if kind == "conditional":
            condition, yes, no = map(self.expression, parts)
            return Conditional(condition, yes, no)
        if kind == "binary_op":
            operator, right = _trees(parts[1])
            # The line break or comment before an operator is glued to it.
            sign = str(operator.children[0]).split()[-1]
            return Operation(sign, self.expression(parts[0]), self.expression(right))
        if kind == "unary_op":
            return Operation(str(tree.children[0]).strip(), None, self.expression(parts[0]))
        if kind in ("int_lit", "float_lit", "literal_value", "identifier", "keyword"):
            return _simple(kind, str(tree.children[0]))
        if kind in ("string", "template_string"):
            return self._string(tree)
        if kind.startswith("heredoc"):
            return self._heredoc(tree)
        return self._compound(tree, kind, parts)

    def _compound(self, tree: Tree, kind: str, parts: list[Tree]) -> Expression:
        if kind == "tuple":
            return Tuple(tuple(map(self.expression, parts)))
        if kind == "object":
            return Object(tuple(map(self._element, parts)), (self._path, self._line(tree)))
        if kind == "function_call":
            return self._call(parts)
        if kind in ("index_expr_term", "get_attr_expr_term"):
            return self._step(self.expression(parts[0]), parts[1])
        if kind == "full_splat_expr_term":
            return Splat(self.expression(parts[0]), self._steps(ELEMENT, _trees(parts[1])))
        if kind == "attr_splat_expr_term":
            return self._attribute_splat(parts)
        if kind in ("for_tuple_expr", "for_object_expr"):
            return self._for(tree, parts)
        raise Malformed(f"a {kind.replace('_', ' ')} that is not known")

    def _step(self, target: Expression, step: Tree) -> Expression:
        if step.data == "braces_index":
            return Index(target, self.expression(next(_trees(step))))
        if step.data == "short_index":
            return Index(target, Literal(int(step.children[-1])))
        return Attribute(target, _word(next(_trees(step))))

    def _steps(self, target: Expression, steps: Iterable[Tree]) -> Expression:
        for step in steps:
            target = self._step(target, step)
        return target

    def _attribute_splat(self, parts: list[Tree]) -> Expression:
        """``a.*.b[0]``: unlike in ``a[*].b[0]`` the index is the whole list's."""
        steps = list(_trees(parts[1]))
        own = next((i for i, step in enumerate(steps) if step.data != "get_attr"), len(steps))
        splat = Splat(self.expression(parts[0]), self._steps(ELEMENT, steps[:own]))
        return self._steps(splat, steps[own:])

    def _element(self, tree: Tree) -> tuple[Expression, Expression]:
        key, value = _trees(tree)
        inner = key.children[0]
        while inner.data == "expr_term" and len(inner.children) == 1:
            inner = inner.children[0]
        plain = inner.data in ("identifier", "keyword", "literal_value")
        name = Literal(_word(inner)) if plain else self.expression(inner)
        return name, self.expression(value)

    def _call(self, parts: list[Tree]) -> Expression:
        names = [_word(part) for part in parts if part.data == "identifier"]
        given = parts[-1] if parts[-1].data == "arguments" else None
        arguments = tuple(map(self.expression, _trees(given))) if given is not None else ()
        expand = given is not None and any(
            getattr(child, "type", "") == "ELLIPSIS" for child in given.children
        )
        return Call("::".join(names), arguments, expand)

    def _for(self, tree: Tree, parts: list[Tree]) -> Expression:
        intro = list(_trees(parts[0]))
        names = [_word(part) for part in intro[:-1]]
        conditions = [part for part in parts if part.data == "for_cond"]
        results = [self.expression(part) for part in parts[1:] if part.data != "for_cond"]
        return For(
            key_name=names[0] if len(names) > 1 else None,
            value_name=names[-1],
            collection=self.expression(intro[-1]),
            value=results[-1],
            key=results[0] if len(results) > 1 else None,
            condition=self.expression(next(_trees(conditions[0]))) if conditions else None,
            group=any(getattr(child, "type", "") == "ELLIPSIS" for child in tree.children),
        )

    def _string(self, tree: Tree) -> Expression:
        if tree.data == "template_string":
            return Literal(_unescaped(str(tree.children[0])[2:-2]))
        found: list[Piece] = []
        for part in _trees(tree):
            inner = part.children[0]
            if hasattr(inner, "data"):
                found.append(self._piece(inner))
            else:
                text = str(inner)
                if inner.type.startswith("ESCAPED"):
                    text = text[1:]
                found.append(Piece(kind="text", text=_unescaped(text)))
        return assemble(found) if found else Literal("")

    def _piece(self, tree: Tree) -> Piece:
        parts = list(_trees(tree))
        kind = str(tree.data).removeprefix("template_").removesuffix("_start")
        piece = Piece(kind="value" if kind == "interpolation" else kind)
        if parts:
            piece.expression = self.expression(parts[-1])
        if kind == "for":
            names = [_word(part) for part in parts[:-1]]
            piece.names = (names[0] if len(names) > 1 else None, names[-1])
        piece.before = str(tree.children[1]) == "~"
        piece.after = str(tree.children[-2]) == "~"
        return piece

    def _heredoc(self, tree: Tree) -> Expression:
        found = _HEREDOC.fullmatch(str(tree.children[0]))
        if found is None:
            raise Malformed("a heredoc that cannot be read")
        flush, _, rest = found.groups()
        # What is left ends with the line of the end mark.
        lines = rest.rstrip().splitlines(keepends=True)[:-1]
        if flush:
            indents = [len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()]
            lines = [line[min(indents, default=0) :] or "\n" for line in lines]
        return parse_text("".join(lines), self._path, self._line(tree) + 1)


def _trees(tree: Tree) -> Iterator[Tree]:
    """The children that mean something: no signs, line breaks or comments."""
    for child in tree.children:
        if hasattr(child, "data") and child.data != "new_line_or_comment":
            yield child


def _word(tree: Tree) -> str:
    """An identifier, keyword or quoted label."""
    if tree.data == "string":
        return "".join(str(part.children[0]) for part in _trees(tree))
    return str(tree.children[0])


def _simple(kind: str, text: str) -> Expression:
    if kind == "int_lit":
        return Literal(int(text))
    if kind == "float_lit":
        return Literal(float(text))
    if kind == "literal_value":
        return Literal({"true": True, "false": False}.get(text))
    return Name(text)


def _unescaped(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return chr(int(code, 16)) if code else _ESCAPES.get(found[3], found[3])

    return _ESCAPE.sub(one, text) if "\\" in text else text
