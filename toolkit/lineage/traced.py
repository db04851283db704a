"""What tracing one query gives: plain values, so that they can be kept on disk."""

import msgspec

Leaf = tuple[str, str, int]
"""(asset key, column, mask of kinds): see ``sql.flow``."""


class Home(msgspec.Struct, frozen=True, array_like=True):
    """Where unknown columns of an output may come from.

    Attributes:
        key: the asset, ``None`` for what is no asset.
        flow: what any such column takes, where ``key`` is ``None``.
        rank: how likely it is; see ``known``.
        hidden: folded names that do not come through.
    """

    key: str | None
    flow: list[Leaf]
    rank: int
    hidden: list[str] = []


class Output(msgspec.Struct, frozen=True, array_like=True):
    """One output column.

    Attributes:
        expression / line: of the last computation, ``None`` for a copy.
    """

    name: str
    type: str | None
    flow: list[Leaf]
    expression: str | None = None
    line: int | None = None


class Loss(msgspec.Struct, frozen=True, array_like=True):
    """Something in a query that could not be traced; ``line`` is in the compiled SQL."""

    code: str
    message: str
    line: int | None = None


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """Why nothing in a query could be traced; ``line`` is in the compiled SQL."""

    code: str
    message: str
    line: int | None = None


class Traced(msgspec.Struct, frozen=True, array_like=True):
    """What one query does.

    Attributes:
        outputs: in order.
        rows: influence on all rows.
        branches: homes of unknown outputs: one of each inner list, for all of the outer.
        losses: what makes it partial.
    """

    outputs: list[Output]
    rows: list[Leaf] = []
    branches: list[list[Home]] = []
    losses: list[Loss] = []


def listed(names: list[str]) -> str:
    """Some names for a message: five at most."""
    return ", ".join(names[:5]) + (" and more" if len(names) > 5 else "")
