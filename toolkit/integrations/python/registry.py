"""What is known of each Python asset, check and resource once a project is loaded."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from toolkit.graph import Asset, Check, Relation
from toolkit.integrations.python.declared.annotations import Form
from toolkit.integrations.python.declared.dividing import Batching
from toolkit.integrations.python.models.info import Format

Wanted = Form | Literal["metrics", "promoted", "promoted_metrics", "bytes"]
ColumnTestKind = Literal["not_null", "unique", "accepted_values", "relationships"]
Stamp = tuple[int, int]  # size in bytes, and time of the last change in nanoseconds


def stamp(path: Path) -> Stamp:
    """The stamp of a file; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_size, found.st_mtime_ns)


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter that is an asset.

    Attributes:
        parameter: its name in the function.
        key / name / kind / relation: of the asset.
        form: how it is handed over; ``any`` is a ``pyarrow.Table`` or an ML model's estimator;
            ``metrics``, ``promoted`` and ``promoted_metrics`` are for checks of an ML model.
        event_time: its column by which a batch sees no more than its own rows.
    """

    parameter: str
    key: str
    name: str
    kind: str
    relation: Relation | None
    form: Wanted
    event_time: str | None = None


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a decorated function comes from.

    Attributes:
        folder: the entry of ``assets:`` (a file's own folder); absolute.
        module: the file to import; absolute.
        file: where it is written, usually the same; absolute.
        line: of its first decorator in ``file``.
        name: as declared: one function can be declared more than once.
    """

    folder: str
    module: str
    file: str
    line: int
    name: str


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """An environment of a function's own, by what is in it.

    Attributes:
        requirements: as pip takes them, sorted.
    """

    requirements: tuple[str, ...]


class Isolate(msgspec.Struct, frozen=True, kw_only=True):
    """How a function's process is held in.

    Attributes:
        memory: bytes that it and all that it starts may use; ``None``: no limit.
        cpu_seconds: that they may use together.
        processes: how many there may be at once.
        environment: whose Python it is; ``None``: toolkit's own.
    """

    memory: int | None = None
    cpu_seconds: float | None = None
    processes: int = 1000
    environment: Environment | None = None

    def with_environment(self, environment: Environment | None) -> "Isolate":
        """The same limits in another environment."""
        return msgspec.structs.replace(self, environment=environment)


PROGRAM = "__toolkit_program__"  # on a function that stands for a file


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is run in place of a function; ``path`` is absolute."""

    kind: Literal["notebook", "script"]
    path: str


class Callee(msgspec.Struct, frozen=True, kw_only=True):
    """A function and what it is called with.

    Attributes:
        function: the user's.
        place: ``path:line``.
        folder: of the user's code; lines in it are shown for an error.
        inputs / resources: by parameter.
        values: of parameters that are no inputs, as ``config`` declares them.
        origin: where another process finds the function.
        isolate: how it is run in a process of its own; ``None``: it is not.
        program: the file that is run in its place; ``None``: it is a function.
    """

    function: Callable[..., Any]
    place: str
    folder: str
    inputs: tuple[Input, ...] = ()
    resources: tuple[str, ...] = ()
    values: Mapping[str, Any] = {}
    origin: Origin | None = None
    isolate: Isolate | None = None
    program: Program | None = None


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What one metric of an ML model must be before a new version counts; ``None``: not said.

    Attributes:
        better_by: what the metric must gain on the promoted version's.
        lower: the lower the better.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    better_by: float | None = None
    lower: bool = False


class ColumnTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test of one column, in dbt's words.

    Attributes:
        values / quote: of ``accepted_values``; as texts, in quotes for SQL or as they are.
        to / field / parent: of ``relationships``; ``parent`` is the table that ``to`` means.
        where: a condition in SQL; the test sees the rows that fulfil it.
        warn_if / error_if: a comparison for the number of failures.
    """

    kind: ColumnTestKind
    name: str
    column: str
    values: tuple[str, ...] = ()
    quote: bool = True
    to: str = ""
    field: str = ""
    parent: Relation | None = None
    where: str = ""
    severity: Literal["error", "warn"] = "error"
    warn_if: str = "!= 0"
    error_if: str = "!= 0"


class PythonAsset(msgspec.Struct, frozen=True, kw_only=True):
    """A Python asset as it is run.

    Attributes:
        trusted: types that may be loaded of a stored model, besides harmless ones.
        format: that an ML model is to be stored in; ``None``: chosen by what it is.
        libraries: packages that its code imports.
        batching: how it is divided, where it is made in batches.
    """

    asset: Asset
    callee: Callee
    trusted: tuple[str, ...] = ()
    format: Format | None = None
    libraries: tuple[str, ...] = ()
    batching: Batching | None = None


class PythonCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A Python check as it is run.

    Attributes:
        column_test: it is one declared on a column.
        gate: it is one declared on an ML model.
    """

    check: Check
    callee: Callee
    column_test: ColumnTest | None = None
    gate: Gate | None = None


class PythonResource(msgspec.Struct, frozen=True, kw_only=True):
    """The maker of a resource, chosen for the target.

    Attributes:
        needs: names of the resources that it takes as parameters.
        values: of its other parameters.
    """

    name: str
    function: Callable[..., Any]
    place: str
    origin: Origin
    needs: tuple[str, ...] = ()
    values: Mapping[str, Any] = {}


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one loaded project, by key (resources by name).

    Attributes:
        watched: files besides the Python files in the folders of ``assets:`` that decided
            what is declared, with size and time as they were read.
        stamps: the same of all code that each asset or check can reach, by key.
    """

    assets: Mapping[str, PythonAsset] = {}
    checks: Mapping[str, PythonCheck] = {}
    resources: Mapping[str, PythonResource] = {}
    watched: Mapping[str, Stamp] = {}
    stamps: Mapping[str, Mapping[str, Stamp]] = {}
