"""What the pages show can be read: commands by click, settings by their reader, code by Python.

Blocks marked ``console`` and ``python`` are run by other tests, which a list here names; ``text``
is not run, but the ``toolkit`` commands in it have only options that are there.
"""

import ast
import contextlib
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from toolkit.cli import cli
from toolkit.settings import load_settings
from toolkit.settings.config import Config

REPOSITORY = Path(__file__).parents[3]
DOCS = REPOSITORY / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"])
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)

RUN = {
    "tests/e2e/test_docs.py": {
        "README.md": "console",
        "getting-started.md": "console",
        "tutorial.md": "console",
        "concepts.md": "console",
        "looking.md": "console",
    },
    "tests/unit/python/test_docs.py": dict.fromkeys(
        (
            "python-assets.md", "python-running.md", "resources.md", "batches.md",
            "from-dagster.md", "from-airflow.md", "from-sqlmesh.md",
        ),
        "python",
    ),
    "tests/unit/python/test_models_docs.py": {"models.md": "python"},
    "tests/e2e/test_integration_entry_point.py": {"integrations.md": "python"},
    "tests/unit/testing/test_projects.py": {"testing.md": "python"},
    "tests/unit/graph/test_selection_docs.py": {"selection.md": "select"},
}  # fmt: skip
"""Which test runs the blocks of which page; it names the page."""

FILES = {"getting-started.md", "tutorial.md"}
"""Pages whose files one test writes, so that their Python is run by their commands."""
WRITTEN = {"python-api.md"}
"""Pages that another test compares with the code; their blocks are signatures."""


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    for indent, language, text in FENCE.findall(page.read_text(encoding="utf-8")):
        yield language, re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)


