"""What a test gives for an input: rows, a frame, a file or SQL, made a table; or an ML model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import AssetError
from toolkit.graph import Relation
from toolkit.integrations.python.definitions import MLModel
from toolkit.integrations.python.running.output import table_form
from toolkit.warehouse import literal, quote, quote_relation

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

NOTHING_BUILT = "Nothing was built."
_READERS = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".parquet": "read_parquet",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
}
FORMS = (
    "a list of dicts, a dict of lists, a pandas or polars frame, a pyarrow table, a DuckDB "
    "relation, the pathlib.Path of a CSV, parquet or JSON file, or SQL as a text"
)


def is_model(value: object) -> bool:
    """Whether what is given can be no table, so that it must be an ML model."""
    if isinstance(value, MLModel):
        return True
    return not isinstance(value, str | list | tuple | Mapping) and table_form(value) is None


def as_given_model(value: object) -> MLModel:
    """The model, with its metrics where it was given with some."""
    return value if isinstance(value, MLModel) else MLModel(value)


def write_given(
    cursor: "duckdb.DuckDBPyConnection",
    name: str,
    value: object,
    relation: Relation,
    types: Mapping[str, str],
) -> None:
    """Make a table of what is given.

    Args:
        name: of the input, for messages.
        relation: the table to make; its schema exists.
        types: of columns, where they must be these.

    Raises:
        AssetError: it cannot be a table.
    """
    import duckdb

    query = _query(cursor, name, value, types)
    try:
        found = cursor.sql(f"FROM {query}")
        columns = _cast(name, found.columns, types)
        cursor.execute(f"CREATE TABLE {quote_relation(relation)} AS SELECT {columns} FROM {query}")
    except duckdb.Error as error:
        raise _wrong(name, f"cannot be a table: {' '.join(str(error).split())}") from error


def _cast(name: str, columns: Sequence[str], types: Mapping[str, str]) -> str:
    folded = {column.casefold(): column for column in columns}
    for column in types:
        if column.casefold() not in folded:
            raise _wrong(
                name,
                f"has no column {column}, which is declared; it has {', '.join(columns)}",
                "Add it, with None where it does not matter.",
            )
    wanted = {folded[column.casefold()]: kind for column, kind in types.items()}
    return ", ".join(
        f"CAST({quote(column)} AS {wanted[column]}) AS {quote(column)}"
        if column in wanted
        else quote(column)
        for column in columns
    )


def _query(
    cursor: "duckdb.DuckDBPyConnection",
    name: str,
    value: Any,  # noqa: ANN401  # whatever the test gives
    types: Mapping[str, str],
) -> str:
    """SQL that stands after FROM and gives the rows."""
    if isinstance(value, str):
        if value.lower().endswith(tuple(_READERS)) and " " not in value.strip():
            raise _wrong(name, "looks like a path", f"Write pathlib.Path({value!r}).")
        return f"({value.strip().rstrip(';')})"
    if isinstance(value, Path):
        return _file(name, value)
    if isinstance(value, list | tuple):
        value = _of_rows(name, value, types)
    elif isinstance(value, Mapping):
        value = _arrow_table(name, value)
    elif table_form(value) == "relation":
        value = value.to_arrow_table()
    elif table_form(value) == "pandas":
        value = _of_pandas(name, value)
    cursor.register("toolkit_given", value)
    return "toolkit_given"


def _file(name: str, path: Path) -> str:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise _wrong(name, f"is {path}", f"The file's name must end with {', '.join(_READERS)}.")
    if not path.is_file():
        raise _wrong(name, f"is {path.absolute()}, which is no file", "Correct the path.")
    return f"{reader}({literal(str(path))})"


def _of_rows(name: str, rows: Sequence[Any], types: Mapping[str, str]) -> "pa.Table":
    """A column for each key of any row; a row without it has NULL there."""
    for row in rows:
        if not isinstance(row, Mapping):
            raise _wrong(name, f"holds {row!r}, which is no dict")
    columns = list(dict.fromkeys(key for row in rows for key in row)) or list(types)
    if not columns:
        raise _wrong(
            name,
            "has no rows, so that its columns are not known",
            f"Say them: types={{{name!r}: {{'<column>': '<type>'}}}}.",
        )
    return _arrow_table(name, {column: [row.get(column) for row in rows] for column in columns})


def _of_pandas(name: str, frame: Any) -> "pa.Table":  # noqa: ANN401  # a pandas.DataFrame
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise _wrong(name, f"cannot be a table: {error}") from error


def _arrow_table(name: str, columns: Mapping[Any, Any]) -> "pa.Table":
    import pyarrow as pa

    made = {}
    for column, values in columns.items():
        try:
            made[str(column)] = pa.array(list(values))
        except (pa.ArrowException, TypeError, OverflowError) as error:
            raise _wrong(name, f"cannot be a table: column {column}: {error}") from error
    try:
        return pa.table(made)
    except (pa.ArrowException, ValueError) as error:
        raise _wrong(name, f"cannot be a table: {error}") from error


def _wrong(name: str, fact: str, next_step: str = f"Give {FORMS}.") -> AssetError:
    return AssetError(f"inputs[{name!r}] {fact}.", NOTHING_BUILT, next_step)
