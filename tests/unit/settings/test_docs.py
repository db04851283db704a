"""docs/configuration.md says what is so."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from toolkit.errors import SettingsError
from toolkit.graph import AssetGraph
from toolkit.graph.selection import select
from toolkit.settings import (
    AirbyteTarget,
    DestinationMap,
    ProfileSettings,
    StepRule,
    load_settings,
)
from toolkit.settings.config import VERSION

Write = Callable[[Mapping[str, str]], Path]

DOCS = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
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


def test_every_key_is_listed() -> None:
    listed = set(
        re.findall(r"^\| `([a-z_.<>]+)`", DOCS.split("The file is strict")[0], re.MULTILINE)
    )
    assert listed == {
        "version",
        "connections",
        "assets",
        "dbt_executable",
        *(f"airbyte.<target>.{name}" for name in AirbyteTarget.__struct_fields__),
        *(f"destinations.<name>.{name}" for name in DestinationMap.__struct_fields__),
        "run.concurrency.<kind>",
        "run.pools.<name>",
        *(f"run.rules.{name}" for name in StepRule.__struct_fields__ if name != "where"),
        "python.allow_pickle",
        "profile",
        *(f"profile.{name}" for name in ProfileSettings.__struct_fields__),
        "anomalies",
        "rules.marts",
        "rules.<rule>",
        *(f"rules.<rule>.{name}" for name in ("severity", "except", "tags")),
    }
    assert f"`{VERSION}`" in DOCS
