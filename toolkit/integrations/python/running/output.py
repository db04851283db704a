"""Writing what a function returned: judged first, staged, swapped in by one transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import AssetFailedError
from toolkit.graph import Column, Relation
from toolkit.integrations.python.declared.annotations import KNOWN, Form, form_of
from toolkit.integrations.python.running.session import Session
from toolkit.text import with_article
from toolkit.warehouse import Content, content_hash, quote, quote_relation

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

Place = Callable[["duckdb.DuckDBPyConnection", Relation, Relation], Content]

_SUFFIX = "__toolkit_staging"
_KEPT = "Nothing was written; the table is as it was."


def write(
    session: Session,
    value: object,
    relation: Relation,
    declared: Mapping[str, Column],
    place: "Place | None" = None,
) -> Content:
    """Make ``relation`` hold what the function returned.

    Args:
        session: of the step; a returned relation lives on its cursor.
        value: what was returned.
        relation: where to; its schema exists.
        declared: columns that must be there, with the types they should have.
        place: does with the staged table what is to be done, in the same transaction; it is put
            in the place of the old one where nothing is said.

    Raises:
        AssetFailedError: it cannot be a table, or is not the one declared; the old table stays.
    """
    form = checked_form(value)
    staging = Relation(relation.database, relation.schema, relation.identifier + _SUFFIX)
    own = form == "relation" and session.owns(value)  # type: ignore[arg-type]  # form says so
    cursor = session.cursor if own else session.new_cursor()
    with ExitStack() as undo, _explained(relation):
        cursor.begin()
        undo.callback(_rollback, cursor)
        _refuse_view(cursor, relation)
        cursor.execute(f"DROP TABLE IF EXISTS {quote_relation(staging)}")
        if own:
            value.create(quote_relation(staging))  # type: ignore[attr-defined]  # form says so
        else:
            name = _register(cursor, value, form)
            cursor.execute(f"CREATE TABLE {quote_relation(staging)} AS SELECT * FROM {name}")
        _check_declared(cursor, staging, declared)
        content = (place or _swap)(cursor, staging, relation)
        cursor.commit()
        undo.pop_all()
    return content


@contextmanager
def _explained(relation: Relation) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise unwritable(str(relation), error) from error


def _swap(cursor: "duckdb.DuckDBPyConnection", staging: Relation, relation: Relation) -> Content:
    content = content_hash(cursor, staging)
    cursor.execute(f"DROP TABLE IF EXISTS {quote_relation(relation)}")
    cursor.execute(f"ALTER TABLE {quote_relation(staging)} RENAME TO {quote(relation.identifier)}")
    return content


def checked_form(value: object) -> Form:
    """Which sort of table a value is.

    Raises:
        AssetFailedError: it is none, or none that can be written.
    """
    form = table_form(value)
    if form is None:
        raise failed(
            f"It returned {described(value)}, which is no table.",
            f"Return one of {KNOWN}.",
        )
    check_columns(column_names(value, form))
    if form == "polars":
        _refuse_objects(value)
    return form


def _refuse_objects(frame: Any) -> None:  # noqa: ANN401  # a polars.DataFrame
    """polars would write the addresses of Python objects."""
    objects = [name for name, kind in frame.schema.items() if str(kind).startswith("Object")]
    if objects:
        raise failed(
            f"The column {objects[0]} holds Python objects, which are no values of a table.",
            "Mend what the function returns, for example with cast().",
        )


def unwritable(relation: str, error: BaseException) -> AssetFailedError:
    """What is said when DuckDB cannot compute or write a result."""
    return failed(
        f"DuckDB cannot write {relation}: {_first_lines(error)}",
        "Mend what the function returns.",
    )


def _rollback(cursor: "duckdb.DuckDBPyConnection") -> None:
    import duckdb

    try:
        cursor.rollback()
    except duckdb.TransactionException:
        # No transaction is active: what failed has ended it already.
        return


def _first_lines(error: BaseException) -> str:
    text = str(error).partition("\n\nLINE")[0]
    return " ".join(text.split())


def failed(fact: str, next_step: str) -> AssetFailedError:
    """An output that may not be written."""
    return AssetFailedError(fact, _KEPT, next_step)


def described(value: object) -> str:
    """What sort of thing was returned."""
    if value is None:
        return "None"
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return with_article(f"{module}{kind.__qualname__}")


def table_form(value: object) -> Form | None:
    """Which sort of table a value is, ``None`` if it is none."""
    for kind in type(value).__mro__:
        form = form_of(kind, table_form)
        if form is not None and form not in ("any", "mlmodel"):
            return form
    return None


def column_names(value: Any, form: Form) -> list[Any]:  # noqa: ANN401  # one of the six forms
    """Names of a table's columns, as the library says them.

    Raises:
        AssetFailedError: a file that is not there or is no parquet; a pandas index with a name.
    """
    if form in ("arrow", "reader"):
        return list(value.schema.names)
    if form == "path":
        return _parquet_names(value)
    if form == "pandas":
        named = [name for name in value.index.names if name is not None]
        if named:
            raise failed(
                f"The frame has its index in {named}, which is no column and would be lost.",
                "Return frame.reset_index().",
            )
    return list(value.columns)


def _parquet_names(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        return list(pyarrow.parquet.read_schema(path).names)
    except (OSError, pa.ArrowInvalid) as error:
        raise failed(
            f"It returned the path {path}, which cannot be read as parquet: {_first_lines(error)}",
            "Return the path of one parquet file.",
        ) from error


def check_columns(names: Sequence[Any]) -> None:
    """There are columns, and no two of them are one for DuckDB, which does not keep case."""
    if not names:
        raise failed("It returned a table without columns.", "Return at least one column.")
    for name in names:
        if not isinstance(name, str) or not name.strip() or "\0" in name:
            raise failed(f"A column is called {name!r}.", "Give every column a text for a name.")
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(name.casefold(), []).append(name)
    twins = [" and ".join(map(repr, found)) for found in folded.values() if len(found) > 1]
    if twins:
        raise failed(
            f"It returned columns of one name (the warehouse does not keep case): "
            f"{'; '.join(twins[:5])}.",
            "Rename or drop one of each.",
        )


def _register(
    cursor: "duckdb.DuckDBPyConnection",
    value: Any,  # noqa: ANN401  # one of the six forms
    form: Form,
) -> str:
    """Make a value readable by SQL on a cursor that is soon closed; gives its name."""
    import pyarrow as pa
    import pyarrow.parquet

    if form == "path":
        # Not read_parquet(): it would take [ and * in the path for patterns.
        file = pyarrow.parquet.ParquetFile(value)
        value = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches())
    elif form == "pandas":
        value = arrow(value)
    elif form == "relation":
        # Of another connection (duckdb.sql(...)), or the session would have written it.
        value = value.to_arrow_reader()
    cursor.register("toolkit_output", value)
    return "toolkit_output"


def arrow(frame: "pd.DataFrame") -> "pa.Table":
    """A frame as Arrow, which refuses the objects that DuckDB would write as their repr."""
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise failed(
            f"The frame cannot be a table: {' '.join(str(part) for part in error.args)}",
            "Mend what the function returns, for example with astype().",
        ) from error


def _refuse_view(cursor: "duckdb.DuckDBPyConnection", relation: Relation) -> None:
    found = cursor.execute(
        "SELECT 1 FROM duckdb_views() WHERE lower(view_name) = lower(?) "
        "AND lower(schema_name) = lower(coalesce(?, current_schema())) "
        "AND lower(database_name) = lower(coalesce(?, current_database()))",
        [relation.identifier, relation.schema, relation.database],
    ).fetchall()
    if found:
        raise AssetFailedError(
            f"There is a view {relation} where the table should go.",
            "Nothing was written, and the view is as it was.",
            f"If nobody needs it: DROP VIEW {quote_relation(relation)}",
        )


def _check_declared(
    cursor: "duckdb.DuckDBPyConnection", staging: Relation, declared: Mapping[str, Column]
) -> None:
    if not declared:
        return
    shape = cursor.sql(f"SELECT * FROM {quote_relation(staging)}")
    found = {
        name.casefold(): (name, str(kind))
        for name, kind in zip(shape.columns, shape.types, strict=True)
    }
    missing = [name for name in declared if name.casefold() not in found]
    if missing:
        raise failed(
            f"Declared columns are missing from what it returned: {', '.join(missing)}. "
            f"It has {', '.join(name for name, _ in list(found.values())[:20])}.",
            "Return them, or correct `columns`.",
        )
    for name, column in declared.items():
        actual = found[name.casefold()][1]
        if column.type is None:
            continue
        if actual == '"NULL"':
            # All values are null, so the library knew no type; the declaration does.
            cursor.execute(
                f"ALTER TABLE {quote_relation(staging)} ALTER {quote(name)} TYPE {column.type}"
            )
        elif family(actual) != family(column.type):
            raise failed(
                f"The column {name} is declared as {column.type} but is {actual}.",
                "Cast it, or correct `columns`.",
            )


_FAMILIES = {
    "number": (
        "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT INT "
        "INT1 INT2 INT4 INT8 INT16 INT32 INT64 INT128 INTEGRAL SIGNED SHORT LONG BIGNUM NUMBER "
        "FLOAT FLOAT4 FLOAT8 FLOAT64 REAL DOUBLE DECIMAL NUMERIC DEC"
    ),
    "text": "VARCHAR CHAR BPCHAR TEXT STRING NVARCHAR ENUM UUID JSON",
    "bool": "BOOLEAN BOOL LOGICAL",
    "bytes": "BLOB BYTEA BINARY VARBINARY BYTES",
    "time": (
        "TIMESTAMP DATETIME TIMESTAMPTZ TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS TIMESTAMP_NTZ DATE"
    ),
}
_FAMILY = {name: family for family, names in _FAMILIES.items() for name in names.split()}


def family(name: str) -> str:
    """What a type's values are like, without size, precision or time zone."""
    text = name.strip().upper()
    if text.endswith("]"):
        return "list"
    base = text.partition("(")[0].split()
    return _FAMILY.get(base[0], base[0]) if base else text
