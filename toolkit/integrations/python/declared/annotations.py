"""What a parameter's annotation asks for. Imports none of the libraries that it names."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args, get_origin

Form = Literal["relation", "arrow", "reader", "pandas", "polars", "lazy", "path", "mlmodel", "any"]

# Root package and class name of everything that we hand over; a class may live in any
# submodule (polars.dataframe.frame), so only the root is compared.
_CLASSES: dict[tuple[str, str], Form] = {
    ("duckdb", "DuckDBPyRelation"): "relation",
    ("_duckdb", "DuckDBPyRelation"): "relation",
    ("pyarrow", "Table"): "arrow",
    ("pyarrow", "RecordBatchReader"): "reader",
    ("pandas", "DataFrame"): "pandas",
    ("polars", "DataFrame"): "polars",
    ("polars", "LazyFrame"): "lazy",
    ("pathlib", "Path"): "path",
    ("toolkit", "MLModel"): "mlmodel",
}

# For annotations whose import stands under ``if TYPE_CHECKING`` and so is not there.
_ALIASES = {"pa": "pyarrow", "pd": "pandas", "pl": "polars"}

KNOWN = (
    "duckdb.DuckDBPyRelation, pyarrow.Table, pyarrow.RecordBatchReader, pandas.DataFrame, "
    "polars.DataFrame, polars.LazyFrame, pathlib.Path"
)


def form_of(annotation: object, function: Callable[..., Any]) -> Form | None:
    """The form that an annotation asks for.

    Returns:
        ``any`` where there is none, ``None`` for one that we do not know.
    """
    if annotation is inspect.Parameter.empty or annotation is Any:
        return "any"
    if isinstance(annotation, str):
        return _form_of_text(annotation, function)
    if get_origin(annotation) is Annotated:
        return form_of(get_args(annotation)[0], function)
    module = getattr(annotation, "__module__", "") or ""
    name = getattr(annotation, "__qualname__", "")
    return _CLASSES.get((module.partition(".")[0], name))


def _form_of_text(annotation: str, function: Callable[..., Any]) -> Form | None:
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        # The text is the user's own code, in the module that we have just imported.
        value = eval(annotation, scope)
    except (NameError, AttributeError, SyntaxError, TypeError):
        text = annotation.strip().strip("'\"")
        root, _, rest = text.partition(".")
        return _CLASSES.get((_ALIASES.get(root, root), rest.rpartition(".")[2]))
    if isinstance(value, str) and value == annotation:
        return None
    return form_of(value, function)
