"""For notebooks and scripts that are assets: what they read, and what they make.

>>> from toolkit import notebook
>>> orders = notebook.load("orders")            # a pandas frame
>>> notebook.save(orders.groupby("customer").sum())

In a build, ``load`` gives the inputs that toolkit.yml lists under ``deps``, and what ``save``
is given becomes the asset's table. Anywhere else (in Jupyter, in a shell) ``load`` reads the
asset from the warehouse as it is now, and ``save`` only looks whether it could be saved.

The same file is imported in environments that have no toolkit, so it needs pyarrow only.
"""

import json
import os
from pathlib import Path
from typing import Any, Literal

__all__ = ["load", "parameters", "save"]

Form = Literal["pandas", "arrow", "polars", "path"]

FOLDER = "TOOLKIT_NOTEBOOK"  # the folder of the job, set for what a build runs
_FORMS = ("pandas", "arrow", "polars", "path")
RESULT = "saved"  # of all endings, in that folder; isolation has both names, too


def load(name: str, as_: Form = "pandas") -> Any:  # noqa: ANN401  # as asked for
    """An input's rows.

    Args:
        name: as under ``deps``; outside of a build any asset, as for ``Project.read``.
        as_: ``pandas`` or ``polars`` frame, ``arrow`` table, or the ``path`` of an Arrow IPC
            stream (of a parquet file, outside of a build).

    Raises:
        KeyError: the asset does not list it among its inputs.
        ValueError: there is no such form.
    """
    if as_ not in _FORMS:
        raise ValueError(f"as_={as_!r} is none of {', '.join(_FORMS)}")
    folder = os.environ.get(FOLDER)
    if folder is None:
        from toolkit.project import Project

        return Project.load().read(name, as_=as_)
    files = {item["parameter"]: item["file"] for item in _job(folder)["arguments"]}
    if name not in files:
        known = ", ".join(sorted(files)) or "none"
        raise KeyError(
            f"{name!r} is not among its inputs ({known}): list it under `deps` in toolkit.yml"
        )
    path = Path(folder) / str(files[name])
    if as_ == "path":
        return path
    if as_ == "polars":
        import polars

        return polars.read_ipc_stream(path)
    import pyarrow as pa

    table = pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
    return table.to_pandas() if as_ == "pandas" else table


def parameters() -> dict[str, Any]:
    """What toolkit.yml says under ``parameters``; empty outside of a build."""
    folder = os.environ.get(FOLDER)
    return dict(_job(folder)["values"]) if folder is not None else {}


def save(table: Any) -> None:  # noqa: ANN401  # any table
    """Make this the asset's table, once all has ended well; the last call counts.

    Args:
        table: a frame of pandas or polars, a ``pyarrow.Table`` or ``RecordBatchReader``, or
            the ``pathlib.Path`` of a parquet file.

    Raises:
        TypeError: it is none of these; ValueError: it cannot be a table.
    """
    folder = os.environ.get(FOLDER)
    if isinstance(table, Path):
        if not table.is_file():
            raise ValueError(f"there is no file {table}")
        _keep(folder, "parquet", str(table.absolute()).encode())
        return
    import pyarrow as pa

    reader = _reader(table)
    if folder is None:
        return
    new = Path(folder) / f"{RESULT}.new"
    with pa.OSFile(str(new), "wb") as sink, pa.ipc.new_stream(sink, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    _forget(folder)
    new.replace(Path(folder) / f"{RESULT}.arrow")


def _reader(table: Any) -> Any:  # noqa: ANN401  # a RecordBatchReader
    import pyarrow as pa

    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(table).__mro__}
    if isinstance(table, pa.RecordBatchReader):
        return table
    if isinstance(table, pa.Table):
        return table.to_reader()
    if ("polars", "DataFrame") in kinds:
        return table.to_arrow().to_reader()
    if ("pandas", "DataFrame") in kinds:
        named = [name for name in table.index.names if name is not None]
        if named:
            raise ValueError(
                f"the frame has its index in {named}, which would be lost: frame.reset_index()"
            )
        return pa.Table.from_pandas(table, preserve_index=False).to_reader()
    raise TypeError(
        f"{type(table).__module__}.{type(table).__qualname__} is no table: save a frame, a "
        "pyarrow.Table or RecordBatchReader, or the pathlib.Path of a parquet file"
    )


def _keep(folder: str | None, ending: str, data: bytes) -> None:
    if folder is None:
        return
    _forget(folder)
    new = Path(folder) / f"{RESULT}.new"
    new.write_bytes(data)
    new.replace(Path(folder) / f"{RESULT}.{ending}")


def _forget(folder: str) -> None:
    for ending in ("arrow", "parquet"):
        (Path(folder) / f"{RESULT}.{ending}").unlink(missing_ok=True)


def _job(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / "job.json").read_bytes())
    return found
