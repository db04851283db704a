"""A runner that most tools can be run by: one step after another, each told and stoppable.

:class:`StepRunner` keeps the protocol :class:`~toolkit.integrations.base.Runner`, so that who
brings a tool into the graph writes what a step does and nothing else.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from toolkit.errors import ConnectorError, ToolkitError
from toolkit.integrations.base import (
    Made,
    RunContext,
    Status,
    Step,
    StepFinished,
    StepProgress,
    StepStarted,
)
from toolkit.integrations.cancel import StepCancel
from toolkit.masking import Masker


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a step ended: what its :class:`~toolkit.integrations.base.StepFinished` says."""

    status: Status = "success"
    message: str = ""
    made: tuple[Made, ...] = ()
    failures: int | None = None
    relation: str | None = None
    adapter_response: Mapping[str, Any] = {}
    transient: bool = False


class StepRunner(ABC):
    """Does steps one after the other, in the threads that call it.

    Secrets of the settings are masked in all that it tells.

    Attributes:
        context: of the run.
    """

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self._masker = Masker(context.settings.secrets)
        self._cancels: dict[str, StepCancel] = {}

    @abstractmethod
    def do(self, step: Step, cancel: threading.Event) -> Outcome:
        """Do one step.

        Args:
            cancel: set when this step or the whole run must stop; to be looked at, and what was
                begun to be given up.

        Raises:
            ToolkitError: it failed; that is its outcome.
        """

    def run(self, steps: Sequence[Step]) -> None:
        """Do these; a failure is an event."""
        for step in steps:
            self._run(step)

    def progress(self, step: Step, message: str) -> None:
        """Tell how far a step is."""
        self.context.emit(StepProgress(step=step.key, message=self.mask(message)))

    def stop_step(self, key: str) -> None:
        """Ask a step to stop: its ``cancel`` is set."""
        cancel = self._cancels.get(key)
        if cancel is not None:
            cancel.set()

    def close(self) -> None:  # noqa: B027 - most tools hold nothing between steps
        """Give back what is held; nothing, unless a subclass says otherwise."""

    def mask(self, text: str) -> str:
        """``text`` without secrets."""
        return self._masker.mask(text)

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def _run(self, step: Step) -> None:
        started, thread = self.now(), threading.current_thread().name
        cancel = self._cancels[step.key] = StepCancel(self.context.cancel)
        self.context.emit(StepStarted(step=step.key, at=started, thread=thread))
        try:
            outcome = self.do(step, cancel)
        except ToolkitError as error:
            may_pass = isinstance(error, ConnectorError) and error.may_pass
            outcome = Outcome(status="error", message=str(error), transient=may_pass)
        self.context.emit(
            StepFinished(
                step=step.key,
                status=outcome.status,
                started_at=started,
                finished_at=self.now(),
                message=self.mask(outcome.message),
                failures=outcome.failures,
                relation=outcome.relation,
                thread=thread,
                made=outcome.made,
                adapter_response=outcome.adapter_response,
                transient=outcome.transient,
            )
        )
