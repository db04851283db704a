"""Table references in SQL -> assets, by where they live."""

from collections.abc import Iterable

from toolkit.graph import Asset, AssetGraph, Relation

Where = tuple[str | None, str | None, str]
"""(database, schema, identifier) as written in the SQL; ``None`` for what is left out."""

SELF = ""
"""What :meth:`Places.find` gives for an asset's own relation (``{{ this }}``)."""

# Which of several assets at one relation a reader means: what makes the table first.
_ORDER = {"model": 0, "snapshot": 0, "seed": 0, "source": 1, "python": 2, "ml_model": 2}

# Relations of the warehouse itself: nobody expects them in the graph.
_SYSTEM_SCHEMAS = frozenset({"information_schema", "pg_catalog", "sys", "system"})
# Those that are in sight without a schema: Oracle's, and DuckDB's views of itself.
_SYSTEM_NAMES = frozenset(
    {"dual", "duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_indexes",
     "duckdb_logs", "duckdb_schemas", "duckdb_tables", "duckdb_types", "duckdb_views",
     "pragma_database_list", "sqlite_master", "sqlite_schema", "sqlite_temp_master",
     "sqlite_temp_schema"}
)  # fmt: skip


def is_system(where: Where) -> bool:
    """The reference is to the warehouse's own tables, or to Oracle's ``dual``."""
    _, schema, identifier = where
    name = identifier.lower()
    if schema is None:
        return name in _SYSTEM_NAMES or name.startswith("pg_")
    # BigQuery writes region.INFORMATION_SCHEMA.X in one name
    return schema.lower() in _SYSTEM_SCHEMAS or "information_schema" in name


class Places:
    """Where all assets of a graph live."""

    def __init__(self, graph: AssetGraph) -> None:
        self._by_identifier: dict[str, list[tuple[Relation, Asset]]] = {}
        self._ephemeral: dict[str, list[str]] = {}
        for asset in graph:
            if asset.materialized == "ephemeral":
                for name in {asset.name, asset.relation.identifier if asset.relation else ""}:
                    self._ephemeral.setdefault(name.lower(), []).append(asset.key)
            elif asset.relation is not None:
                folded = asset.relation.folded()
                self._by_identifier.setdefault(folded.identifier, []).append((folded, asset))

    def find(self, where: Where, reader: Asset, parents: frozenset[str]) -> str | None:
        """The asset that ``reader`` means; SELF for itself; ``None`` for no asset.

        A reference with the right schema but another database is taken for the asset if no
        other is meant: manifests and warehouses disagree on the names of catalogs.
        """
        database, schema, identifier = (None if part is None else part.casefold() for part in where)
        places = self._by_identifier.get(identifier or "", [])
        exact = [
            asset
            for place, asset in places
            if _agree(place.schema, schema) and _agree(place.database, database)
        ]
        if schema is None:  # a bare name means a declared parent, or the only one of its name
            exact = [asset for asset in exact if asset.key in parents] or exact
            return self._only(exact, where, reader, parents)
        found = self._best(exact, where, reader, parents)
        if found is not None or database is None:
            return found
        return self._only(
            [asset for place, asset in places if place.schema == schema], where, reader, parents
        )

    def ephemeral(self, name: str, parents: frozenset[str]) -> str | None:
        """The ephemeral model that dbt injected as the CTE ``name``."""
        folded = name.lower()
        if not folded.startswith("__dbt__cte__"):
            return None
        keys = self._ephemeral.get(folded.removeprefix("__dbt__cte__"), [])
        declared = [key for key in keys if key in parents]
        candidates = declared or keys
        return candidates[0] if len(set(candidates)) == 1 else None

    def _only(
        self, assets: list[Asset], where: Where, reader: Asset, parents: frozenset[str]
    ) -> str | None:
        """The one that is meant, unless assets at different relations could be."""
        declared = [asset for asset in assets if asset.key in parents]
        assets = declared or assets
        if len({str(asset.relation).casefold() for asset in assets}) > 1:
            return None
        return self._best(assets, where, reader, parents)

    @staticmethod
    def _best(
        assets: Iterable[Asset], where: Where, reader: Asset, parents: frozenset[str]
    ) -> str | None:
        def preference(asset: Asset) -> tuple[bool, bool, int, str]:
            relation = asset.relation
            same_case = relation is not None and relation.identifier == where[2]
            order = _ORDER.get(asset.kind, 3)
            return asset.key not in parents, not same_case, order, asset.key

        ranked = sorted(assets, key=preference)
        if not ranked:
            return None
        if ranked[0].key not in parents and any(asset.key == reader.key for asset in ranked):
            return SELF
        return ranked[0].key


def _agree(place: str | None, written: str | None) -> bool:
    return place is None or written is None or place == written
