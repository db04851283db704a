"""Terms -> keys: graph operators, set operations, and checks that come along."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from toolkit.errors import Problem
from toolkit.graph.graph import AssetGraph
from toolkit.graph.selection.context import Indirect, Selection, SelectionContext
from toolkit.graph.selection.index import Index, index_of, named_without_method
from toolkit.graph.selection.methods import METHODS
from toolkit.graph.selection.terms import Group, Term, nearest, parse


class _Found(NamedTuple):
    """Keys that are selected, and those that are if the rest of their parents is too."""

    direct: set[str]
    possible: set[str]


def select(
    graph: AssetGraph,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    indirect: Indirect = "eager",
    context: SelectionContext | None = None,
) -> Selection:
    """Assets and checks that dbt's ``--select`` and ``--exclude`` mean, over the whole graph.

    Args:
        graph: where to look.
        select: values of ``--select``; none at all means everything, blank text nothing.
        exclude: values of ``--exclude``.
        indirect: which checks come along with selected assets: ``eager`` those with
            any selected parent, ``cautious`` those with all parents selected,
            ``buildable`` those whose parents are selected or upstream of what is,
            ``empty`` none.
        context: what ``state:`` and the like compare with.

    Raises:
        SelectionError: a selector that cannot be read, or that needs what ``context`` lacks.
    """
    search = _Search(index_of(graph), indirect, context or SelectionContext())
    wanted, unwanted = parse(select, METHODS), parse(exclude, METHODS)
    chosen = search.union(wanted, "--select") if select else set(search.index.nodes)
    if select and not wanted:
        search.problems.append(_warning("--select is empty, so nothing is selected.", ""))
    chosen = chosen - search.union(unwanted, "--exclude")
    checks = chosen & search.index.checks
    return Selection(frozenset(chosen - checks), frozenset(checks), tuple(search.problems))


class _Search:
    """One call of :func:`select`."""

    def __init__(self, index: Index, indirect: Indirect, context: SelectionContext) -> None:
        self.index = index
        self.problems: list[Problem] = []
        self._indirect = indirect
        self._context = context

    def union(self, groups: Iterable[Group], option: str) -> set[str]:
        """Keys that any of ``groups`` means."""
        direct: set[str] = set()
        possible: set[str] = set()
        for group in groups:
            found = self._intersection(group)
            if not found.direct:
                hint = _hint(self.index, group.terms)
                fact = f"{group.raw!r} in {option} matches nothing."
                self.problems.append(_warning(fact, hint))
            direct |= found.direct
            possible |= found.direct | found.possible
        return self._complete(direct, possible)

    def _intersection(self, group: Group) -> _Found:
        found = [self._term(term) for term in group.terms]
        direct = set.intersection(*(f.direct for f in found))
        possible = set.intersection(*(f.direct | f.possible for f in found))
        return _Found(self._complete(direct, possible), possible)

    def _term(self, term: Term) -> _Found:
        index = self.index
        start = METHODS[term.method](index, term, self._context)
        selected = set(start)
        if term.at:
            family = start | index.reach(start, index.children, None)
            selected |= family | index.reach(family, index.parents, None)
        selected |= index.reach(start, index.parents, term.up)
        selected |= index.reach(start, index.children, term.down)
        return self._with_checks(selected)

    def _with_checks(self, selected: set[str]) -> _Found:
        """Add the checks that come along with ``selected``; hold back those that may yet."""
        if self._indirect == "empty":
            return _Found(selected, set())
        checks = self._checks_on(selected)
        if self._indirect == "eager":
            return _Found(selected | checks, set())
        enough = selected
        if self._indirect == "buildable":
            # sources are there without being built, so a check may read them
            enough = self._with_parents(selected) | self.index.sources
        complete = {key for key in checks if self._reads_only(key, enough)}
        return _Found(selected | complete, checks - complete)

    def _complete(self, direct: set[str], possible: set[str]) -> set[str]:
        """Add checks of ``possible`` whose parents have come together by now."""
        pending = {
            key for key in possible - direct if self.index.nodes[key].resource != "unit_test"
        }
        if self._indirect in ("eager", "empty") or not pending:
            return direct
        enough = self._with_parents(direct) if self._indirect == "buildable" else direct
        return direct | {key for key in pending if self._reads_only(key, enough)}

    def _checks_on(self, keys: Iterable[str]) -> set[str]:
        children, checks = self.index.children, self.index.checks
        return {child for key in keys for child in children.get(key, ()) if child in checks}

    def _with_parents(self, keys: set[str]) -> set[str]:
        return keys | self.index.reach(keys, self.index.parents, None)

    def _reads_only(self, check: str, keys: set[str]) -> bool:
        node = self.index.nodes[check].check
        return node is not None and keys.issuperset(node.assets)


def _warning(fact: str, hint: str) -> Problem:
    message = f"{fact} {hint}".rstrip()
    return Problem(asset=None, code="selection-matches-nothing", message=message)


def _hint(index: Index, terms: Sequence[Term]) -> str:
    """What the user may have meant, where one bare name matched nothing."""
    if len(terms) != 1 or not terms[0].implied:
        return ""
    value = terms[0].value
    for node in index.nodes.values():
        if value == node.key and named_without_method(node):
            return f"That is a key; its name is {'.'.join(node.names[-1][0])!r}."
        if value in (node.name, node.key) and node.asset and not named_without_method(node):
            return f"Did you mean {node.resource}:{node.asset.source_name}.{node.name}?"
    names = {n.name for n in index.nodes.values() if n.asset and named_without_method(n)}
    return nearest(value, names)
