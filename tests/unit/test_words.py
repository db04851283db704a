"""One word for one thing (docs/glossary.md): its rivals stay out of what users read."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from toolkit.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])

RIVALS = {  # a rival: the word, and where the rival is somebody else's word for another thing
    r"pipelines?": ("asset graph", {"ci.md", "models.md"}),  # GitLab's, scikit-learn's
    r"DAGs?": ("asset graph", {"from-airflow.md", "from-dagster.md"}),
    r"tasks?": ("step", {"from-airflow.md", "README.md"}),
    r"executions?": ("run", set[str]()),
    r"director(?:y|ies)": ("folder", set[str]()),
    r"artefacts?": ("artifact", set[str]()),
    r"out-?dated": ("stale", set[str]()),
    r"data ?sets?": ("table", {"lineage.md", "matching.md", "from-airflow.md"}),  # OpenLineage's
    r"predecessors?|successors?": ("upstream, downstream", set[str]()),
    r"workflows?": ("build", {"ci.md"}),  # GitHub's
    r"machine learning": ("ML", set[str]()),
    r"environment switch(?:es)?": ("target", set[str]()),
    r"black[- ]?list\w*|white[- ]?list\w*": ("what is meant", set[str]()),
}
HELP = {r"(?<!dbt )(?<!unit )tests?": ("check", set[str]())}  # dbt's resource type is a choice
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`|\]\([^)\s]*\)", re.DOTALL | re.MULTILINE)


def prose(text: str) -> str:
    """Without code and addresses, in which the words are somebody else's."""
    return CODE.sub(" ", text)


def helps(group: click.Group = cli, name: str = "toolkit") -> Iterator[tuple[str, str]]:
    """What ``--help`` says of each command and of each option."""
    context = click.Context(group, info_name=name)
    yield name, group.get_help(context)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command is not None
        if isinstance(command, click.Group):
            yield from helps(command, f"{name} {word}")
            continue
        said = [command.help or ""]
        said += [one.help or "" for one in command.params if isinstance(one, click.Option)]
        yield f"{name} {word}", "\n".join(said)


def found(text: str, rivals: dict[str, tuple[str, set[str]]], place: str) -> list[str]:
    """Rivals in a text, each with the word that is meant."""
    return [
        f"{place}: {match[0]!r}, say {word!r}: ...{text[max(0, match.start() - 30) :][:80]!r}"
        for rival, (word, allowed) in rivals.items()
        if place not in allowed
        for match in re.finditer(rf"\b(?:{rival})\b", text, re.IGNORECASE)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_keep_to_the_words(page: Path) -> None:
    assert found(prose(page.read_text(encoding="utf-8")), RIVALS, page.name) == []


def test_help_texts_keep_to_the_words() -> None:
    assert [x for name, text in helps() for x in found(prose(text), RIVALS | HELP, name)] == []


def test_the_same_option_has_the_same_words() -> None:
    """But for those whose meaning depends on the command."""
    own = {"--force", "--all", "--limit", "--base", "--against", "--full-refresh", "--format"}
    said: dict[str, set[str]] = {}
    for command in commands():
        for one in command.params:
            if isinstance(one, click.Option) and own.isdisjoint(one.opts):
                said.setdefault(one.opts[0], set()).add(one.help or "")
    files = said.pop("--output")  # report's has a default
    assert len(files) == 2
    assert {name: words for name, words in said.items() if len(words) > 1} == {}
    assert [name for name, words in said.items() if words == {""}] == []


def commands(group: click.Group = cli) -> Iterator[click.Command]:
    """All that are no groups."""
    context = click.Context(group)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command)
        else:
            yield command


def test_a_rival_is_found() -> None:
    assert found(prose("Old pipelines `pipeline`."), RIVALS, "x.md")[0].startswith(
        "x.md: 'pipelines', say 'asset graph'"
    )
