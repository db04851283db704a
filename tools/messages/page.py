"""docs/messages.md: every message, by what a user was doing."""

import re
from collections.abc import Iterable

from tools.messages.catalog import REPOSITORY, Entry
from tools.messages.templates import bare

PAGE = REPOSITORY / "docs" / "messages.md"

_HEAD = """\
# Messages

<!-- Written by `make messages` from the code. Do not edit. -->

Everything that toolkit can say is wrong: {errors} errors and {problems} problems.

An **error** ends the command. It has three parts: what is wrong, what that means for what you
asked, and what to do next. With `--log-format json` they are `message`, `consequence` and `next`;
the [exit code](cli.md#exit-codes) says of which kind it is. A **problem** is tolerated: it is
counted and listed in every output, has a `code` that does not change, and stops nothing.

`{{name}}` stands for what is found in your project, `[a / b]` for one of the two, and `[a]` for
what stands there only sometimes. What dbt, DuckDB, a connector or a server says itself is passed
on as it is, and is not listed here.

The last line of each names the test that makes it happen.
"""

# The first that a file's path begins with; in the order of the page.
_SUBJECTS = (
    ("Command line", ("toolkit/cli/",)),
    ("Settings: toolkit.yml, dbt_project.yml, profiles.yml", ("toolkit/settings/",)),
    ("The project and its integrations", ("toolkit/project", "toolkit/reading", "toolkit/recall")),
    ("Selecting assets", ("toolkit/graph/selection/",)),
    ("The asset graph, and what is joined in it", ("toolkit/graph/", "toolkit/errors.py")),
    ("Column lineage", ("toolkit/lineage/",)),
    ("dbt", ("toolkit/integrations/dbt/",)),
    ("Airbyte: configuration files", ("toolkit/integrations/airbyte/readers/",
                                      "toolkit/integrations/airbyte/yamltext.py")),
    ("Airbyte: connectors", ("toolkit/integrations/airbyte/source/",)),
    ("Airbyte: local syncs", ("toolkit/integrations/airbyte/local/",)),
    ("Airbyte: servers", ("toolkit/integrations/airbyte/remote/",)),
    ("Airbyte: streams and their columns", ("toolkit/integrations/airbyte/",)),
    ("Python assets: what is declared", ("toolkit/integrations/python/declared/",
                                         "toolkit/integrations/python/api.py",
                                         "toolkit/integrations/python/lineage/",
                                         "toolkit/integrations/python/integration.py")),
    ("Notebooks and scripts", ("toolkit/integrations/python/files/", "toolkit/notebook")),
    ("ML models", ("toolkit/integrations/python/models/", "toolkit/mlflow")),
    ("Python assets: what happens when they run", ("toolkit/integrations/python/",)),
    ("Anomalies", ("toolkit/integrations/anomalies/",)),
    ("Building", ("toolkit/run/",)),
    ("The warehouse", ("toolkit/warehouse/",)),
    ("The ledger", ("toolkit/ledger/",)),
    ("Comparing two versions of a project", ("toolkit/baseline/", "toolkit/diff/")),
    ("Rules", ("toolkit/rules/",)),
    ("Testing Python assets", ("toolkit/testing/",)),
)  # fmt: skip
_OTHERS = "Everything else"


def page(entries: Iterable[Entry], reasons: dict[str, str]) -> str:
    """The text of the page.

    Args:
        reasons: why a message has no test, by its name.
    """
    titles = (*(title for title, _ in _SUBJECTS), _OTHERS)
    groups: dict[str, list[Entry]] = {title: [] for title in titles}
    for entry in entries:
        groups[_subject(entry)].append(entry)
    everything = [entry for group in groups.values() for entry in group]
    problems = len({entry.message["code"] for entry in everything if entry.code is None})
    errors = sum(entry.code is not None for entry in everything)
    lines = [_HEAD.format(errors=errors, problems=problems)]
    for title, group in groups.items():
        if group:
            lines.append(f"\n## {title}\n")
            lines += [_entry(entry, reasons) for entry in group]
    return "\n".join(lines)


def _subject(entry: Entry) -> str:
    paths = [place.path for place in reversed(entry.message.places)]
    if entry.message.kind == "PublishError" or "/publish/" in paths[0]:
        return "Building"
    for path in paths:
        for title, starts in _SUBJECTS:
            if path.startswith(starts):
                return title
    return _OTHERS


def _entry(entry: Entry, reasons: dict[str, str]) -> str:
    message = entry.message
    if entry.code is None:
        severity = message["severity"]
        fixed = severity if severity in ("error", "info") else "warning"
        said = f"problem `{message['code']}`, {_shown(severity) if '[' in severity else fixed}"
        texts = [message["message"]]
    else:
        said = f"`{message.kind}`, exit code {entry.code}"
        texts = [message[part] for part in ("fact", "consequence", "next_step")]
    told = f"test: `{entry.test}`" if entry.test else f"no test: {reasons.get(entry.name, '')}"
    quoted = "\n>\n".join(f"> {_shown(text)}" for text in texts if text)
    return f'<a id="{entry.name}"></a>\n\n{quoted}\n\n{said}; {told}\n'


def _shown(text: str) -> str:
    """A template as Markdown: what is not fixed in code style, everything else as it is."""
    lines = []
    for line in text.split("\n"):
        parts = re.split(r"(`[^`]*`)", line)
        lines.append("".join(p if p.startswith("`") else _plain(p) for p in parts))
    return "\n> ".join(lines)


def _plain(text: str) -> str:
    text = re.sub(r"([*_<>|\\])", r"\\\1", text) if bare(text).strip() else text
    return re.sub(r"\{[^{}]*\}", lambda m: "`" + m[0].replace("\\", "") + "`", text)
