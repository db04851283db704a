"""What a run has counted of the tables that it made, as runners may ask for it."""

from collections.abc import Collection
from typing import Protocol

from toolkit.ledger import ProfileRow


class Counted(Protocol):
    """Profiles of this run and of those before it. Thread-safe."""

    def of(self, key: str) -> ProfileRow | None:
        """An asset as it is now, counted if need be; ``None`` where that cannot be."""

    def before(self, row: ProfileRow) -> list[ProfileRow]:
        """The same asset in earlier published runs of the target, the newest first."""

    def judge(self, row: ProfileRow, looked_at: Collection[str], unusual: Collection[str]) -> None:
        """Note which metrics, of those that were looked at, are unusual."""
