"""Drift of sources as JSON, for a terminal and as Markdown."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.graph import AssetGraph
from toolkit.integrations.airbyte.drift.changes import Change
from toolkit.integrations.airbyte.drift.impact import Finding
from toolkit.integrations.airbyte.drift.offers import ConnectionDrift, Landed
from toolkit.lineage.walks.reach import VERDICTS, Reach
from toolkit.report.markdown import code, plain

SCHEMA_VERSION = 1
_NAMED = 4
_WORDS = {"python": "Python asset", "ml_model": "ML model"}

Painter = Callable[[str, str], str]
"""Takes a verdict and a text, gives the text in the verdict's colour."""


class DriftReport:
    """Renders the drift of some connections.

    Args:
        project_dir: what paths are told relative to.
        everything: also what is offered and not asked for, one by one, and what is safe.
    """

    def __init__(
        self,
        graph: AssetGraph,
        drifts: Sequence[ConnectionDrift],
        project_dir: Path,
        *,
        everything: bool = False,
    ) -> None:
        self._graph = graph
        self._drifts = drifts
        self._project_dir = project_dir
        self._everything = everything

    # ---- JSON ----

    def document(self, project: str, target: str) -> dict[str, Any]:
        """The versioned document; see docs/drift.md."""
        return {
            "schema_version": SCHEMA_VERSION,
            "project": project,
            "target": target,
            "counts": {v: sum(d.count(v) for d in self._drifts) for v in VERDICTS},
            "connections": [self._connection(drift) for drift in self._drifts],
        }

    def _connection(self, drift: ConnectionDrift) -> dict[str, Any]:
        fields = {stream: list(names) for stream, names in drift.spare_fields.items()}
        return {
            "name": drift.connection,
            "path": self._relative(drift.path),
            "offered": drift.offered,
            "known": drift.known,
            "error": drift.trouble,
            "changes": [self._finding(finding) for finding in drift.findings],
            "unknown_streams": drift.unknown,
            "not_selected": {"streams": list(drift.spare_streams), "fields": fields},
            "landed": [
                {"stream": one.stream, "column": one.column, "has": one.has, "lands": one.lands}
                for one in drift.landed
            ],
        }

    def _finding(self, finding: Finding) -> dict[str, Any]:
        change = finding.change
        return {
            "verdict": finding.verdict,
            "kind": change.kind,
            "stream": change.stream,
            "asset": change.asset,
            "field": change.field,
            "was": change.was,
            "now": change.now,
            "column": change.column,
            "column_now": change.column_now,
            "looks_renamed_to": change.renamed_to,
            "detail": change.detail or None,
            "reason": finding.reason,
            "configuration": [
                {"key": use.key, "where": self._relative(use.where)} for use in change.uses
            ],
            "where": self._relative(change.where) if change.where else None,
            "fails": list(finding.fails),
            "waits": finding.waits,
            "reach": self._reach(finding) if finding.reach is not None else None,
        }

    def _reach(self, finding: Finding) -> dict[str, Any]:
        reach = finding.reach
        assert reach is not None
        return {
            "counts": counts(self._graph, reach),
            "owners": owners(self._graph, reach),
            "assets": [
                self._asset(key, reach, finding.change) for key in reached(self._graph, reach)
            ],
            "checks": list(reach.checks),
            "possible_checks": list(reach.possible_checks),
        }

    def _asset(self, key: str, reach: Reach, change: Change) -> dict[str, Any]:
        asset = self._graph[key]
        sure = key in reach.assets
        columns = reach.columns if sure else reach.possible_columns
        path = [[hop.asset, hop.column, hop.how or None] for hop in reach.path(key)]
        if path and path[0][0] != change.asset:  # no edge leads from the stream to its source
            path.insert(0, [change.asset, change.column, None])
        return {
            "key": key,
            "kind": asset.kind,
            "owner": asset.owner,
            "certain": sure,
            "columns": sorted(name for of, name in columns if of == key),
            "path": path,
        }

    # ---- text ----

    def text(self, paint: Painter = lambda _, text: text) -> str:
        """A tree for people, worst first."""
        lines: list[str] = []
        for drift in self._drifts:
            lines += self._heading(drift)
            shown = [f for f in drift.findings if f.verdict != "safe" or self._everything]
            for finding in shown:
                lines.append(
                    f"  {paint(finding.verdict, f'{finding.verdict:<8}')}  {said(finding.change)}"
                )
                lines += [f"            {line}" for line in self._below(finding)]
            lines += [f"  {line}" for line in self._rest(drift)]
        return "\n".join(lines) + "\n"

    def _heading(self, drift: ConnectionDrift) -> Iterator[str]:
        if drift.trouble is not None:
            yield f"{drift.connection}: not known"
            yield from (f"  {line}" for line in drift.trouble.splitlines())
            return
        found = [f"{n} {verdict}" for verdict in VERDICTS if (n := drift.count(verdict))]
        yield f"{drift.connection}: {', '.join(found) or 'no drift'}"
        if drift.offered is not None:
            before = drift.known or "nothing that was kept"
            yield f"  offered: {drift.offered}; before: {before}"

    def _below(self, finding: Finding) -> Iterator[str]:
        change = finding.change
        yield finding.reason
        if change.renamed_to and change.kind != "field-moved":
            yield f"looks renamed: {change.renamed_to!r} is there"
        places = [*(use.where for use in change.uses), *([change.where] if change.where else [])]
        if places:
            yield "configured at " + ", ".join(self._relative(place) for place in places)
        reach = finding.reach
        if reach is None or finding.verdict == "safe" or not reached(self._graph, reach):
            return
        yield summary(self._graph, finding)
        yield from self._tree(finding, reach)

    def _tree(self, finding: Finding, reach: Reach) -> Iterator[str]:
        children: dict[str, list[str]] = {}
        roots: list[str] = []
        for key, node in reach.first.items():
            before = reach.came[node][0]
            while before is not None and before[0] == key:
                before = reach.came[before][0]
            (children.setdefault(before[0], []) if before is not None else roots).append(key)
        landed = {r for r in roots if self._graph[r].kind == "source"}
        if len(roots) > 1:  # the stream first, then the sources that it lands in
            stream = next(r for r in roots if r not in landed)
            children.setdefault(stream, [])[:0] = [r for r in roots if r != stream]
            roots = [stream]
        for root in roots:
            yield self._label(root, finding, reach)
            yield from self._branches(root, children, finding, reach, "")

    def _branches(
        self,
        key: str,
        children: Mapping[str, list[str]],
        finding: Finding,
        reach: Reach,
        lead: str,
    ) -> Iterator[str]:
        below = children.get(key, [])
        for place, child in enumerate(below):
            last = place == len(below) - 1
            yield f"{lead}{'└── ' if last else '├── '}{self._label(child, finding, reach)}"
            deeper = lead + ("    " if last else "│   ")
            yield from self._branches(child, children, finding, reach, deeper)

    def _label(self, key: str, finding: Finding, reach: Reach) -> str:
        sure = key in reach.assets
        columns = reach.columns if sure else reach.possible_columns
        names = sorted(name for of, name in columns if of == key and name != "*")
        label = key
        if len(names) == 1:
            label += f".{names[0]}"
        elif names:
            label += f": {_listed(names)}"
        if not sure:
            label += f"  ({reach.came[reach.first[key]][1]}: may read it)"
        if key in finding.fails:
            label += "  <- reads it by name"
        owner = self._graph[key].owner
        return label + (f"  [{owner}]" if owner else "")

    def _rest(self, drift: ConnectionDrift) -> Iterator[str]:
        safe = drift.count("safe")
        if safe and not self._everything:
            yield f"{_plural(safe, 'safe change')} not shown (--all)"
        for name in drift.unknown:
            yield (
                f"{name}: what the source offers cannot be known here (no local source, and no "
                "file says it); give a catalog with --against FILE"
            )
        spare = sum(map(len, drift.spare_fields.values()))
        if (drift.spare_streams or spare) and not self._everything:
            both = [_plural(len(drift.spare_streams), "stream"), _plural(spare, "field")]
            yield f"offered and not selected: {' and '.join(both)} (--all)"
        elif self._everything:
            for stream in drift.spare_streams:
                yield f"not selected: stream {stream}"
            for stream, fields in drift.spare_fields.items():
                yield f"not selected: {stream}: {', '.join(fields)}"
        for one in drift.landed:
            yield f"in the warehouse: {landed_text(one)}"

    # ---- Markdown ----

    def markdown(self) -> str:
        """For a comment on a pull request or a CI summary."""
        lines = ["## Source drift", ""]
        for drift in self._drifts:
            lines += [f"### {plain(drift.connection)}", ""]
            if drift.trouble is not None:
                lines += [f"Not known: {plain(drift.trouble)}", ""]
                continue
            shown = [f for f in drift.findings if f.verdict != "safe" or self._everything]
            if shown:
                lines += ["| verdict | change | why | reaches | owners |", "|---|---|---|---|---|"]
            lines += [self._row(finding) for finding in shown]
            lines += [""] if shown else []
            rest = [f"- {plain(line)}" for line in self._rest(drift)]
            lines += rest or ([] if shown else ["No drift."])
            lines.append("")
        return "\n".join(lines).rstrip() + "\n"

    def _row(self, finding: Finding) -> str:
        reach = finding.reach
        keys = reached(self._graph, reach) if reach is not None else []
        far = [k for k in keys if not self._graph.children(k)] or keys
        reaches = f"{len(keys)} assets: {_listed([code(k).replace('|', '¦') for k in far])}"
        who = ", ".join(owners(self._graph, reach)) if reach is not None else ""
        words = [plain(text) for text in (said(finding.change), finding.reason, who)]
        cells = [f"**{finding.verdict}**", *words[:2], reaches if keys else "", words[2]]
        return f"| {' | '.join(cells)} |"

    def _relative(self, place: str) -> str:
        """``file:line`` from the project's folder."""
        path, colon, line = place.rpartition(":")
        if not colon or not line.isdigit():
            path, colon, line = place, "", ""
        return Path(os.path.relpath(path, self._project_dir)).as_posix() + colon + line


