"""docs/messages.md is what the code says, and every message on it has a test that triggers it.

After a change of messages: ``make messages TESTS=tests/unit/...`` with the tests that trigger
what is new.
"""

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest

from tools.messages.__main__ import REASONS
from tools.messages.catalog import Entry, entries, with_tests
from tools.messages.page import PAGE, page

# Said by others, and passed on: the parts are theirs.
PASSED_ON = {"raised-again"}
FEW = 15


@cache
def listed() -> tuple[Entry, ...]:
    return tuple(with_tests(entries()))


def reasons() -> dict[str, str]:
    found: dict[str, str] = json.loads(REASONS.read_text(encoding="utf-8"))
    return found


def test_the_page_is_what_the_code_says() -> None:
    made = page(listed(), reasons())
    assert made == PAGE.read_text(encoding="utf-8"), "run: make messages"


def test_every_message_has_a_test_or_a_reason() -> None:
    without = {entry.name for entry in listed() if not entry.test}
    assert without == set(reasons()), "run: make messages TESTS=<what triggers it>"
    assert len(without) < FEW


def test_the_tests_are_there(repository: Path) -> None:
    known: dict[str, set[str]] = {}
    for entry in listed():
        file, _, name = entry.test.partition("::")
        if not file:
            continue
        if file not in known:
            tree = ast.parse((repository / file).read_text(encoding="utf-8"))
            known[file] = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
        assert name.rpartition("::")[2] in known[file], f"{entry.name}: {entry.test} is gone"


@pytest.mark.parametrize("part", ["fact", "consequence", "next_step"])
def test_an_error_has_three_parts(part: str) -> None:
    without = [
        entry.name
        for entry in listed()
        if entry.code is not None and not entry.message[part].strip()
    ]
    assert [name for name in without if name not in PASSED_ON] == []


def test_a_code_is_in_kebab_case() -> None:
    codes = {entry.message["code"] for entry in listed() if entry.code is None}
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code)] == []
