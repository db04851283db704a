"""How an output column is written: the text of its select item."""

from bisect import bisect_left

from sqlglot import exp

from toolkit.lineage.sql.context import line_of
from toolkit.lineage.sql.parse import Parsed

MAX_LENGTH = 1000

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_START = frozenset({"select", "distinct", "all", "from"})


class Writer:
    """Finds the text of select items in one parsed query."""

    def __init__(self, parsed: Parsed, dialect: str) -> None:
        self._parsed = parsed
        self._dialect = dialect
        self._starts: list[int] | None = None
        self._known: dict[int, tuple[str, int | None]] = {}

    def text(self, node: exp.Expr) -> tuple[str, int | None]:
        """The expression as it stands in the SQL, and its line."""
        found = self._known.get(id(node))
        if found is None:
            found = self._as_written(node)
            if found is None:
                inner = node.this if node.__class__ is exp.Alias else node
                found = inner.sql(self._dialect), line_of(inner)
            text, line = found
            if len(text) > MAX_LENGTH:
                found = text[: MAX_LENGTH - 1] + "…", line
            self._known[id(node)] = found
        return found

    def _as_written(self, node: exp.Expr) -> tuple[str, int | None] | None:
        """Back from the alias to the comma or SELECT before the item."""
        if node.__class__ is not exp.Alias or not node.args["alias"].meta:
            return None
        position = node.args["alias"].meta.get("start")
        tokens = self._parsed.tokens
        if position is None:
            return None
        if self._starts is None:
            self._starts = [token.start for token in tokens]
        end = bisect_left(self._starts, position) - 1
        if end >= 0 and tokens[end].text.lower() == "as":
            end -= 1
        depth, first = 0, end
        while first >= 0:
            text = tokens[first].text
            if text in _CLOSE:
                depth += 1
            elif text in _OPEN:
                depth -= 1
                if depth < 0:
                    break
            elif depth == 0 and (text == "," or text.lower() in _START):
                break
            first -= 1
        if first >= end:
            return None
        text = self._parsed.sql[tokens[first + 1].start : tokens[end].end + 1]
        return text, tokens[first + 1].line
