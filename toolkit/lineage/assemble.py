"""Results of single assets -> edges of the whole graph, with one spelling for each column."""

from collections.abc import Iterable, Mapping

from toolkit.errors import Problem
from toolkit.graph import Asset, AssetGraph
from toolkit.lineage.known import CATALOGUED
from toolkit.lineage.model import (
    AssetEdge,
    ColumnEdge,
    ColumnRef,
    Lineage,
    order_of_asset_edge,
    order_of_column_edge,
)
from toolkit.lineage.sql.flow import IDENTITY, INDIRECT_NAMES, ROW_NAMES, direct_name
from toolkit.lineage.traced import Home, Loss, Output, listed
from toolkit.lineage.tracer import Found

# Nothing is wrong with the lineage where these are said.
_REMARKS = frozenset(
    {"catalog-differs", "python-asset", "undeclared-dependency", "undeclared-inputs"}
)


class _Names:
    """Columns of each asset; a name that is met for the first time becomes one."""

    def __init__(self, found: Mapping[str, Found]) -> None:
        self.columns: dict[str, dict[str, str | None]] = {
            key: dict(one.shape.columns) for key, one in found.items()
        }
        self._folded = {
            key: {name.casefold(): name for name in reversed(names)}
            for key, names in self.columns.items()
        }

    def has(self, key: str, folded: str) -> bool:
        """The asset has a column of this name, as far as is known now."""
        return folded in self._folded.get(key, ())

    def spelled(self, key: str, name: str) -> tuple[str, bool]:
        """The one spelling of a column, and whether it was unknown until now."""
        if name in self.columns[key]:
            return name, False
        folded = name.casefold()
        known = self._folded[key].get(folded)
        if known is not None:
            return known, False
        self.columns[key][name] = None
        self._folded[key][folded] = name
        return name, True


class _Assembly:
    def __init__(self, found: Mapping[str, Found]) -> None:
        self.names = _Names(found)
        self._found = found
        self._column_edges: dict[ColumnRef, dict[ColumnRef, int]] = {}
        self._written: dict[ColumnRef, Output] = {}
        self._rows: dict[str, dict[ColumnRef, int]] = {}
        self._asked: list[ColumnRef] = []
        self.unlisted: dict[str, list[str]] = {}
        self._outputs: dict[str, set[str]] = {}
        self._readers: dict[str, list[str]] = {}
        for key, one in found.items():
            if one.traced is None:
                continue
            self._outputs[key] = {output.name.casefold() for output in one.traced.outputs}
            if one.traced.branches:
                self._asked += [(key, name) for name in one.shape.columns]
            for source in {home.key for branch in one.traced.branches for home in branch}:
                if source is not None:
                    self._readers.setdefault(source, []).append(key)

    def run(self) -> None:
        for key, one in self._found.items():
            if one.traced is None:
                continue
            for output in one.traced.outputs:
                name, _ = self.names.spelled(key, output.name)
                self._written.setdefault((key, name), output)
                into = self._column_edges.setdefault((key, name), {})
                for source, column, mask in output.flow:
                    self._add(into, source, column, mask)
            rows = self._rows.setdefault(key, {})
            for source, column, mask in one.traced.rows:
                self._add(rows, source, column, mask)
        self._answer()

    def _add(self, into: dict[ColumnRef, int], source: str, column: str, mask: int) -> None:
        if source not in self._found:
            return
        name = self._met(source, column)
        into[(source, name)] = into.get((source, name), 0) | mask

    def _met(self, key: str, column: str) -> str:
        """The spelling of a column; one that nobody knew is looked for on both sides."""
        name, is_new = self.names.spelled(key, column)
        if is_new:
            if self._found[key].shape.rank == CATALOGUED:
                self.unlisted.setdefault(key, []).append(name)
            self._asked.append((key, name))
            self._asked += [(reader, name) for reader in self._readers.get(key, ())]
        return name

    def _answer(self) -> None:
        """Columns that only their readers know of: find them behind the stars that hide them.

        A column that is found so also goes on through the other stars over its asset.
        """
        seen: set[ColumnRef] = set()
        while self._asked:
            key, name = ref = self._asked.pop()
            traced = self._found[key].traced
            if ref in seen or traced is None or name.casefold() in self._outputs[key]:
                continue
            seen.add(ref)
            for branch in traced.branches:
                home = self._home(branch, name.casefold())
                if home is None:
                    continue
                into = self._column_edges.setdefault((key, self._met(key, name)), {})
                if home.key is not None:
                    self._add(into, home.key, name, IDENTITY)
                for source, column, mask in home.flow:
                    self._add(into, source, column, mask)

    def _home(self, branch: list[Home], folded: str) -> Home | None:
        """The one likely home of an unknown column; none if there are several."""
        homes = [home for home in branch if folded not in home.hidden]
        known = [home for home in homes if home.key and self.names.has(home.key, folded)]
        lowest = min((home.rank for home in homes), default=0)
        likely = known or [home for home in homes if home.rank == lowest]
        return likely[0] if len(likely) == 1 else None

    def column_edges(self) -> list[ColumnEdge]:
        edges = []
        for target, sources in self._column_edges.items():
            output = self._written.get(target)
            for source, mask in sources.items():
                if source[0] == target[0]:
                    continue
                text = output.expression if output is not None else None
                line = output.line if output is not None else None
                direct = direct_name(mask)
                if direct is not None:
                    about = (None, None) if direct == "IDENTITY" else (text, line)
                    edges.append(ColumnEdge(source, target, "DIRECT", direct, *about))
                for bit, kind in INDIRECT_NAMES:
                    if mask & bit:
                        edges.append(ColumnEdge(source, target, "INDIRECT", kind, text, line))
        return sorted(edges, key=order_of_column_edge)

    def asset_edges(self) -> list[AssetEdge]:
        edges = [
            AssetEdge(source, target, kind)
            for target, sources in self._rows.items()
            for source, mask in sources.items()
            if source[0] != target
            for bit, kind in ROW_NAMES
            if mask & bit
        ]
        return sorted(edges, key=order_of_asset_edge)


