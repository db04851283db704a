"""A manifest's nodes as assets and checks."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, cast

from toolkit.errors import Problem
from toolkit.graph import Asset, Check, Column, Kind, Relation
from toolkit.integrations.base import Loaded
from toolkit.integrations.dbt.codeversion import CodeVersions
from toolkit.integrations.dbt.fingerprints import Fingerprints
from toolkit.integrations.dbt.manifest import Manifest, Node, Owner
from toolkit.settings import Settings

# dbt's resource types that persist in the world; tests are checks, operations and analyses
# leave nothing behind.
ASSET_TYPES = frozenset(
    {"model", "seed", "snapshot", "source", "exposure", "metric", "semantic_model",
     "saved_query", "function"}
)  # fmt: skip
_QUOTES = (('"', '"'), ("`", "`"), ("[", "]"))
_MADE = frozenset({"model", "seed", "snapshot", "function"})
_WITHOUT_RELATION = frozenset({"exposure", "metric", "semantic_model", "saved_query"})


class _Prints(NamedTuple):
    modified: Fingerprints
    code: CodeVersions


def assets_of(manifest: Manifest, settings: Settings | None = None) -> Loaded:
    """Everything in the manifest that we model, with what had to be left out as problems.

    Args:
        settings: of the project that it is of, where that is there to be built.
    """
    prints = _Prints(Fingerprints(manifest), CodeVersions(manifest, settings))
    owners = {g.name: _owner(g.owner) for g in manifest.groups.values()}
    nodes = [n for n in _all_nodes(manifest) if n.resource_type in ASSET_TYPES and _enabled(n)]
    known = {node.unique_id for node in nodes}
    loaded = Loaded()
    for node in nodes:
        loaded.assets.append(_asset(node, known, owners, prints))
        loaded.problems.extend(_missing(node, known, manifest))
    tests = [n for n in manifest.nodes.values() if n.resource_type == "test"]
    for node in filter(_enabled, (*tests, *manifest.unit_tests.values())):
        loaded.checks.append(_check(node, known, prints))
    return loaded


def _all_nodes(manifest: Manifest) -> Iterable[Node]:
    for section in (
        manifest.sources, manifest.nodes, manifest.functions, manifest.semantic_models,
        manifest.metrics, manifest.saved_queries, manifest.exposures,
    ):  # fmt: skip
        yield from section.values()


def _enabled(node: Node) -> bool:
    # dbt leaves a test on a disabled model among the enabled nodes, and skips it everywhere
    return node.config.get("enabled") is not False


def _reads(node: Node) -> list[str]:
    return node.depends_on.nodes if node.depends_on else []


def _asset(node: Node, known: set[str], owners: dict[str, str | None], prints: _Prints) -> Asset:
    config = node.config
    group = node.group or _text(config.get("group"))
    contract = node.contract or _mapping(config.get("contract"))
    meta = _meta(node)
    return Asset(
        key=node.unique_id,
        kind=cast(Kind, node.resource_type),
        name=node.name,
        integration="dbt",
        relation=_relation(node),
        quoted=_quoted(node),
        columns=_columns(node),
        depends_on=tuple(sorted({key for key in _reads(node) if key in known})),
        description=node.description or "",
        owner=_text(meta.get("owner")) or _owner(node.owner) or owners.get(group or ""),
        tags=_tags(node.tags),
        group=group,
        path=node.original_file_path,
        yaml_path=_yaml_path(node),
        package=node.package_name,
        fqn=tuple(node.fqn),
        source_name=node.source_name,
        materialized=_text(config.get("materialized")),
        access=node.access or _text(config.get("access")),
        version=_version(node.version),
        latest_version=_version(node.latest_version),
        config=config,
        meta=meta,
        raw_sql=node.raw_code,
        sql=node.compiled_code,
        sql_path=_sql_path(node),
        language=node.language,
        contract=bool(contract.get("enforced")),
        url=node.url,
        subtype=node.type if isinstance(node.type, str) else None,
        fingerprints=prints.modified.of(node),
        code_version=prints.code.code(node),
        frame_version=prints.code.frame(node) if node.resource_type == "model" else "",
        volatile=prints.code.volatile(node) if node.resource_type in _MADE else "",
    )


def _check(node: Node, known: set[str], prints: _Prints) -> Check:
    unit = node.resource_type == "unit_test"
    assets = tuple(sorted({key for key in _reads(node) if key in known}))
    severity = str(node.config.get("severity") or "error").casefold()
    return Check(
        key=node.unique_id,
        name=node.name,
        kind="unit_test" if unit else "data_test",
        integration="dbt",
        assets=assets,
        attached=node.attached_node or (assets[0] if unit and assets else None),
        severity="warn" if severity == "warn" else "error",
        test_name=node.test_metadata.name if node.test_metadata else None,
        column=node.column_name,
        tags=_tags(node.tags or node.config.get("tags")),  # unit tests: in config only
        group=node.group,
        path=node.original_file_path,
        yaml_path=_yaml_path(node),
        package=node.package_name,
        fqn=tuple(node.fqn),
        config=node.config,
        meta=_meta(node),
        fingerprints=prints.modified.of(node),
        sql_path=_sql_path(node),
        code_version=prints.code.code(node),
        volatile=prints.code.volatile(node),
    )


def _sql_path(node: Node) -> str | None:
    """Where dbt writes compiled SQL (``get_target_write_path`` of dbt-core 1.10 and 1.11)."""
    file, path = node.original_file_path, node.path
    if not file or not path or node.resource_type not in ("model", "snapshot", "test"):
        return None
    place = file if Path(path).name == Path(file).name else f"{file}/{path}"
    return f"compiled/{node.package_name}/{place}"


def _relation(node: Node) -> Relation | None:
    if node.resource_type in _WITHOUT_RELATION:
        return None
    identifier = node.identifier or node.alias or node.name
    return Relation(node.database, node.schema, identifier)


def _quoted(node: Node) -> frozenset[str] | None:
    """Which parts of the relation dbt writes in quotes; ``None`` where it does not say."""
    relation, written = _relation(node), node.relation_name
    if relation is None or not written:
        return None
    parts = {"database": relation.database, "schema": relation.schema}
    parts["identifier"] = relation.identifier
    return frozenset(
        name
        for name, part in parts.items()
        if part and any(f"{left}{part}{right}" in written for left, right in _QUOTES)
    )


def _columns(node: Node) -> dict[str, Column]:
    return {
        column.name: Column(
            name=column.name,
            type=column.data_type,
            description=column.description or "",
            tags=_tags(column.tags),
            meta=column.meta,
        )
        for column in node.columns.values()
    }


def _missing(node: Node, known: set[str], manifest: Manifest) -> Iterable[Problem]:
    for key in _reads(node):
        if key in known or key in manifest.nodes or key.startswith("macro."):
            continue  # operations and analyses are there but are no assets
        yield Problem(
            asset=node.unique_id,
            code="missing-parent",
            message=f"{node.unique_id} reads {key}, which the manifest does not hold; "
            "that edge is left out. Run `dbt parse` if the manifest is old.",
            path=node.original_file_path,
        )


def _yaml_path(node: Node) -> str | None:
    """The path in dbt's ``package://path``."""
    return (node.patch_path or "").partition("://")[2] or None


def _owner(owner: Owner | None) -> str | None:
    return (_text(owner.name) or _text(owner.email)) if owner else None


def _text(value: object) -> str | None:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or None
    if isinstance(value, dict):
        return _text(value.get("name") or value.get("email"))
    return str(value) if value else None


def _mapping(value: object) -> dict[str, Any]:
    """``value`` if it is a mapping: a config is free-form, so anything may stand there."""
    return value if isinstance(value, dict) else {}


def _meta(node: Node) -> dict[str, Any]:
    return {**(node.meta or {}), **_mapping(node.config.get("meta"))}


def _tags(tags: object) -> tuple[str, ...]:
    if isinstance(tags, str):
        return (tags,)
    return tuple(dict.fromkeys(map(str, tags))) if isinstance(tags, list) else ()


def _version(version: str | float | None) -> str | None:
    if isinstance(version, float) and version.is_integer():
        return str(int(version))
    return str(version) if version is not None else None
