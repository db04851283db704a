"""graph.json: assets, edges and checks."""

from typing import Any

from toolkit.graph import Asset, AssetGraph, Check
from toolkit.graph.unmatched import Unmatched
from toolkit.report.lineage.formats import problem_document

SCHEMA_VERSION = 1


def graph_document(project: str, target: str, graph: AssetGraph) -> dict[str, Any]:
    """The asset graph, ready for JSON. Parents stand before children."""
    return {
        "schema_version": SCHEMA_VERSION,
        "project": project,
        "target": target,
        "assets": [_asset(asset) for asset in graph],
        "edges": [list(edge) for edge in graph.edges],
        "checks": [_check(check) for check in graph.checks.values()],
        "problems": [problem_document(problem) for problem in graph.problems],
        "unmatched": [unmatched_document(item) for item in graph.unmatched],
    }


def _asset(asset: Asset) -> dict[str, Any]:
    relation = asset.relation
    return {
        "key": asset.key,
        "kind": asset.kind,
        "name": asset.name,
        "relation": None
        if relation is None
        else {
            "database": relation.database,
            "schema": relation.schema,
            "identifier": relation.identifier,
        },
        "depends_on": list(asset.depends_on),
        "matched": dict(asset.matched),
        "owner": asset.owner,
        "tags": list(asset.tags),
        "group": asset.group,
        "path": asset.path,
        "line": asset.line,
        "integration": asset.integration,
        "package": asset.package,
        "materialized": asset.materialized,
        "description": asset.description,
        "url": asset.url,
        "columns": {
            name: {"type": column.type, "description": column.description}
            for name, column in asset.columns.items()
        },
    }


def unmatched_document(item: Unmatched) -> dict[str, Any]:
    """A stream or source that was not joined, with what would join it."""
    return {
        "asset": item.asset.key,
        "kind": item.what,
        "relation": str(item.asset.relation),
        "candidates": [
            {
                "asset": one.key,
                "relation": one.relation,
                "reason": one.reason,
                "write": {"file": one.file, "line": one.line},
            }
            for one in item.candidates
        ],
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "key": check.key,
        "name": check.name,
        "kind": check.kind,
        "integration": check.integration,
        "assets": list(check.assets),
        "attached": check.attached,
        "column": check.column,
        "severity": check.severity,
        "tags": list(check.tags),
        "path": check.path,
    }
