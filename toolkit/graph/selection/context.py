"""What a selection may need beside the graph, and what it gives."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from toolkit.errors import Problem
from toolkit.graph.graph import AssetGraph

Indirect = Literal["eager", "cautious", "buildable", "empty"]


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Freshness of sources at two times, for ``source_status:``.

    Attributes:
        before / now: newest row of each source by its key; ``None`` where the
            freshness query failed.
    """

    before: Mapping[str, datetime | None]
    now: Mapping[str, datetime | None]


class SelectionContext(msgspec.Struct, frozen=True, kw_only=True):
    """What ``state:``, ``result:``, ``source_status:`` and ``package:this`` compare with.

    Attributes:
        state: the graph as it was (``--state``).
        results: status of each asset and check in an earlier run, by key.
        source_status: freshness then and now.
        project: name of the root dbt project.
        stale: gives the assets and checks that are not up to date, each with the kind of reason.
    """

    state: AssetGraph | None = None
    results: Mapping[str, str] | None = None
    source_status: SourceStatus | None = None
    project: str | None = None
    stale: Callable[[], Mapping[str, str]] | None = None


class Selection(msgspec.Struct, frozen=True):
    """What was selected.

    Attributes:
        assets: keys of assets.
        checks: keys of checks, also those that came along with their assets.
        problems: a warning for each criterion that matched nothing.
    """

    assets: frozenset[str]
    checks: frozenset[str]
    problems: tuple[Problem, ...] = ()
