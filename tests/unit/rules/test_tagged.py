"""A tag that flows along column lineage: where it must be, and what stops it."""

from types import ModuleType
from typing import Any

import pytest

PII = {"tags": ("pii",)}
STG = "select id as user_id, email, city from db.raw.users"
MART = "select user_id, lower(email) as contact, city from db.main.stg"


def world(
    w: ModuleType, *, users: Any = None, stg: Any = None, mart: Any = None, **sql: str
) -> Any:
    """users.email -> stg.email -> sales.contact."""
    return w.World(
        w.source("users", users or {"id": {}, "email": PII, "city": {}}),
        w.model("stg", sql.get("stg_sql", STG), "source.shop.raw.users", **(stg or {})),
        w.model(
            "sales", sql.get("mart_sql", MART), "model.shop.stg", folder="marts", **(mart or {})
        ),
    )


def test_every_untagged_column_on_the_way_is_told_with_its_path(w: ModuleType) -> None:
    found = world(w).findings("untagged-pii")
    assert [(one.asset, one.column) for one in found] == [
        ("model.shop.sales", "contact"), ("model.shop.stg", "email"),
    ]  # fmt: skip
    assert found[0].message == (
        "sales.contact holds values of source.shop.raw.users.email, which is tagged pii, and is "
        "not tagged itself: raw.users.email -> stg.email -> sales.contact."
    )
    assert found[0].path == "models/marts/sales.sql"


@pytest.mark.parametrize(
    "said",
    [
        {"tags": ("PII",)},
        {"meta": {"pii": True}},
        {"meta": {"contains_pii": "yes"}},
        {"meta": {"tags": ["gdpr", "pii"]}},
        {"meta": {"tags": "pii"}},
    ],
)
def test_the_ways_to_tag(w: ModuleType, said: dict[str, Any]) -> None:
    tagged = world(w, users={"id": {}, "email": said, "city": {}})
    assert tagged.about("untagged-pii") == ["sales.contact", "stg.email"]
    here = world(w, mart={"cols": {"user_id": {}, "contact": said}})
    assert here.about("untagged-pii") == ["stg.email"]
    whole = world(w, stg=said)  # all of the asset is known as such
    assert whole.about("untagged-pii") == ["sales.contact"]


@pytest.mark.parametrize(
    "said", [{"meta": {"pii": False}}, {"meta": {"pii": "no"}}, {"meta": {"pii": None}}, {}]
)
def test_what_is_no_tag(w: ModuleType, said: dict[str, Any]) -> None:
    assert world(w, users={"id": {}, "email": said}).about("untagged-pii") == []


def test_the_nearest_tagged_column_is_named(w: ModuleType) -> None:
    both = world(w, stg={"cols": {"user_id": {}, "email": PII}})
    (found,) = both.findings("untagged-pii")
    assert found.message.endswith("itself: stg.email -> sales.contact.")
    assert "values of model.shop.stg.email," in found.message


@pytest.mark.parametrize(
    ("sql", "flows"),
    [
        ("select upper(email) as c from db.main.stg", True),
        ("select max(email) as c from db.main.stg", True),
        ("select md5(email) as c, city from db.main.stg", False),
        ("select to_hex(sha256(email || 'salt')) as c from db.main.stg", False),
        ("select md5(email) || email as c from db.main.stg", True),
        ("select count(distinct email) as c from db.main.stg", False),
        ("select email is not null as c from db.main.stg", False),  # one bit
        ("select case when email like '%x' then 1 end as c from db.main.stg", False),  # INDIRECT
        ("select city as c from db.main.stg where email <> ''", False),
        ("select city as c from db.main.stg order by email", False),
        ("with h as (select md5(email) as e from db.main.stg) select e as c from h", False),
        ("with h as (select email as e from db.main.stg) select md5(e) as c from h", False),
        ("with h as (select email as e from db.main.stg) select e as c from h", True),
    ],
)
def test_what_keeps_the_value_and_what_hides_it(w: ModuleType, sql: str, flows: bool) -> None:
    tagged = {"cols": {"user_id": {}, "email": PII, "city": {}}}
    found = world(w, stg=tagged, mart_sql=sql).about("untagged-pii")
    assert found == (["sales.c"] if flows else [])


