"""What dbt's queue and task, as we change them, ask the gated engine."""

from typing import Any, Protocol


class Hold(Protocol):
    """What the queue and the task ask the engine. Thread-safe."""

    wanted: frozenset[str]
    threads: int
    tests_block: bool

    def is_open(self, node: str) -> bool:
        """Whether no gate holds a node back; takes no lock."""

    def skips(self, node: str) -> bool:
        """Whether a node will come out as skipped; takes no lock."""

    def take_place(self, node: str) -> bool:
        """Take the places that a node needs; takes no lock but its own."""

    def give_back(self, node: str) -> None:
        """A node holds no place any more."""

    def urgency(self, node: str) -> float:
        """Who goes first, the highest."""

    def asleep(self, node: str) -> str | None:
        """Why a node need not run now that its turn has come; ``None``: it runs."""

    def retry_in(self, node: str) -> float | None:
        """Seconds until a node that failed is to be done again; ``None``: it has ended."""

    def attach(self, task: Any, queue: Any) -> None:  # noqa: ANN401 - dbt's BuildTask and queue
        """dbt's queue is there now."""
