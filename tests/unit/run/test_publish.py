"""Publishing, file by file: what is live, what the ledger says, at every point of a crash."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from toolkit.errors import PublishError, WarehouseError, WarehouseLockedError
from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.ledger import Ledger, Left, Run
from toolkit.run.publish import Stage, rollback, settle, staging
from toolkit.run.publish.record import Places, load
from toolkit.settings import Settings, load_settings
from toolkit.warehouse import Warehouse, stamp_of
from toolkit.warehouse.files import copy, hold

PROFILES = """\
config: {partial_parse: true}
shop:
  target: "{{ env_var('WHERE', 'dev') }}"
  outputs:
    dev: &base
      type: duckdb
      path: "{{ env_var('SHOP_FOLDER', '.') }}/shop.duckdb"
      schema: main
      secrets: [{type: s3, key_id: me, secret: "{{ env_var('DBT_ENV_SECRET_TOKEN', '') }}"}]
      attach: [{path: "{{ env_var('OTHER', 'other.duckdb') }}"}]
    memory: {<<: *base, path: ":memory:"}
    cloud: {<<: *base, path: "md:shop"}
    pg: {type: postgres, host: h, user: u, password: p, dbname: d, schema: s}
"""
EMPTY = AssetGraph([])


class Shop:
    """A project with a DuckDB file, and builds that only write into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
        (folder / "profiles.yml").write_text(PROFILES)
        self.live = folder / "shop.duckdb"
        self.places = Places(self.live)
        self.count = 0

    def settings(self, target: str = "dev", **environ: str) -> Settings:
        environ = {"HOME": str(self.folder), **environ}
        return load_settings(
            project_dir=self.folder, profiles_dir=self.folder, target=target, environ=environ
        )

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / ".toolkit" / "ledger.db")

    def write(self, path: Path, value: int) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute("create or replace table t as select ? as value", [value])
            connection.execute("create or replace view v as select * from shop.main.t")

    def value(self, path: Path | None = None) -> int:
        with duckdb.connect(str(path or self.live), read_only=True) as connection:
            [(value,)] = connection.execute("select value from v").fetchall()
        return int(value)

    def publish(self, value: int | None, *, well: bool = True, run: str = "") -> str:
        """A build that writes ``value`` (``None``: nothing), and passes or not."""
        self.count += 1
        run_id = run or f"run{self.count}"
        with self.ledger as ledger:
            settle(ledger, self.folder / ".toolkit")
            started = Run(
                id=run_id, command="build", target="dev", started_at=float(self.count),
                published=False,
            )  # fmt: skip
            ledger.start_run(started)
            with staging((), EMPTY, self.settings(), {}, ledger, run_id) as stage:
                ledger.leave("dev", None)
                if value is not None:
                    self.write(self.places.staging, value)
                ledger.leave("dev", Left(stamp=stamp_of(self.places.staging) or ""))
                if well:
                    stage.publish()
        return run_id

    def published(self) -> list[str]:
        with self.ledger as ledger:
            builds = [run for run in ledger.runs() if run.command == "build"]
        return sorted(run.id for run in builds if run.published)

    def left_is_live(self) -> bool:
        """Whether what the ledger says of the file is true of the live one."""
        with self.ledger as ledger:
            left = ledger.left("dev")
        return left is not None and left.stamp == stamp_of(self.live)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_the_first_version_and_the_next(shop: Shop) -> None:
    shop.publish(1)
    assert (shop.value(), shop.published(), shop.places.previous.exists()) == (1, ["run1"], False)
    shop.publish(2)
    assert (shop.value(), shop.value(shop.places.previous)) == (2, 1)
    shop.publish(3)
    assert (shop.value(), shop.value(shop.places.previous)) == (3, 2)
    assert shop.published() == ["run1", "run2", "run3"]
    assert shop.left_is_live()
    assert not shop.places.staging.exists()


def test_what_failed_leaves_no_trace_but_the_copy(shop: Shop) -> None:
    shop.publish(1)
    before = stamp_of(shop.live)
    shop.publish(2, well=False)
    assert stamp_of(shop.live) == before
    assert shop.value(shop.places.staging) == 2
    assert shop.published() == ["run1"]
    assert shop.left_is_live()
    shop.publish(3)  # begins with the live file and not with the copy that was left
    assert shop.value() == 3


