"""``run:`` of toolkit.yml: what it may say, and every mistake with its line."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from toolkit.errors import SettingsError
from toolkit.settings import RunSettings, StepRule, load_settings

Write = Callable[[Mapping[str, str]], Path]


def read(write: Write, env: dict[str, str], text: str) -> RunSettings:
    write({"toolkit.yml": "version: 1\n" + dedent(text)})
    return load_settings(environ=env).run


def test_all_of_it(write: Write, env: dict[str, str]) -> None:
    found = read(
        write,
        {**env, "GPUS": "2"},
        """\
        run:
          concurrency: {sync: 2, check: 4}
          pools: {gpu: "{{ env_var('GPUS') }}", crm: 1}
          rules:
            - select: "kind:ml_model"
              exclude: churn
              pool: gpu
              timeout: 30 min
              retries: 2
              retry_wait: 1.5 s
            - select: [tag:nightly, "stream:*"]
              timeout: 90
            - retries: 1
        """,
    )
    assert found == RunSettings(
        concurrency={"sync": 2, "check": 4},
        pools={"gpu": 2, "crm": 1},
        rules=(
            StepRule(
                where="toolkit.yml:6", select=("kind:ml_model",), exclude=("churn",), pool="gpu",
                timeout=1800.0, retries=2, retry_wait=1.5,
            ),
            StepRule(where="toolkit.yml:12", select=("tag:nightly", "stream:*"), timeout=90.0),
            StepRule(where="toolkit.yml:14", retries=1),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("90", 90), ("0.5", 0.5), ("30 min", 1800), ("2h", 7200), ("1 Hour", 3600), ("5 sec", 5)],
)
def test_lengths_of_time(write: Write, env: dict[str, str], given: str, seconds: float) -> None:
    (rule,) = read(write, env, f"run: {{rules: [{{select: a, timeout: {given}}}]}}\n").rules
    assert rule.timeout == seconds


MISTAKES: dict[str, tuple[str, str, str]] = {
    "unknown key": (
        "run:\n  pool: {gpu: 1}\n",
        "toolkit.yml:3: `run.pool` is not a key of toolkit.yml under `run`. "
        "Did you mean `pools`?",
        "Valid keys here: concurrency, pools, rules.",
    ),
    "unknown kind": (
        "run:\n  concurrency:\n    syncs: 1\n",
        "toolkit.yml:4: `run.concurrency.syncs` is not a kind of step. Did you mean `sync`?",
        "Kinds: sync, dbt, python, check.",
    ),
    "no places": (
        "run:\n  pools: {gpu: 0}\n",
        "toolkit.yml:3: `run.pools.gpu` is 0; it must be a number from 1 to 10000.",
        "",
    ),
    "not a number": (
        "run:\n  pools: {gpu: two}\n",
        "toolkit.yml:3: `run.pools.gpu` is 'two'; it must be a number from 1 to 10000.",
        "",
    ),
    "rules are no list": (
        "run:\n  rules: {select: a}\n",
        "toolkit.yml:3: `run.rules` must be a list, not a mapping.",
        "",
    ),
    "unknown key of a rule": (
        "run:\n  rules:\n    - select: a\n      retrys: 2\n",
        "toolkit.yml:5: `run.rules[0].retrys` is not a key of toolkit.yml under `run.rules[0]`. "
        "Did you mean `retries`?",
        "Valid keys here: select, exclude, pool, timeout, retries, retry_wait.",
    ),
    "no such pool": (
        "run:\n  pools: {gpu: 1}\n  rules:\n    - {select: a, pool: gpus}\n",
        "toolkit.yml:5: `run.rules[0].pool` is 'gpus', which is not under `run.pools`. "
        "Did you mean `gpu`?",
        "Add `gpus: 1` to `run.pools`",
    ),
    "no length of time": (
        "run:\n  rules:\n    - {select: a, timeout: 5 parsecs}\n",
        "toolkit.yml:4: `run.rules[0].timeout` is '5 parsecs', which is no length of time.",
        "`30 min`",
    ),
    "no time at all": (
        "run:\n  rules:\n    - {select: a, timeout: 0}\n",
        "toolkit.yml:4: `run.rules[0].timeout` is 0, which is no length of time.",
        "",
    ),
    "fewer than no retries": (
        "run:\n  rules:\n    - {select: a, retries: -1}\n",
        "toolkit.yml:4: `run.rules[0].retries` is -1; it must be a number from 0 to 10000.",
        "",
    ),
    "selects a number": (
        "run:\n  rules:\n    - select: [1]\n",
        "toolkit.yml:4: `run.rules[0].select` must be text as for --select, not a number.",
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(write: Write, env: dict[str, str], name: str) -> None:
    text, fact, rest = MISTAKES[name]
    with pytest.raises(SettingsError) as raised:
        read(write, env, text)
    assert raised.value.fact == fact
    assert rest in f"{raised.value.consequence} {raised.value.next_step}"
