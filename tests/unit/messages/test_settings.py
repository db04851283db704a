"""toolkit.yml and the command line's options against each other."""

from typing import Any

import pytest

from toolkit.errors import SettingsError
from toolkit.settings import load_settings

NOTHING = "Nothing was run."
AGAIN = "Correct toolkit.yml, then try again."

# toolkit.yml after its version; fact, next step
MISTAKES: dict[str, tuple[str, str, str]] = {
    "a file with options and no path": (
        "assets: [{name: x}]",
        "toolkit.yml:2: `assets[0]` has no `path`.",
        "Name the notebook or script: `path: report.ipynb`.",
    ),
    "options for a folder": (
        "assets: [{path: ml, name: x}]",
        "toolkit.yml:2: `assets[0].path` is neither a notebook (.ipynb) nor a script (.py).",
        "Options are for such a file; name a folder without any: `- ml`.",
    ),
    "a number for a path of assets": (
        "assets: [7]", "toolkit.yml:2: `assets[0]` must be a path, not a number.", AGAIN,
    ),
    "one connection and no list": (
        "connections: airbyte",
        "toolkit.yml:2: `connections` must be a list of files and folders, not text.",
        "Write `connections: [airbyte]`.",
    ),
    "a number for a path of connections": (
        "connections: [7]", "toolkit.yml:2: `connections[0]` must be a path, not a number.", AGAIN,
    ),
    "a word for allow_pickle": (
        "python: {allow_pickle: please}",
        "toolkit.yml:2: `python.allow_pickle` must be true or false, not text.",
        AGAIN,
    ),
    "a number for dbt": (
        "dbt_executable: 2", "toolkit.yml:2: `dbt_executable` must be a path, not a number.", AGAIN,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_toolkit_yml(case: str, write: Any, refused: Any) -> None:
    text, fact, next_step = MISTAKES[case]
    write({"toolkit.yml": f"version: 1\n{text}\n", "ml/a.txt": ""})
    with refused(SettingsError, fact, NOTHING, next_step):
        load_settings()


def test_a_file_that_may_not_be_read(write: Any, refused: Any) -> None:
    folder = write({})
    (folder / "toolkit.yml").symlink_to("/proc/self/mem")  # a file whose bytes nobody may read
    with refused(
        SettingsError,
        "toolkit.yml cannot be read: Input/output error.",
        NOTHING,
        "Look at toolkit.yml, then try again.",
    ):
        load_settings()


def test_a_target_path_that_no_system_has(write: Any, refused: Any) -> None:
    write({"dbt_project.yml": 'name: shop\nprofile: shop\ntarget-path: "a\\0b"\n'})
    with refused(
        SettingsError,
        "'a\\x00b' is no path: it has a NUL in it.",
        NOTHING,
        "Correct it where it is set: --target-path, DBT_TARGET_PATH or dbt_project.yml.",
    ):
        load_settings()


def test_an_engine_inside_and_a_dbt_outside(write: Any, refused: Any) -> None:
    write({"toolkit.yml": "version: 1\ndbt_executable: other/dbt\n"})
    with refused(
        SettingsError,
        "--engine gated runs dbt inside the toolkit, and toolkit.yml names a `dbt_executable` "
        "(HERE/other/dbt).",
        "It is not clear which dbt is meant, so nothing was run.",
        "Leave out --engine, or remove `dbt_executable`.",
    ):
        load_settings(engine="gated")
