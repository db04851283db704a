"""What makes a Python asset volatile, and what only looks as if it did."""

import sysconfig
from pathlib import Path

import pytest
from python_harness import PythonProject

HEAD = """
import datetime as dt, json, os, random, secrets, subprocess, sys, time, uuid, urllib.parse
import numpy as np, pandas as pd, pyarrow.parquet as pq
from datetime import date, datetime
from os import environ as env
from pathlib import Path
from time import *
from typing import TYPE_CHECKING
import duckdb, pyarrow as pa
from toolkit import asset, check, resource

if TYPE_CHECKING:
    import requests
"""
BODY = HEAD.count("\n") + 3  # the line of the function's first statement

# What the function does -> the reason, without its place.
ASKS = {
    "return datetime.now()": "it calls datetime.now()",
    "return dt.datetime.utcnow()": "it calls dt.datetime.utcnow()",
    "return date.today()": "it calls date.today()",
    "return time.time()": "it calls time.time()",
    "return monotonic()": "it calls monotonic()",
    "return pd.Timestamp.now('UTC')": "it calls pd.Timestamp.now()",
    "return pd.Timestamp('now')": "it calls pd.Timestamp()",
    "return orders.map(datetime.now)": "it uses datetime.now",
    "return random.random()": "it calls random.random()",
    "return random.Random()": "it calls random.Random()",
    "random.seed(); return random.choice([1])": "it calls random.seed()",
    "random.seed(1); return random.SystemRandom()": "it calls random.SystemRandom()",
    "return np.random.normal(size=3)": "it calls np.random.normal()",
    "return np.random.default_rng()": "it calls np.random.default_rng()",
    "return np.random.default_rng(None)": "it calls np.random.default_rng()",
    "from numpy.random import default_rng as r; return r()": "it calls r()",
    "from sklearn.model_selection import train_test_split as s; return s(orders)": "it calls s()",
    "return uuid.uuid4()": "it calls uuid.uuid4()",
    "return secrets.token_hex()": "it calls secrets.token_hex()",
    "import requests; return requests.get('x').json()": "it calls requests.get()",
    "from urllib.request import urlopen; return urlopen('x')": "it calls urlopen()",
    "import urllib.request as u; return u.urlopen('x')": "it calls u.urlopen()",
    "import httpx\n    with httpx.Client() as c: return c.get('x')": "it calls httpx.Client()",
    "return subprocess.run(['date'])": "it calls subprocess.run()",
    "import boto3; return boto3.client('s3')": "it calls boto3.client()",
    "return os.environ['HOME']": "it uses os.environ",
    "return env.get('HOME')": "it calls env.get()",
    "return os.getenv('HOME')": "it calls os.getenv()",
    "return open('x').read()": "it calls open()",
    "return json.load(open('x', 'r+'))": "it calls open()",
    "return Path('x').read_text()": "it calls Path('x').read_text()",
    "p = Path('x'); return p.open()": "it calls p.open()",
    "return [p for p in Path('.').rglob('*')]": "it calls Path('.').rglob()",
    "return pd.read_csv('x.csv')": "it calls pd.read_csv()",
    "return pq.read_table('x.parquet')": "it calls pq.read_table()",
    "return duckdb.connect('x.duckdb')": "it calls duckdb.connect()",
    "return orders.project('id, now() AS t')": "its SQL calls now()",
    "return orders.filter(f'random() < {1}')": "its SQL calls random()",
    "return duckdb.sql('SELECT current_date AS d')": "its SQL has current_date",
    "return duckdb.sql(\"SELECT * FROM 'x.csv'\")": "its SQL reads a file",
    "sql = 'SELECT uuid() FROM orders'; return duckdb.sql(sql)": "its SQL calls uuid()",
    "return eval('1')": "it calls eval()",
    "return globals()['helper']()": "it calls globals()",
    "return sys.argv": "it uses sys.argv",
    "return time.strftime('%Y')": "it calls time.strftime()",
    "return time.gmtime()": "it calls time.gmtime()",
}

FINE = [
    "return orders",
    "return datetime(2026, 1, 1)",
    "return datetime.fromisoformat('2026-01-01')",
    "return pd.Timestamp('2026-01-01')",
    "return pd.to_datetime(orders['day'])",
    "time.sleep(1); return orders",
    "random.seed(1); return random.choice([1])",
    "return random.Random(7).random()",
    "np.random.seed(0); return np.random.normal(size=3)",
    "return np.random.default_rng(seed=3).normal()",
    "return np.random.Generator(np.random.PCG64(5)).normal()",
    "from sklearn.model_selection import train_test_split as s; return s(orders, random_state=1)",
    "return uuid.uuid5(uuid.NAMESPACE_DNS, 'x')",
    "return urllib.parse.quote('x')",
    "json.dump(1, open('x', 'w')); return orders",
    "Path('x').write_text('y'); return orders",
    "return duckdb.connect().sql('SELECT 1 AS a')",
    "return duckdb.connect(':memory:').sql('SELECT 1 AS a')",
    "return orders.filter('known > 1')",
    "return os.path.join('a', 'b')",
    "print('it is from now() on'); return orders",
    "open = orders.slice; return open(1)",
    "x: 'requests.Session' = orders; return x",
    "return orders.open",
    "return time.strftime('%Y', time.gmtime(0))",
]


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("body", ASKS)
def test_asks(project: PythonProject, body: str) -> None:
    assert judged(project, body) == f"{ASKS[body]} (ml/assets.py:{BODY + body.count(chr(10))})"


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("body", FINE)
def test_fine(project: PythonProject, body: str) -> None:
    assert judged(project, body) == ""


