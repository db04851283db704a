"""The columns that dbt adds to a snapshot.

=================  =======================================================================
``dbt_scd_id``     hash of the unique key and ``updated_at``: TRANSFORMATION of them
``dbt_updated_at``  ``updated_at`` itself (timestamp strategy); when dbt looked (check)
``dbt_valid_from``  the same
``dbt_valid_to``   ``updated_at`` of the next version of the row: TRANSFORMATION
``dbt_is_deleted``  only with ``hard_deletes: new_record``; made from no column
=================  =======================================================================

With the check strategy the times come from the clock; the checked columns decide when:
CONDITIONAL.
"""

from collections.abc import Callable, Mapping
from typing import Any

from toolkit.graph import Asset
from toolkit.lineage.sql.flow import AS_IS, CONDITIONAL, TRANSFORMATION, Flow, pour
from toolkit.lineage.sql.relation import Col, Rel, Value


def snapshot_columns(asset: Asset, rel: Rel, flow_of: Callable[[str], Flow]) -> list[Col]:
    """dbt's own columns of a snapshot of ``rel``.

    Args:
        flow_of: what an expression over the snapshot's columns takes.
    """
    config = asset.config
    names = config.get("snapshot_meta_column_names")
    renamed: Mapping[str, Any] = names if isinstance(names, Mapping) else {}
    key: Flow = {}
    for part in _listed(config.get("unique_key")):
        pour(key, flow_of(part), TRANSFORMATION)
    time: Flow = {}
    if config.get("strategy") == "check":
        for checked in _checked(config.get("check_cols"), rel):
            pour(time, flow_of(checked), CONDITIONAL)
    else:
        for part in _listed(config.get("updated_at")):
            pour(time, flow_of(part), AS_IS)
    scd_id: Flow = dict(key)
    later: Flow = {}
    pour(scd_id, time, TRANSFORMATION)
    pour(later, time, TRANSFORMATION)
    made = {
        "dbt_scd_id": scd_id,
        "dbt_updated_at": time,
        "dbt_valid_from": time,
        "dbt_valid_to": later,
    }
    if config.get("hard_deletes") == "new_record":
        made["dbt_is_deleted"] = {}
    return [Col(str(renamed.get(name) or name), Value(flow)) for name, flow in made.items()]


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(part) for part in value] if isinstance(value, list | tuple) else []


def _checked(value: object, rel: Rel) -> list[str]:
    if value == "all":
        return [f'"{col.name}"' for col in rel.cols]
    return _listed(value)
