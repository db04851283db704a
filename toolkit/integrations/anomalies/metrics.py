"""The numbers of a profile that rules look at. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from toolkit.graph.profile import ColumnProfile, TableProfile
from toolkit.integrations.anomalies.judge import judge, told
from toolkit.ledger import ProfileRow
from toolkit.settings import AnomalyRule, Metric


class Looked(NamedTuple):
    """What a rule makes of one asset as it is.

    Attributes:
        unusual: for each metric that is, by its name, what is said of it.
        names: of all metrics that the rule looks at.
        builds: how many are compared with, at most.
    """

    unusual: dict[str, str]
    names: frozenset[str]
    builds: int


def look(rule: AnomalyRule, now: ProfileRow, before: Sequence[ProfileRow]) -> Looked:
    """Hold a profile against those of earlier builds.

    Args:
        before: the newest first; of them as many count as the rule says.
    """
    recent = before[: rule.last]
    unusual: dict[str, str] = {}
    names: set[str] = set()
    builds = 0
    for metric, column in _wanted(rule, now.profile):
        name = metric if column is None else f"{metric}:{column}"
        names.add(name)
        comparable = [row for row in recent if _comparable(metric, now.profile, row.profile)]
        usual = [row for row in comparable if row.accepted or name not in row.unusual]
        builds = max(builds, len(usual))
        found = judge(
            metric,
            _value(metric, column, now.profile),
            [_value(metric, column, row.profile) for row in usual],
            accepted=[_value(metric, column, row.profile) for row in usual if row.accepted],
            least=rule.least,
            threshold=rule.threshold,
        )
        if found is not None:
            unusual[name] = told(metric, column, found)
    return Looked(unusual, frozenset(names), builds)


def _wanted(rule: AnomalyRule, profile: TableProfile) -> Iterator[tuple[Metric, str | None]]:
    only = {name.casefold() for name in rule.columns}
    for metric in rule.metrics:
        if metric == "row_count":
            yield metric, None
            continue
        for column in profile.columns:
            if not only or column.name.casefold() in only:
                yield metric, column.name


def _comparable(metric: Metric, now: TableProfile, before: TableProfile) -> bool:
    """A sample has fewer distinct values than the table; its mean is as good."""
    return metric != "distinct" or (now.sampled is None) == (before.sampled is None)


def _value(metric: Metric, column: str | None, profile: TableProfile) -> float | None:
    if column is None:
        return float(profile.rows)
    found = profile.column(column)
    return _of_column(metric, found, profile.rows) if found is not None else None


def _of_column(metric: Metric, column: ColumnProfile, rows: int) -> float | None:
    if metric == "null_share":
        return column.nulls / rows if column.nulls is not None and rows else None
    if metric == "distinct":
        return None if column.distinct is None else float(column.distinct)
    return column.mean