def assemble(graph: AssetGraph, found: Mapping[str, Found], remarks: Iterable[Problem]) -> Lineage:
    """The lineage of the graph from what was found for each asset."""
    assembly = _Assembly(found)
    assembly.run()
    problems = [
        _problem(graph[key], loss, one) for key, one in found.items() for loss in one.losses
    ]
    for key, names in assembly.unlisted.items():
        message = (
            f"The columns {listed(names)} are read from it, and the catalog has no such columns: "
            "it is older than the SQL, or they are gone"
        )
        problems.append(_problem(graph[key], Loss("catalog-differs", message), found[key]))
    return Lineage(
        assembly.names.columns,
        assembly.column_edges(),
        assembly.asset_edges(),
        {key: one.status for key, one in found.items()},
        [*remarks, *problems],
    )


def _problem(asset: Asset, loss: Loss, found: Found) -> Problem:
    line = _source_line(asset, loss.line)
    where = f" (line {loss.line} of the compiled SQL)" if loss.line and line is None else ""
    opaque = "No column lineage for " if found.status == "opaque" else ""
    return Problem(
        asset=asset.key,
        code=loss.code,
        message=f"{opaque}{asset.key}: {_after_a_colon(loss.message)}{where}.",
        severity="info" if loss.code in _REMARKS else "warning",
        path=asset.path,
        line=line,
    )


def _after_a_colon(sentence: str) -> str:
    """A sentence in the middle of another; words in capitals (SELECT) stay."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def _source_line(asset: Asset, line: int | None) -> int | None:
    """The line of the file that became this line of compiled SQL, if there is no doubt."""
    if line is None or asset.sql is None or asset.raw_sql is None:
        return None
    compiled = asset.sql.splitlines()
    if not 0 < line <= len(compiled):
        return None
    wanted = compiled[line - 1].strip()
    found = [n for n, text in enumerate(asset.raw_sql.splitlines(), 1) if text.strip() == wanted]
    return found[0] if len(found) == 1 and wanted else None
