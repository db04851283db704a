"""ReportData -> the two tables-of-columns that the page decodes.

``core`` is what every view needs at once. ``texts`` holds the SQL, which is most
of the bytes, the profiles, and the versions of ML models; it is decoded only when
somebody opens an asset. static/data.js reads both; the two files change together.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from toolkit.graph import Asset, Check
from toolkit.lineage.walks.origin import origins, removed, row_filter
from toolkit.report.page.columnar import Interner, delta
from toolkit.report.page.data import ReportData
from toolkit.report.page.facts import facts_of
from toolkit.report.page.inner import inner_steps
from toolkit.report.page.layout import layered
from toolkit.report.page.payload_models import models_table
from toolkit.report.page.payload_profiles import profiles_table
from toolkit.report.page.payload_runs import past_table, runs_table, steps_table

SCHEMA_VERSION = 1
MAX_TEXT = 4000  # characters of one description, message or expression
MAX_SQL = 100_000  # characters of one SQL text


def build_payload(data: ReportData) -> tuple[dict[str, Any], dict[str, Any]]:
    """``core`` and ``texts`` for :func:`toolkit.report.columnar.pack`."""
    builder = _Builder(data)
    core = builder.core()
    return core, builder.texts()


def container(asset: Asset) -> str:
    """The folder, source or connection that an asset is shown in when the graph is collapsed."""
    if asset.kind in ("stream", "source") and asset.source_name:
        return f"{asset.kind}s/{asset.source_name}"
    if asset.path:
        folder = str(PurePosixPath(asset.path.replace("\\", "/")).parent)
        return folder if folder != "." else "(project)"
    return asset.package or asset.integration


class _Builder:
    def __init__(self, data: ReportData) -> None:
        self.data = data
        self.intern = Interner(data.secrets)
        self.keys = list(data.graph.assets)
        self.number = {key: i for i, key in enumerate(self.keys)}
        self.columns: list[tuple[int, str]] = []
        self.column_number: dict[tuple[int, str], int] = {}

    def core(self) -> dict[str, Any]:
        data = self.data
        columns = self._columns()
        return {
            "v": SCHEMA_VERSION,
            "meta": {
                "project": self.intern.clean(data.project),
                "target": self.intern.clean(data.target),
                "dialect": data.dialect,
                "made_at": data.made_at,
                "version": data.version,
                "commit": self.intern.clean(data.commit) if data.commit else None,
            },
            "assets": self._assets(),
            "edges": self._edges(),
            "columns": columns,
            "column_edges": self._column_edges(),
            "asset_edges": self._asset_edges(),
            "checks": self._checks(),
            "runs": runs_table(data, self.intern),
            "steps": steps_table(data, self.intern, self._text),
            "past": past_table(data, self.number, self.intern),
            "problems": self._problems(),
            "findings": self._findings(),
            "matched": self._matched(),
            "unmatched": self._unmatched(),
            "landing": self._landing(),
            "strings": self.intern.strings,  # last: the others fill it
        }

    def texts(self) -> dict[str, Any]:
        """SQL by asset number, compiled only where it differs from the source; profiles; models."""
        raw: dict[str, str] = {}
        compiled: dict[str, str] = {}
        for i, asset in enumerate(self.data.graph):
            if asset.raw_sql:
                raw[str(i)] = self.intern.clean(asset.raw_sql[:MAX_SQL])
            if asset.sql and asset.sql != asset.raw_sql:
                compiled[str(i)] = self.intern.clean(asset.sql[:MAX_SQL])
        profiles = profiles_table(self.data, self.intern.clean)
        models = models_table(self.data, self.intern.clean)
        return {"raw": raw, "compiled": compiled, "profiles": profiles, "models": models}

    def _text(self, text: str | None) -> int:
        if text is None:
            return -1
        return self.intern(text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…")

    def _assets(self) -> dict[str, Any]:
        graph, intern, text = self.data.graph, self.intern, self._text
        assets = list(graph)
        place = layered(len(assets), [(self.number[a], self.number[b]) for a, b in graph.edges])
        states = [self.data.states.get(key) for key in self.keys]
        made = [self.data.materializations.get(key) for key in self.keys]
        return {
            "key": [intern(a.key) for a in assets],
            "name": [intern(a.name) for a in assets],
            "kind": [intern(a.kind) for a in assets],
            "tool": [intern(a.integration) for a in assets],
            "owner": [intern(a.owner) for a in assets],
            "group": [intern(a.group) for a in assets],
            "folder": [intern(container(a)) for a in assets],
            "path": [intern(a.path) for a in assets],
            "yaml_path": [intern(a.yaml_path) for a in assets],
            "access": [intern(a.access) for a in assets],
            "version": [intern(a.version) for a in assets],
            "line": [a.line or 0 for a in assets],
            "package": [intern(a.package) for a in assets],
            "source": [intern(a.source_name) for a in assets],
            "subtype": [intern(a.subtype) for a in assets],
            "materialized": [intern(a.materialized) for a in assets],
            "relation": [intern(str(a.relation) if a.relation else None) for a in assets],
            "description": [text(a.description or None) for a in assets],
            "url": [intern(a.url) for a in assets],
            "contract": [int(a.contract) for a in assets],
            "facts": [self._facts(a) for a in assets],
            "tags": [[intern(tag) for tag in a.tags] for a in assets],
            "fqn": [[intern(part) for part in a.fqn] for a in assets],
            "lineage": [intern(self.data.lineage.status.get(key, "none")) for key in self.keys],
            "state": [intern(s.state if s else None) for s in states],
            "reason": [text(s.reason or None if s else None) for s in states],
            "at": [m.at if m else None for m in made],
            "rows": [m.rows if m else None for m in made],
            "metrics": [_pairs(m.metrics, intern) if m else [] for m in made],
            "metadata": [_pairs(m.metadata, intern) if m else [] for m in made],
            "result": [self._result(key) for key in self.keys],
            "layer": place.layer,
            "sub": place.sub,
            "row": [round(row, 2) for row in place.row],
        }

    def _facts(self, asset: Asset) -> list[list[int]]:
        return [[self.intern(name), self._text(value)] for name, value in facts_of(asset)]

    def _result(self, key: str) -> list[Any] | None:
        step = self.data.results.get(key)
        if step is None:
            return None
        message = self._text(step.message or None)
        return [self.intern(step.status), message, step.failures, self.intern(step.run_id)]

    def _edges(self) -> dict[str, Any]:
        pairs = sorted((self.number[a], self.number[b]) for a, b in self.data.graph.edges)
        return {"from": delta(a for a, _ in pairs), "to": [b for _, b in pairs]}

    def _columns(self) -> dict[str, Any]:
        """All columns that anybody knows of: declared, traced, or an end of an edge."""
        lineage = self.data.lineage
        extra: dict[str, dict[str, None]] = {}
        for edge in lineage.column_edges:
            for key, name in (edge.source, edge.target):
                extra.setdefault(key, {})[name] = None
        for asset_edge in lineage.asset_edges:
            key, name = asset_edge.source
            extra.setdefault(key, {})[name] = None
        starts, types, descriptions = [0], [], []
        landed: list[list[int]] = []
        tagged: list[list[Any]] = []
        for i, asset in enumerate(self.data.graph):
            traced = lineage.columns.get(asset.key, {})
            declared = {name.casefold(): column for name, column in asset.columns.items()}
            names = {**traced, **extra.get(asset.key, {})}
            folded = {name.casefold() for name in names}
            came_from = origins(asset)
            ordered = [*names, *(n for n in asset.columns if n.casefold() not in folded)]
            for name in ordered:
                column = declared.get(name.casefold())
                self.column_number[i, name] = len(self.columns)
                origin = came_from.get(name.casefold())
                if origin is not None:
                    said = self.intern(origin.source), self.intern(origin.how)
                    landed.append([len(self.columns), *said, int(origin.masked)])
                if column is not None and column.tags:
                    tagged.append([len(self.columns), [self.intern(tag) for tag in column.tags]])
                self.columns.append((i, name))
                types.append(self.intern(traced.get(name) or (column.type if column else None)))
                descriptions.append(self._text(column.description or None if column else None))
            starts.append(len(self.columns))
        return {
            "start": delta(starts),
            "name": [self.intern(name) for _, name in self.columns],
            "type": types,
            "description": descriptions,
            "origin": landed,
            "tags": tagged,
        }

    def _column(self, end: tuple[str, str]) -> int | None:
        asset = self.number.get(end[0])
        return None if asset is None else self.column_number.get((asset, end[1]))

    def _column_edges(self) -> dict[str, Any]:
        rows = []
        inner = inner_steps(self.data.graph, self.data.lineage, self.data.dialect)
        for edge in self.data.lineage.column_edges:
            source, target = self._column(edge.source), self._column(edge.target)
            if source is None or target is None:
                continue  # an end outside of the graph: the lineage has listed it as a problem
            # What an IDENTITY edge says is only the column's name again.
            said = None if edge.subtype == "IDENTITY" else self._text(edge.expression)
            said = -1 if said is None else said
            direct = int(edge.type == "DIRECT")
            steps = tuple(
                (self.intern(step.name), self.intern(step.text)) for step in inner.get(edge, ())
            )
            subtype = self.intern(edge.subtype)
            rows.append((target, source, direct, subtype, said, edge.line or 0, steps))
        rows.sort()
        return {
            "to": delta(row[0] for row in rows),
            "from": [row[1] for row in rows],
            "direct": [row[2] for row in rows],
            "subtype": [row[3] for row in rows],
            "expression": [row[4] for row in rows],
            "line": [row[5] for row in rows],
            "inner": [[n, *row[6]] for n, row in enumerate(rows) if row[6]],
        }

    def _asset_edges(self) -> dict[str, Any]:
        rows = []
        for edge in self.data.lineage.asset_edges:
            source, target = self._column(edge.source), self.number.get(edge.target)
            if source is not None and target is not None:
                rows.append((target, source, self.intern(edge.subtype)))
        rows.sort()
        return {
            "to": delta(row[0] for row in rows),
            "from": [row[1] for row in rows],
            "subtype": [row[2] for row in rows],
        }

    def _matched(self) -> list[list[int]]:
        """Reader, writer and tier of each edge that was found by the relation."""
        return [
            [self.number[asset.key], self.number[parent], self.intern(tier)]
            for asset in self.data.graph
            for parent, tier in asset.matched.items()
            if parent in self.number
        ]

    def _unmatched(self) -> list[list[Any]]:
        intern = self.intern
        return [
            [
                self.number[item.asset.key],
                intern(item.what),
                intern(item.problem().severity),
                [
                    [
                        self.number.get(one.key, -1),
                        *map(intern, (one.relation, one.reason, one.file, one.line)),
                    ]
                    for one in item.candidates
                ],
            ]
            for item in self.data.graph.unmatched
            if item.asset.key in self.number
        ]

    def _landing(self) -> list[list[Any]]:
        """Assets of which only a part lands: conditions, properties they look at, removed ones."""
        found: list[list[Any]] = []
        for asset in self.data.graph:
            rows, gone = row_filter(asset), removed(asset)
            if rows is not None or gone:
                conditions = rows.conditions if rows is not None else ()
                properties = rows.properties if rows is not None else ()
                words = [list(map(self.intern, part)) for part in (conditions, properties, gone)]
                found.append([self.number[asset.key], *words])
        return found

    def _checks(self) -> dict[str, Any]:
        checks = list(self.data.graph.checks.values())
        intern = self.intern
        return {
            "key": [intern(c.key) for c in checks],
            "name": [intern(c.name) for c in checks],
            "kind": [intern(c.kind) for c in checks],
            "test": [intern(c.test_name) for c in checks],
            "asset": [self._attached(c) for c in checks],
            "assets": [[self.number[k] for k in c.assets if k in self.number] for c in checks],
            "column": [intern(c.column) for c in checks],
            "severity": [intern(c.severity) for c in checks],
            "path": [intern(c.path) for c in checks],
            "result": [self._result(c.key) for c in checks],
            "metadata": [_pairs(self._noted(c.key), intern) for c in checks],
        }

    def _noted(self, key: str) -> Mapping[str, Any]:
        """What a check said beside its message the last time."""
        step = self.data.results.get(key)
        noted = step.adapter_response.get("metadata") if step is not None else None
        return noted if isinstance(noted, Mapping) else {}

    def _attached(self, check: Check) -> int:
        wanted = check.attached or (check.assets[0] if check.assets else None)
        return -1 if wanted is None else self.number.get(wanted, -1)

    def _problems(self) -> dict[str, Any]:
        problems = list(dict.fromkeys(self.data.problems))  # two rooms may list the same one
        return {
            "asset": [self.number.get(p.asset, -1) if p.asset else -1 for p in problems],
            "code": [self.intern(p.code) for p in problems],
            "message": [self._text(p.message) for p in problems],
            "severity": [self.intern(p.severity) for p in problems],
            "path": [self.intern(p.path) for p in problems],
            "line": [p.line or 0 for p in problems],
        }

    def _findings(self) -> dict[str, Any]:
        """What rules say, ours and those of other tools; a column by its name, as it is told."""
        found, intern, text = self.data.findings, self.intern, self._text
        return {
            "asset": [self.number.get(f.asset, -1) if f.asset else -1 for f in found],
            "rule": [intern(f.rule) for f in found],
            "severity": [intern(f.severity) for f in found],
            "column": [intern(f.column) for f in found],
            "message": [text(f.message) for f in found],
            "mend": [text(f.mend or None) for f in found],
            "path": [intern(f.path) for f in found],
            "line": [f.line or 0 for f in found],
            "tool": [intern(f.tool) for f in found],
        }


def _pairs(values: Mapping[str, Any], intern: Interner) -> list[list[Any]]:
    """Name and value; numbers stay numbers, anything else is said as text."""
    plain = []
    for name, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        plain.append([intern(name), value if number else intern.clean(str(value)[:MAX_TEXT])])
    return plain
