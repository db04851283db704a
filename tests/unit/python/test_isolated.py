"""Functions in a process of their own do what they do in ours: inputs, results, logs, models.

Tables of every form and error messages: test_tables.py runs each case in both ways. Crashes
and what hangs: tests/fault/test_python_isolated.py.
"""

from pathlib import Path

import pytest
from python_harness import PythonProject

from toolkit.integrations.base import StepProgress

HEAD = """
import os, pathlib, subprocess, sys
import pyarrow as pa
from toolkit import asset, check, resource, CheckResult, MLModel
"""


def test_it_is_another_process_in_a_session_of_its_own(project: PythonProject) -> None:
    import os

    project.run(
        f"{HEAD}\n@asset(isolate=True)\ndef out():\n    return pa.table({{'pid': [os.getpid()],"
        "'group': [os.getpgid(0)], 'session': [os.getsid(0)], 'cwd': [os.getcwd()]})\n"
    )
    [(pid, group, session, cwd)] = project.rows("FROM out")
    assert pid == group != os.getpid()
    assert session not in (os.getsid(0), 0)
    assert cwd == os.getcwd()


def test_it_can_be_selected(project: PythonProject) -> None:
    project.write(
        f"{HEAD}\n@asset(isolate=True)\ndef out(): ...\n@asset\ndef here(): ...\n"
        "@check('out', isolate=True)\ndef fine(out): ...\n@check('out')\ndef good(out): ...\n"
    )
    loaded = project.load()
    things = [*loaded.assets, *loaded.checks]
    assert {t.name for t in things if t.config.get("isolate")} == {"out", "fine"}


@pytest.mark.slow
def test_order_of_columns_and_rows_and_empty_tables(project: PythonProject) -> None:
    project.table("orders", "SELECT range AS z, range * 2 AS a, 'x' AS m FROM range(300000)")
    project.table("empty", "SELECT 1::HUGEINT AS z, 'a'::ENUM('a') AS e WHERE false")
    forms = {
        "relation": "duckdb.DuckDBPyRelation",
        "arrow": "pa.Table",
        "reader": "pa.RecordBatchReader",
        "pandas": "pd.DataFrame",
    }
    source = HEAD + "import duckdb, pandas as pd\n"
    for name, annotation in forms.items():
        for table in ("orders", "empty"):
            source += (
                f"@asset(deps={{'x': '{table}'}}, isolate=True)\n"
                f"def {table}_{name}(x: {annotation}):\n    return x\n"
            )
    ended = project.run(source)
    assert {step.status for step in ended.values()} == {"success"}, ended
    for name in forms:
        made = project.rows(f"FROM orders_{name} LIMIT 3 OFFSET 250000")
        assert made == [(n, n * 2, "x") for n in range(250000, 250003)]
        described = project.rows(f"SELECT column_name FROM (DESCRIBE empty_{name})")
        assert described == [("z",), ("e",)]
        assert project.rows(f"FROM empty_{name}") == []
    assert project.rows("DESCRIBE empty_relation") == project.rows("DESCRIBE empty")


def test_a_large_table_goes_through_in_batches(project: PythonProject) -> None:
    """Neither process ever has the 160 MB of the table in memory of its own."""
    project.table("orders", "SELECT range AS id, range * 2 AS other FROM range(10000000)")
    source = """
def anonymous(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("RssAnon"))

@asset(isolate=True)
def out(orders: pa.RecordBatchReader):
    before, most = anonymous("self"), [0]
    def batches():
        for batch in orders:
            yield batch
            most[0] = max(most[0], anonymous("self") - before)
        print("most", most[0])
    return pa.RecordBatchReader.from_batches(orders.schema, batches())
"""
    step = project.run(HEAD + source)["python.out"]
    assert step.message == "10,000,000 rows"
    assert int(project.log("out").split()[1]) < 60
    assert project.rows("SELECT sum(other) FROM out") == [(99999990000000,)]


def test_prints_of_its_children_are_in_the_log_and_nowhere_else(
    project: PythonProject, capfd: pytest.CaptureFixture[str]
) -> None:
    project.secrets = frozenset({"hunter2-hunter2"})
    step = project.run(
        f"{HEAD}\n@asset(isolate=True)\ndef out():\n"
        "    print('first'); print('second', file=sys.stderr); print('udc \\udcff ü')\n"
        "    os.system('echo from a shell')\n"
        "    sys.stdout.write('hunter2-'); sys.stdout.write('hunter2\\n')\n"
        "    os.write(1, b'bytes \\xff')\n"
        "    raise ValueError('url?key=hunter2-hunter2')\n"
    )["python.out"]
    assert "It raised ValueError: url?key=***** at ml/assets.py:12" in step.message
    log = project.log("out")
    assert log.startswith("first\nsecond\nudc \\udcff ü\nfrom a shell\n*****\nbytes \\xff")
    assert "hunter2" not in log
    assert "Traceback" in log
    captured = capfd.readouterr()
    assert "first" not in captured.out + captured.err


