"""What is said of configurations that are whole, and of which something is missing or new."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from toolkit.errors import ArtifactError, Problem
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.readers.shape import Element
from toolkit.integrations.airbyte.yamltext import Json

if TYPE_CHECKING:
    from toolkit.integrations.airbyte.readers.api_connections import ApiConnection

_STATUSES = ("active", "inactive", "deprecated", "locked")
_DEFINITIONS = ("destination", "source", "custom_format", "customformat")


def unknown_destination(connection: Connection, hint: str) -> Problem:
    """Nothing says where the connection's tables are.

    Args:
        hint: the reply (or file) that would say it.
    """
    target = connection.destination.destination_id or connection.destination.name
    return Problem(
        asset=None,
        code="unknown-destination",
        message=f"Connection {connection.name!r} goes to destination {target}, which no file "
        f"beside {connection.path.name} describes: the schema of its tables is not known. Save "
        f"{hint} beside it, or say `schema` under `destinations.{target}` in toolkit.yml.",
        path=str(connection.path),
    )


def unknown_values(element: Element, parsed: "ApiConnection") -> list[Problem]:
    """Words of a newer Airbyte that decide something, and what is assumed instead."""
    found: list[Problem] = []

    def say(key: str, value: str, instead: str) -> None:
        found.append(
            Problem(
                asset=None,
                code="unknown-value",
                message=f"Connection {parsed.name!r} has `{key}: {value}`, which we do not know: "
                f"{instead}.",
                severity="info" if key == "status" else "warning",
                path=str(element.path),
            )
        )

    status = parsed.status or "active"
    if status not in _STATUSES:
        say("status", status, "it counts as switched off")
    definition = parsed.namespace_definition
    if definition and definition not in _DEFINITIONS:
        say("namespaceDefinition", definition, "its tables are shown in the destination's schema")
    return found


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
