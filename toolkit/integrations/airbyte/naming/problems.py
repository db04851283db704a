"""What is wrong with where streams land."""

from collections.abc import Iterable
from typing import Any

from toolkit.errors import Problem
from toolkit.graph import Asset
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.naming.places import Place


def no_table(stream: Asset, connection: Connection) -> Problem:
    """The destination keeps files or messages: the stream is in the graph, without a relation."""
    return Problem(
        asset=stream.key,
        code="no-table",
        message=f"{stream.key} goes to {connection.destination.type}, which keeps no tables: no "
        "dbt source is found by its relation. Where one reads it all the same (an external "
        f"table), give that source {_meta(stream)}.",
        severity="info",
        path=stream.path,
        line=stream.line,
    )


def shared_tables(
    streams: Iterable[tuple[Asset, Connection, Place]], *, local: bool
) -> list[Problem]:
    """Streams that land in a table where another one lands already.

    Args:
        local: this target's syncs land in DuckDB, where case does not count.
    """
    first: dict[Any, Asset] = {}
    problems: list[Problem] = []
    for stream, connection, place in streams:
        relation = stream.relation
        if relation is None:
            continue
        here = local and connection.source.local
        spelled = relation if place.case_counts and not here else relation.folded()
        target = connection.destination
        # Without a schema only one destination's tables can be told to be the same.
        where = None if spelled.schema is not None else (target.destination_id, target.name)
        if where == (None, None):
            where = (connection.name, None)
        other = first.setdefault((spelled, where), stream)
        if other is stream:
            continue
        what = "neither will be synced" if here else "each sync overwrites or mixes with the other"
        problems.append(
            Problem(
                asset=stream.key,
                code="shared-table",
                message=f"{stream.key} lands in {relation}, and so does {other.key}: {what}. "
                "Give one of the connections another `prefix` or `schema`.",
                severity="error",
                path=stream.path,
                line=stream.line,
            )
        )
    return problems


def _meta(stream: Asset) -> str:
    return (
        f"the meta `toolkit: {{airbyte: {{connection: {stream.source_name}, "
        f"stream: {stream.name}}}}}`"
    )
