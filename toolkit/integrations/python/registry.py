"""What is known of each Python asset, check and resource once a project is loaded."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from toolkit.graph import Asset, Check, Relation
from toolkit.integrations.python.annotations import Form

Wanted = Form | Literal["metrics"]
ColumnTest = Literal["not_null", "unique"]


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter that is an asset.

    Attributes:
        parameter: its name in the function.
        key / name / kind / relation: of the asset.
        form: how it is handed over; ``any`` is a ``pyarrow.Table`` or an ML model's estimator.
    """

    parameter: str
    key: str
    name: str
    kind: str
    relation: Relation | None
    form: Wanted


class Callee(msgspec.Struct, frozen=True, kw_only=True):
    """A function and what it is called with.

    Attributes:
        function: the user's.
        place: ``path:line``.
        folder: of the user's code; lines in it are shown for an error.
        inputs / resources: by parameter.
    """

    function: Callable[..., Any]
    place: str
    folder: str
    inputs: tuple[Input, ...] = ()
    resources: tuple[str, ...] = ()


class PythonAsset(msgspec.Struct, frozen=True, kw_only=True):
    """A Python asset as it is run."""

    asset: Asset
    callee: Callee
    trusted: tuple[str, ...] = ()


class PythonCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A Python check as it is run; ``column_test`` is one declared on a column."""

    check: Check
    callee: Callee
    column_test: ColumnTest | None = None


class PythonResource(msgspec.Struct, frozen=True, kw_only=True):
    """The maker of a resource, chosen for the target."""

    name: str
    function: Callable[..., Any]
    place: str


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one loaded project, by key (resources by name)."""

    assets: Mapping[str, PythonAsset] = {}
    checks: Mapping[str, PythonCheck] = {}
    resources: Mapping[str, PythonResource] = {}
