"""Where a stream lands: the platform's namespace and prefix rules, then the destination's.

Order matters and is the platform's (``NamespacingMapper``): namespace and prefix first, then
the destination's spelling of each name.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from toolkit.graph import Alias, Relation
from toolkit.integrations.airbyte.model import Connection, StreamConfiguration
from toolkit.integrations.airbyte.naming.rules import (
    SPELLINGS,
    WITHOUT_TABLES,
    Rule,
    Spelling,
    spelling_of,
)
from toolkit.settings import DestinationMap

_PLACEHOLDER = "${SOURCE_NAMESPACE}"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where one stream's rows are.

    Attributes:
        relation: its table; ``None`` where the destination has none or its name is not known.
        aliases: where the rows may be as well: spelled by an older version of the
            destination, or in the stream's raw table.
        case_counts: in this destination two tables may differ in case only.
        no_table: the destination keeps no tables.
    """

    relation: Relation | None
    aliases: tuple[Alias, ...] = ()
    case_counts: bool = False
    no_table: bool = False


def place_of(
    connection: Connection,
    stream: StreamConfiguration,
    *,
    destinations: Mapping[str, DestinationMap],
    database: str | None,
    local: bool | None = None,
) -> Place:
    """Where a stream's rows are.

    Args:
        destinations: ``destinations`` of toolkit.yml: overrides the default database and
            schema of the destination with that name.
        database: the warehouse's own, for a destination that names none.
        local: we land it ourselves: exactly there, by namespaces too, and nothing is raw.
            Default: whether its source can run here.
    """
    target = connection.destination
    local = connection.source.local if local is None else local
    if target.type in WITHOUT_TABLES and not local:
        return Place(relation=None, no_table=True)
    if "prefix" in connection.unknown:
        return Place(relation=None)
    spelling = spelling_of(target.type)
    if local:
        spelling = msgspec.structs.replace(spelling, one_schema=False)
    mapped = destinations.get(target.name or "", DestinationMap())
    where = _Where(
        spelling=spelling,
        mapped=mapped.schema,
        schema=_schema(connection, stream, mapped, spelling),
        database=_database(connection, mapped, spelling, database),
        table=(connection.prefix if connection.prefix.strip() else "") + stream.name,
        raw_schema=target.raw_schema or spelling.raw_schema,
    )
    typed = where.typed(spelling.current)
    if local:
        return Place(relation=typed)
    raw = list(dict.fromkeys(where.raw(target.type)))
    if target.raw_only and raw:
        # Its raw table is the only one: the alias says that it is raw.
        return Place(
            relation=raw[0],
            aliases=tuple(Alias(relation, "raw") for relation in raw),
            case_counts=spelling.case_counts,
        )
    older = dict.fromkeys(where.typed(rule) for rule in spelling.older)
    aliases = [Alias(relation, "older") for relation in older if relation != typed]
    aliases += [Alias(relation, "raw") for relation in raw if relation not in (typed, *older)]
    return Place(relation=typed, aliases=tuple(aliases), case_counts=spelling.case_counts)


class _Where(msgspec.Struct, frozen=True, kw_only=True):
    """A stream's names before the destination spells them.

    ``mapped`` is the schema that toolkit.yml gives the destination, if that is the stream's.
    """

    spelling: Spelling
    mapped: str | None
    schema: str | None
    database: str | None
    table: str
    raw_schema: str

    def typed(self, rule: Rule) -> Relation:
        return Relation(self.database, self._spelled(rule), rule.table(self.table))

    def raw(self, destination_type: str | None) -> Iterator[Relation]:
        """Of typing and deduping (v2), then from before it (v1)."""
        if destination_type in ("duckdb", "motherduck"):
            return
        rules = (self.spelling.current, *self.spelling.older)
        if self.schema is not None and destination_type in SPELLINGS:
            name = _raw_table(self.schema, self.table)
            for rule in rules:
                if self.spelling.raw_as_written:
                    yield Relation(self.database, self.raw_schema, name)
                else:
                    yield Relation(self.database, rule.schema(self.raw_schema), rule.table(name))
                    yield Relation(
                        self.database, rule.schema(self.raw_schema), rule.table(name.lower())
                    )
        for rule in rules:
            yield Relation(
                self.database, self._spelled(rule), rule.table(f"_airbyte_raw_{self.table}")
            )

    def _spelled(self, rule: Rule) -> str | None:
        # A schema that the user wrote into toolkit.yml is meant as it stands.
        if self.schema is None or self.schema == self.mapped:
            return self.schema
        return rule.schema(self.schema)


def _schema(
    connection: Connection, stream: StreamConfiguration, mapped: DestinationMap, spelling: Spelling
) -> str | None:
    target = connection.destination
    default = mapped.schema or target.schema
    if default is None and spelling.two_level:
        default = target.database
    if default is None and "destination.schema" not in connection.unknown:
        default = spelling.default_schema
    elif mapped.schema is None and target.type == "bigquery" and default:
        default = default.rpartition(":")[2]
    if spelling.one_schema:
        return default
    if "namespace" in connection.unknown:
        return None
    namespace = _namespace(connection, stream)
    return namespace if namespace is not None else default


def _database(
    connection: Connection, mapped: DestinationMap, spelling: Spelling, own: str | None
) -> str | None:
    target = connection.destination
    if mapped.database:
        return mapped.database
    if spelling.two_level:
        return None
    if target.type == "bigquery" and target.schema and ":" in target.schema:
        return target.schema.partition(":")[0]
    return target.database or (None if "destination.database" in connection.unknown else own)


def _namespace(connection: Connection, stream: StreamConfiguration) -> str | None:
    if connection.namespace_definition == "destination":
        return None
    if connection.namespace_definition == "source":
        return stream.namespace
    template = connection.namespace_format or ""
    text = template.replace(_PLACEHOLDER, stream.namespace or "")
    return text if text.strip() else None


def _raw_table(namespace: str, name: str) -> str:
    """``TypingDedupingUtil.concatenateRawTableName``: as many ``_`` as neither name has."""
    longest = max((len(run) for run in re.findall("_+", namespace + name)), default=1)
    return f"{namespace}_raw{'_' * (longest + 1)}stream_{name}"


def raw_options(configuration: Mapping[str, object]) -> tuple[bool, str | None]:
    """What a destination's configuration says of raw tables: only these, and in which schema.

    The option is shown as "Legacy raw tables" or "Disable Final Tables" and is
    ``disable_type_dedupe`` in the configuration.
    """
    only = configuration.get("disable_type_dedupe") is True
    keys = ("raw_data_schema", "raw_data_dataset", "raw_schema_override")
    named = (configuration.get(key) for key in keys)
    return only, next((name for name in named if isinstance(name, str) and name.strip()), None)
