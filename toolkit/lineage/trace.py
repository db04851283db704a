"""The whole pass: graph in, lineage out."""

from collections.abc import Mapping
from pathlib import Path

from toolkit.errors import Problem
from toolkit.graph import AssetGraph
from toolkit.lineage.assemble import assemble
from toolkit.lineage.cache import Cache
from toolkit.lineage.collector import quiet_collector
from toolkit.lineage.model import Lineage
from toolkit.lineage.sql.dialects import facts_of
from toolkit.lineage.tracer import Tracer


def _remarks(dialect: str) -> list[Problem]:
    """What is to be said of the graph as a whole."""
    if facts_of(dialect).name:
        return []
    message = (
        f"No SQL dialect is known for the adapter {dialect!r}: its SQL is read as standard SQL, "
        "and what is special to it makes models opaque."
    )
    return [Problem(asset=None, code="unknown-dialect", message=message)]


def trace(
    graph: AssetGraph,
    *,
    dialect: str,
    catalog: Mapping[str, Mapping[str, str]] | None = None,
    cache_dir: Path | None = None,
    beside: Path | None = None,
    project_dir: Path | None = None,
    time_cap: float = 2.0,
) -> Lineage:
    """Trace the columns of every asset in one pass, parents first.

    Nothing is raised for SQL that cannot be traced: the asset is opaque or partial, with a
    problem that says why.

    Args:
        dialect: dbt adapter type or sqlglot dialect of the SQL.
        catalog: asset key -> column -> type, as the warehouse has them. Not needed; where
            it is missing, columns are inferred from the SQL.
        cache_dir: folder for the cache; ``None`` traces everything.
        beside: the cache of a project that is much the same, which is only read.
        project_dir: where asset paths start; only the headers of seeds are read there.
        time_cap: CPU seconds that one model may take before it is opaque.
    """
    cache = Cache(cache_dir, beside)
    tracer = Tracer(graph, dialect, catalog or {}, cache, project_dir, time_cap)
    with quiet_collector() as breathe:
        tracer.run(breathe)
        cache.save()
        return assemble(graph, tracer.found, _remarks(dialect))
