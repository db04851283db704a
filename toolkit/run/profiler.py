"""Profiles of what a run makes, counted beside it: no step waits for that, and none can fail by it.

One table after the other, in a thread of its own. Nothing is counted of what did not run, of
views, and of a table that came out as it was when it was counted last: that is noted again.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from toolkit.errors import LedgerError, WarehouseError
from toolkit.graph import Asset, AssetGraph
from toolkit.graph.personal import personal_columns
from toolkit.graph.profile import ColumnProfile, TableProfile
from toolkit.ledger import Ledger, Materialization, ProfileRow, Run
from toolkit.masking import Masker
from toolkit.plan import is_view
from toolkit.settings import Settings
from toolkit.warehouse import Warehouse, quote_relation
from toolkit.warehouse.profile import SAMPLE_ROWS, profile_table

if TYPE_CHECKING:
    import duckdb

_FORMAT = "1"  # part of every method: raise it whenever the same table may give another profile


class Profiler:
    """Counts what one run makes.

    Args:
        always: assets that are counted even where the settings say that none are.
    """

    def __init__(
        self,
        ledger: Ledger,
        run: Run,
        graph: AssetGraph,
        warehouse: Warehouse | None,
        settings: Settings,
        always: frozenset[str] = frozenset(),
    ) -> None:
        self._ledger = ledger
        self._run = run
        self._graph = graph
        self._warehouse = warehouse
        self._settings = settings
        self._always = always
        self._masker = Masker(settings.secrets)
        self._changed = threading.Condition()
        self._waiting: deque[Materialization] = deque()
        self._rows: dict[str, Materialization] = {}
        self._done: dict[str, ProfileRow] = {}
        self._one = threading.Lock()
        self._thread: threading.Thread | None = None
        self._over = False  # nothing more will come
        self._stopped = False  # what waits is left

    def made(self, rows: Iterable[Materialization]) -> None:
        """These were made; those that are tables will be counted. Returns at once."""
        wanted = [row for row in rows if self._wanted(row.asset)]
        if not wanted:
            return
        with self._changed:
            self._waiting.extend(wanted)
            self._rows |= {row.asset: row for row in wanted}
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="profiles", daemon=True)
                self._thread.start()

    def of(self, key: str) -> ProfileRow | None:
        """What was counted of an asset that this run has made, counted now if need be."""
        with self._changed:
            row = self._rows.get(key)
        return self._counted(row) if row is not None else None

    def close(self, *, drain: bool) -> None:
        """Count what is left, or leave it; nothing of the warehouse is used afterwards.

        Interrupted meanwhile it leaves the rest: all that was asked for is done by then.
        """
        try:
            self._end(drain=drain)
        except KeyboardInterrupt:
            self._end(drain=False)

    def _end(self, *, drain: bool) -> None:
        with self._changed:
            self._over = True
            self._stopped = not drain
            self._changed.notify_all()
        if self._stopped and self._warehouse is not None:
            self._warehouse.interrupt_guest()
        if self._thread is not None:
            self._thread.join()

    # ---- the work ----

    def _wanted(self, key: str) -> bool:
        asset = self._graph[key]
        if self._warehouse is None or asset.relation is None or is_view(asset):
            return False
        if asset.kind in ("ml_model", "function") or asset.materialized in (
            "ephemeral",
            "external",
        ):
            return False
        return self._settings.profiling.mode != "off" or key in self._always

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._over:
                    self._changed.wait()
                if self._stopped or not self._waiting:
                    return
                row = self._waiting.popleft()
            try:
                self._counted(row)
            except LedgerError:  # the run has met it as well, and says so
                return

    def _counted(self, row: Materialization) -> ProfileRow | None:
        with self._one:
            known = self._done.get(row.asset)
            if known is not None and known.at == row.at:
                return known
            found = self._found(row)
            if found is not None:
                self._ledger.profiles.add(found)
                self._done[row.asset] = found
            return found

    def _found(self, row: Materialization) -> ProfileRow | None:
        import duckdb

        assert self._warehouse is not None
        asset = self._graph[row.asset]
        try:
            with self._warehouse.guest() as cursor:
                if cursor is None:
                    return None
                hidden = self._hidden(asset, cursor)
                method = self._method(hidden)
                profile = self._again(row, method)
                if profile is None:
                    profile = self._count(asset, cursor, hidden)
        except (duckdb.Error, WarehouseError) as error:
            if self._stopped or isinstance(error, duckdb.InterruptException):
                return None
            said = " ".join(str(error).split())[:300]
            method = ""
            profile = TableProfile(row.rows or 0, note=f"It could not be counted: {said}")
        return ProfileRow(
            asset=row.asset,
            run_id=self._run.id,
            target=self._run.target,
            at=row.at,
            profile=self._masked(profile),
            data_version=row.data_version,
            method=method,
        )

    def _hidden(self, asset: Asset, cursor: "duckdb.DuckDBPyConnection") -> frozenset[str]:
        assert asset.relation is not None
        columns = cursor.sql(f"SELECT * FROM {quote_relation(asset.relation)}").columns
        rule = self._settings.rules.rules.get("untagged-pii")
        return personal_columns(self._graph, asset.key, columns, rule.tags if rule else ())

    def _again(self, row: Materialization, method: str) -> TableProfile | None:
        """What was counted the last time, if it is the same data counted in the same way."""
        if row.data_version is None:
            return None
        last = self._ledger.profiles.of(row.asset, self._run.target, 1)
        if last and last[0].data_version == row.data_version and last[0].method == method:
            return last[0].profile
        return None

    def _count(
        self, asset: Asset, cursor: "duckdb.DuckDBPyConnection", hidden: frozenset[str]
    ) -> TableProfile:
        assert asset.relation is not None
        profiling = self._settings.profiling
        sample = None if profiling.mode == "on" else SAMPLE_ROWS
        return profile_table(
            cursor, asset.relation, sample=sample, values=profiling.values, hidden=hidden
        )

    def _method(self, hidden: frozenset[str]) -> str:
        profiling = self._settings.profiling
        names = hashlib.blake2b("\0".join(sorted(hidden)).encode(), digest_size=6).hexdigest()
        how = "all" if profiling.mode == "on" else str(SAMPLE_ROWS)
        return f"{_FORMAT}/{how}/{'values' if profiling.values else 'counts'}/{names}"

    def _masked(self, profile: TableProfile) -> TableProfile:
        """Without the values of secrets, wherever they stand."""
        if not self._masker.values:
            return profile
        mask = self._masker.mask

        def clean(column: ColumnProfile) -> ColumnProfile:
            least, most = column.least, column.most
            return msgspec.structs.replace(
                column,
                least=mask(least) if least else least,
                most=mask(most) if most else most,
            )

        columns = tuple(map(clean, profile.columns))
        return msgspec.structs.replace(profile, columns=columns, note=mask(profile.note))
