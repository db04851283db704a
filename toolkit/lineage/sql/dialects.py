"""What we have to know of each SQL dialect beyond what the parser knows."""

from functools import cache

import msgspec


class Facts(msgspec.Struct, frozen=True):
    """Naming and resolution rules of one dialect.

    Attributes:
        name: sqlglot's name.
        unquoted: what an unquoted identifier becomes: ``lower``, ``upper`` or ``keep``.
        sensitive: quoted names that differ in case are different columns.
        lateral_alias: a select item may use the alias of one before it.
        having: what a name in HAVING means that is an alias and a column: the ``column``; the
            ``alias`` unless the column is a grouping key (``ungrouped``), since another column
            has no one value there; always the ``alias``. Inside an aggregate it is the column.
        group_alias: a bare name in GROUP BY is an alias before it is a column.
        sort_alias: a name inside an expression of ORDER BY is an alias before it is a column;
            a bare name is so everywhere.
        alias_first: an alias goes before a column of its name wherever it stands.
        keys_in_place: ``select *`` over USING leaves the key where the left side has it.
        suffixes: the second column of one name in a derived table gets ``_1``.
        recursive_without_keyword: a CTE may read itself without RECURSIVE.
        unpivot_value_first: UNPIVOT puts its value columns before the one of names.
        anonymous: how a column without a name is called: ``text``, ``f0_``, ``?column?``.
        values: how the columns of a VALUES without names are called: the word, and from which
            number on.
        pseudo: folded names that every table has and nobody declares.
    """

    name: str
    unquoted: str = "keep"
    sensitive: bool = False
    lateral_alias: bool = True
    having: str = "column"
    group_alias: bool = False
    sort_alias: bool = False
    alias_first: bool = False
    keys_in_place: bool = False
    suffixes: bool = False
    recursive_without_keyword: bool = False
    unpivot_value_first: bool = False
    anonymous: str = "text"
    values: tuple[str, int] = ("col", 0)
    pseudo: frozenset[str] = frozenset()

    def exact(self, name: str, quoted: bool) -> str:
        """The name as the warehouse stores it."""
        if quoted or self.unquoted == "keep":
            return name
        return name.lower() if self.unquoted == "lower" else name.upper()


# dbt adapter type -> the nearest sqlglot dialect, where the names differ.
_ADAPTERS = {
    "firebolt": "postgres",
    "glue": "spark",
    "greenplum": "postgres",
    "impala": "hive",
    "motherduck": "duckdb",
    "singlestore": "mysql",
    "sqlserver": "tsql",
    "synapse": "tsql",
    "vertica": "postgres",
}

_FACTS = {
    "": Facts("", having="ungrouped"),
    "duckdb": Facts(
        "duckdb",
        having="ungrouped",
        keys_in_place=True,
        suffixes=True,
        pseudo=frozenset({"rowid"}),
    ),
    "clickhouse": Facts("clickhouse", having="alias", alias_first=True),
    "spark": Facts("spark", having="ungrouped", sort_alias=True, values=("col", 1)),
    "databricks": Facts("databricks", having="ungrouped", sort_alias=True, values=("col", 1)),
    "snowflake": Facts(
        "snowflake",
        "upper",
        sensitive=True,
        recursive_without_keyword=True,
        values=("column", 1),
    ),
    "postgres": Facts(
        "postgres",
        "lower",
        sensitive=True,
        lateral_alias=False,
        anonymous="?column?",
        values=("column", 1),
    ),
    "redshift": Facts("redshift", "lower", anonymous="?column?"),
    "bigquery": Facts(
        "bigquery",
        lateral_alias=False,
        having="alias",
        group_alias=True,
        sort_alias=True,
        unpivot_value_first=True,
        anonymous="f0_",
    ),
    "trino": Facts("trino", "lower", lateral_alias=False, sort_alias=True, values=("_col", 0)),
    "presto": Facts("presto", "lower", lateral_alias=False, sort_alias=True, values=("_col", 0)),
    "athena": Facts("athena", "lower", lateral_alias=False, sort_alias=True, values=("_col", 0)),
    "oracle": Facts(
        "oracle",
        "upper",
        sensitive=True,
        lateral_alias=False,
        recursive_without_keyword=True,
        pseudo=frozenset({"rownum", "rowid", "level", "user"}),
    ),
    "tsql": Facts("tsql", lateral_alias=False, recursive_without_keyword=True),
    "fabric": Facts("fabric", lateral_alias=False, recursive_without_keyword=True),
    "mysql": Facts("mysql", lateral_alias=False, having="ungrouped", values=("column_", 0)),
    "sqlite": Facts("sqlite", lateral_alias=False, values=("column", 1)),
}


# fmt: off
KNOWN = frozenset({
    "athena", "bigquery", "clickhouse", "databricks", "doris", "dremio", "drill", "druid",
    "duckdb", "dune", "exasol", "fabric", "hive", "materialize", "mysql", "oracle", "postgres",
    "presto", "redshift", "risingwave", "snowflake", "spark", "spark2", "sqlite", "starrocks",
    "teradata", "trino", "tsql",
})
# fmt: on
"""sqlglot's names of warehouses; listed here so that a cached run need not import sqlglot."""


@cache
def facts_of(dialect: str) -> Facts:
    """Facts of a sqlglot dialect or dbt adapter type; standard SQL for what is not known."""
    name = dialect.lower()
    name = _ADAPTERS.get(name, name)
    return _FACTS.get(name) or Facts(name if name in KNOWN else "")
