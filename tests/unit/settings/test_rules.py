"""``rules:`` of toolkit.yml: what it may say, and every mistake with its line."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from toolkit.errors import SettingsError
from toolkit.rules import RULES
from toolkit.settings import RuleSettings, RulesSettings, load_settings
from toolkit.settings.rules import RULE_IDS

Write = Callable[[Mapping[str, str]], Path]


def read(write: Write, env: dict[str, str], text: str) -> RulesSettings:
    write({"toolkit.yml": "version: 1\n" + dedent(text)})
    return load_settings(environ=env).rules


def test_all_rules_have_settings() -> None:
    assert tuple(rule.id for rule in RULES) == RULE_IDS


def test_all_of_it(write: Write, env: dict[str, str]) -> None:
    found = read(
        write,
        {**env, "STRICT": "error"},
        """\
        rules:
          marts: [path:models/gold, tag:mart]
          unowned-mart: error
          unread-model: off
          unread-column: "off"
          untagged-pii:
            severity: "{{ env_var('STRICT') }}"
            tags: [pii, gdpr]
            except: [path:models/legacy]
          unloaded-source: {except: erp}
        """,
    )
    assert found == RulesSettings(
        marts=("path:models/gold", "tag:mart"),
        marts_where="toolkit.yml:3",
        rules={
            "unowned-mart": RuleSettings(where="toolkit.yml:4", severity="error"),
            "unread-model": RuleSettings(where="toolkit.yml:5", severity="off"),
            "unread-column": RuleSettings(where="toolkit.yml:6", severity="off"),
            "untagged-pii": RuleSettings(
                where="toolkit.yml:7", severity="error", tags=("pii", "gdpr"),
                exceptions=("path:models/legacy",),
            ),
            "unloaded-source": RuleSettings(where="toolkit.yml:11", exceptions=("erp",)),
        },
    )  # fmt: skip


def test_nothing_at_all(write: Write, env: dict[str, str]) -> None:
    assert read(write, env, "rules:\n").rules == {}
    assert read(write, env, "").rules == {}


MISTAKES: dict[str, tuple[str, str]] = {
    "unknown rule": (
        "rules:\n  unowned_marts: error\n",
        "toolkit.yml:3: `rules.unowned_marts` is not a rule. Did you mean `unowned-mart`?",
    ),
    "unknown severity": (
        "rules:\n  unread-model: warn\n",
        "toolkit.yml:3: `rules.unread-model` is 'warn'; it must be error or warning or off. "
        "Did you mean `warning`?",
    ),
    "on": (
        "rules:\n  unread-model: on\n",
        "toolkit.yml:3: `rules.unread-model` is on; it must be error or warning or off.",
    ),
    "nothing": (
        "rules:\n  unread-model:\n",
        "toolkit.yml:3: `rules.unread-model` is nothing; it must be error or warning or off.",
    ),
    "unknown key": (
        "rules:\n  unread-model:\n    exept: [a]\n",
        "toolkit.yml:4: `rules.unread-model.exept` is not a key of toolkit.yml under "
        "`rules.unread-model`. Did you mean `except`?",
    ),
    "tags of another rule": (
        "rules:\n  unread-model: {tags: [a]}\n",
        "toolkit.yml:3: `rules.unread-model.tags` is not a key of toolkit.yml under "
        "`rules.unread-model`.",
    ),
    "no tags": (
        "rules:\n  untagged-pii: {tags: []}\n",
        "toolkit.yml:3: `rules.untagged-pii.tags` is empty.",
    ),
    "not text": (
        "rules:\n  unread-model:\n    except: [1]\n",
        "toolkit.yml:4: `rules.unread-model.except` must be a list of texts; one is a number.",
    ),
    "empty text": (
        "rules:\n  marts: ['']\n",
        "toolkit.yml:3: `rules.marts` must be a list of texts; one is empty text.",
    ),
    "a list": (
        "rules: [unread-model]\n",
        "toolkit.yml:2: `rules` must be a mapping, not a list.",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(write: Write, env: dict[str, str], name: str) -> None:
    text, fact = MISTAKES[name]
    with pytest.raises(SettingsError) as raised:
        read(write, env, text)
    assert raised.value.fact == fact
