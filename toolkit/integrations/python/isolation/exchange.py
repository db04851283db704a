"""What toolkit and an isolated function's process hand to each other, as files in one folder.

Tables are Arrow IPC streams: they are written as they are read, and mapped into memory, not
copied, by who reads them. Arrow has no word for some of DuckDB's types, so for whoever works
with DuckDB's own they go as text, beside the names of the types that they are to have again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from toolkit.errors import AssetFailedError, ToolkitError
from toolkit.integrations.python.isolation.alone.toolkit._process import (
    ANSWER,
    CRASH,
    JOB,
    MODEL,
    TABLE,
)
from toolkit.integrations.python.models.info import Packed, Storing
from toolkit.integrations.python.models.of_run import HandedModel
from toolkit.integrations.python.registry import Input, Isolate, Origin, Program, Wanted
from toolkit.integrations.python.running.session import Session
from toolkit.warehouse import quote

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["ANSWER", "CRASH", "JOB", "MODEL", "TABLE"]

# What Arrow loses unless it is told not to, which DuckDB can be for all of a process only.
_LOST = frozenset({"hugeint", "uhugeint", "bit", "time with time zone"})
# Forms that are made of a DuckDB relation.
_OF_DUCKDB = ("relation", "pandas", "polars", "lazy")


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """One argument.

    Attributes:
        form: what it is to be.
        file: in the job's folder, for a table.
        types: of its columns, as DuckDB names them, where they must be just these.
        model: an ML model, which is opened there.
        metrics: of the model, where these are asked for in an environment of its own.
    """

    parameter: str
    form: Wanted
    file: str | None = None
    types: tuple[str, ...] = ()
    model: HandedModel | None = None
    metrics: Mapping[str, float] = {}


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """A resource to open: its name is the parameter's."""

    name: str
    place: str
    origin: Origin
    needs: tuple[str, ...] = ()
    values: Mapping[str, Any] = {}


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """All that a process must know to call one function.

    Attributes:
        path: ``sys.path``.
        wants: what is done with the result.
        relation: where a table will go, for messages.
        storing: how a model is to be stored.
        settings: DuckDB's, of each cursor.
        needs: those of the resources that the function takes itself.
        values: of the parameters that are no inputs.
        limits: of the process, and its environment.
        packages: for each folder of the user's, the package that its files are modules of.
        program: a file that is run in place of a function.
        kernel: the interpreter of a notebook, where it is not toolkit's own.
    """

    path: list[str]
    limits: Isolate
    project_dir: str
    folder: str
    origin: Origin
    wants: Literal["table", "model", "verdict"]
    relation: str = ""
    arguments: list[Handed] = []
    resources: list[Maker] = []
    needs: tuple[str, ...] = ()
    storing: Storing = Storing()
    settings: Mapping[str, Any] = {}
    values: Mapping[str, Any] = {}
    packages: Mapping[str, str] = {}
    program: Program | None = None
    kernel: str | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A :class:`ToolkitError`'s three parts."""

    fact: str
    consequence: str = ""
    next_step: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How it went: a failure, or what was asked for.

    Attributes:
        table: the result is in :data:`TABLE`; ``types`` as in :class:`Handed`.
        parquet: the result is this file, which the function has written.
        model: what belongs to :data:`MODEL`, without its data.
        verdict: ``(passed, failures, message)`` of a check.
        metadata: of a check.
        unclosed: for each resource that was not closed, one line and its traceback.
    """

    failure: Failure | None = None
    table: bool = False
    types: tuple[str, ...] = ()
    parquet: str | None = None
    model: Packed | None = None
    verdict: tuple[bool, int, str] | None = None
    metadata: dict[str, Any] = {}
    unclosed: list[tuple[str, str]] = []


def hand_table(
    session: Session, item: Input, folder: Path, number: int, *, plain: bool = False
) -> Handed:
    """Write an input's rows into ``folder``, a batch at a time.

    Args:
        plain: as Arrow has them: nobody there could cast them to DuckDB's own types.

    Raises:
        AssetFailedError: it is not in the warehouse.
    """
    cursor = session.new_cursor()
    relation = session.relation(item, cursor)
    if item.form == "path":
        file = f"{item.parameter}.parquet"
        relation.write_parquet(str(folder / file))
        return Handed(parameter=item.parameter, form=item.form, file=file)
    file = f"input{number}.arrow"
    types: tuple[str, ...] = ()
    if item.form in _OF_DUCKDB and not plain:
        types = tuple(str(kind) for kind in relation.types)
        ways = [_carrier(kind) if _loses(kind) else str(kind) for kind in relation.types]
        relation = cast(relation, ways)
    write_arrow(relation.to_arrow_reader(), folder / file)
    return Handed(parameter=item.parameter, form=item.form, file=file, types=types)


def _parts(kind: Any) -> list[tuple[str, Any]]:  # noqa: ANN401  # DuckDBPyType has no stubs
    """Names and types that a nested type is made of."""
    if kind.id in ("list", "array"):
        return [kind.children[0]]
    if kind.id == "union":
        return list(kind.children[1:])  # the first is the tag
    return list(kind.children) if kind.id in ("map", "struct") else []


def _loses(kind: Any) -> bool:  # noqa: ANN401
    return kind.id in _LOST or any(_loses(part) for _, part in _parts(kind))


def _carrier(kind: Any) -> str:  # noqa: ANN401
    """The type that brings all values of another one through Arrow."""
    if kind.id in _LOST:
        return "VARCHAR"
    parts = [(name, _carrier(part)) for name, part in _parts(kind)]
    if kind.id in ("list", "array"):
        return parts[0][1] + str(kind)[str(kind).rindex("[") :]
    if kind.id == "map":
        return f"MAP({parts[0][1]}, {parts[1][1]})"
    if parts:
        return f"{kind.id}({', '.join(f'{quote(name)} {part}' for name, part in parts)})"
    return str(kind)


def cast(relation: "duckdb.DuckDBPyRelation", types: Sequence[str]) -> "duckdb.DuckDBPyRelation":
    """The relation with columns of these types; itself where it has them."""
    found = [str(kind) for kind in relation.types]
    if not types or found == list(types):
        return relation
    columns = [
        quote(column) if was == wanted else f"CAST({quote(column)} AS {wanted}) AS {quote(column)}"
        for column, was, wanted in zip(relation.columns, found, types, strict=True)
    ]
    return relation.project(", ".join(columns))


def write_arrow(reader: "pa.RecordBatchReader", path: Path) -> None:
    """Write all batches, one after the other."""
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


def open_arrow(path: Path) -> "pa.RecordBatchReader":
    """The batches of a file, mapped into memory."""
    import pyarrow as pa

    return pa.ipc.open_stream(pa.memory_map(str(path)))


def failure_of(error: BaseException) -> Failure:
    """An error, to be raised again in another process."""
    if isinstance(error, ToolkitError):
        return Failure(fact=error.fact, consequence=error.consequence, next_step=error.next_step)
    return Failure(fact=f"{type(error).__name__}: {error}")


def raised_again(failure: Failure) -> AssetFailedError:
    """The error that the other process had; its traceback is in the log."""
    return AssetFailedError(failure.fact, failure.consequence, failure.next_step)