def said(change: Change) -> str:
    """The change in a few words."""
    about = f"{change.stream}.{change.field}" if change.field else change.stream
    was, now = change.was or "none", change.now or "none"
    lands = f" (lands in {change.column!r})" if change.column not in (None, change.field) else ""
    texts = {
        "stream-removed": " (stream) is gone",
        "stream-added": " is a new stream",
        "field-removed": f" is gone{lands}",
        "field-moved": f" landed in {change.column!r}, now in {change.column_now!r}",
        "field-retyped": f" was {was}, is {now}{lands}",
        "field-nested": f": {change.detail}",
        "field-required": " is in every record now",
        "field-optional": " is no longer in every record",
        "field-added": f" is new, {now}",
        "column-missing": f": nothing lands in the column {change.column!r}",
        "selection-missing": " is selected and not offered",
        "key-missing": ", the primary key, is not offered",
        "key-changed": f": the source's primary key was {was}, is {now}",
        "cursor-missing": ", the cursor, is not offered",
        "cursor-changed": f": the source's cursor was {was}, is {now}",
        "mode-removed": " can no longer be read incrementally",
        "mapper-broken": f": {change.detail}",
    }
    detail = f" ({change.detail})" if change.kind == "column-missing" and change.detail else ""
    if change.kind == "key-missing" and change.field is None:
        return f"{about}: the source has no primary key, and none is configured"
    return f"{about}{texts[change.kind]}{detail}"


