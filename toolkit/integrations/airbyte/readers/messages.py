"""What is said of configurations that are whole, and of which something is missing or new."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from toolkit.errors import ArtifactError, Problem
from toolkit.integrations.airbyte.model import Connection, StreamName, called
from toolkit.integrations.airbyte.readers.shape import Element
from toolkit.integrations.airbyte.yamltext import Json

_STATUSES = ("active", "inactive", "deprecated", "locked")
_DEFINITIONS = ("destination", "source", "custom_format", "customformat")


def unknown_destination(connection: Connection) -> Problem:
    """Nothing says where the connection's tables are."""
    target = connection.destination.name or connection.destination.destination_id
    return Problem(
        asset=None,
        code="unknown-destination",
        message=f"Connection {connection.name!r} goes to destination {target}, which no file "
        f"beside {connection.path.name} describes: the schema of its tables is not known. Save "
        "that destination as well (GET /v1/destinations, or its configuration.yaml), or say "
        f"`schema` under `destinations.{target}` in toolkit.yml.",
        path=str(connection.path),
    )


def is_described(connection: Connection) -> bool:
    """Whether anything is known of the destination but how it is called."""
    target = connection.destination
    return bool(target.type or target.schema or target.database or connection.unknown)


def unknown_values(
    path: Path, name: str, status: str | None, definition: str | None
) -> list[Problem]:
    """Words of a newer Airbyte that decide something, and what is assumed instead."""
    found: list[Problem] = []

    def say(key: str, value: str, instead: str) -> None:
        found.append(
            Problem(
                asset=None,
                code="unknown-value",
                message=f"Connection {name!r} has `{key}: {value}`, which we do not know: "
                f"{instead}.",
                severity="info" if key == "status" else "warning",
                path=str(path),
            )
        )

    if status and status not in _STATUSES:
        say("status", status, "it counts as switched off")
    if definition and definition not in _DEFINITIONS:
        say("namespaceDefinition", definition, "its tables are shown in the destination's schema")
    return found


def check_streams(connection: Connection) -> None:
    """Look for a stream that is configured twice.

    Raises:
        ArtifactError: there is one; its assets would have one key.
    """
    seen: set[StreamName] = set()
    for index, stream in enumerate(connection.streams):
        if stream.key in seen:
            named = called(*stream.key)
            where = f"{connection.path}:{stream.line}" if stream.line else str(connection.path)
            raise ArtifactError(
                f"{where}: connection {connection.name!r} has the stream {named!r} twice (the "
                f"second one is number {index + 1}).",
                "They would be one asset, so nothing was done.",
                "Remove one of the two.",
            )
        seen.add(stream.key)


def check_text(connection: Connection) -> None:
    """Look for text that cannot be written down, whichever format it came through.

    Raises:
        ArtifactError: there is half a character (a lone surrogate) in it.
    """
    texts = (connection.name, connection.prefix, connection.namespace_format, connection.unknown)
    try:
        msgspec.json.encode([texts, connection.destination, connection.streams], enc_hook=str)
    except UnicodeEncodeError as error:
        raise ArtifactError(
            f"{connection.path}: a name in connection {connection.name!a} has half a "
            "character (a lone surrogate).",
            "It cannot be written down, so nothing was done.",
            "Correct the name.",
        ) from error


def twice(kind: str, id_: str, first: Element, second: Element) -> ArtifactError:
    """Two objects with one id that differ."""
    return ArtifactError(
        f"The {kind} {id_} stands twice and not alike: {first.where} and {second.where}.",
        "Which of the two is right is not known, so nothing was done.",
        "Remove the older one.",
    )


def missing_page(roots: Sequence[Element], kind_of: Callable[[Json], str | None]) -> list[Problem]:
    """Paged replies of which the last page is not there: each page but the last has a ``next``."""
    first: dict[str, Element] = {}
    complete: set[str] = set()
    for page in (page for root in roots for page in _pages(root)):
        items = page.value["data"]
        kind = kind_of(items[0]) if items else None
        if page.value.get("next"):
            if kind is not None:
                first.setdefault(kind, page)
        elif kind is not None:
            complete.add(kind)
        else:
            # An empty last page does not say of what.
            complete.update(("connection", "source", "destination", "workspace"))
    return [
        Problem(
            asset=None,
            code="page-missing",
            message=f"{page.path.name} is a page of {kind}s that another one follows "
            "(`next`), and the last page is not there: some are missing. Save all pages "
            "beside it.",
            path=str(page.path),
        )
        for kind, page in first.items()
        if kind not in complete
    ]


def _pages(root: Element) -> Iterator[Element]:
    """Replies with ``data`` that may have a ``next``: the document, or the items of its list."""
    for element in [root, *root.items()]:
        if isinstance(element.value, dict) and isinstance(element.value.get("data"), list):
            yield element
