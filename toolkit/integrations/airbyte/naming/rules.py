"""How each destination spells schemas, tables and columns.

Read in Airbyte's own sources (repository ``airbytehq/airbyte``, the stored versions of 2023
to 2026); each rule names its file. A destination that writes names in two ways, depending on
its version, has both here: which version a server runs, no configuration says.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

import msgspec

Spell = Callable[[str], str]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One way to spell names. All functions are total; nothing becomes the empty name."""

    table: Spell
    schema: Spell
    column: Spell


class Spelling(msgspec.Struct, frozen=True, kw_only=True):
    """What a type of destination does with names.

    Attributes:
        current: the rule of its newest version that we know.
        older: rules of earlier versions, newest first.
        default_schema: where its configuration names none.
        two_level: what it calls a database is where others have a schema.
        one_schema: everything lands in one schema, whatever namespace a stream has.
        case_counts: two tables may differ in case only.
        columns_case_counts: the same for columns.
        raw_schema: where raw tables are unless its configuration says otherwise.
        raw_as_written: raw tables' names are not spelled by the rule.
    """

    current: Rule
    older: tuple[Rule, ...] = ()
    default_schema: str | None = None
    two_level: bool = False
    one_schema: bool = False
    case_counts: bool = False
    columns_case_counts: bool = False
    raw_schema: str = "airbyte_internal"
    raw_as_written: bool = False


def alphanumeric(name: str) -> str:
    """Accents off, a run of blanks or any other character to ``_``; case stays.

    ``Transformations.toAlphanumericAndUnderscore`` (bulk CDK) and ``Names`` of the older CDK,
    which are the same: NFKD, marks out, blanks in one, then each character by itself.
    """
    plain = "".join(
        char
        for char in unicodedata.normalize("NFKD", name)
        if not unicodedata.category(char).startswith("M")
    )
    return re.sub(r"[^A-Za-z0-9_]", "_", re.sub(r"[ \t\n\x0b\f\r]+", "_", plain))


def java_hash(text: str) -> int:
    """``String.hashCode``: 32 bits with sign, over UTF-16 units."""
    units = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (value * 31 + (high << 8 | low)) & 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def _identifier(name: str) -> str:
    plain = alphanumeric(name) or "_"
    return f"_{plain}" if plain[0].isdigit() else plain


def _lower_identifier(name: str) -> str:
    return _identifier(name).lower()


