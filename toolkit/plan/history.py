"""What is remembered, and what was seen, as a plan is told."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from toolkit.integrations.base import Standing
from toolkit.ledger import Materialization, Passed, StepRow


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The warehouse now, compared with what the last run left.

    Attributes:
        state: ``as left``: nobody wrote to it since; ``looked at``: somebody may have, so
            ``found`` says what is there; ``unseen``: it cannot be looked at, see ``why``.
        found: data version of each table that is there, and the version of each view's text.
        outside: data version of each table that nobody in the graph makes, where known.
    """

    state: Literal["as left", "looked at", "unseen"] = "unseen"
    why: str = "its warehouse was not looked at"
    found: Mapping[str, str] = {}
    outside: Mapping[str, str] = {}


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger knows that a plan depends on, and the warehouse as it is now.

    Attributes:
        latest: last materialization of each asset; ``passed``: of each check, when it passed.
        last_steps: each step's last beginning.
        resumed: steps that ended well in the run that is resumed; they are done.
        newest_run: id of the newest run, so that a plan can be told from an old one.
        standing: of assets that have several versions outside of the warehouse (ML models).
    """

    latest: Mapping[str, Materialization] = {}
    last_steps: Mapping[str, StepRow] = {}
    passed: Mapping[str, Passed] = {}
    seen: Seen = Seen()
    resumed: frozenset[str] = frozenset()
    newest_run: str | None = None
    standing: Mapping[str, Standing] = {}
