"""One sync on a server: started once, adopted, followed, cancelled, and what goes wrong."""

import threading
from collections.abc import Iterator

import pytest
from airbyte_server import AirbyteServer, Fault, VirtualClock

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.remote.client import AirbyteClient
from toolkit.integrations.airbyte.remote.jobs import (
    Interrupted,
    RemoteSync,
    Started,
)
from toolkit.integrations.airbyte.remote.replies import Job
from toolkit.integrations.airbyte.remote.transport import ServerError
from toolkit.settings import AirbyteTarget


class Bench:
    """A server, a client and one connection to sync."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.server = AirbyteServer(self.clock)
        self.cancel = threading.Event()
        self.said: list[str] = []
        self.target = AirbyteTarget(run="remote", url=self.server.url)

    def sync(self, timeout: float = 3600.0) -> tuple[Started, Job]:
        client = AirbyteClient(
            self.target, clock=self.clock, cancel=self.cancel, log=self.said.append
        )
        try:
            return RemoteSync(
                client,
                self.server.connections[0]["connectionId"],
                name="shop",
                clock=self.clock,
                cancel=self.cancel,
                timeout=timeout,
                say=self.said.append,
            ).run()
        finally:
            client.close()

    def posts(self) -> int:
        return self.server.asked("POST", "/jobs")


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    with made.server:
        yield made


def test_a_job_from_start_to_end(bench: Bench) -> None:
    started, job = bench.sync()
    assert (started.ours, job.status, job.rows, job.bytes) == (True, "succeeded", 1234, 12340)
    assert bench.posts() == 1
    # 2 s, then half as much again each time: 2 + 3 + 4.5 + 6.75 + 10.125 > 20
    assert [wait for wait in bench.clock.waits if wait] == [2.0, 3.0, 4.5, 6.75, 10.125]


def test_polling_slows_down_to_thirty_seconds(bench: Bench) -> None:
    bench.server.lasts = 600.0
    bench.sync()
    assert max(bench.clock.waits) == 30.0
    assert bench.server.asked("GET", "/jobs/1") < 30


@pytest.mark.parametrize("ends", ["failed", "cancelled"])
def test_other_ends(bench: Bench, ends: str) -> None:
    bench.server.outcome = ends
    assert bench.sync()[1].status == ends


def test_incomplete_is_not_the_end_and_neither_is_a_status_nobody_knows(bench: Bench) -> None:
    bench.server.lasts = 60.0
    bench.server.script = [*["queued"] * 3, *["incomplete"] * 2, "paused_by_billing"]
    assert bench.sync()[1].status == "succeeded"
    assert any("job 1 incomplete" in line for line in bench.said)
    assert any("job 1 paused_by_billing" in line for line in bench.said)
    assert bench.posts() == 1


def test_a_running_sync_is_adopted(bench: Bench) -> None:
    bench.server.start()
    started, job = bench.sync()
    assert (started.ours, job.id, job.status) == (False, 1, "succeeded")
    assert len(bench.server.jobs) == 1


def test_what_clears_a_connection_is_waited_for_and_not_adopted(bench: Bench) -> None:
    bench.server.start(kind="clear")
    started, job = bench.sync()
    assert (started.ours, job.id) == (True, 2)
    assert [j.kind for j in bench.server.jobs] == ["clear", "sync"]


def test_a_conflict_with_nothing_running_says_so_in_the_end(bench: Bench) -> None:
    bench.server.faults = [Fault("POST", "/jobs", 409, body={"detail": "busy"}, times=99)]
    with pytest.raises(ServerError, match=r"409.*busy"):
        bench.sync()
    assert bench.server.jobs == []
    assert bench.posts() < 20


def test_a_connection_that_is_switched_off(bench: Bench) -> None:
    bench.server.connections[0]["status"] = "inactive"
    with pytest.raises(ServerError, match="'shop' is inactive on the Airbyte server"):
        bench.sync()
    assert bench.posts() == 1


@pytest.mark.parametrize("status", [None, 500, 502, 503, 504])
def test_a_lost_answer_starts_no_second_job(bench: Bench, status: int | None) -> None:
    bench.server.faults = [Fault("POST", "/jobs", status, body={}, served=True)]
    started, job = bench.sync()
    assert (started.ours, job.id, job.status) == (False, 1, "succeeded")
    assert bench.posts() == 1
    assert len(bench.server.jobs) == 1


def test_a_lost_answer_of_a_job_that_has_ended_meanwhile(bench: Bench) -> None:
    bench.server.lasts = 1.0
    bench.server.faults = [Fault("POST", "/jobs", served=True)]
    assert bench.sync()[1].id == 1
    assert len(bench.server.jobs) == 1


def test_a_lost_answer_is_not_mistaken_for_an_earlier_job(bench: Bench) -> None:
    bench.server.lasts = 5.0
    bench.server.start()
    bench.clock.time += 30.0  # it ended just before
    bench.server.faults = [Fault("POST", "/jobs")]  # and ours is lost on the way there
    started, job = bench.sync()
    assert (started.ours, job.id) == (True, 2)


def test_a_lost_answer_with_a_clock_that_is_wrong(bench: Bench) -> None:
    """Ours is an hour behind: the server's own Date says so."""
    bench.server.faults = [Fault("POST", "/jobs", served=True)]
    real = bench.clock.now
    client = AirbyteClient(bench.target, clock=bench.clock, cancel=bench.cancel)
    behind = VirtualClock()
    behind.time = bench.clock.time - 3600.0
    wait = behind.wait
    both = lambda seconds, cancel: (wait(seconds, cancel), bench.clock.wait(seconds, cancel))  # noqa: E731
    behind.wait = both  # type: ignore[assignment, method-assign]
    client.close()
    bench.server.lasts = 1.0
    client = AirbyteClient(bench.target, clock=behind, cancel=bench.cancel)
    client.connections()  # any answer tells the time
    sync = RemoteSync(
        client,
        bench.server.connections[0]["connectionId"],
        name="shop",
        clock=behind,
        cancel=bench.cancel,
        timeout=100.0,
        say=bench.said.append,
    )
    assert sync.run()[1].id == 1
    assert abs(client.server_now() - real()) <= 1.0
    client.close()
    assert len(bench.server.jobs) == 1


