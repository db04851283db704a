"""Tables made in batches: which are due, what each sees, and that none is lost or doubled."""

import itertools
import signal
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_harness import PythonProject

from toolkit import Batch
from toolkit.errors import AssetError
from toolkit.integrations.python.declared import dividing
from toolkit.integrations.python.declared.dividing import Batching, Size

HEAD = """
import pathlib
import pyarrow as pa
from toolkit import Batch, asset

LOG = pathlib.Path(__file__).parent / 'log.txt'
"""

DAILY = """
@asset(event_time='day', batch_size='day', begin='2026-01-01', lookback=0 MORE)
def daily(events, batch: Batch):
    with LOG.open('a') as log:
        log.write(batch.key + ' ')
    return pa.table({'day': [batch.start.date()], 'n': [events.num_rows]})
"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time, to be set."""
    times = [datetime(2026, 1, 3, 12)]
    monkeypatch.setattr(dividing, "now", lambda: times[-1])
    return times


@pytest.fixture
def events(project: PythonProject) -> None:
    project.table(
        "events",
        "SELECT TIMESTAMP '2026-01-01 06:00' + to_days(r::INT) AS at, r FROM range(10) t(r)",
        config={"event_time": "at"},
    )


def called(project: PythonProject) -> list[str]:
    log = project.folder / "ml" / "log.txt"
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    log.unlink(missing_ok=True)
    return text.split()


@pytest.mark.usefixtures("events")
def test_those_that_are_missing_and_the_one_that_is_not_over(
    project: PythonProject, clock: list[datetime]
) -> None:
    step = project.run(HEAD + DAILY.replace("MORE", ""))["python.daily"]
    assert step.message == "3 batches, 2026-01-01 to 2026-01-03; 3 rows"
    assert called(project) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert project.rows("FROM daily ORDER BY day") == [(date(2026, 1, d), 1) for d in (1, 2, 3)]
    assert project.run()["python.daily"].message == "1 batch, 2026-01-03; 3 rows"
    assert called(project) == ["2026-01-03"]
    clock.append(datetime(2026, 1, 5))
    project.run()
    assert called(project) == ["2026-01-03", "2026-01-04", "2026-01-05"]
    project.run()
    assert called(project) == ["2026-01-05"]
    assert project.rows("SELECT count(*), sum(n) FROM daily") == [(5, 5)]
    assert project.load().assets[0].volatile == (
        "it is made in batches, and the newest one is not over"
    )


@pytest.mark.usefixtures("events", "clock")
def test_other_code_makes_all_anew(project: PythonProject) -> None:
    project.run(HEAD + DAILY.replace("MORE", ""))
    called(project)
    project.run(HEAD + DAILY.replace("MORE", "").replace("events.num_rows", "7"))
    assert called(project) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert project.rows("SELECT sum(n) FROM daily") == [(21,)]


@pytest.mark.usefixtures("events", "clock")
def test_a_table_that_is_gone_is_made_anew(project: PythonProject) -> None:
    project.run(HEAD + DAILY.replace("MORE", ""))
    project.rows("DROP TABLE daily")
    called(project)
    project.run()
    assert len(called(project)) == 3


@pytest.mark.usefixtures("events", "clock")
def test_lookback_and_limit(project: PythonProject) -> None:
    source = HEAD + DAILY.replace("lookback=0 MORE", "lookback=1, batch_limit=2")
    step = project.run(source)["python.daily"]
    assert step.message == "2 batches, 2026-01-01 to 2026-01-02; 1 more due; 2 rows"
    called(project)
    project.run()
    assert called(project) == ["2026-01-02", "2026-01-03"]
    project.run()
    assert called(project) == ["2026-01-02", "2026-01-03"]


@pytest.mark.usefixtures("events", "clock")
def test_a_failure_keeps_the_batches_before_it(project: PythonProject) -> None:
    broken = DAILY.replace("MORE", "").replace(
        "    with", "    if batch.key == '2026-01-02':\n        1 / 0\n    with"
    )
    step = project.run(HEAD + broken)["python.daily"]
    assert step.status == "error"
    assert "In the batch 2026-01-02: It raised ZeroDivisionError" in step.message
    assert "Those before it (1) are written. The next build goes on with this one." in step.message
    assert project.rows("SELECT day FROM daily") == [(date(2026, 1, 1),)]
    assert project.rows("SELECT start FROM _toolkit.batches") == [(datetime(2026, 1, 1),)]
    called(project)
    project.run()
    assert called(project) == []  # the first one is there, the second fails again


# what a function returns -> parts of the message
WRONG_ROWS = {
    "another day": ("pa.table({'day': [datetime.date(2026, 1, 9)]})", "1 rows whose day is not"),
    "no day": (
        "pa.table({'day': pa.array([None], pa.date32())})",
        "1 rows whose day is not within",
    ),
    "no such column": ("pa.table({'a': [1]})", "It returned no column day"),
}


@pytest.mark.usefixtures("events", "clock")
@pytest.mark.parametrize("case", WRONG_ROWS)
def test_rows_of_other_batches_are_refused(project: PythonProject, case: str) -> None:
    value, part = WRONG_ROWS[case]
    step = project.run(
        f"{HEAD}import datetime\n@asset(event_time='day', batch_size='day', begin='2026-01-01')\n"
        f"def daily(events):\n    return {value}\n"
    )["python.daily"]
    assert part in step.message, step.message
    assert project.rows("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'daily'") == [(0,)]


