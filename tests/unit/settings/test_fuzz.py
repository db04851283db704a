"""Thousands of broken files: always settings or one SettingsError, never a traceback or a hang."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.errors import SettingsError
from toolkit.settings import load_settings

Write = Callable[[Mapping[str, str]], Path]

TOOLKIT = """\
version: 1
connections: [here]
assets:
  - "{{ env_var('ASSETS', 'here') }}"
airbyte: &air
  dev: {run: local}
  prod:
    <<: {run: remote}
    url: "https://x"   # comment
    client_secret: "{{ env_var('S') }}"
destinations:
  warehouse: {schema: raw, database: 'wh'}
"""
PROJECT = """\
name: shop
version: '1.0'
profile: "{{ env_var('P', 'shop') }}"
model-paths: ["models", "more/"]
target-path: target
vars: {day: 2026-01-01, n: 0x1f}
models:
  shop:
    +materialized: table
    staging: &s {+schema: stg}
    marts: *s
"""
PROFILES = """\
shop:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('D', 'x.duckdb') }}"
      threads: "{{ env_var('N', '2') | int }}"
      settings: {TimeZone: UTC}
"""
TEXTS = {"toolkit.yml": TOOLKIT, "dbt_project.yml": PROJECT, "profiles.yml": PROFILES}

PIECES = (
    *("\t", "\n", "  ", "- ", "? ", ": ", ":", "{", "}", "[", "]", "|\n", "'", '"', "#", ",", "~"),
    *("&a ", "*a", "*s", "<<: ", "!!int ", "!!binary ", "!!timestamp ", "!!set ", "!!omap ", "!x "),
    *("!!python/name:os ", "%TAG", "---\n", "...\n", "\0", "\x07", "\ufeff", "é", "\u2028", "@"),
    *("{{", "}}", "{%", "%}", "{#", "1e999", "0o9", "1:70", ".inf", "9" * 5000, "=", "`", "yes"),
    "2024-13-45",
)


def mutated(text: str, chance: random.Random) -> str:
    """``text`` with one to four pieces put in, taken out, doubled or swapped."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        to = min(len(text), at + chance.choice((1, 1, 2, 5, 20)))
        kind = chance.randrange(4)
        if kind == 0:
            text = text[:at] + chance.choice(PIECES) + text[at:]
        elif kind == 1:
            text = text[:at] + text[to:]
        elif kind == 2:
            text = text[:to] + text[at:to] * chance.choice((1, 2, 300)) + text[to:]
        else:
            text = text[:at] + chance.choice(PIECES) + text[to:]
    return text


def outcome(env: dict[str, str]) -> str:
    """What loading says; only the two promised outcomes are possible."""
    refused: SettingsError | None = None
    try:
        load_settings(environ=env)
    except SettingsError as error:
        refused = error
    if refused is None:
        return "loaded"
    assert refused.fact
    assert refused.consequence
    assert len(refused.fact) < 10_000
    return "refused"


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_mutations(name: str, write: Write, env: dict[str, str]) -> None:
    folder = write({**TEXTS, "here/x.yml": ""})
    assert outcome(env) == "loaded"
    outcomes = {"loaded": 0, "refused": 0}
    for seed in range(2000):
        text = mutated(TEXTS[name], random.Random(seed))
        (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            outcomes[outcome(env)] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}:\n{text[:2000]}") from error
    assert min(outcomes.values()) > 100, outcomes


@pytest.mark.parametrize("name", TEXTS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60))
def test_any_bytes(name: str, data: bytes, write: Write, env: dict[str, str]) -> None:
    (write({**TEXTS, "here/x.yml": ""}) / name).write_bytes(data)
    outcome(env)
