"""docs/configuration.md says what is so."""

import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
import yaml

from toolkit.errors import SettingsError
from toolkit.graph import AssetGraph
from toolkit.graph.selection import select
from toolkit.settings import (
    AirbyteTarget,
    DestinationMap,
    load_settings,
)
from toolkit.settings.rules import RULE_IDS

Write = Callable[[Mapping[str, str]], Path]

REPOSITORY = Path(__file__).parents[3]
DOCS = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
RUNNING = Path(__file__).parents[3] / "docs" / "running.md"
RULES = Path(__file__).parents[3] / "docs" / "rules.md"
EXAMPLE = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)[0]
MESSAGE = re.findall(r"```text\n(.*?)```", DOCS, re.DOTALL)[0]
FILES = {
    "toolkit.yml": EXAMPLE,
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb}, prod: {type: duckdb}}}\n",
    "ml/a.py": "",
    "../connectors/a.yml": "",
}


def test_the_example_loads(write: Write, env: dict[str, str]) -> None:
    folder = write(FILES)
    dev = load_settings(environ=env)
    assert dev.connections == (folder.parent / "connectors",)
    assert dev.assets == (folder / "ml",)
    assert dev.airbyte == AirbyteTarget()
    assert dev.destinations == {"warehouse": DestinationMap(database="shop", schema="raw")}
    assert dev.run.pools == {"gpu": 1}
    (rule,) = dev.run.rules
    assert (rule.select, rule.timeout) == (("kind:ml_model",), 1800.0)
    assert dev.rules.rules["untagged-pii"].tags == ("pii", "gdpr")
    names = re.findall(r"env_var\('(\w+)'\)", EXAMPLE)
    prod = load_settings(environ={**env, **dict.fromkeys(names, "x")}, target="prod")
    assert prod.airbyte.run == "remote"
    assert prod.airbyte.client_secret == "x"


def test_the_example_of_running_loads(write: Write, env: dict[str, str]) -> None:
    text = RUNNING.read_text(encoding="utf-8")
    write({"toolkit.yml": re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]})
    run = load_settings(environ=env).run
    assert run.concurrency == {"sync": 2, "python": 1}
    assert [rule.timeout for rule in run.rules] == [7200.0, 1800.0, None]
    for rule in run.rules:
        select(AssetGraph([]), rule.select, rule.exclude)  # each can be read


def test_the_example_of_rules_loads(write: Write, env: dict[str, str]) -> None:
    text = RULES.read_text(encoding="utf-8")
    write({"toolkit.yml": re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]})
    rules = load_settings(environ=env).rules
    assert rules.marts == ("path:models/marts", "tag:mart")
    assert {name: rule.severity for name, rule in rules.rules.items()} == {
        "unowned-mart": "error", "unread-model": "off", "untagged-pii": "error",
    }  # fmt: skip
    for words in (rules.marts, *(rule.exceptions for rule in rules.rules.values())):
        select(AssetGraph([]), words)  # each can be read


def test_the_message_is_the_message(write: Write, env: dict[str, str]) -> None:
    write({"toolkit.yml": "version: 1\nconections: []\n"})
    with pytest.raises(SettingsError) as raised:
        load_settings(environ=env)
    assert str(raised.value) == MESSAGE.strip()


# ---- the keys, which tools/configuration.py writes ----


