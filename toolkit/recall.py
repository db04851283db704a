"""What a plan is told: what the ledger remembers, and what is in the warehouse now."""

import contextlib
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import WarehouseError
from toolkit.graph import Asset, AssetGraph
from toolkit.graph.personal import personal_columns, without_values
from toolkit.integrations.base import (
    CompilesSql,
    Integration,
    KeepsVersions,
    Made,
    Standing,
    Watched,
    WatchesFiles,
)
from toolkit.ledger import Ledger, Materialization, ProfileRow, Run, StepRow
from toolkit.plan import History, Plan, Seen, is_view, words_of
from toolkit.settings import Settings
from toolkit.settings.cache import cache_dir
from toolkit.warehouse import Warehouse, stamp_of

_MANIFESTS = 20  # whose traces are remembered
_ENDED_WELL = frozenset({"success", "pass", "warn", "no-op"})


def recall(
    graph: AssetGraph,
    settings: Settings,
    ledger: Ledger,
    resumed: Run | None = None,
    integrations: Iterable[Integration] = (),
) -> History:
    """All that a plan needs to know of the past, and of the warehouse.

    Args:
        resumed: the run that is to be gone on with.
        integrations: some of which keep versions of what they make.
    """
    target, profile = settings.target, settings.profile
    adopt(graph, settings, ledger)
    latest, last = ledger.latest(target), ledger.last_steps(target)
    passed = ledger.passed(target)
    if profile is not None and profile.file is not None and not profile.file.exists():
        # What was in a file that is gone was never made, as far as anyone can use it.
        gone = {asset.key for asset in graph if asset.relation is not None}
        latest = {key: made for key, made in latest.items() if key not in gone}
        last = {key: row for key, row in last.items() if key not in gone}
    lost = [key for key, made in latest.items() if _lost(made, settings)]
    latest = {key: made for key, made in latest.items() if key not in lost}
    newest = ledger.runs(limit=1)
    return History(
        latest=latest,
        last_steps=last,
        passed=passed,
        seen=see(graph, settings, ledger, latest),
        resumed=_done(ledger, resumed),
        newest_run=newest[0].id if newest else None,
        standing=_standing(graph, settings, integrations),
    )


def _standing(
    graph: AssetGraph, settings: Settings, integrations: Iterable[Integration]
) -> dict[str, Standing]:
    return {
        key: found
        for tool in integrations
        if isinstance(tool, KeepsVersions)
        for key, found in tool.standing(settings).items()
        if key in graph
    }


def _lost(made: Materialization, settings: Settings) -> bool:
    """What was made is a file (a stored model), and that is gone."""
    path = made.metadata.get("path")
    return isinstance(path, str) and not (settings.project_dir / path).exists()


def see(
    graph: AssetGraph, settings: Settings, ledger: Ledger, latest: Mapping[str, Materialization]
) -> Seen:
    """The warehouse now: as the last run left it, or looked at, or not to be seen."""
    profile = settings.profile
    if profile is None or profile.file is None:
        kind = settings.adapter if settings.adapter != "duckdb" else "no DuckDB file"
        return Seen(why=f"what is in its warehouse ({kind or 'unknown'}) cannot be seen")
    left = ledger.left(settings.target)
    if left is not None and left.stamp == stamp_of(profile.file):
        return Seen(state="as left", outside=left.outside)
    if not profile.file.exists():
        return Seen(state="looked at")
    from toolkit.warehouse.look import here, versions

    try:
        warehouse = Warehouse(profile, read_only=True)
    except WarehouseError:
        return Seen(why="its warehouse is in use, so nobody knows what is in it")
    try:
        wanted = {
            asset.key: asset.relation
            for asset in graph
            if asset.relation is not None
            and (asset.key in latest or _outside(asset))
            and here(warehouse, asset.relation)
        }
        found = versions(warehouse, wanted)
    finally:
        warehouse.close()
    outside = {key: version for key, version in found.items() if _outside(graph[key])}
    return Seen(state="looked at", found=found, outside=outside)


