"""What one walk over one query shares: names, tables, the clock, and what went wrong."""

import time
from collections.abc import Callable

from sqlglot import exp

from toolkit.lineage.sql.dialects import Facts
from toolkit.lineage.sql.parse import Unreadable
from toolkit.lineage.sql.relation import Rel

MAX_NAMED = 5


class Context:
    """One walk.

    Args:
        facts: of the dialect.
        table: gives the relation that a table reference stands for.
        cte: gives the relation of a CTE that is walked elsewhere (an ephemeral model), or
            ``None`` for a CTE that is the query's own.
        time_cap: CPU seconds that parsing and walking may take.
        uses_columns: ``COLUMNS(...)`` occurs in the text.
        started: when parsing began, by ``time.thread_time``: a busy machine makes no query slow.

    Attributes:
        ordered: the query whose order matters without a limit: it is made into a list.
    """

    def __init__(
        self,
        facts: Facts,
        table: Callable[[exp.Table], Rel],
        cte: Callable[[str], Rel | None],
        time_cap: float,
        uses_columns: bool,
        started: float,
    ) -> None:
        self.facts = facts
        self.table = table
        self.cte = cte
        self.uses_columns = uses_columns
        self.ordered: exp.Expr | None = None
        self._time_cap = time_cap
        self._deadline = started + time_cap
        self._lost: dict[tuple[str, str], dict[str, int | None]] = {}

    def tick(self) -> None:
        """Look at the clock; called at every SELECT.

        Raises:
            Unreadable: the cap is reached.
        """
        if time.thread_time() > self._deadline:
            raise Unreadable("too-slow", f"tracing took more than the cap of {self._time_cap:g} s")

    def lose(self, code: str, about: str, name: str, line: int | None = None) -> None:
        """Remember that lineage is lost at ``name``, for the reason ``about``."""
        self._lost.setdefault((code, about), {}).setdefault(name, line)

    def losses(self) -> list[tuple[str, str, int | None]]:
        """``(code, sentence, line)``, one for each reason, with some of the names."""
        found = []
        for (code, about), names in self._lost.items():
            shown = ", ".join(list(names)[:MAX_NAMED])
            more = len(names) - MAX_NAMED
            tail = f" and {more} more" if more > 0 else ""
            line = next((line for line in names.values() if line is not None), None)
            found.append((code, f"{about}: {shown}{tail}", line))
        return found


def line_of(node: exp.Expr) -> int | None:
    """1-based line of the first name inside ``node``."""
    line = node.meta.get("line") if node.meta else None
    if isinstance(line, int):
        return line
    for identifier in node.find_all(exp.Identifier):
        line = identifier.meta.get("line")
        if isinstance(line, int):
            return line
    return None
