"""The process of one isolated function: inputs in, the call, the result out. Nothing else.

:mod:`supervisor` forks it off. An environment that has no toolkit runs another program in its
place: :mod:`alone.toolkit._program`.
"""

import os
import sys
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from toolkit.errors import ToolkitError
from toolkit.integrations.python.declared.modules import find_again, line_in
from toolkit.integrations.python.isolation import alone
from toolkit.integrations.python.isolation.alone.toolkit import _process
from toolkit.integrations.python.isolation.alone.toolkit._process import NOT_SAVED, SAVE
from toolkit.integrations.python.isolation.exchange import (
    MODEL,
    TABLE,
    Answer,
    Failure,
    Handed,
    Job,
    cast,
    failure_of,
    open_arrow,
    write_arrow,
)
from toolkit.integrations.python.models.packing import pack
from toolkit.integrations.python.registry import Callee, Program, PythonResource
from toolkit.integrations.python.running import checking, output
from toolkit.integrations.python.running.calling import UNTOUCHED, call, raised
from toolkit.integrations.python.running.resources import ResourcePool
from toolkit.integrations.python.running.session import Session, delivered
from toolkit.warehouse import literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def main(folder: str) -> NoReturn:
    """Do the job in ``folder``; write the answer beside it."""
    _process.main(folder, _work)


def _work(place: Path, data: bytes) -> bytes:
    job = msgspec.json.decode(data, type=Job)
    return msgspec.json.encode(_Child(job, place).answer())


_DUCKDB_SHARE = 0.6  # of the memory that the process may use


class _Memory:
    """Stands for the warehouse: a DuckDB of this process's own."""

    def __init__(self, job: Job, place: Path) -> None:
        import duckdb

        config: dict[str, str | bool | int | float | list[str]] = {}
        config["temp_directory"] = str(place / "spill")  # else `.tmp` in the project
        if job.limits.memory is not None:
            # It then spills to the disk, and leaves room for what is not DuckDB's.
            config["memory_limit"] = f"{int(job.limits.memory * _DUCKDB_SHARE / 1e6)}MB"
        self._connection = duckdb.connect(":memory:", config=config)
        known = self._connection.execute("SELECT name FROM duckdb_settings()").fetchall()
        # What names a place in the warehouse, or is an extension's, means nothing here.
        names = {name.lower() for (name,) in known} - {"schema", "search_path"}
        if job.limits.memory is not None:
            names -= {"memory_limit", "max_memory"}
        self._settings = {k: v for k, v in job.settings.items() if k.lower() in names}

    def cursor(self) -> "duckdb.DuckDBPyConnection":
        cursor = self._connection.cursor()
        for name, value in self._settings.items():
            cursor.execute(f"SET {name} = {literal(str(value))}")
        return cursor


