"""Two graphs, one diff."""

from collections import Counter
from collections.abc import Iterator, Mapping

from toolkit.diff.checks import check_changes
from toolkit.diff.contracts import contract_notes
from toolkit.diff.failures import Columns, Ref
from toolkit.diff.judge import Judge
from toolkit.diff.model import AssetChange, Diff, worst_first
from toolkit.diff.moves import moved
from toolkit.diff.notes import notes
from toolkit.diff.own import Own, own_change
from toolkit.diff.renames import renamed_assets
from toolkit.diff.side import Side
from toolkit.lineage.walks.reach import VERDICTS


def compare(base: Side, head: Side) -> Diff:
    """What differs between two graphs, what that breaks, and whom it reaches; worst first."""
    renamed = renamed_assets(base, head)
    pairs = {key: key for key in head.graph.assets if key in base.graph.assets} | {
        now: was for was, now in renamed.items()
    }
    own: dict[str, Own] = {}
    for now, was in pairs.items():  # parents first
        own[now] = own_change(base, head, base.graph[was], head.graph[now])
        for column in own[now].columns:
            if column.how == "renamed":
                names = column.name.casefold(), column.former.casefold()
                head.definitions.renamed[now, names[0]] = names[1]
    columns = Columns(base, head)
    judge = Judge(base, head, columns, _own_refs(own, "removed"), _own_refs(own, "added"))
    changes = [*_pairs(base, head, judge, pairs, own)]
    changes += [judge.added(head.graph[key]) for key in head.graph.assets if key not in pairs]
    matched = set(pairs.values())
    changes += [judge.removed(base.graph[key]) for key in base.graph.assets if key not in matched]
    checks = check_changes(base, head)
    order = {key: place for place, key in enumerate((*base.graph.assets, *head.graph.assets))}
    changes.sort(key=lambda change: (worst_first(change.verdict), order[change.key]))
    counts = Counter(change.verdict for change in changes)
    counts.update(change.verdict for change in checks)
    return Diff(
        base=base.name,
        head=head.name,
        changes=tuple(changes),
        checks=checks,
        counts={verdict: counts[verdict] for verdict in VERDICTS},
    )


def _pairs(
    base: Side, head: Side, judge: Judge, pairs: Mapping[str, str], own: Mapping[str, Own]
) -> Iterator[AssetChange]:
    elsewhere = moved(base, head, pairs)
    for now, was in pairs.items():
        before, after = base.graph[was], head.graph[now]
        noted = [*notes(before, after), *contract_notes(before, after), *elsewhere.get(now, ())]
        if own[now].extent != "none" or own[now].said or noted or now != was:
            yield judge.changed(before, after, own[now], noted)


def _own_refs(own: Mapping[str, Own], how: str) -> frozenset[Ref]:
    """Columns that the assets' own changes account for."""
    found: set[Ref] = set()
    for key, change in own.items():
        for column in change.columns:
            if column.how in (how, "renamed"):
                name = column.former if how == "removed" else column.name
                found.add((key, name.casefold()))
    return frozenset(found)
