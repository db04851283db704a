import pytest

from toolkit.rules.hiding import hides


@pytest.mark.parametrize(
    ("expression", "column", "dialect", "hidden"),
    [
        ("md5(email)", "email", "duckdb", True),
        ("MD5(LOWER(u.Email))", "email", "snowflake", True),
        ("cast(sha2(email, 256) as varchar)", "email", "snowflake", True),
        ("to_hex(sha256(email))", "email", "bigquery", True),
        ("farm_fingerprint(email)", "email", "bigquery", True),
        ("count(distinct email)", "email", "duckdb", True),
        ("coalesce(md5(email), name)", "email", "duckdb", True),
        ("coalesce(md5(email), name)", "name", "duckdb", False),
        ("md5(e)", "email", "duckdb", True),  # by another name within a CTE
        ("md5(e) || f", "email", "duckdb", False),
        ("upper(email)", "email", "duckdb", False),
        ("md5_of(email) (", "email", "duckdb", False),  # cannot be read
        ("md5('x')", "email", "duckdb", False),
        ("'md5(' || email", "email", "duckdb", False),
        ("rehash(email)", "email", "duckdb", False),
        ("account(email)", "email", "duckdb", False),
        ("fnv_hash(email)", "email", "redshift", True),
        ("encode(digest(email, 'sha256'), 'hex')", "email", "postgres", True),
        ("approx_count_distinct(email)", "email", "snowflake", True),
        ("email is not null", "email", "duckdb", True),
        ("email like '%@x' or email in ('a', 'b')", "email", "duckdb", True),
        ("case when email = 'x' then email end", "email", "duckdb", False),
        ("email", "email", "duckdb", False),
        ("", "email", "duckdb", False),
    ],
)
def test_hides(expression: str, column: str, dialect: str, hidden: bool) -> None:
    assert hides(expression, column, dialect) is hidden