class _Child:
    """One job."""

    def __init__(self, job: Job, place: Path) -> None:
        self._job = job
        self._place = place
        self._project_dir = Path(job.project_dir)

    def answer(self) -> Answer:
        """Do it; what goes wrong is an answer too."""
        unclosed: list[tuple[str, str]] = []
        try:
            if self._job.program is not None:
                return self._run(self._job.program)
            with ExitStack() as stack:
                functions = find_again(
                    [self._job.origin, *(maker.origin for maker in self._job.resources)],
                    self._project_dir,
                )
                pool = ResourcePool(
                    {
                        maker.name: PythonResource(
                            name=maker.name,
                            function=made,
                            place=maker.place,
                            origin=maker.origin,
                            needs=maker.needs,
                            values=maker.values,
                        )
                        for maker, made in zip(self._job.resources, functions[1:], strict=True)
                    }
                )
                stack.callback(pool.close, lambda line, trace: unclosed.append((line, trace)))
                callee = Callee(
                    function=functions[0],
                    place="",
                    folder=self._job.folder,
                    resources=self._job.needs,
                    values=self._job.values,
                )
                found = self._called(callee, pool, stack)
        except ToolkitError as error:
            if error.__cause__ is not None:
                traceback.print_exception(error.__cause__)
            found = Answer(failure=failure_of(error))
        except Exception as error:  # noqa: BLE001  # DuckDB, Arrow, skops on what the user gave
            traceback.print_exception(error)
            found = Answer(failure=failure_of(error))
        return msgspec.structs.replace(found, unclosed=unclosed)

    def _run(self, program: Program) -> Answer:
        """Run a file; what it saved is its result."""
        path, project_dir = Path(program.path), self._project_dir
        os.environ[_process.NOTEBOOK_FOLDER] = str(self._place)
        if program.kind == "script":
            from toolkit.integrations.python.files.run_script import run_script

            run_script(path, project_dir)
        else:
            from toolkit.integrations.python.files.run_notebook import run_notebook

            kernel = self._job.kernel
            shim = str(Path(alone.__file__).parent) if kernel is not None else ""
            run_notebook(path, self._place, kernel or sys.executable, shim, project_dir)
        table, parquet = (self._place / f"{_process.SAVED}.{end}" for end in ("arrow", "parquet"))
        if parquet.exists():
            return Answer(parquet=parquet.read_text(encoding="utf-8"))
        if not table.exists():
            return Answer(failure=Failure(fact=NOT_SAVED, consequence=UNTOUCHED, next_step=SAVE))
        table.rename(self._place / TABLE)
        return Answer(table=True)

    def _called(self, callee: Callee, pool: ResourcePool, stack: ExitStack) -> Answer:
        arguments: dict[str, Any] = {name: pool.get(name) for name in callee.resources}
        session = None
        if any(handed.types for handed in self._job.arguments):
            session = stack.enter_context(Session(_Memory(self._job, self._place)))
        for number, handed in enumerate(self._job.arguments):
            arguments[handed.parameter] = self._argument(handed, session, number)
        value = call(callee, arguments, self._project_dir)
        if self._job.wants == "verdict":
            verdict = checking.judge(value, sys.stdout)
            said = (verdict.passed, verdict.failures, verdict.message)
            return Answer(verdict=said, metadata=dict(verdict.metadata))
        if self._job.wants == "model":
            packed = pack(value, self._job.storing)
            (self._place / MODEL).write_bytes(packed.data)
            return Answer(model=msgspec.structs.replace(packed, data=b""))
        return self._table(value, session)

    def _argument(self, handed: Handed, session: Session | None, number: int) -> Any:  # noqa: ANN401  # as annotated
        if handed.model is not None:
            return handed.model.value()
        assert handed.file is not None
        path = self._place / handed.file
        if handed.form == "path":
            return path
        reader = open_arrow(path)
        if handed.form == "reader":
            return reader
        if not handed.types:
            return reader.read_all()
        assert session is not None
        name = f"toolkit_input{number}"
        session.cursor.register(name, reader.read_all())
        relation = session.cursor.sql(f"SELECT * FROM {name}")
        return delivered(cast(relation, handed.types), handed.form)

    def _table(self, value: Any, session: Session | None) -> Answer:  # noqa: ANN401  # the user's
        """Judge a table as :func:`output.write` does, and write it down."""
        import duckdb

        form = output.checked_form(value)
        if form == "path":
            return Answer(parquet=str(Path(value).absolute()))
        types: tuple[str, ...] = ()
        try:
            if form == "relation" and session is not None and session.owns(value):
                # DuckDB's own types come through; nobody else uses this instance any more.
                types = tuple(str(kind) for kind in value.types)
                session.cursor.execute("SET arrow_lossless_conversion = true")
            write_arrow(_reader(value, form), self._place / TABLE)
        except duckdb.Error as error:
            raise output.unwritable(self._job.relation, error) from error
        except Exception as error:  # a reader runs the user's code, which may raise anything
            if line_in(error, [Path(self._job.folder)]) is None:
                raise
            raise raised(error, self._job.folder, self._project_dir) from error
        return Answer(table=True, types=types)


def _reader(value: Any, form: str) -> "pa.RecordBatchReader":  # noqa: ANN401  # one of the forms
    if form == "reader":
        return value
    if form == "relation":
        return value.to_arrow_reader()
    if form == "pandas":
        return output.arrow(value).to_reader()
    if form == "polars":
        return value.to_arrow().to_reader()
    return value.to_reader()
