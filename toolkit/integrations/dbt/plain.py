"""The SQL of a node whose Jinja only names what it reads, rendered without dbt.

dbt writes compiled SQL to a file for models and tests, and not for snapshots.
"""

import re

from toolkit.graph import Asset, AssetGraph

_NAMED = re.compile(r"""\{\{-?\s*(?:ref|source)\(\s*((?:['"][^'"]+['"]\s*,?\s*)+)\)\s*-?\}\}""")
_SILENT = re.compile(r"\{#.*?#\}|\{\{-?\s*config\((?:[^{}]|\{[^{}]*\})*\)\s*-?\}\}", re.DOTALL)
_TEXT = re.compile(r"""['"]([^'"]+)['"]""")


def plain_sql(asset: Asset, graph: AssetGraph) -> str | None:
    """The SQL as dbt would compile it; ``None`` where its Jinja says more than names."""
    parents = [graph[key] for key in asset.depends_on if key in graph]

    def relation(call: re.Match[str]) -> str:
        name = _TEXT.findall(call[1])[-1]
        found = [parent.relation for parent in parents if parent.name == name and parent.relation]
        if len(found) != 1:
            return call[0]
        place = found[0]
        parts = (place.database, place.schema, place.identifier)
        return ".".join(f'"{part}"' for part in parts if part)

    sql = _NAMED.sub(relation, _SILENT.sub("", asset.raw_sql or ""))
    return None if not sql.strip() or "{{" in sql or "{%" in sql else sql