def test_too_many_requests_with_a_time(bench: Bench) -> None:
    bench.server.faults = [Fault("POST", "/jobs", 429, body={}, headers={"Retry-After": "7"})]
    assert bench.sync()[0].ours
    assert 7.0 in bench.clock.waits
    assert len(bench.server.jobs) == 1


def test_an_overloaded_server_is_left_alone_for_a_while(bench: Bench) -> None:
    bench.server.faults = [Fault("POST", "/jobs", 429, body={}, times=3)]
    assert bench.sync()[0].ours
    assert [wait for wait in bench.clock.waits if wait][:3] == [15.0, 30.0, 30.0]
    assert (bench.posts(), len(bench.server.jobs)) == (4, 1)


def test_a_server_that_wants_us_to_wait_a_year(bench: Bench) -> None:
    bench.server.faults = [
        Fault("GET", "/jobs/1", 429, body={}, headers={"Retry-After": "31536000"})
    ]
    bench.sync()
    assert max(bench.clock.waits) == 300.0


def test_polling_survives_a_burst_of_errors(bench: Bench) -> None:
    bench.server.faults = [
        Fault("GET", "/jobs/1", 503, body=b"<html>bad gateway</html>", times=3),
        Fault("GET", "/jobs/1", None, times=2),
        Fault("GET", "/jobs/1", 429, body={}, headers={"Retry-After": "11"}),
    ]
    assert bench.sync()[1].status == "succeeded"
    assert 11.0 in bench.clock.waits


def test_polling_gives_up_in_the_end(bench: Bench) -> None:
    bench.server.faults = [Fault("GET", "/jobs/1", 503, body={}, times=10_000)]
    with pytest.raises(ServerError, match="503 Service Unavailable"):
        bench.sync()
    assert bench.server.asked("GET", "/jobs/1") < 40


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refusal_is_not_repeated(bench: Bench, status: int) -> None:
    bench.server.faults = [Fault("POST", "/jobs", status, body={"detail": "no"}, times=9)]
    with pytest.raises(ServerError, match="no"):
        bench.sync()
    assert bench.posts() == 1
    assert [wait for wait in bench.clock.waits if wait] == []