def test_what_changed_nothing_changes_nothing(shop: Shop) -> None:
    shop.publish(1)
    shop.publish(2)
    before = stamp_of(shop.live)
    shop.publish(None)
    assert stamp_of(shop.live) == before
    assert shop.value(shop.places.previous) == 1  # still the version before
    assert shop.published() == ["run1", "run2", "run3"]
    assert shop.left_is_live()


def test_there_and_back(shop: Shop) -> None:
    for value in (1, 2, 3):
        shop.publish(value)
    expected = [(2, ["run1", "run2"]), (3, ["run1", "run2", "run3"]), (2, ["run1", "run2"])]
    for value, published in expected:
        rollback(shop.settings())
        assert (shop.value(), shop.published(), shop.left_is_live()) == (value, published, True)
    shop.publish(4)
    assert shop.published() == ["run1", "run2", "run4"]
    rollback(shop.settings())
    assert (shop.value(), shop.published()) == (2, ["run1", "run2"])


def test_nothing_to_go_back_to(shop: Shop) -> None:
    shop.publish(1)
    with pytest.raises(WarehouseError, match="There is no version of"):
        rollback(shop.settings())
    assert shop.value() == 1


def test_a_change_since_is_kept_unless_forced(shop: Shop) -> None:
    shop.publish(1)
    shop.publish(2)
    shop.write(shop.live, 20)  # a build in place
    with shop.ledger as ledger:
        later = load(shop.folder / ".toolkit", "dev", shop.live).at + 1
        ledger.start_run(Run(id="place", command="build", target="dev", started_at=later))
    with pytest.raises(WarehouseError, match="was changed since it was published"):
        rollback(shop.settings())
    assert shop.value() == 20
    done = rollback(shop.settings(), force=True)
    assert (shop.value(), shop.published()) == (1, ["run1"])
    assert done.taken_back == ("run2", "place")
    rollback(shop.settings())
    assert (shop.value(), shop.published()) == (20, ["place", "run1", "run2"])


def test_another_program_may_not_write_meanwhile(shop: Shop) -> None:
    shop.publish(1)
    code = f"import duckdb; duckdb.connect({str(shop.live)!r})"
    with shop.ledger as ledger, staging((), EMPTY, shop.settings(), {}, ledger, "x"):
        denied = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        reads = code.replace("')", "', read_only=True)")
        allowed = subprocess.run([sys.executable, "-c", reads], capture_output=True, check=False)
    assert b"Could not set lock" in denied.stderr
    assert allowed.returncode == 0, allowed.stderr
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_file_that_is_another_at_the_end_is_not_replaced(shop: Shop) -> None:
    shop.publish(1)
    other = shop.folder / "restored" / "shop.duckdb"
    other.parent.mkdir()
    shop.write(other, 7)

    with shop.ledger as ledger:
        started = Run(id="x", command="build", target="dev", started_at=9.0, published=False)
        ledger.start_run(started)
        with staging((), EMPTY, shop.settings(), {}, ledger, "x") as stage:
            shop.write(shop.places.staging, 2)
            os.replace(other, shop.live)  # a backup is restored: no lock keeps that out
            with pytest.raises(PublishError, match="changed by another program"):
                stage.publish()
    assert (shop.value(), shop.published()) == (7, ["run1"])


