"""What ``toolkit debug`` says of sources and streams."""

import json

import msgspec
import pytest

from toolkit.cli.commands.debug import _Findings, _problem
from toolkit.cli.commands.debug_sources import sources_text
from toolkit.errors import Problem, Severity
from toolkit.graph import Alias, Asset, Relation
from toolkit.graph.matching import link


def stream(name: str, schema: str | None = "raw", *aliases: Alias) -> Asset:
    return Asset(
        key=f"stream.c.{name}", kind="stream", name=name, integration="airbyte",
        relation=Relation("db", schema, name), source_name="c", aliases=aliases,
        config={"destination": "wh", "namespace_definition": "destination"},
    )  # fmt: skip


def source(name: str, schema: str = "raw") -> Asset:
    return Asset(
        key=f"source.p.{name}", kind="source", name=name, integration="dbt",
        relation=Relation("db", schema, name), path="models/s.yml",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("assets", "text"),
    [
        ([], "no dbt sources; 0 streams"),
        ([stream("a")], "no dbt sources; 1 stream"),
        (
            [source("a")],
            "1 dbt source; no connection is configured, so something else loads them, and lineage "
            "begins there",
        ),
        (
            [
                *(stream("a"), source("a"), stream("b"), source("b"), source("z")),
                *(stream("c", None), source("c"), stream("unread")),
                *(stream("d", "raw", Alias(Relation("db", "raw", "d1"), "older")), source("d1")),
            ],
            "4 of 5 dbt sources loaded by an asset (2 relation, 1 relation-older, 1 assumed); "
            "1 of 5 streams unread",
        ),
    ],
)
def test_the_summary(assets: list[Asset], text: str) -> None:
    assert sources_text(link(assets, (), ())) == text


def test_candidates_stand_below_their_problem(capsys: pytest.CaptureFixture[str]) -> None:
    graph = link([stream("users"), source("users", "landing")], (), ())
    for problem in graph.problems:
        _problem(problem)
    assert capsys.readouterr().out.splitlines()[3:] == [
        "look   unmatched-source  Nothing in the graph loads db.landing.users, which "
        "source.p.users stands for; the nearest: [models/s.yml]",
        "                         - stream.c.users at db.raw.users: the schema differs (raw, not "
        "landing).",
        "                           To join them, write in toolkit.yml: "
        "destinations: {wh: {schema: landing}}",
    ]


def test_a_problem_of_one_line_stays_one(capsys: pytest.CaptureFixture[str]) -> None:
    (problem,) = link([source("users")], (), ()).problems
    _problem(msgspec.structs.replace(problem, line=3))
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    graph = link([stream("users"), source("users", "landing")], (), ())
    findings = _Findings(as_json=True)
    findings.check("graph", "2 assets")
    findings.check("warehouse", "It is locked.", status="wrong", next_step="Wait.")
    for problem in graph.problems:
        findings.problem(problem)
    findings.unmatched(graph.unmatched)
    findings.end()
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert document["checks"] == [
        {"status": "ok", "name": "graph", "text": "2 assets", "next": ""},
        {"status": "wrong", "name": "warehouse", "text": "It is locked.", "next": "Wait."},
    ]
    assert [(p["code"], p["severity"], p["asset"]) for p in document["problems"]] == [
        ("unmatched-stream", "warning", "stream.c.users"),
        ("unmatched-source", "warning", "source.p.users"),
    ]
    assert document["unmatched"][1] == {
        "asset": "source.p.users",
        "kind": "source",
        "relation": "db.landing.users",
        "candidates": [
            {
                "asset": "stream.c.users",
                "relation": "db.raw.users",
                "reason": "the schema differs (raw, not landing)",
                "write": {
                    "file": "toolkit.yml",
                    "line": "destinations: {wh: {schema: landing}}",
                },
            }
        ],
    }


@pytest.mark.parametrize(
    ("severities", "last"),
    [
        ([], "All is in place."),
        (["info"], "All is in place."),
        (["info", "warning", "warning"], "Nothing to mend; 2 things to look at."),
        (["warning", "error"], "1 thing to mend, see above."),
    ],
)
def test_the_last_line(
    severities: list[Severity], last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = _Findings(as_json=False)
    for severity in severities:
        findings.problem(Problem(asset=None, code="x", message="X\x1b[2J.", severity=severity))
    findings.end()
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == last
    assert "\x1b" not in out
