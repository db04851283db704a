"""Mappers in local syncs: what lands, what must not be seen anywhere, what is refused."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from airbyte_harness import DEDUP, Project, complete

SCHEMA = {
    "properties": {
        "id": {"type": "integer"},
        "email": {"type": ["null", "string"]},
        "ssn": {"type": "string"},
        "score": {"type": "number"},
        "vip": {"type": "boolean"},
        "address": {"type": "object"},
        "updated_at": {"type": "string", "format": "date-time"},
    }
}
FULL = {"sync_mode": "full_refresh_overwrite"}
PYTHON_NAMES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-224": "sha224",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}


def mapper(kind: str, **configuration: Any) -> dict[str, Any]:
    return {"type": kind, "mapperConfiguration": configuration}


def hashing(field: str, method: str = "SHA-256") -> dict[str, Any]:
    return mapper("hashing", targetField=field, method=method, fieldNameSuffix="_hashed")


def rename(old: str, new: str) -> dict[str, Any]:
    return mapper("field-renaming", originalFieldName=old, newFieldName=new)


def drop(field: str) -> dict[str, Any]:
    return mapper("field-filtering", targetField=field)


def equal(field: str, value: str) -> dict[str, Any]:
    return {"type": "EQUAL", "fieldName": field, "comparisonValue": value}


def rows_where(condition: dict[str, Any]) -> dict[str, Any]:
    return mapper("row-filtering", conditions=condition)


def record(**data: object) -> dict[str, Any]:
    body = {"stream": "users", "data": data, "emitted_at": 1}
    return {"message": {"type": "RECORD", "record": body}}


def setup(
    project: Project,
    records: list[dict[str, Any]],
    mappers: list[dict[str, Any]],
    schema: dict[str, Any] = SCHEMA,
    **stream: Any,
) -> None:
    project.fake(
        [*(record(**data) for data in records), *complete("users")],
        streams=[{"name": "users", "mappers": mappers, **(stream or FULL)}],
        config={"schemas": {"users": schema}},
    )


def digest(text: str, method: str = "SHA-256") -> str:
    return hashlib.new(PYTHON_NAMES[method], text.encode()).hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize("method", PYTHON_NAMES)
def test_hashes_are_those_of_hashlib(project: Project, method: str) -> None:
    texts = ["a@example.com", "", "ünï 😀", "nul\0inside", "'; --", "x" * 10_000]
    records = [{"id": number, "email": text} for number, text in enumerate(texts)]
    setup(project, records, [hashing("email", method)])
    done = project.sync()
    assert done.status == "success", done.message
    assert project.sql("SELECT id, email_hashed FROM raw.users ORDER BY id") == [
        (number, digest(text, method)) for number, text in enumerate(texts)
    ]


def test_other_values_are_hashed_as_the_platform_writes_them(project: Project) -> None:
    data = {"id": 12, "email": None, "score": 1.5, "vip": True, "address": {"city": "x"}}
    mappers = [hashing(name) for name in ("id", "email", "ssn", "score", "vip", "address")]
    setup(project, [data], mappers)
    assert project.sync().status == "success"
    query = (
        "SELECT id_hashed, email_hashed, ssn_hashed, score_hashed, vip_hashed, address_hashed "
        "FROM raw.users"
    )
    # An explicit null is the text "null", an object the empty text, a missing field stays NULL.
    assert project.sql(query) == [
        (digest("12"), digest("null"), None, digest("1.5"), digest("true"), digest(""))
    ]


def test_mappers_work_in_their_order(project: Project) -> None:
    mappers = [
        rename("email", "mail"),
        hashing("mail", "MD5"),
        rename("mail_hashed", "m"),
        hashing("m", "SHA-512"),
        rename("ssn", "email"),
        drop("score"),
    ]
    setup(project, [{"id": 1, "email": "a@b.c", "ssn": "1-2-3", "score": 1}], mappers)
    assert project.sync().status == "success"
    columns = [name for name, *_ in project.sql("DESCRIBE raw.users") if name[0] != "_"]
    assert columns == ["id", "m_hashed", "email", "vip", "address", "updated_at"]
    assert project.sql("SELECT m_hashed, email FROM raw.users") == [
        (digest(digest("a@b.c", "MD5"), "SHA-512"), "1-2-3")
    ]


@pytest.mark.parametrize("mode", ["full_refresh_overwrite", "incremental_append"])
def test_what_is_removed_is_nowhere(project: Project, mode: str) -> None:
    """Not in the table, its metadata, the log, the messages nor the state, nor in the file."""
    secret, number = "hunter2-secret-value", 987654321987
    records = [
        {"id": "no number", "email": secret, "ssn": f"{number}", "score": 1},
        {"id": 2, "email": secret, "ssn": f"{number}", "score": "no number"},
    ]
    setup(project, records, [hashing("email"), drop("ssn")], sync_mode=mode)
    done = project.sync()
    assert done.status == "success"
    assert "2 values of users.id" not in done.message
    rows = project.sql("SELECT * EXCLUDE (_airbyte_raw_id, _airbyte_extracted_at) FROM raw.users")
    assert len(rows) == 2
    seen = repr(rows) + repr(project.events) + project.log()
    seen += repr(project.sql("SELECT * FROM _toolkit.connector_state"))
    for hidden in (secret, str(number)):
        assert hidden not in seen
        assert hidden.encode() not in (project.folder / "shop.duckdb").read_bytes()


def test_a_broken_record_is_not_quoted(project: Project) -> None:
    line = '{"type":"RECORD","record":{"stream":"users","data":{"email":"hunter2",,}}}'
    setup(project, [], [hashing("email")])
    project.fake(
        [{"print": line}],
        streams=[{"name": "users", "mappers": [hashing("email")], **FULL}],
        config={"schemas": {"users": SCHEMA}},
    )
    done = project.sync()
    assert "printed a message that cannot be read" in done.message
    assert "hunter2" not in done.message + project.log()


PEOPLE: list[dict[str, Any]] = [
    {"id": 1, "email": "a", "vip": True},
    {"id": 2, "email": "b", "vip": False},
    {"id": 3, "email": None},
    {"id": 4},
]
FILTERS: list[tuple[list[dict[str, Any]], list[int]]] = [
    ([rows_where(equal("email", "a"))], [1]),
    ([rows_where(equal("vip", "true"))], [1]),
    ([rows_where(equal("id", "2"))], [2]),
    ([rows_where({"type": "NOT", "conditions": [equal("email", "a")]})], [2, 3, 4]),
    ([rows_where({"type": "NOT", "conditions": [equal("email", "a"), equal("id", "4")]})], [2, 3]),
    ([rows_where({"type": "NOT", "conditions": []})], [1, 2, 3, 4]),
    ([rows_where(equal("email", "null"))], [3]),
    (
        [rows_where({"type": "or", "conditions": [equal("id", "1"), equal("id", "4")]})],
        [1, 4],
    ),
    (
        [rows_where({"type": "AND", "conditions": [equal("id", "1"), equal("email", "b")]})],
        [],
    ),
    ([rows_where(equal("email", "it's")), rows_where(equal("id", "1"))], []),
    # A filter sees what the mappers before it have made.
    ([hashing("email"), rows_where(equal("email_hashed", digest("b")))], [2]),
    ([hashing("email", "SHA-384"), rows_where(equal("email_hashed", digest("b", "SHA-384")))], [2]),
    ([rows_where(equal("email", "a")), drop("email")], [1]),
]


@pytest.mark.parametrize(("mappers", "expected"), FILTERS)
def test_filtered_rows_do_not_land(
    project: Project, mappers: list[dict[str, Any]], expected: list[int]
) -> None:
    setup(project, PEOPLE, mappers)
    done = project.sync()
    assert done.status == "success", done.message
    assert [row[0] for row in project.sql("SELECT id FROM raw.users ORDER BY id")] == expected
    assert done.made[0].rows == len(expected)
    assert done.made[0].metadata["rows_read"] == 4
    assert done.made[0].metadata["rows_filtered"] == 4 - len(expected)


def person(number: int, email: str, second: int) -> dict[str, Any]:
    return {"id": number, "email": email, "updated_at": f"2026-01-01T00:00:{second:02d}Z"}


@pytest.mark.parametrize(
    ("key_mapper", "column", "keys"),
    [
        (rename("id", "user id"), "user_id", (1, 2)),
        (hashing("id"), "id_hashed", (digest("1"), digest("2"))),
    ],
)
def test_a_key_that_is_renamed_or_hashed_still_deduplicates(
    project: Project, key_mapper: dict[str, Any], column: str, keys: tuple[object, object]
) -> None:
    mappers = [key_mapper, rename("updated_at", "changed"), hashing("email")]
    first = [person(1, "old", 1), person(1, "new", 3), person(1, "older", 2), person(2, "x", 1)]
    setup(project, first, mappers, **DEDUP)
    assert project.sync().status == "success"
    setup(project, [person(1, "late", 2), person(2, "newer", 2)], mappers, **DEDUP)
    assert project.sync().status == "success"
    query = f"SELECT {column}, email_hashed FROM raw.users ORDER BY changed DESC"
    assert project.sql(query) == [(keys[0], digest("new")), (keys[1], digest("newer"))]


ENCRYPT = mapper(
    "encryption",
    algorithm="AES",
    targetField="ssn",
    fieldNameSuffix="_enc",
    key="00112233445566778899aabbccddeeff",
    mode="CBC",
    padding="PKCS5Padding",
)
REFUSED: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "encryption": ([ENCRYPT], FULL, "stream 'users' encrypts the field 'ssn', which a local run"),
    "MD2": ([hashing("ssn", "MD2")], FULL, "stream 'users' hashes the field 'ssn' with MD2"),
    "a field that is not there": (
        [hashing("emial")],
        FULL,
        "mapper 1 (hashing) cannot be applied: there is no field 'emial'",
    ),
    "a filter on nothing": (
        [rows_where(equal("emial", "a"))],
        FULL,
        "mapper 1 (row-filtering) cannot be applied: there is no field 'emial'",
    ),
    "a key that is removed": ([drop("id")], DEDUP, "its primary key 'id' is removed by a mapper"),
    "a cursor that is hashed": (
        [hashing("updated_at")],
        DEDUP,
        "its cursor 'updated_at' is hashed by a mapper",
    ),
    "a cursor that is removed": (
        [drop("updated_at")],
        DEDUP,
        "its cursor 'updated_at' is removed by a mapper",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_before_anything_is_read(
    project: Project, case: str, tmp_path: Path
) -> None:
    mappers, stream, says = REFUSED[case]
    ran = tmp_path / "ran"
    project.fake(
        [record(id=1, ssn="1-2-3"), {"grandchild": str(ran)}, *complete("users")],
        streams=[{"name": "users", "mappers": mappers, **stream}],
        config={"schemas": {"users": SCHEMA}},
    )
    done = project.sync()
    assert done.status == "error"
    assert says in done.message
    assert "connectors/fake.yml:" in done.message
    assert "nothing was read" in done.message.lower()
    assert not ran.exists()
    assert project.tables() == []


def test_an_encrypted_field_that_is_removed_needs_no_key(project: Project) -> None:
    setup(project, [{"id": 1, "ssn": "1-2-3"}], [ENCRYPT, drop("ssn_enc")])
    assert project.sync().status == "success"


@pytest.mark.parametrize(
    ("mappers", "says"),
    [
        ([hashing("email")], "has a column 'email', which mappers now rename, hash or remove"),
        ([drop("ssn")], "has a column 'ssn'"),
        ([rename("id", "user_id")], "has a column 'id'"),
    ],
)
def test_mappers_on_a_table_that_has_the_field_in_clear(
    project: Project, mappers: list[dict[str, Any]], says: str
) -> None:
    people = [{**person(1, "a", 1), "ssn": "1-2-3"}]
    setup(project, people, [], **DEDUP)
    project.sync()
    setup(project, people, mappers, **DEDUP)
    done = project.sync()
    assert done.status == "error"
    assert says in done.message
    assert "--full-refresh" in done.message
    assert project.sql("SELECT id, email, ssn FROM raw.users") == [(1, "a", "1-2-3")]
    assert project.sync(full_refresh=True).status == "success"
    columns = [name for name, *_ in project.sql("DESCRIBE raw.users")]
    assert not {"email", "ssn", "id"} <= set(columns)


def test_the_source_is_asked_for_its_own_names(project: Project, tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    mappers = [rename("id", "user_id"), hashing("email"), drop("ssn")]
    stream = {"name": "users", "mappers": mappers, "selected_fields": ["email", "ssn"], **DEDUP}
    project.fake(
        [*complete("users")],
        streams=[stream],
        config={"schemas": {"users": SCHEMA}, "seen": str(seen)},
    )
    assert project.sync().status == "success"
    (asked,) = json.loads(seen.read_text())["files"]["--catalog"]["streams"]
    # Key and cursor stay selected; what mappers work on is read.
    assert list(asked["stream"]["json_schema"]["properties"]) == [
        "id",
        "email",
        "ssn",
        "updated_at",
    ]
    assert (asked["primary_key"], asked["cursor_field"]) == ([["id"]], ["updated_at"])


def test_the_same_methods_in_syncs_side_by_side(project: Project) -> None:
    for name in ("a", "b", "c"):
        project.fake(
            [record(id=1, email=name), *complete("users")],
            name=name,
            streams=[{"name": "users", "mappers": [hashing("email", "SHA-512")], **FULL}],
            config={"schemas": {"users": SCHEMA}},
            destination={"schema": name},
        )
    finished = project.run(threads=3)
    assert [done.status for done in finished] == ["success"] * 3
    for name in ("a", "b", "c"):
        assert project.sql(f"SELECT email_hashed FROM {name}.users") == [(digest(name, "SHA-512"),)]
