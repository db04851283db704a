"""What holds a node back, and that the gated engine looks at what it needs of dbt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.integrations.dbt.engines.gated import why_not
from toolkit.integrations.dbt.engines.gates import Gates


def test_a_node_opens_with_its_last_gate() -> None:
    gates = Gates({"a": frozenset({"x", "y"}), "b": frozenset({"y"}), "c": frozenset()})
    assert [gates.is_open(node) for node in "abc"] == [False, False, True]
    assert [*gates.end("y", blocks=False)] == ["b"]
    assert [gates.is_open(node) for node in "abc"] == [False, True, True]
    assert [*gates.end("x", blocks=False)] == ["a"]
    assert gates.blocked == set()


def test_what_waited_for_a_failure_is_blocked_and_opens_last() -> None:
    gates = Gates({"a": frozenset({"x", "y"})})
    assert [*gates.end("x", blocks=True)] == []
    assert gates.blocked == {"a"}
    assert [*gates.end("y", blocks=False)] == ["a"]


def test_what_ended_before_counts() -> None:
    gates = Gates({"a": frozenset({"x"}), "b": frozenset({"y"})}, {"x": True, "z": True})
    assert (gates.is_open("a"), gates.is_open("b"), gates.blocked) == (True, False, {"a"})


def test_nothing_is_held_back_any_more() -> None:
    gates = Gates({"a": frozenset({"x"}), "b": frozenset({"y"})})
    assert {*gates.open_all()} == {"a", "b"}
    assert gates.is_open("a")
    assert [*gates.end("x", blocks=False)] == []


keys = st.sampled_from("xyz")


@given(
    st.dictionaries(st.sampled_from("abcd"), st.frozensets(keys)),
    st.lists(st.tuples(keys, st.booleans()), unique_by=lambda pair: pair[0]),
)
def test_each_node_opens_once_and_when_all_it_waits_for_has_ended(
    waits: dict[str, frozenset[str]], ends: list[tuple[str, bool]]
) -> None:
    gates = Gates(waits)
    opened: list[str] = [node for node in waits if gates.is_open(node)]
    done: set[str] = set()
    for key, blocks in ends:
        done.add(key)
        opened += gates.end(key, blocks=blocks)
        for node, wanted in waits.items():
            assert gates.is_open(node) is (wanted <= done)
    assert len(opened) == len(set(opened))
    assert set(opened) == {node for node, wanted in waits.items() if wanted <= done}
    assert gates.blocked == {
        node for node, wanted in waits.items() if any(k in wanted for k, blocks in ends if blocks)
    }


def test_this_dbt_has_all_that_the_gated_engine_uses() -> None:
    assert why_not() is None


@pytest.mark.parametrize(
    ("owner", "name", "said"),
    [
        ("dbt.graph.queue.GraphQueue", "_find_new_additions", "no GraphQueue._find_new_additions"),
        ("dbt.graph.graph.Graph", "get_subset_graph", "no Graph.get_subset_graph"),
        ("dbt.graph.queue.GraphQueue", "mark_done", "no GraphQueue.mark_done"),
        ("dbt.task.build.BuildTask", "handle_job_queue_node", "no BuildTask.handle_job_queue_node"),
        ("dbt.task.build.BuildTask", "build_model_to_unit_test_map", "no BuildTask.build_model"),
    ],
)
def test_a_missing_name_is_seen(
    monkeypatch: pytest.MonkeyPatch, owner: str, name: str, said: str
) -> None:
    monkeypatch.delattr(f"{owner}.{name}")
    assert (why_not() or "").startswith(said)


def test_other_parameters_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbt.graph.queue.GraphQueue._find_new_additions", lambda self: None)
    assert why_not() == "GraphQueue._find_new_additions takes other parameters"
