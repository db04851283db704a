"""Arguments out of files, results into files, with whichever libraries the environment has."""

from pathlib import Path
from typing import Any

from . import _process

_SAMPLE = 20


class NoValueError(Exception):
    """A result that cannot be taken: fact, consequence, next step."""


def handed(place: Path, item: dict[str, Any]) -> Any:  # noqa: ANN401  # as annotated
    """One argument, as :class:`exchange.Handed` describes it."""
    path = place / str(item["file"])
    form = item["form"]
    if form == "path":
        return path
    if form == "metrics":
        return item["metrics"]
    if form in ("polars", "lazy"):
        import polars

        frame = polars.read_ipc_stream(path)
        return frame.lazy() if form == "lazy" else frame
    import pyarrow as pa

    reader = pa.ipc.open_stream(pa.memory_map(str(path)))
    if form == "reader":
        return reader
    table = reader.read_all()
    if form == "pandas":
        return table.to_pandas()
    if form == "relation":
        import duckdb

        return duckdb.from_arrow(table)
    return table


def taken(value: Any, place: Path, wants: str) -> dict[str, Any]:  # noqa: ANN401  # the user's
    """The result, written down; as :class:`exchange.Answer` describes it."""
    if wants == "verdict":
        return {"verdict": _verdict(value)}
    if isinstance(value, Path):
        return {"parquet": str(value.absolute())}
    import pyarrow as pa

    reader = _reader(value)
    with (
        pa.OSFile(str(place / _process.TABLE), "wb") as sink,
        pa.ipc.new_stream(sink, reader.schema) as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)
    return {"table": True}


def _reader(value: Any) -> Any:  # noqa: ANN401  # a RecordBatchReader
    import pyarrow as pa

    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(value).__mro__}
    if isinstance(value, pa.RecordBatchReader):
        return value
    if isinstance(value, pa.Table):
        return value.to_reader()
    if ("polars", "LazyFrame") in kinds:
        value = value.collect()
        kinds.add(("polars", "DataFrame"))
    if ("polars", "DataFrame") in kinds:
        if any(str(kind).startswith("Object") for kind in value.dtypes):
            raise NoValueError(
                "A column holds Python objects, which are no values of a table.",
                "Nothing was written; the table is as it was.",
                "Mend what the function returns, for example with cast().",
            )
        return value.to_arrow().to_reader()
    if ("pandas", "DataFrame") in kinds:
        return _of_pandas(value).to_reader()
    if kinds & {("duckdb", "DuckDBPyRelation"), ("_duckdb", "DuckDBPyRelation")}:
        return value.to_arrow_reader()
    kind = type(value)
    said = "None" if value is None else f"a {kind.__module__}.{kind.__qualname__}"
    raise NoValueError(
        f"It returned {said}, which is no table.",
        "Nothing was written; the table is as it was.",
        "Return a pyarrow.Table, a pyarrow.RecordBatchReader, a frame of pandas or polars, or "
        "the pathlib.Path of a parquet file.",
    )


def _of_pandas(frame: Any) -> Any:  # noqa: ANN401  # a pyarrow.Table
    import pyarrow as pa

    kept = "Nothing was written; the table is as it was."
    named = [name for name in frame.index.names if name is not None]
    if named:
        raise NoValueError(
            f"The frame has its index in {named}, which is no column and would be lost.",
            kept,
            "Return frame.reset_index().",
        )
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise NoValueError(
            f"The frame cannot be a table: {' '.join(str(part) for part in error.args)}",
            kept,
            "Mend what the function returns, for example with astype().",
        ) from error


def _verdict(value: Any) -> tuple[bool, int, str]:  # noqa: ANN401  # the user's
    if type(value).__name__ == "CheckResult" and hasattr(value, "passed"):
        passed = bool(value.passed)
        if value.metadata:
            print(f"metadata: {dict(value.metadata)!r}")
        failures = value.failures if value.failures is not None else int(not passed)
        return passed, int(failures), str(value.message)
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value), int(not value), ""
    try:
        rows = _reader(value).read_all()
    except NoValueError as error:
        raise NoValueError(
            error.args[0].replace("which is no table", "which says neither yes nor no"),
            "The check counts as not run.",
            "Return a bool, a CheckResult, or a table of failing rows.",
        ) from None
    if rows.num_rows:
        print(f"{rows.num_rows} failing rows, of which the first:")
        for row in rows.slice(0, _SAMPLE).to_pylist():
            print(repr(row))
    text = f"{rows.num_rows} failing rows" if rows.num_rows else ""
    return rows.num_rows == 0, rows.num_rows, text