def test_a_column_that_is_declared_as_masked_holds_nothing(w: ModuleType) -> None:
    masked = {"cols": {"user_id": {}, "email": {"meta": {"masked": True}}}}
    assert world(w, stg=masked).about("untagged-pii") == []


@pytest.mark.parametrize("key", ["pii", "PII", "contains_pii"])
def test_a_column_that_is_said_to_hold_none_of_it(w: ModuleType, key: str) -> None:
    none = {"cols": {"user_id": {}, "email": {"meta": {key: False}}}}
    assert world(w, stg=none).about("untagged-pii") == []
    whole = {"tags": ("pii",), **none}  # also where the asset is tagged: but for this column
    found = world(w, users={"id": {}}, stg=whole, mart_sql="select email as c from db.main.stg")
    assert found.about("untagged-pii") == []


def test_a_mapper_that_hashes_stops_it_at_the_source(w: ModuleType) -> None:
    def landed(meta: dict[str, Any]) -> list[str]:
        stream = w.asset("stream.crm.users", cols={"id": {}, "email": {"meta": {"airbyte": meta}}})
        users = w.source("users", {"id": {}, "email": PII}, "stream.crm.users")
        stg = w.model("stg", "select email from db.raw.users", users.key)
        return list(w.World(stream, users, stg).about("untagged-pii"))

    assert landed({"property": "email"}) == ["stg.email"]
    hashed = {"property": "email", "transformation": "HASH", "method": "SHA-256", "masked": True}
    assert landed(hashed) == []


def test_a_tag_on_a_whole_asset_is_told_once_for_each_reader(w: ModuleType) -> None:
    found = world(w, users={"id": {}, "email": {}}, stg={"tags": ("pii",)}).findings("untagged-pii")
    assert [(one.asset, one.column) for one in found] == [("model.shop.sales", None)]
    assert "sales takes columns of model.shop.stg, which is tagged pii" in found[0].message
    assert "tag those columns of stg that hold it" in found[0].mend


def test_columns_say_it_more_exactly_than_their_asset(w: ModuleType) -> None:
    exact = world(
        w, users={"id": {}}, stg={"tags": ("pii",), "cols": {"city": {}, "email": PII}},
        mart_sql="select city from db.main.stg",
    )  # fmt: skip
    assert exact.about("untagged-pii") == []


def test_other_tags_when_they_are_named(w: ModuleType) -> None:
    users = {"id": {"tags": ("gdpr",)}, "email": PII, "city": {}}
    assert world(w, users=users).about("untagged-pii", tags=("gdpr",)) == [
        "sales.user_id", "stg.user_id",
    ]  # fmt: skip
    both = world(w, users=users).about("untagged-pii", tags=("gdpr", "pii"))
    assert both == ["sales.contact", "sales.user_id", "stg.email", "stg.user_id"]


def test_an_excepted_asset_lets_it_through(w: ModuleType) -> None:
    assert world(w).about("untagged-pii", exceptions=("stg",)) == ["sales.contact"]


def test_a_python_asset_that_declares_its_inputs(w: ModuleType) -> None:
    features = w.asset(
        "python.features", "model.shop.stg",
        {"contact": {"inputs": (("model.shop.stg", "email"),)}, "size": {}},
    )  # fmt: skip
    stg = w.model("stg", STG, "source.shop.raw.users", {"user_id": {}, "email": PII})
    made = w.World(w.source("users", {"id": {}, "email": PII}), stg, features)
    assert made.about("untagged-pii") == ["features.contact"]


def test_a_long_way_is_shortened_in_the_middle(w: ModuleType) -> None:
    parts = [w.source("users", {"email": PII})]
    for number in range(12):
        before = f"db.main.m{number - 1}" if number else "db.raw.users"
        parts.append(w.model(f"m{number}", f"select email from {before}", parts[-1].key))
    last = next(
        one for one in w.World(*parts).findings("untagged-pii") if one.asset == parts[-1].key
    )
    assert last.message.endswith(
        ": raw.users.email -> m0.email -> m1.email -> m2.email -> (6 more) -> m9.email -> "
        "m10.email -> m11.email."
    )
