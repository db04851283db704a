"""The cli engine: the ``dbt`` executable, one call a segment, for any dbt there is."""

import contextlib
from collections.abc import Sequence

from toolkit.integrations.base import Step
from toolkit.integrations.dbt.engines.runner import RunnerEngine


class CliEngine(RunnerEngine):
    """``dbt build`` as a process of its own.

    DuckDB lets one process write a file: while dbt runs, ours lets go of it, and nothing
    else of the run may work on it (``exclusive``).
    """

    name = "cli"

    @property
    def exclusive(self) -> bool:
        """Whether nothing else may run meanwhile."""
        return self._context.warehouse is not None

    def run(self, steps: Sequence[Step]) -> None:
        """Build ``steps`` in one call of the executable."""
        warehouse = self._context.warehouse
        with warehouse.released() if warehouse is not None else contextlib.nullcontext():
            super().run(steps)
