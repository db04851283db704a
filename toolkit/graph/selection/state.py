"""Methods that compare with something earlier: ``state``, ``result``, ``source_status``."""

from collections.abc import Callable, Mapping
from datetime import datetime

from toolkit.errors import SelectionError
from toolkit.graph.asset import Asset, Check
from toolkit.graph.graph import AssetGraph
from toolkit.graph.selection.context import SelectionContext
from toolkit.graph.selection.index import Index, Node
from toolkit.graph.selection.terms import Term

Fingerprints = Mapping[str, str]

# which of dbt's nodes have which part; other integrations have those that they fingerprint
_CODE = frozenset({"model", "snapshot", "seed", "function", "test"})
_DESCRIBED = frozenset({"source", "exposure", "metric", "semantic_model", "saved_query"})
_PARTS: Mapping[str, frozenset[str]] = {
    "body": _CODE,
    "configs": _CODE | _DESCRIBED,
    "persisted_descriptions": _CODE,
    "relation": _CODE | {"source"},
    "macros": _CODE,
    "contract": _CODE,
}


def by_state(index: Index, term: Term, context: SelectionContext) -> set[str]:
    """New, old, modified, unmodified, or modified in one part."""
    matches = _STATES.get(term.value)
    if matches is None:
        raise SelectionError(
            f"{term.raw!r}: {term.value!r} is nothing that state: can tell.",
            "Nothing was selected.",
            f"Known: {', '.join(_STATES)}.",
        )
    state = context.state
    if state is None:
        raise _needs(term, "an earlier state of the project", "--state FOLDER_WITH_A_MANIFEST")
    return {key for key, node in index.nodes.items() if matches(_then(state, key), node)}


def by_result(index: Index, term: Term, context: SelectionContext) -> set[str]:
    """What ended with a status in an earlier run."""
    if context.results is None:
        raise _needs(term, "the results of an earlier run", "--state FOLDER_WITH_RUN_RESULTS")
    results = context.results
    return {key for key in index.nodes if results.get(key) == term.value}


def by_source_status(index: Index, term: Term, context: SelectionContext) -> set[str]:
    """Sources with newer rows than before, among those whose freshness is known."""
    if term.value != "fresher":
        raise SelectionError(
            f"{term.raw!r}: {term.value!r} is nothing that source_status: can tell.",
            "Nothing was selected.",
            "Write source_status:fresher.",
        )
    if context.source_status is None:
        raise _needs(term, "source freshness then and now", "--state FOLDER_WITH_SOURCES_JSON")
    before, now = context.source_status.before, context.source_status.now
    return {key for key in index.nodes if _is_fresher(before, now, key)}


def _is_fresher(
    before: Mapping[str, datetime | None], now: Mapping[str, datetime | None], key: str
) -> bool:
    newest = now.get(key)
    if newest is None:
        return False
    if key not in before:
        return True
    earlier = before[key]
    # an earlier failure says nothing about how old the rows were
    return earlier is not None and newest > earlier


def _needs(term: Term, what: str, option: str) -> SelectionError:
    return SelectionError(
        f"{term.raw!r} compares with {what}, and none was given.",
        "Nothing was selected.",
        f"Add {option}.",
    )


def _then(state: AssetGraph, key: str) -> Fingerprints | None:
    item: Asset | Check | None = state.assets.get(key) or state.checks.get(key)
    return item.fingerprints if item is not None else None


def _modified(then: Fingerprints | None, node: Node) -> bool:
    return then is None or then != node.fingerprints


def _part_modified(part: str) -> "_Matches":
    def matches(then: Fingerprints | None, node: Node) -> bool:
        now = node.fingerprints.get(part)
        if now is None if node.integration != "dbt" else node.resource not in _PARTS[part]:
            return False
        if then is None:
            return part != "macros"  # nobody can tell whether the macros of a new one are new
        return then.get(part) != now

    return matches


_Matches = Callable[[Fingerprints | None, Node], bool]

_STATES: Mapping[str, _Matches] = {
    "new": lambda then, _: then is None,
    "old": lambda then, _: then is not None,
    "modified": _modified,
    "unmodified": lambda then, node: not _modified(then, node),
    **{f"modified.{part}": _part_modified(part) for part in _PARTS},
}
