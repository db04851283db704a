"""Files and folders that are in the way, torn or gone: what each room says of its own."""

import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from toolkit.errors import ArtifactError, LedgerError, PublishError, ToolkitError, WarehouseError
from toolkit.graph import AssetGraph, Relation
from toolkit.ledger import Ledger, Run
from toolkit.rules.foreign import read_foreign
from toolkit.run.lock import RunLock
from toolkit.run.logs import log_dir
from toolkit.run.publish.record import Places
from toolkit.run.publish.settle import settle
from toolkit.run.publish.stage import made_ready, staging
from toolkit.settings import Profile, RulesSettings, load_settings
from toolkit.warehouse import Warehouse
from toolkit.warehouse.files import copy

LINTED = (
    "What that tool found would be missing, so nothing was checked.",
    "Give the file that `sqlfluff lint --format json` wrote, or the run_results.json of "
    "`dbt build --select package:dbt_project_evaluator`.",
)


def test_what_another_linter_wrote(write: Any, refused: Any) -> None:
    folder = write({"torn.json": "[{", "large.json": ""})
    os.truncate(folder / "large.json", 200_000_001)
    graph, settings = AssetGraph([]), load_settings()
    assert settings.rules == RulesSettings()
    for name, why in {
        "torn.json": "is not JSON: Input data was truncated",
        "large.json": "is larger than 200 MB",
        "gone.json": "cannot be read: No such file or directory",
    }.items():
        with refused(ArtifactError, f"HERE/{name} (--with) {why}.", *LINTED):
            read_foreign(folder / name, graph, settings)


def test_a_lock_that_cannot_be_written(tmp_path: Path, refused: Any) -> None:
    (tmp_path / "lock").mkdir()
    with (
        refused(
            LedgerError,
            "HERE/lock cannot be written: Is a directory.",
            "Without a lock two runs could write the same tables, so nothing was run.",
            "Make the project folder writable, or copy the project to one that is.",
        ),
        RunLock(tmp_path / "lock"),
    ):
        pass


def test_a_target_folder_that_is_a_file(write: Any, refused: Any) -> None:
    write({"target": ""})
    with refused(
        ToolkitError,
        "HERE/target/toolkit/logs/1 cannot be made: Not a directory.",
        "Logs and results have nowhere to go, so nothing was run.",
        "Make dbt's target folder writable, or name another with --target-path.",
    ):
        log_dir(load_settings(), "1")


def test_a_record_of_what_is_live_that_is_torn(write: Any, refused: Any) -> None:
    folder = write({".toolkit/publish/dev.json": '{"target": '})
    with (
        Ledger(folder / ".toolkit" / "ledger.db") as ledger,
        refused(
            LedgerError,
            "HERE/.toolkit/publish/dev.json cannot be read: Input data was truncated.",
            "It says which version of the DuckDB file is live, so nothing was done.",
            "Move it away if it is damaged; the next `toolkit build --force` starts from what is "
            "in the warehouse.",
        ),
    ):
        settle(ledger, folder / ".toolkit")


def test_a_file_where_the_copies_go(write: Any, refused: Any) -> None:
    places = Places(write({}) / "shop.duckdb")
    places.folder.write_text("")
    with refused(
        WarehouseError,
        f"HERE/{places.folder.name}/building cannot be made: Not a directory.",
        "The copy has to be on the DuckDB file's own disk, so nothing was run.",
        "Make the folder of the DuckDB file writable, or build without --publish.",
    ):
        made_ready(places)


def test_a_copy_into_a_folder_that_is_gone(write: Any, refused: Any) -> None:
    source = os.open(write({"shop.duckdb": "x"}) / "shop.duckdb", os.O_RDONLY)
    try:
        with refused(
            WarehouseError,
            "A copy cannot be written to gone/copy.duckdb: No such file or directory.",
            "Nothing was run, and the DuckDB file is as it was.",
            "Check the folder's permissions and the room on the disk.",
        ):
            copy(source, Path("gone", "copy.duckdb"))
    finally:
        os.close(source)


@pytest.mark.parametrize("schema", ["raw", "main"])
def test_a_schema_that_cannot_be_made(tmp_path: Path, schema: str) -> None:
    """Read-only, so that DuckDB refuses; ``main`` is there."""
    profile = Profile(
        type="duckdb", database="shop", schema="main", path=str(tmp_path / "a.duckdb")
    )
    Warehouse(profile).close()
    warehouse = Warehouse(profile, read_only=True)
    try:
        with pytest.raises(WarehouseError) as caught:
            warehouse.create_schema("raw")
        assert caught.value.fact.startswith(f"Creating schema raw failed in {warehouse.path}: ")
        assert caught.value.consequence == "What needs it was not done."
        assert caught.value.next_step == "Mend what DuckDB names, then run `toolkit build` again."
        assert not warehouse.exists(Relation(database="a", schema=schema, identifier="t"))
    finally:
        warehouse.close()


def test_a_copy_that_is_not_at_rest(write: Any, refused: Any) -> None:
    folder = write({})
    live = folder / "shop.duckdb"
    duckdb.connect(str(live)).close()
    copied = Places(live).staging
    with Ledger(folder / ".toolkit" / "ledger.db") as ledger:
        ledger.start_run(
            Run(id="1", command="build", target="dev", started_at=1.0, published=False)
        )
        with staging((), AssetGraph([]), load_settings(), {}, ledger, "1") as stage:
            Path(f"{copied}.wal").write_bytes(b"what another program has not brought in")
            with refused(
                PublishError,
                f"{copied} is still being written by somebody.".replace(str(folder), "HERE"),
                f"Nothing was published. What was built is in {copied}.".replace(
                    str(folder), "HERE"
                ),
                "See to it, then run `toolkit build --publish` again: it begins with the file as "
                "it is then.",
            ):
                stage.publish()
