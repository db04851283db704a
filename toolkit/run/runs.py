"""Runs in the ledger: who may begin one, and those of commands that build nothing."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from toolkit.ledger import Ledger, Run
from toolkit.run.lock import RunLock
from toolkit.settings import Settings


@contextmanager
def holding(settings: Settings) -> Iterator[Ledger]:
    """The ledger, for who is about to change something: no run goes on, none is half-ended.

    Raises:
        RunLockedError: another run of the project goes on.
    """
    from toolkit.run.publish.settle import settle  # whose room knows of this one

    with RunLock(settings.state_dir / "lock"), Ledger(settings.state_dir / "ledger.db") as ledger:
        ledger.close_abandoned()  # we hold the lock: whoever was running is gone
        settle(ledger, settings.state_dir)
        yield ledger


def new_run(target: str, *, command: str = "build", **facts: Any) -> Run:
    """A run that begins now.

    Args:
        facts: fields of :class:`~toolkit.ledger.Run`.
    """
    return Run(
        id=time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + "-" + uuid.uuid4().hex[:6],
        command=command,
        target=target,
        started_at=time.time(),
        **facts,
    )


def ended(run: Run) -> Run:
    """A run that ended well, now."""
    return msgspec.structs.replace(run, status="success", finished_at=time.time())
