"""Profiles of what a run makes, counted beside it: no step waits for that, and none can fail by it.

One table after the other, in a thread of its own. Nothing is counted of what did not run, of
views, and of a table that came out as it was when it was counted last: that is noted again.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Collection, Iterable, Mapping

import msgspec

from toolkit.errors import LedgerError, WarehouseError
from toolkit.graph import Asset, AssetGraph
from toolkit.graph.personal import personal_columns
from toolkit.graph.profile import ColumnProfile, TableProfile
from toolkit.ledger import Ledger, Materialization, ProfileRow, Run
from toolkit.ledger.profiles import LastProfile
from toolkit.masking import Masker
from toolkit.plan import is_view
from toolkit.settings import Settings
from toolkit.warehouse import Warehouse
from toolkit.warehouse.profile import SAMPLE_ROWS, columns_of, profile_table

_PAUSE = 0.1  # seconds between two interruptions
_FORMAT = "1"  # part of every method: raise it whenever the same table may give another profile


class Profiler:
    """Counts what one run makes.

    Args:
        latest: what is in the warehouse from earlier runs.
    """

    def __init__(
        self,
        ledger: Ledger,
        run: Run,
        graph: AssetGraph,
        warehouse: Warehouse | None,
        settings: Settings,
        latest: Mapping[str, Materialization] | None = None,
    ) -> None:
        self._ledger = ledger
        self._run = run
        self._graph = graph
        self._warehouse = warehouse
        self._settings = settings
        self._ruled = {
            key for c in graph.checks.values() if c.kind == "anomaly" for key in c.assets
        }
        self._masker = Masker(settings.secrets)
        self._changed = threading.Condition()
        self._waiting: deque[Materialization] = deque()
        self._rows: dict[str, Materialization] = dict(latest or {})
        self._known: set[str] = set()  # what the ledger has of this run
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
        """An asset as it is now, counted if need be; ``None`` where that cannot be."""
        with self._changed:
            row = self._rows.get(key)
        return self._counted(row) if row is not None and self._wanted(key) else None

    def before(self, row: ProfileRow) -> list[ProfileRow]:
        """The same asset in earlier published runs of the target, the newest first."""
        rows = self._ledger.profiles.of(row.asset, row.target)
        return [one for one in rows if one.run_id != row.run_id]

    def judge(self, row: ProfileRow, looked_at: Collection[str], unusual: Collection[str]) -> None:
        """Note which metrics, of those that were looked at, are unusual."""
        with self._one:
            known = self._done.get(row.asset) or self._ledger.profiles.get(row.asset, row.run_id)
            if known is None:
                return
            names = (set(known.unusual) - set(looked_at)) | set(unusual)
            if names != set(known.unusual):
                self._ledger.profiles.judge(row.asset, row.run_id, names)
            self._done[row.asset] = msgspec.structs.replace(known, unusual=tuple(sorted(names)))

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
        thread = self._thread
        while thread is not None and thread.is_alive():
            # Again and again: what has not begun yet is not met by an interruption.
            if self._stopped and self._warehouse is not None:
                self._warehouse.interrupt_guest()
            thread.join(_PAUSE if self._stopped else None)

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
        return self._settings.profiling.mode != "off" or key in self._ruled

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
        """Count it, unless this is known; gives what is known then."""
        with self._one:
            self._count_once(row)
            return self._done.get(row.asset) or self._noted(row)

    def _count_once(self, row: Materialization) -> None:
        if row.asset in self._known:
            return
        last = self._ledger.profiles.last(row.asset, self._run.target)
        if last is not None and last.run_id == row.run_id:
            self._known.add(row.asset)
            return
        found = self._found(row, last)
        if found == last and last is not None:
            self._ledger.profiles.again(last, row.run_id, row.at)
            self._known.add(row.asset)
        elif isinstance(found, ProfileRow):
            self._ledger.profiles.add(found)
            self._done[row.asset] = found
            self._known.add(row.asset)

    def _noted(self, row: Materialization) -> ProfileRow | None:
        """As the ledger has it; read only where somebody asks."""
        return self._ledger.profiles.get(row.asset, row.run_id)

    def _found(
        self, row: Materialization, last: LastProfile | None
    ) -> ProfileRow | LastProfile | None:
        """What is in a table now: ``last`` if that says it; ``None`` where nobody can look."""
        import duckdb

        assert self._warehouse is not None
        asset = self._graph[row.asset]
        assert asset.relation is not None
        try:
            with self._warehouse.guest() as cursor:
                if cursor is None:
                    return None
                columns = columns_of(cursor, asset.relation)
                hidden = self._hidden(asset, columns)
                method = self._method(hidden)
                if last is not None and _same(last, row, method):
                    return last
                profile = profile_table(
                    cursor,
                    asset.relation,
                    columns,
                    rows=row.rows if asset.integration == "dbt" else None,
                    sample=None if self._settings.profiling.mode == "on" else SAMPLE_ROWS,
                    values=self._settings.profiling.values,
                    hidden=hidden,
                )
        except (duckdb.Error, WarehouseError) as error:
            if self._stopped or isinstance(error, duckdb.InterruptException):
                return None
            said = " ".join(str(error).split())[:300]
            method = ""
            profile = TableProfile(row.rows or 0, note=f"It could not be counted: {said}")
        return ProfileRow(
            asset=row.asset,
            run_id=row.run_id,
            target=self._run.target,
            at=row.at,
            profile=self._masked(profile),
            data_version=row.data_version,
            method=method,
        )

    def _hidden(self, asset: Asset, columns: Mapping[str, str]) -> frozenset[str]:
        rule = self._settings.rules.rules.get("untagged-pii")
        return personal_columns(self._graph, asset.key, columns, rule.tags if rule else ())

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


def _same(last: LastProfile, row: Materialization, method: str) -> bool:
    """Whether it is the same data, counted in the same way: then nothing is to be counted."""
    known = row.data_version is not None and last.data_version == row.data_version
    return known and last.method == method