def _generator() -> ModuleType:
    path = REPOSITORY / "tools" / "configuration.py"
    spec = importlib.util.spec_from_file_location("tools_configuration", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its NamedTuples look for their module
    spec.loader.exec_module(module)
    return module


GENERATOR = _generator()
KEYS = [key for section in GENERATOR.SECTIONS for key in GENERATOR.keys(section)]
PLACES = {"<target>": "dev", "<name>": "one", "<rule>": "untagged-pii", "<kind>": "sync"}
VALUES = {
    "text": "some",
    "number": 9,  # more than the 7 builds that `last` may not be under
    "seconds": 9,
    "time": "9 min",
    "list of texts": ["some"],
    "text or list of texts": ["some"],
    "list of paths": ["ml"],
    "list of paths, or of mappings with `path`": [{"path": "ml/a.py"}],
    "path or name": "dbt",
    "severity or mapping": "off",
    "mode or mapping": "off",
    "mapping": {},
    "list of mappings": [{}],
}


def _document(key: str, value: object) -> dict[str, Any]:
    """toolkit.yml with one key."""
    parts = key.split(".")
    for part in reversed(parts[1:]):
        value = {PLACES.get(part, part): value}
    first = parts[0]
    if first.endswith("[]"):
        return {first.removesuffix("[]"): [value]}
    return {PLACES.get(first, first): value}


def _written(key: str, value: object) -> str:
    if "[]." in key and not key.startswith("anomalies"):  # run.rules[].pool
        place, _, last = key.partition("[].")
        key, value = place, [{last: value}]
    document = {"version": 1, **_document(key, value)}
    if key == "run.rules":
        document["run"]["pools"] = {"some": 1}
    return yaml.safe_dump(document)


def test_the_page_has_the_keys_as_they_are() -> None:
    assert GENERATOR.page(DOCS) == DOCS, "make docs writes the page anew"


@pytest.mark.parametrize("section", GENERATOR.SECTIONS, ids=lambda section: section.title)
def test_the_keys_are_those_that_are_read(section: Any, write: Write, env: dict[str, str]) -> None:
    """What a mistake is answered with is what the page lists."""
    listed = {
        key.key.removeprefix(section.place).partition(".")[0] for key in GENERATOR.keys(section)
    }
    if section.title == "rules":
        listed = {*RULE_IDS, "marts"}
    write({"toolkit.yml": _written(section.place + "no_such_key", 1)})
    with pytest.raises(SettingsError) as raised:
        load_settings(environ=env)
    said = re.search(r"(?:Valid keys here|Rules): ([^.]*)\.", str(raised.value))
    assert said is not None, raised.value
    assert set(re.findall(r"[a-z][\w-]*", said[1])) - {"and"} == listed


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.key)
def test_a_value_of_its_type_is_taken(key: Any, write: Write, env: dict[str, str]) -> None:
    """And of a choice each one; a default that is written out changes nothing."""
    choices = [yaml.safe_load(one) for one in re.findall(r"`([^`]+)`", key.type)]
    if key.type.startswith("list of `"):
        choices = [choices]
    if key.type in VALUES:
        choices = [VALUES[key.type]]
    if key.key.endswith((".password", ".token", "client_secret")):
        choices = ["{{ env_var('SECRET') }}"]
    for value in choices:
        partner = {"password": "username", "client_secret": "client_id"}
        partner |= {after: before for before, after in partner.items()}
        text = _written(key.key, value)
        last = key.key.rpartition(".")[2]
        if last in partner:
            given = yaml.safe_load(text)
            given["airbyte"]["dev"][partner[last]] = "{{ env_var('SECRET') }}"
            text = yaml.safe_dump(given)
        write({"toolkit.yml": text, "ml/a.py": ""})
        load_settings(environ={**env, "SECRET": "x"})


@pytest.mark.parametrize(
    "key", [key for key in KEYS if key.default.startswith("`")], ids=lambda key: key.key
)
def test_a_default_is_what_counts_without_it(key: Any, write: Write, env: dict[str, str]) -> None:
    given = yaml.safe_load(key.default.strip("`"))
    write({"toolkit.yml": _written(key.key, given)})
    said = load_settings(environ=env)
    place = key.key.rpartition("[].")[0]
    write({"toolkit.yml": f"version: 1\n{place}: [{{}}]" if place else "version: 1"})
    assert said == load_settings(environ=env)


def test_a_key_without_a_line_is_noticed() -> None:
    class Undescribed(msgspec.Struct):
        """Attributes:
        said: that.
        """

        said: int = 1
        unsaid: int = 2

    with pytest.raises(KeyError, match="unsaid"):
        list(GENERATOR.keys(GENERATOR.Section("x", "x.", Undescribed, "")))
