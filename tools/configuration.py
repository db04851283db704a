"""Write the keys of toolkit.yml into docs/configuration.md, from the types of the settings.

    python tools/configuration.py

What a key means is the line of its attribute in the docstring of its type, its default that of
the type. A test compares the page with what this would write, and the keys with those that a
mistake in toolkit.yml is answered with.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from toolkit.settings import config, types

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
BEGIN = "<!-- the keys: written by tools/configuration.py -->"
END = "<!-- the end of the keys -->"


class Section(NamedTuple):
    """The keys at one place of toolkit.yml."""

    title: str
    place: str
    type: type[msgspec.Struct]
    says: str


TOP = "Top level"
SECTIONS = (
    Section(TOP, "", config.Config, "`version` is required, all else is optional."),
    Section(
        "airbyte", "airbyte.<target>.", types.AirbyteTarget,
        "How each target of the profile reaches Airbyte. One way to sign in, or none: "
        "[Syncs on an Airbyte server](airbyte-remote.md).",
    ),
    Section(
        "destinations", "destinations.<name>.", types.DestinationMap,
        "Where a destination really lands, by the name that its configuration gives it: "
        "[Sources and streams](matching.md#what-was-not-matched).",
    ),
    Section("run", "run.", types.RunSettings, "[Running](running.md) says what they do."),
    Section(
        "run.rules", "run.rules[].", types.StepRule,
        "A list, each entry a mapping: [Running](running.md#rules).",
    ),
    Section(
        "rules", "rules.", types.RulesSettings,
        "`<rule>` is one of the [governance rules](rules.md).",
    ),
    Section(
        "rules.<rule>", "rules.<rule>.", types.RuleSettings,
        "A severity alone (`unowned-mart: error`), or a mapping:",
    ),
    Section(
        "profile", "profile.", types.ProfileSettings,
        "A mode alone (`profile: on`), or a mapping: [Profiles and anomalies](profiles.md).",
    ),
    Section(
        "anomalies", "anomalies[].", types.AnomalyRule,
        "A list, each entry a mapping: [anomaly rules](profiles.md#anomaly-rules).",
    ),
    Section("python", "python.", types.PythonSettings, "[ML models](models.md#formats)."),
)  # fmt: skip

HIDDEN = {"path", "asset_files", "where", "marts_where"}
"""Attributes that are no keys."""
NAMES = {
    ("Config", "profiling"): "profile",
    ("RuleSettings", "exceptions"): "except",
    ("RunSettings", "concurrency"): "concurrency.<kind>",
    ("RunSettings", "pools"): "pools.<name>",
    ("RulesSettings", "rules"): "<rule>",
}
"""Keys that are not called as their attributes."""
TYPES = {
    "assets": "list of paths, or of mappings with `path`",
    "dbt_executable": "path or name",
    "airbyte.<target>.workspaces": "list of texts",
    "airbyte.<target>.timeout": "seconds",
    "run.rules[].timeout": "time",
    "run.rules[].retry_wait": "time",
    "rules.<rule>": "severity or mapping",
    "profile": "mode or mapping",
}
"""Types that a reader takes and the settings do not have, since they keep what it made of them."""
MORE = {
    "connections": "[formats](airbyte.md#where-connections-come-from)",
    "assets": "a mapping is a [notebook or script](notebooks.md)",
    "dbt_executable": "[engines](how-it-works.md#how-dbt-is-driven)",
    "airbyte.<target>.connections": "[more](airbyte-remote.md#connections-read-from-the-server)",
    "run.concurrency.<kind>": "[more](running.md#limits-and-pools)",
    "rules.<rule>.tags": "[more](rules.md#untagged-pii)",
}
"""Where the page says more."""


class Key(NamedTuple):
    """One row."""

    key: str
    type: str
    default: str
    means: str


def keys(section: Section) -> Iterator[Key]:
    """The keys of one section, in the order of its type."""
    if section.type is config.Config:
        means = "the version of this format"
        yield Key("version", f"`{config.VERSION}`", "required", means)
    described = attributes(section.type)
    hints = get_type_hints(section.type)
    for field in msgspec.structs.fields(section.type):
        if field.name in HIDDEN:
            continue
        name = NAMES.get((section.type.__name__, field.name), field.name)
        key = section.place + name
        more = f" ({MORE[key]})" if key in MORE else ""
        kind = TYPES.get(key) or type_name(hints[field.name])
        yield Key(key, kind, default(field.default), described[field.name] + more)


def attributes(of: type[msgspec.Struct]) -> dict[str, str]:
    """What the docstring of a type says of its attributes, as Markdown on one line each."""
    _, _, text = (inspect.getdoc(of) or "").partition("Attributes:\n")
    entries = re.split(r"\n(?=\w+: )", textwrap.dedent(text).strip())
    pairs = (entry.partition(": ") for entry in entries)
    return {name: " ".join(said.split()).replace("``", "`").rstrip(".") for name, _, said in pairs}


def type_name(hint: Any) -> str:  # noqa: ANN401 - any annotation
    """A type as people say it."""
    origin, inner = get_origin(hint), [one for one in get_args(hint) if one is not NoneType]
    if origin in (Union, UnionType):
        return type_name(inner[0])
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin is tuple:
        if inner[0] is str:
            return "text or list of texts"
        return f"list of {'mappings' if is_struct(inner[0]) else type_name(inner[0])}"
    if origin is not None and issubclass(origin, Mapping):
        return "mapping" if isinstance(inner[1], type) and is_struct(inner[1]) else "number"
    if is_struct(hint):
        return "mapping"
    return {bool: "`true`, `false`", str: "text", Path: "paths"}.get(hint, "number")


def is_struct(hint: object) -> bool:
    """A mapping with keys of its own."""
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def default(value: object) -> str:
    """A default as it would be written; nothing where the key's text says it."""
    if value is None or value is msgspec.NODEFAULT or isinstance(value, msgspec.Struct):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(value)}]`" if value else ""
    return "" if isinstance(value, Mapping) else f"`{value}`"


def written() -> str:
    """All sections."""
    parts = []
    for section in SECTIONS:
        rows = [f"| `{k.key}` | {k.type} | {k.default} | {k.means} |" for k in keys(section)]
        table = ["| key | type | default | means |", "|---|---|---|---|", *rows]
        title = section.title if section.title == TOP else f"`{section.title}`"
        parts.append("\n".join([f"### {title}", "", section.says, "", *table]))
    return "\n\n".join(parts)


def page(text: str) -> str:
    """The page with its keys as they are now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{written()}\n\n{END}{after}"


def main() -> int:
    """Write the page, where it differs."""
    text = PAGE.read_text(encoding="utf-8")
    if page(text) != text:
        PAGE.write_text(page(text), encoding="utf-8")
        print(f"{PAGE.name} was written anew")
    return 0


if __name__ == "__main__":
    sys.exit(main())
