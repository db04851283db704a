"""``profile:`` and ``anomalies:`` of toolkit.yml: what they mean, and what is wrong in them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from toolkit.errors import SettingsError
from toolkit.settings import AnomalyRule, ProfileSettings, load_settings

Write = Callable[[Mapping[str, str]], Path]

MODES = {
    "": ProfileSettings(),
    "profile: on": ProfileSettings(mode="on"),
    "profile: off": ProfileSettings(mode="off"),
    "profile: 'off'": ProfileSettings(mode="off"),
    "profile: sample": ProfileSettings(),
    "profile: {values: false}": ProfileSettings(values=False),
    "profile: {mode: on, values: true}": ProfileSettings(mode="on"),
    "profile: \"{{ env_var('HOW', 'on') }}\"": ProfileSettings(mode="on"),
}


@pytest.mark.parametrize("text", MODES)
def test_profile(text: str, write: Write, env: dict[str, str]) -> None:
    write({"toolkit.yml": f"version: 1\n{text}\n"})
    assert load_settings(environ=env).profiling == MODES[text]


def test_rules(write: Write, env: dict[str, str]) -> None:
    text = "anomalies:\n- {}\n- {select: [a, b], exclude: c, metrics: mean, columns: x, last: 30, "
    write({"toolkit.yml": f"version: 1\n{text}least: 3, threshold: 2.5, severity: error}}\n"})
    first, second = load_settings(environ=env).anomalies
    assert first == AnomalyRule(where=first.where)
    assert first.where.endswith("toolkit.yml:3")
    assert second == AnomalyRule(
        where=second.where, select=("a", "b"), exclude=("c",), metrics=("mean",), columns=("x",),
        last=30, least=3, threshold=2.5, severity="error",
    )  # fmt: skip


MISTAKES = {
    "profile: some": "`profile` is 'some'; it must be on, sample or off.",
    "profile: {mode: no, vales: 1}": "Did you mean `values`?",
    "profile: {values: 3}": "`profile.values` must be true or false",
    "anomalies: {}": "`anomalies` must be a list",
    "anomalies: [{metric: mean}]": "Did you mean `metrics`?",
    "anomalies: [{metrics: nulls}]": "Metrics: row_count, null_share, distinct, mean.",
    "anomalies: [{metrics: []}]": "is empty",
    "anomalies: [{last: 3}]": "`anomalies[0].least` is 7, more than the 3 builds",
    "anomalies: [{threshold: 0}]": "must be a number above 0",
    "anomalies: [{threshold: .nan}]": "must be a number above 0",
    "anomalies: [{severity: warning}]": "Did you mean `warn`?",
    "anomalies: [{least: 1}]": "must be a number from 2",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes(text: str, write: Write, env: dict[str, str]) -> None:
    write({"toolkit.yml": f"version: 1\n{text}\n"})
    with pytest.raises(SettingsError) as raised:
        load_settings(environ=env)
    assert MISTAKES[text] in str(raised.value)
    assert "toolkit.yml:2" in str(raised.value)
