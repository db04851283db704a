"""Was an incremental model's change committed? A row in the same transaction says so.

dbt appends to such a model and commits; if the process is killed before its end is noted, to
run it again would append twice. So a hook is added to it, in dbt's own transaction, that
writes which run has made it. After a kill :func:`toolkit.recall.recall` looks for that row.
"""

from collections.abc import Iterable
from typing import Any

from toolkit.integrations.base import RunContext
from toolkit.warehouse import literal
from toolkit.warehouse.markers import TABLE

_SIGN = "/* by toolkit, in the transaction of the model */"


def marked_in(context: RunContext, keys: Iterable[str]) -> list[str]:
    """The nodes among ``keys`` that are marked: incremental models in the target's own database.

    One transaction of DuckDB can write to one database only.
    """
    warehouse, graph = context.warehouse, context.graph
    if warehouse is None:
        return []
    own = (warehouse.database or "").casefold()
    return [
        key
        for key in keys
        if key in graph
        and graph[key].materialized == "incremental"
        and (relation := graph[key].relation) is not None
        and (relation.database or own).casefold() == own
    ]


def mark(manifest: Any, keys: Iterable[str], run_id: str) -> None:  # noqa: ANN401 - dbt's Manifest
    """Add the hook to these nodes of dbt's manifest, in memory."""
    from dbt.artifacts.resources.v1.config import Hook

    for key in keys:
        node = manifest.nodes.get(key)
        if node is None:
            continue
        unmark(manifest, key)
        what = f"{literal(key)}, {literal(run_id)}, current_timestamp"
        sql = f"{_SIGN} insert into {TABLE} values ({what})"
        node.config.post_hook.append(Hook(sql=sql, transaction=True))


def unmark(manifest: Any, key: str) -> None:  # noqa: ANN401 - dbt's Manifest
    """Take the hook away again, before dbt writes its manifest."""
    node = manifest.nodes.get(key)
    hooks = getattr(node.config, "post_hook", None) if node is not None else None
    if hooks:
        hooks[:] = [hook for hook in hooks if not is_ours(hook.sql)]


def is_ours(sql: object) -> bool:
    """Whether a hook is one of these."""
    return isinstance(sql, str) and sql.startswith(_SIGN)