def adopt(graph: AssetGraph, settings: Settings, ledger: Ledger) -> None:
    """Note as done what a build committed and could not note any more: it was killed, the disk
    was full, dbt failed after the commit, or a power cut took the last notes.

    Only for incremental models, which must not be run twice; see
    :mod:`toolkit.warehouse.markers`. All others are simply made again.
    """
    profile = settings.profile
    run = last_unfinished(ledger, settings.target)
    killed = [
        row
        for row in (ledger.steps(run.id) if run is not None else ())
        if row.status not in _ENDED_WELL  # killed; or its end could not be noted or told
        and row.step in graph
        and graph[row.step].materialized == "incremental"
    ]
    if not killed or profile is None or profile.file is None or not profile.file.exists():
        return
    from toolkit.warehouse.markers import made_in

    try:
        warehouse = Warehouse(profile, read_only=True)
    except WarehouseError:
        return
    try:
        for row in killed:
            if row.step in made_in(warehouse, row.run_id):
                _adopt(graph, settings, ledger, warehouse, row)
    finally:
        warehouse.close()


def _adopt(
    graph: AssetGraph, settings: Settings, ledger: Ledger, warehouse: Warehouse, row: StepRow
) -> None:
    from toolkit.run.journal import materialization
    from toolkit.run.versions import Versions

    target, asset = settings.target, graph[row.step]
    outside = see(graph, settings, ledger, {}).outside
    seen = Seen(state="as left", outside=outside)
    history = History(latest=ledger.latest(target), seen=seen)
    versions = Versions(Plan(steps=()), graph, history, warehouse, settings.adapter)
    measured = versions.measured(Made(asset=row.step, sql=_sql(asset, settings, row)))
    done = msgspec.structs.replace(row, status="success", message="committed before the kill")
    at = row.finished_at or row.started_at or time.time()
    done = msgspec.structs.replace(done, started_at=row.started_at or at, finished_at=at)
    ledger.finish_step(done, [materialization(measured, row.run_id, at, graph)])


def _sql(asset: Asset, settings: Settings, row: StepRow) -> str | None:
    """What dbt compiled for that step, if that is what is still there."""
    path = settings.target_path / (asset.sql_path or "")
    try:
        written = path.stat().st_mtime
        return path.read_text(encoding="utf-8") if written >= (row.started_at or 0) - 2 else None
    except (OSError, UnicodeDecodeError):
        return None


def _outside(asset: Asset) -> bool:
    return asset.kind == "source" and not asset.depends_on


def last_unfinished(ledger: Ledger, target: str) -> Run | None:
    """The newest run of ``target``, if it did not end well; a copy that is gone is no matter."""
    for run in ledger.runs():
        if run.target == target and run.published:
            return run if run.status in ("failed", "interrupted") else None
    return None


def _done(ledger: Ledger, run: Run | None) -> frozenset[str]:
    """Steps that ended well in a run, and in those that it went on with."""
    done: set[str] = set()
    seen: set[str] = set()
    while run is not None and run.id not in seen:
        seen.add(run.id)
        done |= {row.step for row in ledger.steps(run.id) if row.status in _ENDED_WELL}
        before = run.options.get("resumes")
        run = ledger.run(before) if isinstance(before, str) else None
    return frozenset(done)


def same_code(
    graph: AssetGraph,
    settings: Settings,
    integrations: Iterable[Integration],
    keys: Iterable[str],
    history: History,
) -> frozenset[str]:
    """Assets whose source differs from what made them, and whose SQL does not.

    Comments and formatting are no change. Only the compiled SQL can prove that, so it is
    compiled where all else is the same.
    """
    doubtful = {
        key
        for key in keys
        if (made := history.latest.get(key)) is not None
        and made.code_version != graph[key].code_version
        and graph[key].frame_version
        and made.sql_version.startswith(f"{graph[key].frame_version}/")
        and not graph[key].volatile
        and made.metadata.get("words") == words_of(graph[key].raw_sql or "")
        and (is_view(graph[key]) or graph[key].materialized == "table")
    }
    if not doubtful:
        return frozenset()
    from toolkit.lineage.queries.facts import canonical

    same: set[str] = set()
    for tool in integrations:
        ours = frozenset(key for key in doubtful if graph[key].integration == tool.name)
        if ours and isinstance(tool, CompilesSql):
            for key, sql in tool.compiled(settings, graph, ours).items():
                version = f"{graph[key].frame_version}/{canonical(sql, settings.adapter)}"
                if version == history.latest[key].sql_version:
                    same.add(key)
    return frozenset(same)