def shown(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


ALL = [(page, language, text) for page in PAGES for language, text in blocks(page)]


# ---- every block is known ----


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_block_says_what_it_is(page: Path) -> None:
    known = {"text", "console", "python", "py", "yaml", "json", "toml", "sh", "bash", "csv", "sql"}
    known |= {"diff", "select", "checks"}
    assert {language for language, _ in blocks(page)} - known == set()


@pytest.mark.parametrize("language", ["console", "python"])
def test_every_block_to_run_is_run(language: str) -> None:
    has = {page.name for page, found, _ in ALL if found == language} - WRITTEN
    if language == "python":
        has -= FILES
    ran = {page for pages in RUN.values() for page, found in pages.items() if found == language}
    assert has == ran


@pytest.mark.parametrize("test", RUN)
def test_the_tests_that_run_them_name_the_pages(test: str) -> None:
    text = (REPOSITORY / test).read_text(encoding="utf-8")
    assert [page for page in RUN[test] if page not in text] == []


# ---- what is not run can be read ----


@pytest.mark.parametrize(
    ("page", "text"),
    [(p, t) for p, kind, t in ALL if kind in ("py", "python") and p.name not in WRITTEN],
    ids=lambda one: getattr(one, "name", ""),
)
def test_python_can_be_read(page: Path, text: str) -> None:
    ast.parse(text)


@pytest.mark.parametrize(
    ("page", "text"),
    [(p, t) for p, kind, t in ALL if kind in ("json", "toml")],
    ids=lambda one: getattr(one, "name", ""),
)
def test_json_and_toml_can_be_read(page: Path, text: str) -> None:
    if text.lstrip().startswith("["):
        tomllib.loads(text)
    else:
        json.loads(text if text.lstrip().startswith("{") else f"{{{text}}}")


YAML = [(page, text) for page, kind, text in ALL if kind == "yaml"]
KEYS = {"version", "profile", *Config.__struct_fields__}


@pytest.mark.parametrize(("page", "text"), YAML, ids=lambda one: getattr(one, "name", ""))
def test_yaml_can_be_read(page: Path, text: str) -> None:
    assert yaml.safe_load(text)


SETTINGS = [
    (page, text) for page, text in YAML
    if set(found := yaml.safe_load(text)) <= KEYS and found.get("version", 1) == 1
]  # fmt: skip


@pytest.mark.parametrize(("page", "text"), SETTINGS, ids=lambda one: getattr(one, "name", ""))
def test_settings_are_settings(
    page: Path, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as a block is of toolkit.yml it is read, whole, by what reads toolkit.yml."""
    data = yaml.safe_load(text)
    (tmp_path / "dbt").mkdir()
    monkeypatch.chdir(tmp_path / "dbt")
    for entry in [*data.get("connections", ()), *data.get("assets", ())]:
        path = Path(entry["path"] if isinstance(entry, dict) else entry)
        if path.suffix:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        else:
            path.mkdir(parents=True, exist_ok=True)
    Path("dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    outputs = "{dev: {type: duckdb}, prod: {type: duckdb}}"
    Path("profiles.yml").write_text(f"shop: {{target: dev, outputs: {outputs}}}\n")
    text = text if "version" in data else f"version: 1\n{text}"
    Path("toolkit.yml").write_text(text)
    names = dict.fromkeys(re.findall(r"env_var\('(\w+)'", text), "x")
    for target in ("dev", "prod"):
        load_settings(environ={"HOME": str(tmp_path), **names}, target=target)


def test_there_are_settings() -> None:
    assert {page.name for page, _ in SETTINGS} >= {"configuration.md", "running.md", "rules.md"}


# ---- commands ----


def commands(text: str) -> Iterator[str]:
    """``toolkit ...`` in blocks at the begin of a line, and in code between backticks."""
    for _, language, block in FENCE.findall(text):
        if language in ("text", "console", "sh", "bash", ""):
            yield from re.findall(r"^(?:\$ )?(toolkit [a-z].*)$", block, re.MULTILINE)
    yield from re.findall(r"`(toolkit [^`\n]+)`", FENCE.sub("", text))


def words_of(line: str) -> list[str]:
    """The words of one command: without comments, pipes, and what stands for more."""
    line = re.split(r"\s{2,}|\s#|\s\||\s>|\s&&|;", line)[0]
    words = shlex.split(line.replace("...", "").replace("\\|", "|"))[1:]
    return [word for word in words if word != "\\"]


def refused(words: list[str]) -> str:
    """What click says against a command's options and name; nothing is run."""
    command: click.Command = cli
    context = click.Context(cli, info_name="toolkit")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            return f"{words[0]} is no command"
        context = click.Context(found, info_name=words[0], parent=context)
        command, words = found, words[1:]
    if words and words[-1].startswith("-"):
        with contextlib.suppress(click.BadOptionUsage):  # an option without its value, in prose
            command.make_parser(context).parse_args(args=list(words))
        return ""
    try:
        command.make_parser(context).parse_args(args=list(words))
    except click.UsageError as error:
        return error.message
    return ""


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_commands_are_there(page: Path) -> None:
    wrong = {}
    for line in commands(page.read_text(encoding="utf-8")):
        if re.match(r"toolkit [a-z-]+( [a-z]+)? \[?(OPTIONS|\[)", line) or "COMMAND" in line:
            continue  # a usage line, which another test compares
        said = refused(words_of(line))
        if said:
            wrong[line] = said
    assert wrong == {}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("toolkit build --select a b", ""),
        ("toolkit models list --json | jq", ""),
        ("toolkit bild", "bild is no command"),
        ("toolkit models lst", "lst is no command"),
        ("toolkit ls --nosuch", "No such option"),
        ("toolkit build --select a --nosuch b", "No such option"),
    ],
)
def test_a_command_that_is_not_there_is_noticed(line: str, said: str) -> None:
    try:
        found = refused(words_of(line))
    except click.NoSuchOption as error:
        found = error.message
    assert found.startswith(said)
    assert bool(found) is bool(said)