def _duckdb(name: str) -> str:
    """``LowerCaseNormalizer`` of the Python CDK: no accents taken off, every character for itself.

    Local syncs land by this rule.
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
    return (f"_{plain}" if plain[0].isdigit() else plain).lower()


def _duckdb_raw(name: str) -> str:
    """``destination-duckdb`` up to 0.4: typed columns in a table that is called raw."""
    return f"_airbyte_raw_{name}"


def _snowflake(name: str) -> str:
    """``SnowflakeNamingUtils.kt``: upper case and quoted, so nearly every character stays."""
    if "${" in name:
        name = re.sub(r"[${}]", "_", name)
    return name.upper() or "_"


def _snowflake_v3(name: str) -> str:
    """``SnowflakeSQLNameTransformer.kt`` (before 4): letters, digits and ``_``, upper case."""
    return _identifier(name).upper()


def _bigquery_dataset(name: str) -> str:
    """``BigQuerySQLNameTransformer.kt``: a dataset that begins with ``_`` would be hidden."""
    plain = alphanumeric(name) or "_"
    return plain if plain[0].isalnum() else f"n{plain}"


def _postgres(name: str) -> str:
    """``PostgresNamingUtils.kt``: case stays; 54 characters and a hash where 63 are not enough."""
    plain = _identifier(name)
    return plain if len(plain) <= 63 else f"{plain[:54]}_{str(java_hash(plain))[-8:]}"


def _postgres_cut(name: str) -> str:
    """``PostgresSQLNameTransformer.kt`` (older CDK): lower case, cut at 63 characters."""
    return alphanumeric(name).lower()[:63] or "_"


def _postgres_middle(name: str) -> str:
    """``destination_name_transformer.py`` (normalisation): 43 characters, the middle left out."""
    plain = _lower_identifier(name)
    return _without_middle(plain, 43)


def _redshift(name: str) -> str:
    """``RedshiftNamingUtils.kt``: lower case; 118 characters and a hash where 127 are too few."""
    plain = _lower_identifier(name)
    if len(plain) <= 127:
        return plain
    return f"{plain[:118]}_{format(java_hash(plain) & 0xFFFFFFFF, 'x')[-8:]}"


def _redshift_older(name: str) -> str:
    """``RedshiftSQLNameTransformer.kt``: lower case, no ``_`` before a digit, no cut."""
    return alphanumeric(name).lower() or "_"


def _mysql(name: str) -> str:
    """``MySQLNameTransformer.kt``: lower case, 44 characters, the middle left out."""
    plain = alphanumeric(name).lower() or "_"
    return plain if len(plain) <= 44 else f"{plain[:21]}__{plain[-21:]}"


def _mysql_uncut(name: str) -> str:
    return _lower_identifier(name)[:64]


def _databricks_column(name: str) -> str:
    """``DatabricksNamingUtils.kt``: 246 characters and a hash where 255 are not enough."""
    plain = _identifier(name)
    return plain if len(plain) <= 255 else f"{plain[:246]}_{str(java_hash(plain))[-8:]}"


def _databricks(name: str) -> str:
    return _databricks_column(name).lower()


def _databricks_older_column(name: str) -> str:
    """``DatabricksNamingTransformer.kt`` (before the bulk CDK): cut at 254, digits may lead."""
    plain = alphanumeric(name) or "_"
    return plain[:254] if len(plain) > 255 else plain


def _databricks_older(name: str) -> str:
    return _databricks_older_column(name).lower()


def _without_middle(name: str, limit: int) -> str:
    if len(name) <= limit:
        return name
    middle = round(limit / 2)
    return f"{name[: limit - middle - 1]}__{name[1 - middle :]}"


def _same(spell: Spell) -> Rule:
    return Rule(table=spell, schema=spell, column=spell)


_LOCAL = Rule(table=_duckdb, schema=_duckdb, column=_duckdb)

SPELLINGS: Mapping[str, Spelling] = {
    "bigquery": Spelling(
        current=Rule(table=_identifier, schema=_bigquery_dataset, column=_identifier),
        case_counts=True,
    ),
    # ClickhouseNamingUtils.kt (2.0 and newer). 1.0 wrote raw tables only.
    "clickhouse": Spelling(
        current=_same(_identifier),
        default_schema="default",
        two_level=True,
        case_counts=True,
    ),
    "databricks": Spelling(
        current=Rule(table=_databricks, schema=_databricks, column=_databricks_column),
        older=(
            Rule(
                table=_databricks_older,
                schema=_databricks_older,
                column=_databricks_older_column,
            ),
        ),
        default_schema="default",
        columns_case_counts=True,
    ),
    "duckdb": Spelling(
        current=_LOCAL,
        older=(Rule(table=_duckdb_raw, schema=_duckdb, column=_duckdb),),
        default_schema="main",
        one_schema=True,
    ),
    "motherduck": Spelling(current=_LOCAL, default_schema="main", one_schema=True),
    "mysql": Spelling(current=_same(_mysql), older=(_same(_mysql_uncut),), two_level=True),
    "postgres": Spelling(
        current=_same(_postgres),
        older=(_same(_postgres_cut), _same(_postgres_middle)),
        default_schema="public",
        case_counts=True,
    ),
    "redshift": Spelling(
        current=_same(_redshift), older=(_same(_redshift_older),), default_schema="public"
    ),
    "snowflake": Spelling(
        current=_same(_snowflake),
        older=(_same(_snowflake_v3),),
        case_counts=True,
        raw_as_written=True,
    ),
}

# A destination of another type: as it stands, or as most destinations would spell it.
OTHER = Spelling(current=_same(lambda name: name or "_"), older=(_same(_lower_identifier),))

# They keep files, messages or documents: what lands there is no table that SQL could read.
WITHOUT_TABLES = frozenset(
    {
        "amazon-sqs", "astra", "azure-blob-storage", "chroma", "convex", "csv", "customer-io",
        "dynamodb", "elasticsearch", "firestore", "gcs", "google-sheets", "hubspot", "kafka",
        "keen", "kinesis", "local-json", "meilisearch", "milvus", "mongodb", "mqtt", "pinecone",
        "pubsub", "pulsar", "qdrant", "rabbitmq", "redis", "s3", "salesforce", "sftp-json",
        "typesense", "vectara", "weaviate",
    }
)  # fmt: skip


def spelling_of(destination_type: str | None) -> Spelling:
    """The names of a type of destination; :data:`OTHER` where the type is not known."""
    return SPELLINGS.get(destination_type or "", OTHER)


def normalise(name: str, destination_type: str | None = "duckdb") -> str:
    """A table's or column's ``name`` as the destination spells it."""
    return spelling_of(destination_type).current.column(name)
