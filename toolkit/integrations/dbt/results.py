"""What dbt says of a node, as plain values: from its events, its results and its JSON.

Three spellings of the same thing: the protobuf messages that callbacks get, the objects
that ``dbtRunner`` returns, and the JSON that the executable prints and writes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec


class NodeResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a node ended, in dbt's words (dbt/artifacts/schemas/results.py).

    Attributes:
        key: dbt's ``unique_id``.
        timing: dbt's ``[{name, started_at, completed_at}]``.
    """

    key: str
    status: str
    message: str = ""
    failures: int | None = None
    thread: str = ""
    timing: Sequence[Mapping[str, str]] = ()
    adapter_response: Mapping[str, Any] = {}

    @property
    def failed(self) -> bool:
        """Whether dbt counts it as a failure."""
        return self.status in ("error", "fail", "runtime error")


class NodeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A node begins, or has ended with ``result``."""

    kind: Literal["start", "finish"]
    key: str
    result: NodeResult | None = None


_KINDS: Mapping[str, Literal["start", "finish"]] = {"NodeStart": "start", "NodeFinished": "finish"}


def event_of_message(message: Any) -> NodeEvent | None:  # noqa: ANN401 - dbt's generated EventMsg
    """A callback's message; ``None`` for all that is no matter of ours."""
    kind = _KINDS.get(message.info.name)
    if kind is None:
        return None
    key = message.data.node_info.unique_id
    if kind == "start":
        return NodeEvent(kind=kind, key=key)
    result = message.data.run_result
    return NodeEvent(
        kind=kind,
        key=key,
        result=NodeResult(
            key=key,
            status=result.status,
            message=result.message.strip(),
            failures=result.num_failures,
            thread=result.thread,
            timing=[
                {"name": t.name, "started_at": t.started_at.ToJsonString(),
                 "completed_at": t.completed_at.ToJsonString()}
                for t in result.timing_info
            ],
            adapter_response=_plain(result.adapter_response),
        ),
    )  # fmt: skip


def result_of_object(result: Any) -> NodeResult:  # noqa: ANN401 - dbt's RunResult
    """A result as ``dbtRunner`` returns it."""
    return NodeResult(
        key=result.node.unique_id,
        status=str(result.status),
        message=(result.message or "").strip(),
        failures=result.failures,
        thread=result.thread_id or "",
        adapter_response=result.adapter_response or {},
    )


class _Timing(msgspec.Struct, frozen=True):
    name: str = ""
    started_at: str | None = None
    completed_at: str | None = None


class _Result(msgspec.Struct, frozen=True):
    status: str = ""
    message: str | None = None
    num_failures: int | None = None
    failures: int | None = None
    thread: str = ""
    thread_id: str = ""
    timing_info: list[_Timing] = []
    timing: list[_Timing] = []
    adapter_response: dict[str, Any] = {}
    unique_id: str = ""


class _NodeInfo(msgspec.Struct, frozen=True):
    unique_id: str = ""


class _Data(msgspec.Struct, frozen=True):
    node_info: _NodeInfo = _NodeInfo()
    run_result: _Result | None = None


class _Info(msgspec.Struct, frozen=True):
    name: str = ""
    level: str = ""
    msg: str = ""


class LogLine(msgspec.Struct, frozen=True):
    """One line of ``--log-format json``; unknown fields are dbt's own affair."""

    info: _Info = _Info()
    data: _Data = _Data()

    def event(self) -> NodeEvent | None:
        """What it says of a node."""
        kind, key = _KINDS.get(self.info.name), self.data.node_info.unique_id
        if kind is None or not key:
            return None
        result = self.data.run_result
        if kind == "finish" and result is None:
            return None
        return NodeEvent(kind=kind, key=key, result=_result(key, result) if result else None)


class _RunResults(msgspec.Struct, frozen=True):
    results: list[_Result] = []


_log_line = msgspec.json.Decoder(LogLine)
_run_results = msgspec.json.Decoder(_RunResults)


def parse_line(line: bytes) -> LogLine | None:
    """A line that dbt printed; ``None`` where it is no event."""
    try:
        return _log_line.decode(line)
    except msgspec.MsgspecError:
        return None


def parse_run_results(content: bytes) -> tuple[NodeResult, ...]:
    """What stands in a run_results.json.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return tuple(_result(item.unique_id, item) for item in _run_results.decode(content).results)


def _result(key: str, found: _Result) -> NodeResult:
    return NodeResult(
        key=key,
        status=found.status,
        message=(found.message or "").strip(),
        failures=found.failures if found.num_failures is None else found.num_failures,
        thread=found.thread or found.thread_id,
        timing=[
            {"name": t.name, "started_at": t.started_at, "completed_at": t.completed_at or ""}
            for t in found.timing or found.timing_info
            if t.started_at
        ],
        adapter_response=found.adapter_response,
    )


def _plain(response: Any) -> dict[str, Any]:  # noqa: ANN401 - a protobuf Struct
    from google.protobuf.json_format import MessageToDict

    return dict(MessageToDict(response))
