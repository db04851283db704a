"""Resources: opened once a run and only when needed, closed whatever happens, per target."""

import pytest
from python_harness import PythonProject

from toolkit.errors import AssetError
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


CLASSES = {
    "open and close": """
@resource
class client:
    def __init__(self): say('made')
    def open(self): say('open')
    def close(self): say('close')
    value = 'x'
""",
    "context manager": """
@resource(name='client')
class Client:
    def __init__(self): say('made')
    def __enter__(self):
        say('open')
        return self
    def __exit__(self, *what): say('close')
    value = 'x'
""",
    "contextmanager": """
import contextlib, types
@resource
@contextlib.contextmanager
def client():
    say('made open')
    yield types.SimpleNamespace(value='x')
    say('close')
""",
}


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("case", CLASSES)
def test_classes(project: PythonProject, case: str, isolate: bool) -> None:
    ended = project.run(
        f"{HEAD}{CLASSES[case]}\n@asset(isolate={isolate})\ndef a(client):\n"
        "    say('used')\n    return table(client.value)\n"
    )
    assert ended["python.a"].status == "success", ended["python.a"].message
    assert project.rows("FROM a") == [("x",)]
    assert said(project) == "made open used close "


def test_a_class_that_cannot_be_opened_is_closed(project: PythonProject) -> None:
    source = CLASSES["open and close"].replace("say('open')", "raise OSError('no route')")
    ended = project.run(f"{HEAD}{source}\n@asset\ndef a(client): ...\n")
    assert "cannot be opened: OSError: no route" in ended["python.a"].message
    assert said(project) == "made close "


NEEDS = """
@resource(config={'url': 'local', 'wait': 1}, targets={'prod': {'url': 'remote'}})
def server(url, wait: int, port: int = 80):
    say('server')
    yield f'{url}:{port}/{wait}'
    say('/server')
@resource
class client:
    def __init__(self, server):
        say('client')
        self.at = server
    def close(self): say('/client')
"""


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize(("target", "url"), [("dev", "local:80/1"), ("prod", "remote:80/1")])
def test_resources_take_resources_and_values(
    project: PythonProject, target: str, url: str, isolate: bool
) -> None:
    project.target = target
    project.run(
        f"{HEAD}{NEEDS}\n@asset(isolate={isolate})\ndef a(client, server):\n"
        "    return table(f'{client.at} {server}')\n"
    )
    assert project.rows("FROM a") == [(f"{url} {url}",)]
    assert said(project) == "server client /client /server "


# what is declared -> parts of the message
WRONG = {
    "unknown need": (
        "@resource\ndef client(servr): ...\n@resource\ndef server(): ...",
        ["resource client (ml/assets.py:14)", "'servr' is no resource", "Did you mean 'server'?"],
    ),
    "circle": (
        "@resource\ndef a(b): ...\n@resource\ndef b(c): ...\n@resource\ndef c(b): ...",
        ["resource b (ml/assets.py:16) -> c (ml/assets.py:18) -> b".partition("resource ")[2]],
    ),
    "value of a wrong type": (
        "@resource(config={'n': 'x'})\ndef a(n: int): ...",
        ["resource a (ml/assets.py:14)", "config['n'] is 'x', which is no int"],
    ),
    "option of a target": (
        "@resource(targets={'prod': {'n': 1}})\ndef a(m=1): ...",
        ["resource a (ml/assets.py:14)", "says 'n'"],
    ),
    "*args": ("@resource\ndef a(*n): ...", ["resource a (ml/assets.py:14)", "'*n'"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(project: PythonProject, case: str) -> None:
    source, parts = WRONG[case]
    project.write(f"{HEAD}{source}")
    with pytest.raises(AssetError) as raised:
        project.load()
    for part in parts:
        assert part in str(raised.value), str(raised.value)
