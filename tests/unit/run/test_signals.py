"""An interruption that does not reach a query, or that somebody swallows."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import duckdb
import pytest

from toolkit.run.signals import Signals, Terminated

# Its threads do not notice that the main one has given up.
ENDLESS = "select sum(hash(a.i, b.i)) from t a join t b on a.i % 2000 = b.i % 2000"

# Nobody can break off a lock that its owner waits for in C, as nobody can some queries.
STUCK = """
import ctypes
from toolkit.run.signals import Signals
libc, lock = ctypes.CDLL(None), ctypes.create_string_buffer(64)
with Signals(lambda: print("asked", flush=True)):
    libc.pthread_mutex_lock(lock)
    try:
        print("stuck", flush=True)
        libc.pthread_mutex_lock(lock)
    except KeyboardInterrupt:  # it was not stuck yet
        libc.pthread_mutex_lock(lock)
"""


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """A worker of several ignores Ctrl-C, as do programs under nohup."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _later(number: int) -> threading.Thread:
    thread = threading.Timer(0.3, os.kill, (os.getpid(), number))
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_query_that_would_go_on_is_broken_off(number: int, kind: type[BaseException]) -> None:
    connection = duckdb.connect()
    connection.execute("create table t as select range i from range(20000000)")
    signals = Signals(connection.interrupt)
    with pytest.raises(kind), signals:  # noqa: PT012 - the query may end with an error of its own
        _later(number)
        with pytest.raises((duckdb.Error, RuntimeError)):
            connection.execute(ENDLESS)
        signals.check()


def test_it_is_asked_again_until_the_end() -> None:
    asked = threading.Semaphore(0)
    with pytest.raises(KeyboardInterrupt), Signals(asked.release):  # noqa: PT012
        try:
            _later(signal.SIGINT).join()
            threading.Event().wait(5)
        finally:
            assert asked.acquire(timeout=5)
            assert asked.acquire(timeout=5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_what_cannot_be_broken_off(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stuck\n"
        process.send_signal(number)
        assert process.stdout.readline() == "asked\n"
        assert process.stdout.readline() == "asked\n"  # a second later
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "cannot be interrupted" in said


def test_a_signal_that_a_finalizer_swallows_is_noted(capfd: pytest.CaptureFixture[str]) -> None:
    class Finalized:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    woken = threading.Event()
    with Signals(woken.set) as signals:
        Finalized()
        assert woken.wait(5)
        with pytest.raises(KeyboardInterrupt):
            signals.check()
    assert capfd.readouterr().err == ""


def test_what_was_before_is_put_back() -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    before = threading.active_count()
    with Signals():
        assert signal.getsignal(signal.SIGTERM) is not handlers[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert signal.set_wakeup_fd(-1) == -1
    for thread in threading.enumerate():
        if thread.name == "signals":
            thread.join(5)
    assert threading.active_count() <= before


def test_another_thread_changes_nothing() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def inside() -> None:
        with Signals() as signals:
            seen.append(signal.getsignal(signal.SIGTERM))
            signals.check()

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [handler]
