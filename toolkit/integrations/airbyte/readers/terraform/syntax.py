"""The syntax tree of expressions and blocks, whatever they were read from."""

from collections.abc import Mapping
from pathlib import Path

import msgspec


class Literal(msgspec.Struct, frozen=True):
    """``null``, ``true``, ``12``, or a text without placeholders."""

    value: bool | int | float | str | None

    def __repr__(self) -> str:
        """Without the value: it could be a secret."""
        return "Literal(...)"


class Template(msgspec.Struct, frozen=True):
    """A text with placeholders and directives.

    Attributes:
        alone: it is one placeholder and nothing else, and so has the value's own type.
    """

    parts: "tuple[Expression, ...]"
    alone: bool = False


class Name(msgspec.Struct, frozen=True):
    """The root of a reference: ``var``, ``local``, a type of resources, a symbol of ``for``."""

    name: str


class Attribute(msgspec.Struct, frozen=True):
    """``object.name``."""

    object: "Expression"
    name: str


class Index(msgspec.Struct, frozen=True):
    """``object[key]``."""

    object: "Expression"
    key: "Expression"


class Splat(msgspec.Struct, frozen=True):
    """``object[*].a.b[0]`` or ``object.*.a.b``; ``each`` is what is done to :data:`ELEMENT`."""

    object: "Expression"
    each: "Expression"


class Call(msgspec.Struct, frozen=True):
    """``name(arguments...)``; ``expand``: the last argument is a list of arguments."""

    name: str
    arguments: "tuple[Expression, ...]"
    expand: bool = False


class Operation(msgspec.Struct, frozen=True):
    """``left operator right``; without ``left`` the operator stands alone before ``right``."""

    operator: str
    left: "Expression | None"
    right: "Expression"


class Conditional(msgspec.Struct, frozen=True):
    """``condition ? yes : no``."""

    condition: "Expression"
    yes: "Expression"
    no: "Expression"


class Tuple(msgspec.Struct, frozen=True):
    """``[a, b]``."""

    items: "tuple[Expression, ...]"


class Object(msgspec.Struct, frozen=True):
    """``{a = b}``; ``at`` is where it stands."""

    items: "tuple[tuple[Expression, Expression], ...]"
    at: tuple[Path, int]


class For(msgspec.Struct, frozen=True):
    """``[for k, v in collection : value if condition]``, or ``{for ... : key => value}``.

    Attributes:
        group: values of one key are collected in a list (``...``).
        text: a ``%{ for }`` within a text: the values are put together.
    """

    key_name: str | None
    value_name: str
    collection: "Expression"
    value: "Expression"
    key: "Expression | None" = None
    condition: "Expression | None" = None
    group: bool = False
    text: bool = False


Expression = (
    Literal
    | Template
    | Name
    | Attribute
    | Index
    | Splat
    | Call
    | Operation
    | Conditional
    | Tuple
    | Object
    | For
)

# What a splat's steps are applied to.
ELEMENT = Name("*")


class Body(msgspec.Struct, frozen=True):
    """What stands in a block: attributes by name, and blocks within it."""

    attributes: Mapping[str, Expression]
    blocks: "tuple[Block, ...]" = ()


class Block(msgspec.Struct, frozen=True):
    """``type "label" { ... }``."""

    type: str
    labels: tuple[str, ...]
    body: Body
    path: Path
    line: int
