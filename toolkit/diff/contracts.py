"""dbt's rules for contracts, after ``same_contract`` and ``same_contract_removed`` of dbt-core.

dbt compares names and types without sizes and without case. It refuses a breach of a versioned
model, and warns of one of any other. (dbt/contracts/graph/nodes.py, dbt-core 1.11.)
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from toolkit.diff.model import Note
from toolkit.graph import Asset
from toolkit.lineage.walks.reach import Verdict


def contract_notes(was: Asset, now: Asset) -> list[Note]:
    """What a contract promised and no longer does."""
    if not (was.contract and now.contract):
        return []
    said = [*_breaches(was, now)]
    if not said and was.fingerprints.get("contract") != now.fingerprints.get("contract"):
        return (
            [Note("contract", "review", "sizes, constraints or columns of it are others")]
            if _others(was, now)
            else [Note("contract: more columns")]
        )
    verdict, who = _verdict(now)
    return [Note(f"contract: {what}", verdict, who) for what in said]


def _breaches(was: Asset, now: Asset) -> Iterator[str]:
    declared = {name.casefold(): column for name, column in now.columns.items()}
    for name, column in was.columns.items():
        after = declared.get(name.casefold())
        if after is None:
            yield f"{name} is no longer promised"
        elif column.type and after.type and _bare(column.type) != _bare(after.type):
            yield f"{name} was promised as {column.type}, and is as {after.type}"
    if was.materialized != now.materialized and "view" in (was.materialized, now.materialized):
        yield f"constraints are not kept the same way by a {now.materialized}"


def _others(was: Asset, now: Asset) -> bool:
    return {n.casefold() for n in was.columns} == {n.casefold() for n in now.columns}


def removed_contract(asset: Asset) -> tuple[Verdict, str] | None:
    """The verdict on a model that is gone and had a contract; ``None`` if it had none."""
    if not asset.contract:
        return None
    past = str(asset.config.get("deprecation_date") or asset.meta.get("deprecation_date") or "")
    if past and _is_past(past):
        return "safe", f"it was to be gone after {past[:10]}"
    verdict, reason = _verdict(asset)
    return verdict, f"it had a contract: {reason}"


def _verdict(asset: Asset) -> tuple[Verdict, str]:
    if asset.version is not None:
        return "breaking", "dbt refuses to break the contract of a versioned model"
    return "review", "who relies on the contract may lie outside of this project"


def _bare(type_: str) -> str:
    return re.sub(r"\(.*\)", "", type_).strip().casefold()


def _is_past(date: str) -> bool:
    try:
        at = datetime.fromisoformat(date)
    except ValueError:
        return False
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) < datetime.now(UTC)
