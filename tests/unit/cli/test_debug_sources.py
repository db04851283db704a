"""What ``toolkit debug`` says of sources and streams."""

import msgspec
import pytest

from toolkit.cli.debug import _problem
from toolkit.cli.debug_sources import sources_text
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
        ([source("a")], "0 of 1 dbt source loaded by an asset; 0 of 0 streams unread"),
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
