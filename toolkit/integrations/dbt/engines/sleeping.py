"""A node that need not run after all, in dbt's own queue: its turn comes, and nothing is done.

Imports dbt: only for those who are about to run it.
"""

import importlib
from typing import Any

_NoOpRunner: Any = importlib.import_module("dbt.runners.no_op_runner").NoOpRunner


class Sleeping(_NoOpRunner):  # type: ignore[misc]
    """dbt's runner for what is only to be ticked off, without its line in dbt's log.

    Ends with dbt's status ``no-op``; what is below it goes on.
    """

    def after_execute(self, result: Any) -> None:  # noqa: ANN401 - dbt's RunResult
        """dbt would write a line, for exposures."""
