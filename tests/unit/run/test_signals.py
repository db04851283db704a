"""An interruption that does not reach a query, or that somebody swallows."""

import os
import signal
import threading

import duckdb
import pytest

from toolkit.run.signals import Signals, Terminated

# Its threads do not notice that the main one has given up.
ENDLESS = "select sum(hash(range)) from range(100000000000)"


def _later(number: int) -> threading.Thread:
    thread = threading.Timer(0.3, os.kill, (os.getpid(), number))
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_query_that_would_go_on_is_broken_off(number: int, kind: type[BaseException]) -> None:
    connection = duckdb.connect()
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
