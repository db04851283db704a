"""Column lineage as documents for machines: lineage.json, CSV, Mermaid, Graphviz."""

import csv
import io
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from toolkit.errors import Problem
from toolkit.graph import Asset, AssetGraph
from toolkit.lineage import Coverage, Lineage
from toolkit.lineage.walks.origin import Origin, origins, removed, row_filter

SCHEMA_VERSION = 1


def lineage_document(
    project: str,
    target: str,
    dialect: str,
    graph: AssetGraph,
    lineage: Lineage,
    coverage: Coverage | None = None,
) -> dict[str, Any]:
    """``lineage.json``: the whole graph with its column lineage, ready for JSON.

    Args:
        coverage: of what was asked for, where ``lineage`` is only a part; default: of all.
    """
    coverage = coverage or lineage.coverage
    return {
        "schema_version": SCHEMA_VERSION,
        "project": project,
        "target": target,
        "dialect": dialect,
        "assets": {asset.key: _asset(asset, lineage) for asset in graph},
        "column_edges": [
            {
                "from": list(edge.source),
                "to": list(edge.target),
                "type": edge.type,
                "subtype": edge.subtype,
            }
            for edge in lineage.column_edges
        ],
        "asset_edges": [
            {
                "from": list(edge.source),
                "to": edge.target,
                "type": "INDIRECT",
                "subtype": edge.subtype,
            }
            for edge in lineage.asset_edges
        ],
        "problems": [problem_document(p) for p in _distinct(graph.problems, lineage.problems)],
        "coverage": msgspec.to_builtins(coverage),
    }


def problem_document(problem: Problem) -> dict[str, Any]:
    """A problem with all its fields, also those that are not known."""
    return {
        "asset": problem.asset,
        "code": problem.code,
        "message": problem.message,
        "severity": problem.severity,
        "path": problem.path,
        "line": problem.line,
    }


def lineage_csv(lineage: Lineage, keys: Collection[str] | None = None) -> str:
    """One line for each edge; ``to_column`` is empty where all rows of an asset are meant.

    Args:
        keys: only edges between these assets.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["from_asset", "from_column", "to_asset", "to_column", "type", "subtype"])
    for edge in lineage.column_edges:
        if _inside(keys, edge.source[0], edge.target[0]):
            writer.writerow([*edge.source, *edge.target, edge.type, edge.subtype])
    for asset_edge in lineage.asset_edges:
        if _inside(keys, asset_edge.source[0], asset_edge.target):
            row = [*asset_edge.source, asset_edge.target, "", "INDIRECT", asset_edge.subtype]
            writer.writerow(row)
    return out.getvalue()


def mermaid(graph: AssetGraph, keys: Collection[str] | None = None) -> str:
    """The assets (or those with these keys) as a Mermaid flowchart."""
    number = {key: place for place, key in enumerate(graph.topological(keys))}
    lines = ["graph LR"]
    lines += [f'  n{place}["{mermaid_label(graph[key].name)}"]' for key, place in number.items()]
    lines += [
        f"  n{number[parent]} --> n{number[child]}"
        for parent, child in graph.edges
        if parent in number and child in number
    ]
    return "\n".join(lines) + "\n"


def dot(graph: AssetGraph, keys: Collection[str] | None = None) -> str:
    """The assets (or those with these keys) as a Graphviz digraph."""
    chosen = graph.topological(keys)
    known = set(chosen)
    lines = ["digraph assets {", "  rankdir=LR;", "  node [shape=box];"]
    for key in chosen:
        asset = graph[key]
        lines.append(
            f"  {_quoted(key)} [label={_quoted(asset.name)}, class={_quoted(asset.kind)}];"
        )
    lines += [
        f"  {_quoted(parent)} -> {_quoted(child)};"
        for parent, child in graph.edges
        if parent in known and child in known
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _asset(asset: Asset, lineage: Lineage) -> dict[str, Any]:
    relation = asset.relation
    known = origins(asset)
    traced = lineage.columns.get(asset.key)
    columns = traced if traced is not None else {name: c.type for name, c in asset.columns.items()}
    document: dict[str, Any] = {
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
        "columns": {
            name: {"type": type_, **_origin(known.get(name.casefold()))}
            for name, type_ in columns.items()
        },
        "lineage": lineage.status.get(asset.key, "none"),
        "owner": asset.owner,
        "tags": list(asset.tags),
        "group": asset.group,
        "path": asset.path,
    }
    rows = row_filter(asset)
    if rows is not None:
        document["row_filter"] = {
            "properties": list(rows.properties),
            "type": "INDIRECT",
            "subtype": "FILTER",
            "conditions": list(rows.conditions),
        }
    if gone := removed(asset):
        document["removed"] = list(gone)
    return document


def _origin(origin: Origin | None) -> dict[str, Any]:
    """The edge from a stream's property to its column, for a column that has one."""
    if origin is None:
        return {}
    return {
        "origin": {
            "property": origin.source,
            "type": "DIRECT",
            "subtype": origin.subtype,
            "transformation": origin.how or None,
            "masked": origin.masked,
        }
    }


def _distinct(*lists: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problem for problems in lists for problem in problems))


def _inside(keys: Collection[str] | None, *ends: str) -> bool:
    return keys is None or all(end in keys for end in ends)


def mermaid_label(text: str) -> str:
    """Mermaid's own entities for what would end a label or begin a directive."""
    return "".join(c if c.isalnum() or c in " _-./" else f"#{ord(c)};" for c in text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
