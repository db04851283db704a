"""Resources: opened once a run and only when needed, closed whatever happens, per target."""

import pytest
from python_harness import PythonProject

from toolkit.integrations.base import StepProgress

HEAD = """
import pathlib, sys
import pyarrow as pa
from toolkit import asset, check, resource

LOG = pathlib.Path(__file__).parent / 'log.txt'

def say(text):
    with LOG.open('a') as file:
        file.write(text + ' ')

def table(value):
    return pa.table({'a': [value]})
"""

CLIENT = """
@resource
def client():
    say('open')
    yield 'the client'
    say('close')
@asset
def a(client):
    return table(client)
@asset
def b(client):
    return table(client)
@asset
def c():
    return table(1)
"""


def said(project: PythonProject) -> str:
    path = project.folder / "ml" / "log.txt"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_once_a_run(project: PythonProject) -> None:
    ended = project.run(HEAD + CLIENT)
    assert {step.status for step in ended.values()} == {"success"}
    assert project.rows("SELECT a FROM a UNION ALL SELECT a FROM b") == [("the client",)] * 2
    assert said(project) == "open close "
    project.run()
    assert said(project) == "open close open close "


def test_not_opened_when_nobody_asks(project: PythonProject) -> None:
    project.run(HEAD + CLIENT, only=["python.c"])
    assert said(project) == ""


def test_closed_when_the_asset_fails(project: PythonProject) -> None:
    ended = project.run(HEAD + CLIENT.replace("table(client)", "1 / 0"))
    assert ended["python.a"].status == "error"
    assert said(project) == "open close "


def test_last_opened_is_closed_first(project: PythonProject) -> None:
    source = CLIENT.replace("client", "one") + CLIENT.replace("client", "two")
    source = source.replace("say('", "say(sys._getframe().f_code.co_name + '-")
    first, second = source.split("@resource")[1:]
    second = (
        second.replace("def a(", "def d(").replace("def b(", "def e(").replace("def c", "def f")
    )
    project.run(f"{HEAD}@resource{first}@resource{second}")
    assert said(project) == "one-open two-open two-close one-close "


# the resource -> what an asset that asks for it says
BROKEN = {
    "raises": ("raise OSError('no route')\n    yield", "cannot be opened: OSError: no route"),
    "yields nothing": ("return\n    yield", "it is a generator that yields nothing"),
    "sys.exit": ("sys.exit(1)\n    yield", "cannot be opened: SystemExit: 1"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken(project: PythonProject, case: str) -> None:
    body, message = BROKEN[case]
    ended = project.run(
        HEAD
        + f"@resource\ndef client():\n    say('open')\n    {body} 1\n"
        + CLIENT[CLIENT.index("@asset") :]
    )
    assert message in ended["python.a"].message
    assert "The resource 'client' (ml/assets.py:" in ended["python.b"].message
    assert ended["python.c"].status == "success"
    assert said(project) == "open "


# what stands after the yield -> what is reported, though no step fails
NOT_CLOSED = {
    "raises": ("raise OSError('gone')", "was not closed: OSError: gone"),
    "yields again": ("yield 2", "yields more than once"),
}


@pytest.mark.parametrize("case", NOT_CLOSED)
def test_not_closed(project: PythonProject, case: str) -> None:
    after, message = NOT_CLOSED[case]
    ended = project.run(HEAD + CLIENT.replace("say('close')", after))
    assert {step.status for step in ended.values()} == {"success"}
    (event,) = [event for event in project.events if isinstance(event, StepProgress)]
    assert message in event.message
    assert message in project.log("resources")


@pytest.mark.parametrize(("target", "value"), [("dev", "local"), ("prod", "remote"), ("x", "any")])
def test_by_target(project: PythonProject, target: str, value: str) -> None:
    project.target = target
    project.run(
        HEAD
        + "@resource('client', target='dev')\ndef local():\n    return 'local'\n"
        + "@resource('client', target='prod')\ndef remote():\n    return 'remote'\n"
        + "@resource\ndef client():\n    return 'any'\n"
        + "@asset\ndef a(client):\n    return table(client)\n"
    )
    assert project.rows("SELECT a FROM a") == [(value,)]