@pytest.mark.usefixtures("events", "clock")
def test_other_columns_need_a_full_refresh(project: PythonProject) -> None:
    project.run(HEAD + DAILY.replace("MORE", ""))
    more = HEAD + DAILY.replace("MORE", "").replace("'n':", "'m': [1], 'n':")
    step = project.run(more)["python.daily"]
    assert "toolkit build --select daily --full-refresh" in step.message
    project.full_refresh = True
    assert project.run()["python.daily"].status == "success"
    assert project.rows("SELECT count(*), sum(m) FROM daily") == [(3, 3)]


@pytest.mark.usefixtures("events", "clock")
def test_declared_in_yaml(project: PythonProject) -> None:
    project.write(
        "version: 2\nassets:\n  - name: daily\n    config: {event_time: day, batch_size: day, "
        "begin: 2026-01-02}\n",
        "ml/daily.yml",
    )
    bare = DAILY.replace(DAILY[DAILY.index("(") : DAILY.index("\ndef")], "")
    assert project.run(HEAD + bare)["python.daily"].message == (
        "2 batches, 2026-01-02 to 2026-01-03; 2 rows"
    )


WRONG = {
    "no begin": ("batch_size='day', event_time='d'", "says batch_size and not begin"),
    "no column": ("batch_size='day', begin='2026-01-01'", "says batch_size, begin and not event"),
    "size": ("event_time='d', begin='2026-01-01', batch_size='days'", "Did you mean 'day'?"),
    "begin": ("event_time='d', begin='soon', batch_size='day'", "begin='soon' is no date"),
    "lookback": (
        "event_time='d', begin='2026-01-01', batch_size='day', lookback=-1",
        "lookback=-1",
    ),
    "isolate": (
        "event_time='d', begin='2026-01-01', batch_size='day', isolate=True",
        "only tables of functions in toolkit's own process",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(project: PythonProject, case: str) -> None:
    options, part = WRONG[case]
    project.write(f"{HEAD}@asset({options})\ndef f(): ...\n")
    with pytest.raises(AssetError) as raised:
        project.load()
    assert part in str(raised.value)
    assert "python.f (ml/assets.py:7)" in str(raised.value)


@pytest.mark.parametrize(
    ("size", "key", "start", "end"),
    [
        ("hour", "2026-02-28T23", datetime(2026, 2, 28, 23), datetime(2026, 3, 1)),
        ("day", "2026-02-28", datetime(2026, 2, 28), datetime(2026, 3, 1)),
        ("month", "2026-02", datetime(2026, 2, 1), datetime(2026, 3, 1)),
        ("year", "2026", datetime(2026, 1, 1), datetime(2027, 1, 1)),
    ],
)
def test_sizes(size: Size, key: str, start: datetime, end: datetime) -> None:
    moment = datetime(2026, 2, 28, 23, 59, 59)
    how = Batching(event_time="d", size=size, begin=moment)
    (found,) = how.batches(moment)
    assert found == Batch(start=start, end=end, size=size)
    assert found.key == key


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)),
    st.integers(0, 3000),
    st.sampled_from(["hour", "day", "month", "year"]),
)
def test_batches_cover_the_time_without_a_gap(begin: datetime, hours: int, size: Size) -> None:
    until = begin + timedelta(hours=hours)
    found = list(Batching(event_time="d", size=size, begin=begin).batches(until))
    assert found[0].start <= begin < found[0].end
    assert found[-1].start <= until < found[-1].end
    assert all(a.end == b.start for a, b in itertools.pairwise(found))
    assert len({batch.key for batch in found}) == len(found)


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from harness import PythonProject
from toolkit.integrations.python.declared import dividing
from toolkit.integrations.python.running.batches import Batches

dividing.now = lambda: datetime(2026, 1, 3, 12)
before, calls = Batches._place, []

def place(self, cursor, staging, relation, batch):
    rows = before(self, cursor, staging, relation, batch)
    calls.append(batch)
    if len(calls) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return rows

Batches._place = place
project = PythonProject(Path(sys.argv[2]))
project.table("events", "SELECT TIMESTAMP '2026-01-01' + to_days(r::INT) AS at FROM range(3) t(r)",
              config={"event_time": "at"})
project.run()
"""


@pytest.mark.slow
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("died_in", "there"), [(1, 0), (2, 1), (3, 2)])
def test_killed_before_a_batch_is_committed(tmp_path: Path, died_in: int, there: int) -> None:
    """Everything of the batch was written by then, and none of it counts."""
    project = PythonProject(tmp_path)
    project.write(HEAD + DAILY.replace("MORE", ""))
    assert project.warehouse is not None
    project.warehouse.close()
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", KILLED, here, str(tmp_path), str(died_in)])
    assert done.returncode == -signal.SIGKILL
    called(project)
    again = PythonProject(tmp_path)
    again.add("model.shop.events", "events", "model", config={"event_time": "at"})
    tables = again.rows("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'daily'")
    assert tables == [(int(there > 0),)]
    if there:
        assert again.rows("SELECT count(*) FROM daily") == [(there,)]
    assert again.run()["python.daily"].status == "success"
    assert len(called(again)) == 3 - there
    assert again.rows("SELECT day, n FROM daily ORDER BY day") == [
        (date(2026, 1, d), 1) for d in (1, 2, 3)
    ]
    assert again.rows("SELECT count(*) FROM _toolkit.batches") == [(3,)]
    assert again.warehouse is not None
    again.warehouse.close()