def test_it_may_take_so_long_and_no_longer(bench: Bench) -> None:
    bench.server.lasts = 1e6
    with pytest.raises(ConnectorError, match=r"longer than its 300 seconds: job 1 is running") as e:
        bench.sync(timeout=300.0)
    assert "goes on" in e.value.consequence
    assert not bench.server.jobs[0].cancelled
    assert bench.clock.time == pytest.approx(1_800_000_300.0)


def test_ctrl_c_cancels_our_job(bench: Bench) -> None:
    bench.server.lasts = 1e6
    bench.clock.at(50, bench.cancel.set)
    with pytest.raises(Interrupted, match="job 1 was cancelled"):
        bench.sync()
    assert bench.server.jobs[0].cancelled


def test_ctrl_c_leaves_what_others_started(bench: Bench) -> None:
    bench.server.lasts = 1e6
    bench.server.start()
    bench.clock.at(50, bench.cancel.set)
    with pytest.raises(Interrupted, match="job 1 goes on, since it was not started here"):
        bench.sync()
    assert not bench.server.jobs[0].cancelled
    assert bench.server.asked("DELETE", "/jobs/1") == 0


def test_ctrl_c_leaves_what_may_be_another_s(bench: Bench) -> None:
    """The answer was lost: the job that is found then may have been anyone's."""
    bench.server.lasts = 1e6
    bench.server.faults = [Fault("POST", "/jobs", served=True)]
    bench.clock.at(50, bench.cancel.set)
    with pytest.raises(Interrupted, match="goes on"):
        bench.sync()
    assert bench.server.asked("DELETE", "/jobs/1") == 0


def test_ctrl_c_just_after_the_end(bench: Bench) -> None:
    bench.server.lasts = 2.0
    bench.clock.at(2.0, bench.cancel.set)
    with pytest.raises(Interrupted, match="job 1 had ended"):
        bench.sync()


def test_ctrl_c_while_the_server_is_away(bench: Bench) -> None:
    bench.server.lasts = 1e6
    bench.server.faults = [Fault("DELETE", "/jobs/1", None)]
    bench.clock.at(50, bench.cancel.set)
    with pytest.raises(Interrupted, match="could not be cancelled and may go on"):
        bench.sync()


def test_ctrl_c_before_the_job(bench: Bench) -> None:
    bench.cancel.set()
    with pytest.raises(Interrupted, match="before"):
        bench.sync()
    assert bench.posts() == 0


def test_ctrl_c_when_nobody_knows_whether_it_began(bench: Bench) -> None:
    bench.server.faults = [Fault("POST", "/jobs", 502, body={}, times=99)]
    bench.clock.at(1, bench.cancel.set)
    with pytest.raises(Interrupted, match="may have begun a job"):
        bench.sync()


def test_two_builds_wait_for_one_job(bench: Bench) -> None:
    ends: list[tuple[Started, Job]] = []
    threads = [threading.Thread(target=lambda: ends.append(bench.sync())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {job.id for _, job in ends} == {1}
    assert sorted(started.ours for started, _ in ends) == [False, True]
    assert len(bench.server.jobs) == 1


def test_a_server_that_is_not_there(bench: Bench) -> None:
    bench.target = AirbyteTarget(run="remote", url="http://127.0.0.1:9")
    with pytest.raises(ServerError, match=r"127\.0\.0\.1:9 cannot be reached \(starting a sync\)"):
        bench.sync()
    assert sum(bench.clock.waits) > 200  # it may be restarting


def test_an_answer_without_a_job(bench: Bench) -> None:
    bench.server.faults = [Fault("POST", "/jobs", 200, body={"hello": "world"})]
    with pytest.raises(ServerError, match="without a job's number and status"):
        bench.sync()
