"""How something is run and what differs by target, as the decorators say it."""

import pytest
from python_harness import PythonProject

from toolkit.errors import AssetError
from toolkit.integrations.base import Step
from toolkit.run.scheduling.rules import default_policy
from toolkit.settings import RunSettings

HEAD = "from toolkit import asset, check\nimport pyarrow as pa\n"

LIMITED = """
@asset(config={'minimum': 10, 'names': ['a']}, retries=1,
       targets={'prod': {'minimum': 20, 'schema': 'ml', 'retries': 3, 'timeout': '2 min'}})
def big(orders, minimum: int, names: list[str] = [], factor: float = 1.0):
    return pa.table({'minimum': [minimum], 'name': names, 'factor': [factor]})
"""


def steps_of(project: PythonProject) -> dict[str, Step]:
    return {step.key: step for step in project.steps(project.load())[1]}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("target", "relation", "minimum", "retries", "timeout"),
    [("dev", "shop.main.big", 10, 1, None), ("prod", "shop.ml.big", 20, 3, 120.0)],
)
def test_a_target_changes_values_and_options(
    project: PythonProject,
    target: str,
    relation: str,
    minimum: int,
    retries: int,
    timeout: float | None,
) -> None:
    project.target = target
    project.write(HEAD + LIMITED)
    assert project.run()["python.big"].relation == relation
    assert project.rows(f"FROM {relation}") == [(minimum, "a", 1.0)]
    policy = default_policy(steps_of(project)["python.big"])
    assert (policy.retries, policy.timeout, policy.pool) == (retries, timeout, None)


@pytest.mark.usefixtures("orders")
def test_values_are_part_of_the_code_version(project: PythonProject) -> None:
    def version(minimum: int) -> str:
        project.write(HEAD + LIMITED.replace("'minimum': 10", f"'minimum': {minimum}"))
        return project.load().assets[0].code_version

    assert version(10) == version(10)
    assert version(10) != version(11)


@pytest.mark.usefixtures("orders")
def test_a_process_of_its_own_gets_the_values(project: PythonProject) -> None:
    project.run(HEAD + LIMITED.replace("retries=1", "isolate=True"))
    assert project.rows("FROM big") == [(10, "a", 1.0)]


def test_a_value_wins_over_an_asset_of_the_name(project: PythonProject) -> None:
    project.table("orders", "SELECT 1 AS id")
    project.run(
        HEAD + "@asset(config={'orders': 7})\ndef f(orders=1): return pa.table({'a': [orders]})"
    )
    assert project.rows("FROM f") == [(7,)]
    assert project.load().assets[0].depends_on == ()


@pytest.mark.usefixtures("orders")
def test_what_is_said_of_running_reaches_the_step(project: PythonProject) -> None:
    project.run_settings = RunSettings(pools={"gpu": 1})
    project.write(
        HEAD
        + "@asset(retries=2, retry_wait='1 min', timeout=90, pool='gpu')\ndef f(orders): ...\n"
        + "@check('f', timeout=5, targets={'dev': {'severity': 'warn'}})\ndef c(f): ...\n"
    )
    steps = steps_of(project)
    asset, check = steps["python.f"], steps["check.f.c"]
    assert (asset.retries, asset.retry_wait, asset.timeout, asset.pool) == (2, 60.0, 90.0, "gpu")
    assert (check.retries, check.timeout, check.blocking) == (None, 5.0, False)


@pytest.mark.usefixtures("orders")
def test_disabled(project: PythonProject) -> None:
    project.write(
        HEAD
        + "@asset(targets={'prod': {'enabled': False}}, columns={'a': {'tests': ['unique']}})\n"
        + "def a(orders): ...\n@asset\ndef b(orders, a=None): ...\n"
        + "@check('a')\ndef c(a): ...\n@check(a, enabled=True)\ndef d(a): ...\n"
        + "@check('b', enabled=False)\ndef e(b): ...\n"
    )
    assert set(steps_of(project)) == {
        "python.a", "python.b", "check.a.a_unique", "check.a.c", "check.a.d",
    }  # fmt: skip
    project.target = "prod"
    assert set(steps_of(project)) == {"python.b"}


# name -> (source, parts of the message)
WRONG = {
    "retries": ("@asset(retries=-1)\ndef f(): ...", ["retries=-1", "from 0 to"]),
    "retries that are no number": ("@asset(retries=True)\ndef f(): ...", ["retries=True"]),
    "timeout": ("@asset(timeout='soon')\ndef f(): ...", ["timeout='soon' is no length of time"]),
    "pool": (
        "@asset(pool='gpus')\ndef f(): ...",
        ["pool='gpus' is not under `run.pools`", "Did you mean 'gpu'?"],
    ),
    "enabled": ("@asset(enabled='no')\ndef f(): ...", ["enabled='no'", "True or False"]),
    "target": (
        "@asset(targets={'prd': {}})\ndef f(): ...",
        ["targets names 'prd'", "Did you mean 'prod'?", "dev, prod"],
    ),
    "option of a target": (
        "@asset(targets={'prod': {'shema': 'x'}})\ndef f(rows=1): ...",
        ["'shema'", "neither an option", "Did you mean 'schema'?", "the parameters are rows"],
    ),
    "name that says two things": (
        "@asset(targets={'prod': {'schema': 'x'}})\ndef f(schema=1): ...",
        ["an option, and a parameter", "Rename the parameter"],
    ),
    "value for nothing": (
        "@asset(config={'minimun': 1})\ndef f(minimum=2): ...",
        ["config names a parameter 'minimun'", "Did you mean 'minimum'?"],
    ),
    "value of a wrong type": (
        "@asset(config={'minimum': 'many'})\ndef f(minimum: int = 2): ...",
        ["config['minimum'] is 'many', which is no int"],
    ),
    "value that is not of JSON": (
        "@asset(config={'minimum': {1, 2}})\ndef f(minimum=2): ...",
        ["config['minimum'] is {1, 2}, which is no JSON value"],
    ),
    "value and input": (
        "@asset(config={'o': 1}, deps={'o': 'orders'})\ndef f(o): ...",
        ["'o' is an input by deps and a value by config"],
    ),
    "config that is no dict": ("@asset(config=['a'])\ndef f(a): ...", ["config=['a'] is not a"]),
    "input that is disabled": (
        "@asset(enabled=False)\ndef a(): ...\n@asset\ndef f(a): ...",
        ["python.f (ml/assets.py:5)", "declared at ml/assets.py:3", "not enabled for this target"],
    ),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", WRONG)
def test_wrong(project: PythonProject, case: str) -> None:
    source, parts = WRONG[case]
    project.targets = ("dev", "prod")
    project.run_settings = RunSettings(pools={"gpu": 1})
    project.write(HEAD + source)
    with pytest.raises(AssetError) as raised:
        project.load()
    message = str(raised.value)
    for part in parts:
        assert part in message, f"{part!r} not in:\n{message}"
    assert "ml/assets.py:" in message
    assert len(message.splitlines()) == 3, message
