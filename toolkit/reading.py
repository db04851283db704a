"""Any asset in Python: a table as a frame, an ML model as what was trained."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from toolkit.errors import AssetError, AssetFailedError, UsageError, WarehouseError
from toolkit.graph import Asset, AssetGraph
from toolkit.settings import Settings
from toolkit.warehouse import Warehouse, quote_relation

if TYPE_CHECKING:
    import duckdb

Form = Literal["pandas", "arrow", "polars", "path"]
_READABLE = frozenset({"stream", "source", "seed", "model", "snapshot", "python", "ml_model"})


class _Project(Protocol):
    """What reading needs to know of a project."""

    @property
    def graph(self) -> AssetGraph:
        """The end-to-end asset graph."""

    @property
    def settings(self) -> Settings:
        """Of one target."""


class Readable:
    """A project whose assets can be read."""

    def read(self: _Project, name: str, as_: Form = "pandas") -> Any:  # noqa: ANN401  # as asked for
        """An asset's rows as they are now, or the current version of an ML model.

        The warehouse is opened for reading only, and let go of before this returns.

        Args:
            name: a name, ``source.table``, or a key as ``toolkit ls`` prints it.
            as_: a frame of ``pandas`` or ``polars``, an ``arrow`` table, or the ``path`` of a
                new parquet file, which is the caller's. A model is given as it was trained.

        Raises:
            AssetError: there is no such asset, or it was never built.
            WarehouseLockedError: a build or another program writes the warehouse.
        """
        return _read(self.graph, self.settings, name, as_)

    @contextmanager
    def connect(self: _Project) -> "Iterator[duckdb.DuckDBPyConnection]":
        """A DuckDB connection to the warehouse, for reading only and closed at the end.

        While it is open no build can write.

        Raises:
            WarehouseLockedError: a build or another program writes the warehouse.
            WarehouseError: nothing was built yet; the target's warehouse is no DuckDB.
        """
        with _connection(self.settings) as cursor:
            yield cursor


def _read(graph: AssetGraph, settings: Settings, name: str, as_: str) -> Any:  # noqa: ANN401  # as asked for
    if as_ not in get_args(Form):
        raise UsageError(
            f"as_={as_!r} is none of {', '.join(get_args(Form))}.",
            "Nothing was read.",
            f"Say which: project.read({name!r}, as_='arrow').",
        )
    asset = find(graph, name)
    if asset.kind == "ml_model":
        return _model(graph, settings, asset)
    if asset.relation is None or asset.materialized == "ephemeral":
        raise AssetError(
            f"{asset.key} has no table ({asset.materialized or asset.kind}).",
            "There is nothing to read.",
            "Read an asset that has one; `toolkit ls` lists them.",
        )
    table = quote_relation(asset.relation)
    with _connection(settings) as cursor:
        import duckdb

        try:
            relation = cursor.sql(f"SELECT * FROM {table}")
        except duckdb.CatalogException as error:
            raise AssetFailedError(
                f"{asset.key} was never built for the target {settings.target!r}: there is no "
                f"{asset.relation}.",
                "There is nothing to read.",
                f"Make it first: toolkit build --select +{asset.name} --target {settings.target}",
            ) from error
        return _delivered(relation, as_)


@contextmanager
def _connection(settings: Settings) -> "Iterator[duckdb.DuckDBPyConnection]":
    profile = settings.profile
    if profile is None or profile.type != "duckdb" or profile.path is None:
        raise WarehouseError(
            f"The target {settings.target!r} has no DuckDB warehouse.",
            "Nothing was read.",
            "Use a target of type duckdb.",
        )
    if profile.file is not None and not profile.file.exists():
        raise WarehouseError(
            f"There is no {profile.file} yet: nothing was built for the target "
            f"{settings.target!r}.",
            "There is nothing to read.",
            "Make it first: toolkit build",
        )
    warehouse = Warehouse(profile, read_only=profile.file is not None)
    try:
        cursor = warehouse.cursor()
        try:
            yield cursor
        finally:
            cursor.close()
    finally:
        warehouse.close()


def find(graph: AssetGraph, name: str) -> Asset:
    """The asset that a key, a name, or ``source.table`` means.

    Raises:
        AssetError: there is none, or more than one.
    """
    if name in graph:
        return graph[name]
    names: dict[str, list[Asset]] = {}
    for asset in graph:
        if asset.kind in _READABLE:
            for said in {asset.name, f"{asset.source_name}.{asset.name}"}:
                names.setdefault(said, []).append(asset)
    found = names.get(name, [])
    # One table may be several assets: a stream, the source that describes it.
    places = {asset.relation.folded() if asset.relation else asset.key for asset in found}
    if len(places) == 1:
        return found[0]
    if found:
        keys = sorted(asset.key for asset in found)
        raise AssetError(
            f"{name!r} could mean any of {', '.join(keys)}.",
            "Nothing was read.",
            f"Say which: project.read({keys[0]!r}).",
        )
    known = [*names, *(asset.key for asset in graph)]
    folded = {word.casefold(): word for word in reversed(known)}
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    hint = f"Nearest: {', '.join(folded[word] for word in near)}. " if near else ""
    raise AssetError(
        f"There is no asset {name!r}.",
        "Nothing was read.",
        f"{hint}`toolkit ls` lists all.",
    )


def _delivered(relation: "duckdb.DuckDBPyRelation", as_: str) -> Any:  # noqa: ANN401  # as asked for
    if as_ == "path":
        import tempfile

        path = Path(tempfile.mkdtemp(prefix="toolkit-")) / "rows.parquet"
        relation.write_parquet(str(path))
        return path
    from toolkit.integrations.python.running.session import delivered

    return delivered(relation, as_)


def _model(graph: AssetGraph, settings: Settings, asset: Asset) -> Any:  # noqa: ANN401  # the model
    """The current version, verified, with the types that its declaration trusts."""
    from toolkit.integrations.python.declared.load import load
    from toolkit.integrations.python.models.of_run import storing_of
    from toolkit.integrations.python.models.store import opened, store_of
    from toolkit.ledger import Ledger

    others = {item.key: item for item in graph if item.integration != "python"}
    item = load(settings, others).assets[asset.key]
    path = settings.state_dir / "ledger.db"
    if not path.exists():
        raise AssetFailedError(
            f"The ML model {asset.name!r} has not been made: nothing was built here yet.",
            "There is nothing to read.",
            f"Make it first: toolkit build --select +{asset.name}",
        )
    with Ledger(path) as ledger:
        store = store_of(settings, ledger)
        info = store.info(asset.name)
        return opened(info, store.path(info), storing_of(item, settings))