def options_of(run: Run) -> dict[str, Any]:
    """The arguments of ``Project.plan`` that a run was called with."""
    return {key: value for key, value in run.options.items() if key in _ARGUMENTS}


_ARGUMENTS = frozenset(
    {"select", "exclude", "indirect", "resource_types", "exclude_resource_types", "full_refresh"}
)


def watched(settings: Settings, integrations: Iterable[Integration]) -> Watched | None:
    """The files and variables on which a plan depends; ``None`` where a tool cannot say."""
    found = Watched()
    for tool in integrations:
        more = tool.watched(settings) if isinstance(tool, WatchesFiles) else None
        if more is None:
            return None
        found.files |= more.files
        found.folders |= more.folders
        found.missing |= more.missing
        found.environment |= more.environment
    config = settings.config_file or settings.project_dir / "toolkit.yml"
    (found.files if settings.config_file else found.missing).add(str(config))
    found.files.add(str(settings.state_dir / "ledger.db"))
    found.missing.add(str(settings.state_dir / "ledger.db-wal"))  # left by a killed build
    found.folders |= {entry for entry in sys.path if os.path.isdir(entry)}  # what is installed
    return found


def undescribed_columns(
    graph: AssetGraph, settings: Settings
) -> Mapping[str, Mapping[str, str]] | None:
    """Columns of tables that no SQL makes and that nobody describes, where they can be seen.

    Only a help for lineage: when there is no such file, or another process holds it, it does
    without. What SQL makes is not asked for: a table may be older than its model.
    """
    profile = settings.profile
    undescribed = [
        asset
        for asset in graph
        if asset.kind in ("source", "stream", "python") and asset.relation and not asset.columns
    ]
    if settings.manifest is not None or profile is None or not undescribed:
        return None
    if profile.file is None or not profile.file.is_file():
        return None
    try:
        warehouse = Warehouse(profile, read_only=True)
    except WarehouseError:
        return None
    try:
        places = {asset.key: asset.relation for asset in undescribed}
        seen = {key: warehouse.columns(place) for key, place in places.items() if place}
    finally:
        warehouse.close()
    return {key: columns for key, columns in seen.items() if columns}


def lineage_cache(settings: Settings) -> Path:
    """The folder that remembers what was traced; that of a bare manifest is in our cache."""
    if settings.manifest is None:
        return settings.state_dir / "lineage"
    folder = cache_dir() / "lineage"
    name = hashlib.blake2b(str(settings.manifest).encode(), digest_size=8).hexdigest()
    if not (folder / name).is_dir():
        _forget(folder)
    return folder / name


def _forget(folder: Path) -> None:
    """Leave the manifests that were read last."""
    with contextlib.suppress(OSError):
        known = sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in known[_MANIFESTS - 1 :]:
            shutil.rmtree(old, ignore_errors=True)


def seen_profiles(
    rows: Iterable[ProfileRow], graph: AssetGraph, settings: Settings
) -> list[ProfileRow]:
    """Profiles as people may see them: values of what is personal by now are left out."""
    rule = settings.rules.rules.get("untagged-pii")
    tags = rule.tags if rule else ()
    found = []
    for row in rows:
        if row.asset in graph:
            names = [column.name for column in row.profile.columns]
            hidden = personal_columns(graph, row.asset, names, tags)
            row = msgspec.structs.replace(row, profile=without_values(row.profile, hidden))
        found.append(row)
    return found
