"""Data versions during a run: of what was made, and whether a step may stay asleep.

When something was made again and came out the same, nobody below it needs to run (early
cut-off). When it came out different, a child may still read only columns that did not
change (column cut-off): for that the columns that it reads are fingerprinted just before
the parent is made again, and compared with what they are afterwards.
"""

import threading
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from toolkit.errors import WarehouseError
from toolkit.graph import Asset, AssetGraph, Check
from toolkit.integrations.base import Made, StepFinished
from toolkit.ledger import Materialization
from toolkit.lineage.places import Places
from toolkit.lineage.queries.facts_cache import FactsCache
from toolkit.lineage.queries.reads import read_parents
from toolkit.plan import (
    History,
    Plan,
    PlannedStep,
    changed_by_others,
    current_versions,
    inputs,
    is_gate,
    is_view,
    tables_behind,
    unit_test_inputs,
    view_version,
    words_of,
)
from toolkit.run.columns import ColumnWatch, Sleeper
from toolkit.warehouse import Warehouse

if TYPE_CHECKING:
    from toolkit.lineage.queries.facts import SqlFacts
    from toolkit.warehouse.look import Functions


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an asset as a step left it.

    Attributes:
        code_version: ``None``: the one that its code has now.
    """

    made: Made
    sql_version: str = ""
    volatile: str = ""
    inputs: Mapping[str, str] = {}
    code_version: str | None = None


class Versions:
    """The version of everything in one run.

    Thread-safe. While another process holds the warehouse nothing can be measured.

    Args:
        dialect: of the SQL.
        target_path: where the SQL that ran last is found.
        facts: what is known of queries from earlier runs.
    """

    def __init__(
        self,
        plan: Plan,
        graph: AssetGraph,
        history: History,
        warehouse: Warehouse | None,
        dialect: str,
        target_path: Path | None = None,
        facts: FactsCache | None = None,
    ) -> None:
        self._graph = graph
        self._warehouse = warehouse
        self._dialect = dialect
        self._target_path = target_path
        self.facts = facts or FactsCache(None)
        self._planned = {planned.step.key: planned for planned in plan.steps}
        self._latest: dict[str, Materialization] = dict(history.latest)
        self._passed = history.passed
        self._lock = threading.RLock()
        self._places = Places(graph)
        self._remade: set[str] = set()
        self._functions: Functions | None = None
        self.outside = dict(history.seen.outside)
        self._measure_outside(plan)
        self._foreign = changed_by_others(graph, history)
        seen = msgspec.structs.replace(history.seen, outside=self.outside)
        standing = history.standing
        self._versions = current_versions(graph, self._latest, seen, standing)
        self._candidates = {k: s.candidate for k, s in standing.items() if s.candidate is not None}
        self._asleep: dict[str, tuple[str | None, Mapping[str, Mapping[str, str]]]] = {}
        self._watch = ColumnWatch(graph, warehouse, dialect, self._read_by(plan))

    # ---- what was made ----

    @property
    def can_measure(self) -> bool:
        """Whether the warehouse, if there is one, is not in another process's hands."""
        return self._warehouse is None or self._warehouse.is_open

    def measure(self, event: StepFinished) -> list[Measured]:
        """Version, SQL and inputs of all that a step made; to be asked before it is noted."""
        return [self.measured(made) for made in event.made]

    def note(self, rows: Iterable[Materialization]) -> None:
        """These are the latest now."""
        with self._lock:
            for row in rows:
                self._remade.add(row.asset)
                self._latest[row.asset] = row
                self._versions[row.asset] = row.data_version or row.run_id
                self._candidates.pop(row.asset, None)
                if isinstance(row.metadata.get("candidate"), str):
                    self._candidates[row.asset] = row.metadata["candidate"]
                    if row.data_version is None:  # nobody can read it yet
                        del self._versions[row.asset]

    def measured(self, made: Made) -> Measured:
        """Version, SQL and inputs of one asset that was made."""
        asset = self._graph[made.asset]
        before = self._latest.get(made.asset)
        if made.kept and before is not None:
            return Measured(
                made=made,
                sql_version=before.sql_version,
                volatile=before.volatile,
                inputs=before.inputs,
                code_version=before.code_version,
            )
        read = self.inputs_of(asset.depends_on)
        sql_version, volatile, ordered = self._facts(asset, made)
        version, rows, metadata = made.data_version, made.rows, made.metadata
        if ordered:
            metadata = {**metadata, "ordered": ordered, "ordered_on": self._made_by(asset)}
        metadata = {**metadata, "words": words_of(asset.raw_sql)} if asset.raw_sql else metadata
        metadata = {**metadata, "candidate": made.candidate} if made.candidate else metadata
        warehouse = self._warehouse
        if asset.relation is not None and warehouse is not None and warehouse.is_open:
            if is_view(asset):
                from toolkit.warehouse.look import view_text

                text = view_text(warehouse, asset.relation)
                metadata = {**metadata, "view": text} if text else metadata
                settled = text and not volatile
                version = view_version(sql_version or asset.code_version, read) if settled else None
            elif version is None or asset.kind == "stream":
                version, rows = self._content(asset, rows)
        elif asset.kind == "function":
            version = asset.code_version
        made = msgspec.structs.replace(made, data_version=version, rows=rows, metadata=metadata)
        return Measured(
            made=made,
            sql_version=sql_version,
            volatile=volatile,
            inputs=read,
        )

    def _made_by(self, asset: Asset) -> dict[str, str]:
        """The runs that made the rows which an asset reads."""
        with self._lock:
            behind = tables_behind(asset.depends_on, self._graph)
            return {key: self._latest[key].run_id for key in behind if key in self._latest}

    def _content(self, asset: Asset, rows: int | None) -> tuple[str | None, int | None]:
        assert self._warehouse is not None
        assert asset.relation is not None
        try:
            content = self._warehouse.content_hash(asset.relation)
        except WarehouseError:  # e.g. a materialization that is no table here
            return None, rows
        counted = asset.integration == "dbt"
        return content.version, content.rows if counted else rows

    def _facts(self, asset: Asset, made: Made) -> tuple[str, str, str]:
        """Version of the SQL that made it, why it is volatile, why the order of rows counts."""
        by_sql = asset.integration == "dbt" or asset.language == "sql"
        if asset.volatile or not by_sql or asset.kind in ("seed", "function"):
            return "", asset.volatile, ""
        if made.sql is None:
            return "", "the SQL that made it was not seen", ""
        facts = self._sql_facts(asset, made.sql)
        if facts is None:
            return "", "the SQL that made it was not examined", ""
        version = f"{asset.frame_version}/{facts.canonical}" if asset.frame_version else ""
        if asset.integration != "dbt" and asset.config.get("volatile") is False:
            return version, "", ""  # its author vouches for it
        return version, facts.volatile, facts.ordered

    def _sql_facts(self, asset: Asset, sql: str) -> "SqlFacts | None":
        if self._warehouse is None or not self._warehouse.is_open:
            return None
        parents = read_parents(asset, self._graph)
        places = [f"{key} {self._graph[key].relation}" for key in parents]
        with self._lock:
            if self._functions is None:
                from toolkit.warehouse.look import functions

                self._functions = functions(self._warehouse)
                self.facts.knows(self._functions)
            key = self.facts.key(sql, self._dialect, [*places, f"own {asset.relation}"])
            found = self.facts.get(key)
        if found is None:
            from toolkit.lineage.queries.facts import sql_facts

            found = sql_facts(asset, sql, self._dialect, self._functions, self._places, parents)
            with self._lock:
                self.facts.put(key, found)
        return found

    def volatile_check(self, check: Check, sql: str | None) -> str:
        """Why a check that passed may fail on the same data; empty if it may not."""
        if check.volatile or check.integration != "dbt" or check.kind == "unit_test":
            return check.volatile
        if sql is None:
            return "the SQL that it ran was not seen"
        facts = self._sql_facts(as_asset(check), sql)
        return facts.volatile if facts is not None else "the SQL that it ran was not examined"

    @property
    def settled(self) -> bool:
        """Whether all that is in the warehouse now is what the ledger says of it.

        Not so after a build of a part, where others had changed what was not built again.
        """
        with self._lock:
            return self._foreign <= self._remade

    # ---- what is read ----

    def inputs_of(self, parents: tuple[str, ...]) -> dict[str, str]:
        """The version now of all that is read through ``parents``."""
        with self._lock:
            known = inputs(parents, self._graph, self._versions).known
            return {key: self._versions[key] for key in known}

    def check_inputs(self, check: Check) -> dict[str, str]:
        """The versions that a check's outcome depends on."""
        if check.kind == "unit_test":
            return unit_test_inputs(check, self._graph)
        read = self.inputs_of(check.assets)
        with self._lock:
            candidate = self._candidates.get(check.attached or "")
        return {**read, str(check.attached): candidate} if candidate is not None else read

    # ---- who may sleep ----

    def started(self, step: str) -> None:
        """Look at the columns that others read of what this step is about to make again."""
        with self._lock:  # first ours, then the watch's, as whoever asks who is asleep
            self._watch.before(self._planned[step].step.makes, self.inputs_of)

    def asleep(self, step: str) -> str | None:
        """Why a step need not run now that its parents have ended; ``None``: it must run.

        Says the same each time it is asked. Of what is no step (an ephemeral model, which dbt
        takes along for its unit test) it knows nothing.
        """
        with self._lock:
            if step not in self._planned:
                return None
            if step not in self._asleep:
                self._asleep[step] = self._decide(self._planned[step])
            return self._asleep[step][0]

    def wake(self, steps: Iterable[str]) -> None:
        """These run, whatever was to be found out yet."""
        with self._lock:
            for step in steps:
                self._asleep.setdefault(step, (None, {}))

    def is_asleep(self, step: str) -> bool:
        """Whether it was asked for and stays asleep."""
        with self._lock:
            return step in self._asleep and self._asleep[step][0] is not None

    def slept(self, step: str) -> Mapping[str, tuple[str, Mapping[str, str]]]:
        """For a step that sleeps though its inputs changed: by asset (or by itself, a check)
        the run that made it, and the inputs that it agrees with now.
        """
        with self._lock:
            agreed = self._asleep[step][1] if step in self._asleep else {}
            return {key: (self._run_of(key), inputs) for key, inputs in agreed.items()}

    def _run_of(self, key: str) -> str:
        return self._latest[key].run_id if key in self._latest else self._passed[key].run_id

    def _decide(self, planned: PlannedStep) -> tuple[str | None, Mapping[str, Mapping[str, str]]]:
        if planned.action != "if changed" or self._waited_for(planned.step.key):
            return None, {}
        check = self._graph.checks.get(planned.step.key)
        if check is not None and is_gate(check, self._graph) and check.attached in self._versions:
            return "up to date: no new version waits for it", {}
        agreed: dict[str, Mapping[str, str]] = {}
        by_columns = False
        for key, parents, read in self._reading(planned):
            now = inputs(parents, self._graph, self._versions)
            if now.unknown or set(now.known) != set(read):
                return None, {}
            if self._reordered(key):
                return None, {}
            changed = [k for k in now.known if self._versions[k] != read[k]]
            if changed:
                if not self._watch.same(key, changed):
                    return None, {}
                by_columns = True
                agreed[key] = {k: self._versions[k] for k in now.known}
        what = "no column that it reads changed" if by_columns else "nothing that it reads changed"
        for key, parents, _ in self._reading(planned):
            if key in self._graph and is_view(self._graph[key]):
                made = self._latest[key]
                code = made.sql_version or made.code_version
                self._versions[key] = view_version(code, self.inputs_of(parents))
        return f"up to date: {what}", agreed

    def _waited_for(self, step: str) -> bool:
        """Whether it is a check on whose outcome depends if a new version counts."""
        check = self._graph.checks.get(step)
        return check is not None and check.attached in self._candidates

    def _reordered(self, key: str) -> bool:
        """The order of rows counts, and what it reads was made again, however it came out."""
        made = self._latest.get(key)
        if made is None or not made.metadata.get("ordered"):
            return False
        behind = tables_behind(self._graph[key].depends_on, self._graph)
        return any(one in self._remade for one in behind)

    def _reading(
        self, planned: PlannedStep
    ) -> list[tuple[str, tuple[str, ...], Mapping[str, str]]]:
        """For each asset of a step (or its check): key, parents, the inputs it was made of."""
        check = self._graph.checks.get(planned.step.key)
        if check is not None:
            passed = self._passed.get(check.key)
            return [(check.key, check.assets, passed.inputs if passed else {})]
        return [
            (key, self._graph[key].depends_on, self._latest[key].inputs)
            for key in planned.step.makes
            if key in self._latest
        ]

    def _read_by(self, plan: Plan) -> dict[str, list[Sleeper]]:
        """For each step that may sleep: what it makes, and the inputs that that was made of."""
        found: dict[str, list[Sleeper]] = {}
        for planned in plan.steps:
            if planned.action != "if changed":
                continue
            entries = []
            for key, _, read in self._reading(planned):
                check = self._graph.checks.get(key)
                asset = as_asset(check) if check is not None else self._graph[key]
                sql = partial(self._sql_of, asset)
                entries.append(Sleeper(key, asset, read, sql))
            found[planned.step.key] = entries
        return found

    def _sql_of(self, asset: Asset) -> str | None:
        """The SQL that made what is there, if it can be found."""
        made = self._latest.get(asset.key)
        if made is None or not made.sql_version:
            return None
        from toolkit.lineage.queries.facts import canonical

        for sql in (asset.sql, self._written(asset)):
            version = f"{asset.frame_version}/{canonical(sql, self._dialect)}" if sql else ""
            if version == made.sql_version:
                return sql
        return None

    def _written(self, asset: Asset) -> str | None:
        if self._target_path is None or asset.sql_path is None:
            return None
        try:
            return (self._target_path / asset.sql_path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _measure_outside(self, plan: Plan) -> None:
        """Content of the tables that nobody makes and some step of the plan reads."""
        warehouse = self._warehouse
        if warehouse is None or not plan.to_run:
            return
        from toolkit.warehouse.look import here, versions

        missing = {
            asset.key: asset.relation
            for asset in self._graph
            if asset.kind == "source"
            and not asset.depends_on
            and asset.relation is not None
            and asset.key not in self.outside
            and here(warehouse, asset.relation)
        }
        if missing:
            self.outside |= versions(warehouse, missing)


def as_asset(check: Check) -> Asset:
    """A check's query as a query like others, for what looks at SQL."""
    return Asset(
        key=check.key,
        kind="model",
        name=check.name,
        integration=check.integration,
        depends_on=check.assets,
    )
