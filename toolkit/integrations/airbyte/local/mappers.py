"""What a local run refuses of a stream's mappers, before anything is read."""

from collections.abc import Iterable

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.mapping import Mapped, fault_text, looked_at
from toolkit.integrations.airbyte.model import Connection, StreamConfiguration


def check_mappers(mapped: Mapped, connection: Connection, stream: StreamConfiguration) -> None:
    """Refuse what a local run cannot apply: to go on without it could land a secret in clear.

    Raises:
        ConnectorError: with file:line of the mapper.
    """
    at = connection.place_of(stream)
    for fault in mapped.faults:
        where = connection.where("streams", at, "mappers", fault.index)
        raise ConnectorError(
            f"{where}: stream {stream.name!r}: {fault_text(fault)}.",
            "Without it something could land that should not, so nothing was read.",
            "Correct or remove the mapper.",
        )
    reason = not_local(mapped)
    if reason is not None:
        where = connection.where("streams", at, "mappers")
        raise ConnectorError(
            f"{where}: stream {stream.name!r} {reason}, which a local run cannot do.",
            "Nothing was read.",
            "Let an Airbyte server run this connection, or use another mapper for this target "
            "(hashing with SHA-256, field-filtering).",
        )


def not_local(mapped: Mapped) -> str | None:
    """What its mappers do that only an Airbyte server can, if anything."""
    touched = (*mapped.fields, *looked_at(mapped.filters))
    used = {step: field for field in touched for step in field.steps}
    if "ENCRYPT" in used:
        return f"encrypts the field {used['ENCRYPT'].origin!r}"
    if "HASH:MD2" in used:
        return f"hashes the field {used['HASH:MD2'].origin!r} with MD2"
    return None


def check_mapped_key(
    primary: Iterable[tuple[str, ...]],
    cursor: tuple[str, ...],
    mapped: Mapped,
    stream: StreamConfiguration,
    where: str,
) -> None:
    """A key may be renamed or hashed; a cursor's order does not outlive a hash.

    Raises:
        ConnectorError: the last row of a key could not be told after the mappers.
    """
    fact = ""
    for path in primary:
        if mapped.landing(path[0]) is None:
            fact = f"its primary key {path[0]!r} is removed by a mapper"
    if len(cursor) == 1 and cursor[0] in (*mapped.removed, *(f.origin for f in mapped.fields)):
        field = mapped.landing(cursor[0])
        if field is None:
            fact = f"its cursor {cursor[0]!r} is removed by a mapper"
        elif field.steps:
            fact = f"its cursor {cursor[0]!r} is hashed by a mapper, which leaves no order"
    if fact:
        raise ConnectorError(
            f"{where}: stream {stream.name!r} is configured as {stream.sync_mode}, but {fact}.",
            "Which row of a key is the last one could not be told, so nothing was read.",
            "Remove the mapper, or use a sync_mode that does not deduplicate.",
        )