def test_no_print_no_log(project: PythonProject) -> None:
    project.run(
        f"{HEAD}\n@asset(isolate=True)\ndef out():\n    return pa.table({{'a': [1]}})\n"
        "@check('out', isolate=True)\ndef fine(out):\n    return out.num_rows == 1\n"
    )
    assert list((project.folder / "logs").iterdir()) == []


CHECKS = {
    "return True": ("pass", "", 0),
    "return False": ("fail", "The check returned False.", 1),
    "return CheckResult(False, 'too few', failures=7)": ("fail", "too few", 7),
    "return orders.filter(pa.compute.field('id') > 1)": ("fail", "2 failing rows", 2),
    "return 'yes'": ("error", "It returned a str, which says neither", None),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("body", CHECKS)
def test_a_check(project: PythonProject, body: str) -> None:
    status, message, failures = CHECKS[body]
    step = project.run(
        f"{HEAD}import pyarrow.compute\n@check('orders', isolate=True)\ndef good(orders):\n"
        f"    {body}\n"
    )["check.orders.good"]
    assert (step.status, step.failures) == (status, failures)
    assert message in step.message
    if "failing rows" in message:
        assert "'customer': 'b'" in project.log("check.orders.good")


MODEL = """
import pandas as pd
X = pd.DataFrame({'a': [0.0, 1, 2, 3], 'b': [1.0, 0, 1, 0]})
Y = [0, 0, 1, 1]

@asset(kind='ml_model', isolate=True)
def churn(orders: pd.DataFrame):
    from sklearn.linear_model import LogisticRegression
    estimator = LogisticRegression().fit(X, Y)
    return MLModel(estimator, metrics={'accuracy': 0.75}, parameters={'C': 1.0})

@asset(kind='ml_model', isolate=True, trusted=[])
def forest():
    from sklearn.ensemble import RandomForestClassifier
    return RandomForestClassifier(2).fit(X, Y)

@asset(isolate=True)
def scores(churn):
    return pd.DataFrame({'score': churn.predict_proba(X)[:, 1]})

@asset
def scores_here(churn: MLModel):
    return pd.DataFrame({'score': churn.estimator.predict_proba(X)[:, 1]})

@check('churn', isolate=True)
def good(metrics, churn: MLModel):
    return metrics == {'accuracy': 0.75} and churn.parameters == {'C': 1.0}
"""


@pytest.mark.slow
@pytest.mark.usefixtures("orders")
def test_a_model_and_who_uses_it(project: PythonProject) -> None:
    ended = project.run(HEAD + MODEL)
    assert {key: step.status for key, step in ended.items()} == {
        "python.churn": "success",
        "python.scores": "success",
        "python.scores_here": "success",
        "python.forest": "error",
        "check.churn.good": "pass",
    }
    assert project.rows("FROM scores") == project.rows("FROM scores_here")
    assert "sklearn.tree._tree.Tree" in ended["python.forest"].message
    (made,) = ended["python.churn"].made
    assert made.metrics == {"accuracy": 0.75}
    models = project.folder / ".toolkit" / "models"
    assert [path.name for path in models.iterdir()] == ["churn"]


RESOURCES = """
HERE = pathlib.Path(__file__).parent

@resource
def client():
    yield {'pid': os.getpid()}
    (HERE / 'closed').write_text(str(os.getpid()))

@resource
def stubborn():
    yield 1
    raise ValueError('it stays open')

@resource
def broken():
    raise ConnectionError('no route')

@asset(isolate=True)
def out(client, stubborn):
    return pa.table({'same': [client['pid'] == os.getpid()], 'pid': [os.getpid()]})

@asset(isolate=True)
def never(broken): ...
"""


def test_resources_are_opened_and_closed_there(project: PythonProject) -> None:
    ended = project.run(HEAD + RESOURCES)
    [(same, pid)] = project.rows("FROM out")
    assert same
    assert (project.folder / "ml" / "closed").read_text() == str(pid)
    failed = ended["python.never"].message
    assert "The resource 'broken' (ml/assets.py:" in failed
    assert "ConnectionError: no route" in failed
    said = [event.message for event in project.events if isinstance(event, StepProgress)]
    assert len(said) == 1
    assert "'stubborn'" in said[0]
    assert "it stays open" in said[0]
    assert "Traceback" in project.log("resources")


def test_modules_beside_it_and_functions_that_share_a_line(project: PythonProject) -> None:
    project.write("from .deep import f\ndef twice(x): return [f(v) for v in x]\n", "ml/helper.py")
    project.write("def f(x): return 2 * x\n", "ml/deep.py")
    project.write("EURO = 3\n", "rates.py")
    source = (
        f"{HEAD}import rates\nfrom .helper import twice\n"
        "for NAME in ('a', 'b'):\n"
        "    @asset(name=NAME, isolate=True)\n"
        "    def made(name=NAME):\n"
        "        from . import deep\n"
        "        return pa.table({'who': [name], 'n': twice([deep.f(rates.EURO)])})\n"
    )
    ended = project.run(source)
    assert {step.status for step in ended.values()} == {"success"}, ended
    assert project.rows("FROM a UNION ALL FROM b") == [("a", 12), ("b", 12)]


@pytest.mark.usefixtures("orders")
def test_a_file_that_changes_meanwhile_is_not_believed(project: PythonProject) -> None:
    helper = project.write("F = 1\n", "ml/helper.py")
    project.run(f"{HEAD}\n@asset\ndef out(orders):\n    return pa.table({{'kept': [1]}})\n")
    project.write(
        f"{HEAD}\nfrom . import helper\n@asset(isolate=True)\ndef out(orders):\n"
        "    pathlib.Path(helper.__file__).write_text('FACTOR = 2\\n')\n"
        "    return pa.table({'kept': [2]})\n"
    )
    step = project.run()["python.out"]
    assert step.status == "error"
    assert "ml/helper.py was changed while the build ran." in step.message
    assert project.rows("FROM out") == [(1,)]
    assert helper.read_text() == "FACTOR = 2\n"


def test_nothing_is_left_on_the_disk(project: PythonProject, orders: None) -> None:
    project.run(
        f"{HEAD}import pandas as pd\n@asset(isolate=True)\ndef out(orders: pathlib.Path):\n"
        "    frame = pd.read_parquet(orders)\n"
        "    frame.assign(path=str(orders)).to_parquet(orders.parent / 'made.parquet')\n"
        "    return orders.parent / 'made.parquet'\n"
        "@asset(isolate=True)\ndef bad(orders):\n    raise ValueError\n"
    )
    assert project.rows("SELECT count(*) FROM out") == [(3,)]
    [(path,)] = project.rows("SELECT DISTINCT path FROM out")
    assert str(project.folder) in path
    assert list((project.folder / ".toolkit" / "python" / "exchange").iterdir()) == []


def test_duckdbs_settings_are_those_of_the_target(project: PythonProject) -> None:
    import msgspec

    project.profile = msgspec.structs.replace(project.profile, settings={"TimeZone": "Asia/Tokyo"})
    project.table("orders", "SELECT TIMESTAMPTZ '2026-01-01 00:00+00' AS t")
    project.run(
        f"{HEAD}import duckdb\n@asset(isolate=True)\ndef out(orders: duckdb.DuckDBPyRelation):\n"
        "    return orders.project('t::VARCHAR AS t')\n"
    )
    assert project.rows("FROM out") == [("2026-01-01 09:00:00+09",)]


def test_arrow_is_mapped_and_not_copied(tmp_path: Path) -> None:
    """As the process reads its inputs, and toolkit the result."""
    import pyarrow as pa

    from toolkit.integrations.python.isolation.exchange import open_arrow, write_arrow

    table = pa.table({"a": range(200_000), "b": [str(n) for n in range(200_000)]})
    file = tmp_path / "a.arrow"
    write_arrow(table.to_reader(), file)
    before = pa.total_allocated_bytes()
    found = open_arrow(file).read_all()
    assert pa.total_allocated_bytes() - before < 10_000
    assert found.nbytes > 3_000_000
    assert found.equals(table)


@pytest.mark.usefixtures("orders")
def test_the_process_gets_the_file_and_no_copy(project: PythonProject) -> None:
    project.table("big", "SELECT i, i::VARCHAR AS s FROM range(300_000) t(i)")
    source = f"{HEAD}\n@asset(isolate=True)\ndef out(big: pa.Table):\n"
    source += "    return pa.table({'own': [pa.total_allocated_bytes()], 'all': [big.nbytes]})\n"
    (step,) = project.run(source).values()
    assert step.status == "success", step.message
    [(own, everything)] = project.rows('SELECT own, "all" FROM out')
    assert own < 10_000 < 3_000_000 < everything
