"""Whether a manifest is still what the project says, for each kind of change."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.integrations.dbt.staleness import is_current, look, remember
from toolkit.settings import Settings, load_settings

PLAIN = Path(__file__).parents[2] / "e2e" / "projects" / "plain"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a manifest that is current."""
    for name in [name for name in os.environ if name.startswith("DBT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("PLAIN_DB", raising=False)
    monkeypatch.setenv("DAY", "2026-01-01")
    monkeypatch.setenv("UNNAMED", "1")
    project = Path(shutil.copytree(PLAIN, tmp_path / "plain"))
    package = tmp_path / "local package"
    (package / "models").mkdir(parents=True)
    (package / "models" / "calendar.sql").write_text("select 1 as day")
    (package / "target").mkdir()
    (project / "dbt_packages").mkdir()
    (project / "dbt_packages" / "local").symlink_to(package)  # as `dbt deps` does it
    (project / "dbt_packages" / "hub" / "macros").mkdir(parents=True)
    (project / "dbt_packages" / "hub" / "macros" / "m.sql").write_text("{% macro m() %}")
    (project / "models" / "dated.sql").write_text("select '{{ env_var(\"DAY\") }}' as day")
    (project / "models" / "target").mkdir()
    (project / "models" / "target" / "reached.sql").write_text("select 1 as reached")
    (project / "target").mkdir()
    (project / "target" / "manifest.json").write_text("{}")
    settings = load_settings(project_dir=project)
    remember(settings, look(settings))
    assert is_current(settings)
    return project


def settings_of(root: Path, **more: object) -> Settings:
    return load_settings(project_dir=root, **more)  # type: ignore[arg-type]


def edit(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).write_text((root / name).read_text() + "\n# changed")

    return change


def touch_later(name: str) -> Callable[[Path], None]:
    """Same size, later: what an editor leaves after one letter was replaced."""

    def change(root: Path) -> None:
        stat = (root / name).stat()
        os.utime(root / name, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))

    return change


def write(name: str, text: str = "select 1 as one") -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text(text)

    return change


CHANGES = {
    "a new model": write("models/new.sql"),
    "a changed model": edit("models/customers.sql"),
    "a model changed in one letter": touch_later("models/customers.sql"),
    "a deleted model": lambda root: (root / "models" / "customers.sql").unlink(),
    "a renamed model": lambda root: (
        (root / "models" / "customers.sql").rename(root / "models" / "clients.sql"),
        None,
    )[1],
    "a model in a folder named target": edit("models/target/reached.sql"),
    "a yml file": edit("models/models.yml"),
    "a seed": edit("seeds/customers_seed.csv"),
    "a snapshot": edit("snapshots/customers_snapshot.yml"),
    "a new macro": write("macros/m.sql"),
    "a new test": write("tests/t.sql"),
    "dbt_project.yml": edit("dbt_project.yml"),
    "profiles.yml": edit("profiles.yml"),
    "new packages.yml": write("packages.yml", "packages: []"),
    "new .dbtignore": write(".dbtignore", "dated.sql"),
    "an installed package": edit("dbt_packages/hub/macros/m.sql"),
    "a local package, which is a link": edit("dbt_packages/local/models/calendar.sql"),
    "no manifest": lambda root: (root / "target" / "manifest.json").unlink(),
    "another manifest": write("target/manifest.json", '{"by": "someone else"}'),
    "the manifest written again": touch_later("target/manifest.json"),
    "no record": lambda root: (root / ".toolkit" / "dbt" / "manifest-seen.json").unlink(),
    "an empty record": write(".toolkit/dbt/manifest-seen.json", ""),
    "half a record": lambda root: (
        (path := root / ".toolkit" / "dbt" / "manifest-seen.json").write_text(path.read_text()[:9]),
        None,
    )[1],
    "a record of another shape": write(".toolkit/dbt/manifest-seen.json", '{"inputs": 7}'),
    "a record that is no text": lambda root: (
        (root / ".toolkit" / "dbt" / "manifest-seen.json").write_bytes(b'{"inputs": "\xff"}'),
        None,
    )[1],
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_the_project_makes_it_stale(root: Path, what: str) -> None:
    CHANGES[what](root)
    assert not is_current(settings_of(root))


@pytest.mark.parametrize("name", ["DAY", "PLAIN_DB"], ids=["in a model", "in profiles.yml"])
def test_a_variable_that_the_project_names(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "other.duckdb")
    assert not is_current(settings_of(root))


def test_other_variables_do_not_matter(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNNAMED", "2")
    assert is_current(settings_of(root))


@pytest.mark.parametrize(
    "name", ["env_var('DAY_' ~ 'OF')", 'env_var(prefix ~ "_X")', "env_var(name, 'none')"]
)
def test_where_a_name_is_computed_every_variable_matters(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("models/any.sql", "select '{{ " + name + " }}' as x")(root)
    settings = settings_of(root)
    remember(settings, look(settings))
    monkeypatch.setenv("PWD", "/elsewhere")
    assert is_current(settings)
    monkeypatch.setenv("UNNAMED", "2")
    assert not is_current(settings)


def test_variables_whose_keys_are_no_text(root: Path) -> None:
    settings = settings_of(root, vars={1: "a", "b": "c"})
    remember(settings, look(settings))
    assert is_current(settings)


def test_vars_and_target(root: Path) -> None:
    assert not is_current(settings_of(root, vars={"break": True}))
    assert not is_current(settings_of(root, target="other"))
    assert is_current(settings_of(root, vars={}, target="dev"))


@pytest.mark.parametrize(
    "name", ["target/run_results.json", "target/compiled/x.sql", "logs/dbt.log", "README.md",
             ".toolkit/ledger.db", "dbt_packages/local/target/manifest.json",
             "models/__pycache__/m.pyc"],
)  # fmt: skip
def test_what_dbt_does_not_read_does_not_matter(root: Path, name: str) -> None:
    write(name)(root)
    assert is_current(settings_of(root))


def test_a_file_changed_while_dbt_works_counts_as_changed(root: Path) -> None:
    settings = settings_of(root)
    seen = look(settings)
    edit("models/customers.sql")(root)  # after dbt read it
    write("target/manifest.json", '{"from": "the old model"}')(root)
    remember(settings, seen)
    assert not is_current(settings)


def test_folders_that_link_in_a_circle(root: Path) -> None:
    (root / "models" / "again").symlink_to(root / "models")
    settings = settings_of(root)
    remember(settings, look(settings))
    assert is_current(settings)
