"""What the graph is made of: relations, columns, checks and assets.

Plain immutable values that know no tool. An integration fills them in; every
other room reads them.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Kind = Literal[
    "stream",
    "source",
    "seed",
    "model",
    "snapshot",
    "function",
    "python",
    "ml_model",
    "semantic_model",
    "metric",
    "saved_query",
    "exposure",
]


class Relation(msgspec.Struct, frozen=True):
    """Where a table asset lives. ``None`` means "not known", never "any"."""

    database: str | None
    schema: str | None
    identifier: str

    def folded(self) -> "Relation":
        """The same relation in lower case, for comparing where case is not kept."""
        return Relation(
            self.database.casefold() if self.database is not None else None,
            self.schema.casefold() if self.schema is not None else None,
            self.identifier.casefold(),
        )

    def __str__(self) -> str:
        """Dotted parts as a person writes them, without the unknown ones."""
        return ".".join(part for part in (self.database, self.schema, self.identifier) if part)


class Alias(msgspec.Struct, frozen=True):
    """Another relation where an asset's rows may be found, by somebody who looks for them.

    Attributes:
        how: ``older``: an earlier version of what writes it spells the name so; ``raw``: the
            rows before they are typed.
    """

    relation: Relation
    how: Literal["older", "raw"]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column of an asset, as declared or as found.

    Attributes:
        name: as it is spelled where it was declared.
        type: the warehouse's (or JSON schema's) name of its type, where known.
        description: for people.
        tags: the owner's labels.
        meta: free-form, as declared.
        inputs: for assets whose column lineage is *declared* and not read from SQL:
            ``(asset key, column)`` pairs that this column is made from.
    """

    name: str
    type: str | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = {}
    inputs: tuple[tuple[str, str], ...] = ()


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A test on assets: a dbt data test or unit test, or a Python check.

    Attributes:
        key: dbt's ``unique_id``, or ``check.<asset>.<name>`` for a Python check.
        kind: ``data_test``, ``unit_test``, ``python``, or ``anomaly`` (a rule of toolkit.yml).
        assets: keys of all assets that it reads (dbt's ``depends_on.nodes``).
        attached: the one asset that it is about, where that is said.
        severity: ``error`` blocks what is downstream, ``warn`` does not.
        test_name: generic test's name (``unique``, ``not_null``, ...), where it has one.
        column: the column it is about, where it is about one.
        path / yaml_path: as for an asset.
        sql_path / code_version / volatile: as for an asset.
    """

    key: str
    name: str
    kind: Literal["data_test", "unit_test", "python", "anomaly"]
    integration: str
    assets: tuple[str, ...]
    attached: str | None = None
    severity: Literal["error", "warn"] = "error"
    test_name: str | None = None
    column: str | None = None
    tags: tuple[str, ...] = ()
    group: str | None = None
    path: str | None = None
    yaml_path: str | None = None
    package: str | None = None
    fqn: tuple[str, ...] = ()
    config: Mapping[str, Any] = {}
    meta: Mapping[str, Any] = {}
    fingerprints: Mapping[str, str] = {}
    sql_path: str | None = None
    code_version: str = ""
    volatile: str = ""


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """Something persistent that someone wants to exist.

    Attributes:
        key: unique in the graph: dbt's ``unique_id``; ``stream.<connection>.<stream>``;
            ``python.<name>`` (also for ML models made by a Python asset).
        kind: what sort of thing it is.
        name: what people call it (last part of the key; a source table's name).
        integration: name of the integration that gave it and makes it.
        relation: where it lives, for what lives in a warehouse.
        columns: by name, in declared order; may be empty.
        depends_on: keys of the assets that it reads.
        owner: a person or team.
        group: dbt group (or the like).
        path: the file that defines it, relative to the project folder.
        yaml_path: the file that describes it further (dbt's ``patch_path``), likewise.
        line: 1-based line in that file, where known.
        package: dbt package (or the like) that it comes from.
        fqn: dbt's fully qualified name in parts; for other integrations
            ``(integration, container, name)``.
        source_name: the collection that a source table or stream belongs to
            (dbt source name, Airbyte connection name).
        materialized: dbt's word: table, view, incremental, ephemeral, seed, snapshot...
        access: dbt access level.
        version / latest_version: dbt model versions.
        config / meta: as resolved by the tool, for ``config.`` selection.
        raw_sql / sql: source text and compiled SQL, where it is made by SQL.
        sql_path: file below the target folder that holds the SQL which was run last.
        language: ``sql`` or ``python`` for dbt models, else ``None``.
        contract: columns and types are enforced.
        url: where a person finds it (an exposure's dashboard).
        subtype: finer kind in the tool's own words (exposure type, ...).
        fingerprints: named hashes for ``state:``: ``body``, ``configs``,
            ``persisted_descriptions``, ``relation``, ``macros``, ``contract``.
        code_version: fingerprint of how it is made; empty where not known.
        frame_version: fingerprint of all of that but the text of its SQL; empty where the two
            cannot be told apart.
        volatile: why the same code may make something else of the same inputs, as far as that
            can be seen before it is made; empty if not. For people.
        matched: for dependencies that no tool knows of and that we found: parent's key -> how
            it was found: ``explicit``, ``relation``, ``schema`` or ``assumed``; with ``-older``
            or ``-raw`` where it was found at an :class:`Alias`.
        aliases: where else its rows may be.
        untraced: why its columns cannot be traced, and what to do, where who gives it knows
            better than "it is no SQL"; a clause, for people.
        reads: for assets whose code was read: for a parent's key the only columns of it that the
            code uses. A parent that is not there may have any of its columns used.
        quoted: which of ``database``, ``schema`` and ``identifier`` stand in quotes wherever
            the relation is written, so that case counts; ``None`` where that is not known.
    """

    key: str
    kind: Kind
    name: str
    integration: str
    relation: Relation | None = None
    columns: Mapping[str, Column] = {}
    depends_on: tuple[str, ...] = ()
    description: str = ""
    owner: str | None = None
    tags: tuple[str, ...] = ()
    group: str | None = None
    path: str | None = None
    yaml_path: str | None = None
    line: int | None = None
    package: str | None = None
    fqn: tuple[str, ...] = ()
    source_name: str | None = None
    materialized: str | None = None
    access: str | None = None
    version: str | None = None
    latest_version: str | None = None
    config: Mapping[str, Any] = {}
    meta: Mapping[str, Any] = {}
    raw_sql: str | None = None
    sql: str | None = None
    sql_path: str | None = None
    language: str | None = None
    contract: bool = False
    url: str | None = None
    subtype: str | None = None
    fingerprints: Mapping[str, str] = {}
    code_version: str = ""
    frame_version: str = ""
    volatile: str = ""
    matched: Mapping[str, str] = {}
    aliases: tuple[Alias, ...] = ()
    untraced: str = ""
    reads: Mapping[str, tuple[str, ...]] = {}
    quoted: frozenset[str] | None = None
