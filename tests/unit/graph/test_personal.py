"""Which columns hold what nobody should see, and profiles without it."""

from typing import Any

import pytest

from toolkit.graph import Asset, AssetGraph, Column, Relation
from toolkit.graph.personal import personal_columns, without_values
from toolkit.graph.profile import ColumnProfile, TableProfile
from toolkit.graph.tags import is_tagged


@pytest.mark.parametrize(
    ("tags", "meta", "tagged"),
    [
        ((), {}, False),
        (("PII",), {}, True),
        (("other",), {}, False),
        ((), {"pii": True}, True),
        ((), {"Contains_PII": "yes"}, True),
        ((), {"tags": ["finance", "Pii"]}, True),
        ((), {"tags": "pii"}, True),
        ((), {"tags": "piii"}, False),
        ((), {"tags": {"pii": 1}}, False),
        *(((), {"pii": value}, False) for value in (False, None, "", "no", " Off ", "0", "None")),
    ],
)
def test_how_a_tag_is_written(tags: tuple[str, ...], meta: dict[str, Any], tagged: bool) -> None:
    assert is_tagged(tags, meta, "pii") is tagged


def asset(key: str, kind: Any, reads: str = "", at: str = "", **more: Any) -> Asset:
    return Asset(
        key=key, name=key, kind=kind, integration="x", depends_on=tuple(reads.split()),
        relation=Relation(None, "raw", at) if at else None, **more,
    )  # fmt: skip


def column(name: str, *tags: str, **meta: Any) -> dict[str, Column]:
    return {name: Column(name=name, tags=tags, meta=meta)}


NAMES = ("id", "Email", "api_key")


@pytest.mark.parametrize(
    ("things", "tags", "found"),
    [
        # what sounds like a secret is one, tagged or not
        ([asset("users", "stream", at="users")], (), {"api_key"}),
        ([asset("users", "stream", at="users", columns=column("email", "pii"))], (),
         {"Email", "api_key"}),
        ([asset("users", "stream", at="users", columns=column("email", pii=True))], (),
         {"Email", "api_key"}),
        # a whole table
        ([asset("users", "stream", at="users", tags=("pii",))], (), set(NAMES)),
        # the dbt source of the table that the stream lands, by an edge
        ([asset("users", "stream"), asset("s", "source", "users", columns=column("id", "pii"))],
         (), {"id", "api_key"}),
        # ... or by its place
        ([asset("users", "stream", at="users"),
          asset("s", "source", at="users", columns=column("id", "pii"))], (), {"id", "api_key"}),
        # a model that reads it says nothing of it
        ([asset("users", "stream"), asset("m", "model", "users", columns=column("id", "pii"))],
         (), {"api_key"}),
        # other words for it
        ([asset("users", "stream", columns=column("id", "gdpr") | column("email", "pii"))],
         ("gdpr",), {"id", "api_key"}),
    ],
)  # fmt: skip
def test_personal_columns(things: list[Asset], tags: tuple[str, ...], found: set[str]) -> None:
    assert personal_columns(AssetGraph(things), "users", NAMES, tags) == found


def test_a_profile_without_what_must_not_be_seen() -> None:
    email = ColumnProfile(
        name="Email", type="VARCHAR", nulls=1, distinct=5, mean=1.0, deviation=2.0, least="a",
        most="z", quartiles=(1.0, 2.0, 3.0),
    )  # fmt: skip
    age = ColumnProfile(name="age", type="INTEGER", nulls=0, least="1", most="9")
    profile = TableProfile(rows=7, columns=(email, age))
    assert without_values(profile, ["other"]) is profile
    bare = ColumnProfile(name="Email", type="VARCHAR", nulls=1, distinct=5, hidden=True)
    assert without_values(profile, ["EMAIL"]) == TableProfile(rows=7, columns=(bare, age))
    assert profile.column("EMAIL") == email
    assert profile.column("mail") is None
