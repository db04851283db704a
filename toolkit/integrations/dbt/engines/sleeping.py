"""A node that need not run after all, in dbt's own queue: its turn comes, and nothing is done."""

from typing import Any


def sleeping_runner() -> Any:  # noqa: ANN401 - a class of dbt's
    """dbt's runner for what is only to be ticked off, without its line in dbt's log.

    Raises:
        ImportError: this dbt has none.
    """
    from dbt.runners.no_op_runner import NoOpRunner

    class Sleeping(NoOpRunner):
        """Ends with dbt's status ``no-op``; what is below it goes on."""

        def after_execute(self, result: Any) -> None:  # noqa: ANN401 - dbt's RunResult
            """dbt would write a line, for exposures."""

    return Sleeping