def judged(project: PythonProject, body: str, head: str = "@asset\ndef out(orders):") -> str:
    """Why the asset ``out`` is volatile."""
    project.write(f"{HEAD}{head}\n    {body}\n")
    found = {asset.name: asset for asset in project.load().assets}
    return found["out"].volatile


# Declaration -> the reason.
HEADS = {
    "@asset\ndef out():": "it has no inputs, so nothing says when its content changes",
    "@asset(deps=['orders'])\ndef out():": (
        "it has no inputs, so nothing says when its content changes"
    ),
    "@resource\ndef rates(): ...\n@asset\ndef out(orders, rates):": "it takes the resource 'rates'",
    "@asset(volatile=True)\ndef out(orders):": "it is declared volatile",
    "@asset(volatile=False)\ndef out():": "",
    "@asset(volatile=False)\ndef out(orders, day=date.today()):": "",
    "@asset\ndef out(orders, day=date.today()):": (
        f"it calls date.today() (ml/assets.py:{BODY - 1})"
    ),
    "@asset\ndef out(orders, factor=2):": "",
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("head", HEADS)
def test_heads(project: PythonProject, head: str) -> None:
    assert judged(project, "return orders", head) == HEADS[head]


@pytest.mark.usefixtures("orders")
def test_an_input_that_is_a_file_may_be_read(project: PythonProject) -> None:
    head = "@asset\ndef out(orders: Path):"
    for body in ("return pd.read_parquet(orders)", "return open(orders)", "orders.read_bytes()"):
        assert judged(project, body, head) == ""
    assert judged(project, "return open('other')", head).startswith("it calls open()")


OTHERS = """
def helper(): return datetime.now()
class Clock:
    def now(self): return inner()
def inner(): return time.time()
if __name__ == "__main__":
    print(time.time())
@asset
def other(orders): return helper()
@asset
def quiet(orders): return orders
@asset
def through_a_class(orders): return Clock()
@asset
def calls_an_asset(orders): return other(orders)
@check("orders")
def today(orders): return len(orders) == date.today().day
@check("orders")
def fine(orders): return len(orders) == 3
@check("orders", volatile=True)
def said(orders): return True
"""


@pytest.mark.usefixtures("orders")
def test_only_what_is_called_counts(project: PythonProject) -> None:
    project.write(HEAD + OTHERS)
    loaded = project.load()
    line = HEAD.count("\n") + 2
    assert {asset.name: asset.volatile for asset in loaded.assets} == {
        "other": f"it calls datetime.now() (ml/assets.py:{line})",
        "quiet": "",
        "through_a_class": f"it calls time.time() (ml/assets.py:{line + 3})",
        "calls_an_asset": f"it calls datetime.now() (ml/assets.py:{line})",
    }
    assert {check.name: check.volatile for check in loaded.checks} == {
        "today": f"it calls date.today() (ml/assets.py:{line + 15})",
        "fine": "",
        "said": "it is declared volatile",
    }


@pytest.mark.usefixtures("orders")
def test_a_module_of_the_project_counts(project: PythonProject) -> None:
    project.write("import time\n\ndef stamp():\n    return time.time()\n", "ml/clock.py")
    project.write("from ..clock import stamp\n", "ml/sub/__init__.py")
    source = "from toolkit import asset\nfrom . import {0}\n@asset\ndef out(orders): return 1\n"
    project.write(source.format("clock"))
    (asset,) = project.load().assets
    assert asset.volatile == "it calls time.time() (ml/clock.py:4)"
    project.write("", "ml/sub/deep.py")
    project.write(source.replace("from . import {0}", "from .sub import deep"))
    (asset,) = project.load().assets
    assert asset.volatile == "it calls time.time() (ml/clock.py:4)"


@pytest.mark.parametrize("flag", ["volatile='no'", "isolate='yes'"])
def test_a_flag_that_is_none(project: PythonProject, flag: str) -> None:
    from toolkit.errors import AssetError

    project.write(f"from toolkit import asset\n@asset({flag})\ndef out(): ...\n")
    with pytest.raises(AssetError, match=flag.replace("'", ".")):
        project.load()


# Modules that come with Python, as real code of many kinds -> what is found in them first.
STANDARD = {
    "bisect": "",
    "colorsys": "",
    "fractions": "",
    "heapq": "",
    "textwrap": "",
    "calendar": "it calls datetime.date.today()",
    "configparser": "it calls open()",
    "mimetypes": "it calls open()",
    "ntpath": "it uses os.environ",
    "pipes": "it calls os.popen()",
    "dataclasses": "it calls exec()",
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("module", STANDARD)
def test_real_code(project: PythonProject, module: str) -> None:
    source = Path(sysconfig.get_path("stdlib"), f"{module}.py").read_text(encoding="utf-8")
    # A package's own file is not imported as one of the folder's, only followed.
    project.write(source, "ml/standard/__init__.py")
    project.write(
        "from toolkit import asset\n@asset\ndef out(orders):\n    from . import standard\n"
    )
    found = {asset.name: asset.volatile for asset in project.load().assets}["out"]
    assert found.partition(" (ml/standard")[0] == STANDARD[module]
