"""SQL text -> one query, or the reason why not. Nothing that is read here can hang or crash us."""

import re
from collections.abc import Sequence

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import Token

MAX_DEPTH = 100
"""Brackets and CASEs inside each other. The parser and our walk recurse: 1,000 is a crash."""

MAX_OPEN_JOINS = 14
"""JOINs in a row without ON. The parser tries each of them nested and flat, which doubles
its time with every one: 14 take 0.1 s, 40 would take a year."""

CHARS_PER_SECOND = 1_000_000
"""What the slowest machine that we care for parses; an upper bound on size comes from it."""

_OPEN, _CLOSE, _JOIN, _ON, _FREE = range(5)
_MARKS = {
    **dict.fromkeys(("(", "[", "{", "case", "CASE", "Case"), _OPEN),
    **dict.fromkeys((")", "]", "}", "end", "END", "End"), _CLOSE),
    **dict.fromkeys(("join", "JOIN", "Join"), _JOIN),
    **dict.fromkeys(("on", "ON", "On", "using", "USING", "Using"), _ON),
    **dict.fromkeys(("cross", "CROSS", "Cross", "natural", "NATURAL", "Natural"), _FREE),
}


class Unreadable(Exception):
    """A query that cannot be traced at all.

    Attributes:
        code: a problem's code.
        line: 1-based line in the SQL, where known.
    """

    def __init__(self, code: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line


class Parsed:
    """A query with the text and the tokens that it was read from."""

    __slots__ = ("query", "sql", "tokens")

    def __init__(self, sql: str, tokens: Sequence[Token], query: exp.Expr) -> None:
        self.sql = sql
        self.tokens = tokens
        self.query = query


def parse(sql: str, dialect: str, time_cap: float) -> Parsed:
    """Read one query.

    Args:
        dialect: sqlglot's name.
        time_cap: seconds that one model may take; bounds the size that is tried at all.

    Raises:
        Unreadable: with the line of the error, where there is one.
    """
    if len(sql) > time_cap * CHARS_PER_SECOND:
        raise Unreadable(
            "too-large", f"{len(sql):,} characters of SQL are more than {time_cap:g} s can read"
        )
    try:
        reader = Dialect.get_or_raise(dialect)
        tokens = reader.tokenize(sql)
        _refuse_what_would_not_end(tokens)
        statements = reader.parser().parse(tokens, sql)
    except Unreadable:
        raise
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        raise Unreadable(
            "invalid-sql", _sentence(first.get("description") or str(error)), first.get("line")
        ) from None
    except RecursionError:
        raise Unreadable("too-deep", "the SQL is nested too deeply to be read") from None
    except SqlglotError as error:
        raise Unreadable("invalid-sql", _sentence(str(error))) from None
    except Exception as error:
        # On some invalid SQL the parser fails with a TypeError or AttributeError of its own.
        raise Unreadable("invalid-sql", "the parser gives up on this SQL") from error
    return Parsed(sql, tokens, _the_query([s for s in statements if s is not None]))


def _the_query(statements: list[exp.Expr]) -> exp.Expr:
    if not statements:
        raise Unreadable("invalid-sql", "there is no statement in the SQL")
    last = statements[-1]
    if isinstance(last, exp.Create | exp.Insert) and last.expression is not None:
        last = last.expression
    if len(statements) > 1:
        raise Unreadable("not-a-query", f"the SQL holds {len(statements)} statements and not one")
    if not isinstance(last, exp.Query | exp.Values | exp.Pivot | exp.Table | exp.Paren):
        raise Unreadable("not-a-query", f"the SQL is a {type(last).__name__} and no query")
    return last


def _refuse_what_would_not_end(tokens: Sequence[Token]) -> None:
    open_joins: list[int] = [0]
    free = False
    for token in tokens:
        mark = _MARKS.get(token.text)
        if mark is None:
            continue
        if mark == _OPEN:
            open_joins.append(0)
            if len(open_joins) > MAX_DEPTH:
                raise Unreadable(
                    "too-deep", f"more than {MAX_DEPTH} levels inside each other", token.line
                )
        elif mark == _CLOSE:
            if len(open_joins) > 1:
                open_joins.pop()
        elif mark == _JOIN:
            open_joins[-1] += not free
            if open_joins[-1] > MAX_OPEN_JOINS:
                raise Unreadable(
                    "too-many-open-joins",
                    f"more than {MAX_OPEN_JOINS} JOINs in a row without ON",
                    token.line,
                )
        elif mark == _ON:
            open_joins[-1] = max(0, open_joins[-1] - 1)
        free = mark == _FREE


def _sentence(text: str) -> str:
    """The first line of an error, without the parser's colours, position and class paths."""
    first = text.split("\n")[0].split(". Line ")[0].strip().rstrip(".")
    return "the SQL cannot be parsed: " + re.sub(r"<class '[\w.]*?(\w+)'>", r"\1", first)
