"""Which integrations there are: ours, and those of other packages, by their entry points."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from toolkit.errors import SettingsError
from toolkit.integrations.base import Integration

# dbt first: the others may refer to its nodes. Python last: its inputs go by the names that
# all others gave; and then the rules about what all of them make.
_ORDER = {"dbt": 0, "python": 2, "anomalies": 3}


def installed() -> Mapping[str, Integration]:
    """A new one of each, by name, in the order in which they are to be loaded.

    Raises:
        SettingsError: one cannot be imported or made; it and its package are named.
    """
    found = entry_points(group="toolkit.integrations")
    ordered = sorted(found, key=lambda point: (_ORDER.get(point.name, 1), point.name))
    return {point.name: _made(point) for point in ordered}


def _made(point: EntryPoint) -> Integration:
    try:
        made: Integration = point.load()()
    except Exception as error:  # importing runs any code of a third party
        package = point.dist.name if point.dist else "an unknown package"
        raise SettingsError(
            f"The integration {point.name!r} of {package} cannot be loaded: "
            f"{type(error).__name__}: {error}.",
            "Its assets would be missing from the graph, so nothing was done.",
            f"Mend or uninstall {package}.",
        ) from error
    return made