WRITER = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("insert into t values (5)")
print("ready", flush=True)
sys.stdin.read()
os._exit(0)  # as kill -9: the WAL stays
"""


def test_a_writer_is_named_and_its_wal_is_not_lost(shop: Shop) -> None:
    shop.publish(1)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(shop.live)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    with pytest.raises(WarehouseLockedError, match=f"process {writer.pid}"):
        shop.publish(2)
    writer.communicate("")
    assert Path(f"{shop.live}.wal").exists()
    shop.publish(None)
    with duckdb.connect(str(shop.live), read_only=True) as connection:
        assert connection.execute("select sum(value) from t").fetchall() == [(6,)]


def test_a_link_stays_a_link(shop: Shop) -> None:
    real = shop.folder / "disk" / "data.db"
    real.parent.mkdir()
    shop.write(shop.live, 1)
    shop.live.rename(real)
    shop.live.symlink_to(real)
    shop.places = Places(shop.live)
    assert shop.places.staging.name == "shop.duckdb"  # the catalog's name: views hold it
    shop.publish(2)
    assert shop.live.is_symlink()
    assert (shop.value(), shop.published()) == (2, ["run1"])


def test_mode_and_owner_are_those_of_the_file(shop: Shop) -> None:
    shop.publish(1)
    shop.live.chmod(0o640)
    shop.publish(2)
    assert shop.live.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("target", "says"),
    [("memory", "is :memory:, and not"), ("cloud", "is md:shop, and"), ("pg", "is postgres, and")],
)
def test_only_a_file_can_be_published(shop: Shop, target: str, says: str) -> None:
    settings = shop.settings(target)
    with (
        shop.ledger as ledger,
        pytest.raises(WarehouseError, match=says),
        staging((), EMPTY, settings, {}, ledger, "x"),
    ):
        pass
    with pytest.raises(WarehouseError, match=says):
        rollback(settings)


@pytest.mark.parametrize(
    ("database", "materialized", "says"),
    [("other", "table", "other.main.m"), ("shop", "external", "a file"), ("SHOP", "table", None)],
)
def test_what_is_elsewhere_is_refused(
    shop: Shop, database: str, materialized: str, says: str | None
) -> None:
    place = Relation(database=database, schema="main", identifier="m")
    asset = Asset(
        key="model.shop.m", kind="model", name="m", integration="dbt", relation=place,
        materialized=materialized,
    )  # fmt: skip
    graph = AssetGraph([asset])
    with shop.ledger as ledger:
        if says is None:
            with staging([asset.key], graph, shop.settings(), {}, ledger, "x"):
                return
        with (
            pytest.raises(WarehouseError, match=says),
            staging([asset.key], graph, shop.settings(), {}, ledger, "x"),
        ):
            pass


def test_no_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    """A file of holes that is bigger than what is left of the disk."""
    big, target = tmp_path / "big", tmp_path / "copy"
    size = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize + 10**12
    with big.open("wb") as file:
        file.truncate(size)
    source = hold(big)
    assert source is not None
    try:
        copy(source, target)
    except WarehouseError as error:
        assert "GB" not in error.fact and "MB left" in error.fact  # noqa: PT017, PT018
        assert not target.exists()
    else:  # a file system that shares blocks needs no room
        assert target.stat().st_size == size
    finally:
        os.close(source)


def test_dbts_profile_differs_in_the_path_only(shop: Shop) -> None:
    environ = {"DBT_ENV_SECRET_TOKEN": "hush-hush", "OTHER": "elsewhere.duckdb", "WHERE": "dev"}
    settings = shop.settings(**environ)
    assert settings.profile is not None
    with shop.ledger as ledger, staging((), EMPTY, settings, {}, ledger, "x") as stage:
        folder = stage.settings.staged_profiles_dir
        assert folder is not None
        text = (folder / "profiles.yml").read_text()
        assert "hush-hush" not in text
        assert (folder / "profiles.yml").stat().st_mode & 0o077 == 0
        theirs = yaml.safe_load(PROFILES)["shop"]["outputs"]["dev"]
        ours = yaml.safe_load(text)["shop"]["outputs"]["dev"]
        assert ours == {**theirs, "path": str(shop.places.staging)}
        seen = load_settings(
            project_dir=shop.folder, profiles_dir=folder, environ={"HOME": "/", **environ}
        )
        assert seen.profile == stage.settings.profile
        assert stage.settings.profile is not None
        assert stage.settings.profile.database == settings.profile.database


def test_a_path_that_looks_like_a_template_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "{{ odd }}"
    folder.mkdir()
    shop = Shop(folder)
    shop.publish(1)
    profiles = folder / ".toolkit" / "publish" / "profiles"
    seen = load_settings(project_dir=folder, profiles_dir=profiles, environ={"HOME": "/"})
    assert seen.profile is not None
    assert seen.profile.path == str(shop.places.staging)


# ---- crash points ----

# Before each call that changes a file or the ledger is a point where the process may end. A child
# is ended at the n-th of them, and the next start has to find one version or the other, whole.
CHANGES = {
    *("copy_file_range", "execute", "executemany", "fchmod", "fchown", "flush", "fsync"),
    *("ftruncate", "ioctl", "link", "mkdir", "pwrite", "rename", "replace", "unlink"),
    *("utime", "write"),
}
DRIVER = """
import importlib.util, os, sys, json
from pathlib import Path
what, first = sys.argv[2], Path(sys.argv[3])
spec = importlib.util.spec_from_file_location("publish_tests", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
print(json.dumps(tests.crash_everywhere(what, first)))
"""


def crash_everywhere(what: str, folder: Path) -> list[list[object]]:
    """[live value or None, published runs, the ledger's word is true] after each crash point."""
    found: list[list[object]] = []
    for point in range(1, 10_000):
        where = folder / str(point)
        where.mkdir()
        shop = Plain(where)
        shop.publish(1)
        shop.publish(2)
        child = os.fork()
        if child == 0:
            sys.setprofile(_Crash(point))
            if what == "publish":
                shop.publish(3)
            elif what == "fail":
                shop.publish(3, well=False)
            else:
                rollback(shop.settings())
            sys.setprofile(None)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert shop.live.exists()
        with shop.ledger as ledger:
            settle(ledger, where / ".toolkit")
        found.append([shop.value(), shop.published(), shop.left_is_live()])
        shop.publish(4, run="next")
        assert shop.value() == 4
        rollback(shop.settings())
        assert [shop.value(), shop.published()] == found[-1][:2]
        if os.waitstatus_to_exitcode(status) == 0:
            return found
    raise AssertionError("it never came to its end")


class _Crash:
    def __init__(self, point: int) -> None:
        self._left = point

    def __call__(self, frame: object, event: str, called: object) -> None:
        if event != "c_call":
            return
        module = getattr(called, "__module__", None)
        owner = type(getattr(called, "__self__", None)).__name__
        ours = module in ("posix", "fcntl") or owner in ("Connection", "BufferedWriter")
        if ours and getattr(called, "__name__", "") in CHANGES:
            self._left -= 1
            if self._left == 0:
                os._exit(9)


class Plain(Shop):
    """As a shop whose DuckDB files hold a number and nothing else: what is swapped is a file."""

    def write(self, path: Path, value: int) -> None:
        path.write_bytes(b"%d" % value)

    def value(self, path: Path | None = None) -> int:
        return int((path or self.live).read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "value", "runs"),
    [
        ("publish", 3, ["run1", "run2", "run3"]),
        pytest.param("rollback", 1, ["run1"], marks=pytest.mark.soak),
        ("fail", 2, None),
    ],
)
def test_a_crash_at_every_point(
    tmp_path: Path, what: str, value: int, runs: list[str] | None
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, __file__, what, str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    before, after = [2, ["run1", "run2"], True], [value, runs or ["run1", "run2"], True]
    assert len(found) > 20
    assert [state for state in found if state not in (before, after)] == []
    assert found[0] == before
    assert found[-1] == after
    swapped = [state == after for state in found]
    assert swapped == sorted(swapped)  # once it is live, it stays live


def test_a_stage_is_settings_and_a_copy(shop: Shop) -> None:
    shop.publish(1)
    with shop.ledger as ledger, staging((), EMPTY, shop.settings(), {}, ledger, "x") as stage:
        assert isinstance(stage, Stage)
        assert stage.settings.profile is not None
        warehouse = Warehouse(stage.settings.profile)
        try:
            assert warehouse.path == str(shop.places.staging)
            assert warehouse.row_count(Relation(database="shop", schema="main", identifier="v"))
        finally:
            warehouse.close()


def test_a_swap_that_the_system_refuses(shop: Shop) -> None:
    """A folder in the way of the second name: nothing is published, and nothing is lost."""
    shop.publish(1)
    shop.places.outgoing.mkdir(parents=True)
    with pytest.raises(PublishError, match="cannot be used: Is a directory"):
        shop.publish(2)
    assert shop.value() == 1
    shop.places.outgoing.rmdir()
    shop.publish(3)
    assert (shop.value(), shop.published()) == (3, ["run1", "run3"])
