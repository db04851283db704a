"""All rules, and what they find in a graph."""

from collections.abc import Sequence
from pathlib import PurePath

import msgspec

from toolkit.errors import SelectionError, SettingsError
from toolkit.graph import Asset, AssetGraph, selection
from toolkit.lineage import Lineage
from toolkit.rules.declared import UNCONTRACTED, UNDOCUMENTED_INPUT, UNOWNED_MART
from toolkit.rules.model import Finding, Found, Rule, Scope, described_in
from toolkit.rules.tagged import UNTAGGED, tags_in_use
from toolkit.rules.unread import UNLOADED_SOURCE, UNREAD_COLUMN, UNREAD_MODEL
from toolkit.settings import RuleSettings, Settings
from toolkit.settings.types import RuleSeverity

RULES: tuple[Rule, ...] = (
    UNOWNED_MART,
    UNDOCUMENTED_INPUT,
    UNTAGGED,
    UNLOADED_SOURCE,
    UNREAD_MODEL,
    UNREAD_COLUMN,
    UNCONTRACTED,
)
_MARTS_FOLDERS = frozenset({"mart", "marts"})
_MART_KINDS = frozenset({"model", "snapshot", "seed", "python"})


def findings(
    graph: AssetGraph,
    lineage: Lineage,
    settings: Settings,
    *,
    project: str = "",
    dialect: str = "",
) -> tuple[Finding, ...]:
    """What breaks the rules that are on: by rule, then by file, asset and column.

    Args:
        project: the dbt project's name, where ``settings`` do not know it (artifacts only);
            assets of other packages are not reported.
        dialect: dbt's adapter type, likewise.

    Raises:
        SettingsError: a selection under ``rules`` in toolkit.yml cannot be read.
    """
    said = settings.rules
    name = settings.project_name or project
    scope = Scope(
        graph=graph,
        lineage=lineage,
        project=name,
        dialect=settings.adapter or dialect or "duckdb",
        marts=_marts(graph, said.marts, said.marts_where, name),
    )
    counts = severities(settings)
    result: list[Finding] = []
    for rule in RULES:
        own = said.rules.get(rule.id) or RuleSettings(where="")
        severity = counts[rule.id]
        if severity == "off":
            continue
        excepted = _selected(graph, own.exceptions, own.where, name)
        narrowed = msgspec.structs.replace(scope, excepted=excepted)
        found = sorted(rule.check(narrowed, own), key=_order)
        result += [_finding(rule, one, severity) for one in found]
    return tuple(result)


def severities(settings: Settings) -> dict[str, RuleSeverity]:
    """The severity of each rule, as toolkit.yml says, else its default."""
    said = settings.rules.rules
    return {
        rule.id: (said[rule.id].severity if rule.id in said else None) or rule.default
        for rule in RULES
    }


def follows_tags(graph: AssetGraph, settings: Settings) -> bool:
    """Whether there are tags that are followed, so that what cannot be traced matters."""
    own = settings.rules.rules.get(UNTAGGED.id) or RuleSettings(where="")
    return severities(settings)[UNTAGGED.id] != "off" and tags_in_use(graph, own)


def _finding(rule: Rule, found: Found, severity: RuleSeverity) -> Finding:
    assert severity != "off"
    return Finding(
        rule=rule.id,
        severity=severity,
        asset=found.asset.key,
        column=found.column,
        message=found.message,
        path=_place(found),
        line=found.asset.line if _place(found) == found.asset.path else None,
        mend=found.mend,
    )


def _place(found: Found) -> str | None:
    return found.path or described_in(found.asset)


def _order(found: Found) -> tuple[str, str, str]:
    return _place(found) or "", found.asset.key, found.column or ""


def _marts(graph: AssetGraph, words: Sequence[str], where: str, project: str) -> frozenset[str]:
    """As toolkit.yml says; else models under a folder ``marts``, and public ones."""
    if words:
        chosen = _selected(graph, words, where, project)
        return frozenset(key for key in chosen if graph[key].kind in _MART_KINDS)
    return frozenset(asset.key for asset in graph if asset.kind == "model" and _is_mart(asset))


def _is_mart(asset: Asset) -> bool:
    folders = {p.casefold() for p in PurePath((asset.path or "").replace("\\", "/")).parts[:-1]}
    return asset.access == "public" or not folders.isdisjoint(_MARTS_FOLDERS)


def _selected(graph: AssetGraph, words: Sequence[str], where: str, project: str) -> frozenset[str]:
    if not words:
        return frozenset()
    context = selection.SelectionContext(project=project)
    try:
        chosen = selection.select(graph, words, indirect="empty", context=context)
    except SelectionError as error:
        raise SettingsError(
            f"{where}: the selection cannot be read: {error.fact}",
            "It is not clear which assets the rule is about, so nothing was checked.",
            error.next_step or f"Correct {where}.",
        ) from error
    return chosen.assets
