"""What a build into a copy covers: the DuckDB file, and our small files that go with it."""

from collections.abc import Iterable, Mapping

from toolkit.errors import WarehouseError
from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import Integration, KeepsFiles
from toolkit.settings import Settings

_NAMED = 3


def refuse_what_is_elsewhere(makes: Iterable[str], graph: AssetGraph, settings: Settings) -> None:
    """A table in an attached database, or a file that dbt writes, would be live at once.

    Args:
        makes: keys of the assets that a build would make.

    Raises:
        WarehouseError: some of them are such; names them.
    """
    own = (settings.profile.database if settings.profile else None) or ""
    elsewhere = [graph[key] for key in makes if key in graph and _elsewhere(graph[key], own)]
    if not elsewhere:
        return
    more = f" and {len(elsewhere) - _NAMED} more" if len(elsewhere) > _NAMED else ""
    names = ", ".join(
        f"{asset.key} ({'a file' if _external(asset) else asset.relation})"
        for asset in elsewhere[:_NAMED]
    )
    raise WarehouseError(
        f"Not all of this build is in the DuckDB file: {names}{more}.",
        "What is elsewhere cannot be held back until all is well, so nothing was run.",
        "Leave it out with --exclude, or build without --publish.",
    )


def _elsewhere(asset: Asset, own: str) -> bool:
    if asset.relation is None or asset.integration == "airbyte":  # a server's is not ours to hold
        return False
    database = asset.relation.database
    return _external(asset) or (database is not None and database.casefold() != own.casefold())


def _external(asset: Asset) -> bool:
    return asset.materialized == "external"


def texts(integrations: Mapping[str, Integration], settings: Settings) -> dict[str, str | None]:
    """The small files of all integrations that say what is in the warehouse, as they are now."""
    found: dict[str, str | None] = {}
    for tool in integrations.values():
        for path in tool.kept_files(settings) if isinstance(tool, KeepsFiles) else ():
            name = path.relative_to(settings.state_dir).as_posix()
            found[name] = path.read_text(encoding="utf-8") if path.exists() else None
    return found