def landed_text(one: Landed) -> str:
    """How one column of a landed table differs, in a few words."""
    about = f"{one.stream}.{one.column}"
    if one.lands is None:
        return f"{about} is there and nothing lands in it"
    if one.has is None:
        return f"{about} is not there yet"
    return f"{about} is {one.has}, and {one.lands} would land"


def reached(graph: AssetGraph, reach: Reach) -> list[str]:
    """Assets that are reached, surely or possibly, without those that the change is in."""
    starts = {node[0] for node, (before, _) in reach.came.items() if before is None}
    landed = {c for key in starts for c in graph.children(key) if graph[c].kind == "source"}
    return graph.topological((reach.assets | reach.possible_assets) - starts - landed)


def owners(graph: AssetGraph, reach: Reach) -> list[str]:
    """Owners of what is reached, sorted."""
    return sorted({o for key in reached(graph, reach) if (o := graph[key].owner) is not None})


def counts(graph: AssetGraph, reach: Reach) -> dict[str, int]:
    """How much is reached: columns, checks, and assets by kind; ``possible``: not surely."""
    keys = reached(graph, reach)
    sure = [key for key in keys if key in reach.assets]
    kinds = Counter(graph[key].kind for key in sure)
    return {
        "columns": sum(key in set(sure) for key, _ in reach.columns),
        "assets": len(sure),
        **{kind: kinds[kind] for kind in sorted(kinds)},
        "checks": len(reach.checks),
        "possible_assets": len(keys) - len(sure),
        "possible_checks": len(reach.possible_checks),
    }


def summary(graph: AssetGraph, finding: Finding) -> str:
    """What is reached, in one line."""
    assert finding.reach is not None
    found = counts(graph, finding.reach)
    kinds = [k for k in found if k not in ("columns", "assets", "checks") and "possible" not in k]
    words = ["column", *(_WORDS.get(kind, kind) for kind in kinds), "check"]
    numbers = [found["columns"], *(found[kind] for kind in kinds), found["checks"]]
    parts = [_plural(n, w) for n, w in zip(numbers, words, strict=True) if n]
    text = f"reaches {', '.join(parts)}" if parts else "reaches nothing for sure"
    possible = [
        _plural(found[f"possible_{word}s"], f"more {word}", f"more {word}s")
        for word in ("asset", "check")
        if found[f"possible_{word}s"]
    ]
    text += f"; possibly {', '.join(possible)}" if possible else ""
    text += f"; {_plural(finding.waits, 'asset')} downstream wait" if finding.waits else ""
    who = owners(graph, finding.reach)
    return text + (f"; owners: {', '.join(who)}" if who else "")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _plural(count: int, word: str, words: str | None = None) -> str:
    word = word.replace("_", " ")
    many = words or (word[:-1] + "ies" if word.endswith("y") else word + "s")
    return f"{count:,} {word if count == 1 else many}"
