"""The messages by name, and the test that triggers each."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tools.messages.scan import Message, Scan
from tools.messages.templates import bare

REPOSITORY = Path(__file__).resolve().parents[2]
TESTS = Path(__file__).with_name("tests.json")
_WORDS = 8
_ORDER = ("tests/unit/", "tests/golden/", "tests/property/", "tests/e2e/", "tests/fault/")


@dataclass(frozen=True)
class Entry:
    """One message as it is listed.

    Attributes:
        name: its anchor in the page: a problem's code, else the first words of the fact.
        code: exit code of the command that stops with it; ``None`` for a problem.
        again: the same said at other places of the same file.
    """

    name: str
    message: Message
    code: int | None
    test: str = ""
    again: tuple[Message, ...] = ()

    @property
    def where(self) -> str:
        """The file and the function that say it; survives what moves lines and changes words."""
        said = self.message.places[-1]
        return f"{said.path}::{said.function}"


@dataclass(frozen=True)
class Event:
    """A message that was made while a test ran; innermost place first."""

    test: str
    places: tuple[tuple[str, int], ...]
    code: str | None = None


def entries(root: Path = REPOSITORY) -> list[Entry]:
    """Every message of the product, named, without tests."""
    scan = Scan(root / "toolkit")
    found = [
        Entry(_name(message), message, None if message["message"] else scan.exit_code(message.kind))
        for message in _each_code(scan.messages())
    ]
    return _numbered(_merged(found))


def with_tests(found: list[Entry]) -> list[Entry]:
    """The same with the tests that are on record.

    A message whose words have changed has a new name: it keeps its test where nothing else
    in its function has lost or got a name.
    """
    record: dict[str, dict[str, str]] = json.loads(TESTS.read_text(encoding="utf-8"))
    names = {entry.name for entry in found}
    lost: dict[str, list[str]] = {}
    for name, one in record.items():
        if name not in names:
            lost.setdefault(one["where"], []).append(one["test"])
    new = Counter(entry.where for entry in found if entry.name not in record)
    made = []
    for entry in found:
        test = record.get(entry.name, {}).get("test", "")
        if entry.name not in record and len(lost.get(entry.where, ())) == new[entry.where]:
            test = lost[entry.where].pop(0)
            new[entry.where] -= 1
        made.append(replace(entry, test=test))
    return made


def save(found: Iterable[Entry]) -> None:
    """Put the tests on record."""
    record = {e.name: {"where": e.where, "test": e.test} for e in found if e.test}
    text = json.dumps(dict(sorted(record.items())), indent=1)
    TESTS.write_text(text + "\n", encoding="utf-8")


def triggered(found: list[Entry], events: Sequence[Event]) -> dict[str, str]:
    """For each message that was made, the test that says most about it: of few messages, cheap."""
    by_line: dict[tuple[str, int], list[Event]] = {}
    for event in events:
        for place in event.places[:2]:  # an error class with an __init__ of its own comes first
            by_line.setdefault(place, []).append(event)
    lost = [e for e in events if e.places and e.places[0][0] == "toolkit/lineage/assemble.py"]
    hits: dict[str, set[str]] = {}
    for entry in found:
        for message in (entry.message, *entry.again):
            first = message.places[0]
            for line in range(first.first, first.last + 1):
                for event in by_line.get((first.path, line), ()):
                    if _is(event, message):
                        hits.setdefault(entry.name, set()).add(event.test)
            if message.kind == "Loss":  # seen only when it has become a problem
                tests = {e.test for e in lost if e.code == message["code"]}
                hits[entry.name] = hits.get(entry.name, set()) | tests
    several = Counter(test for tests in hits.values() for test in tests)

    def rank(test: str) -> tuple[int, int, str]:
        place = next((i for i, start in enumerate(_ORDER) if test.startswith(start)), len(_ORDER))
        return place, several[test], test

    return {name: min(tests, key=rank) for name, tests in hits.items() if tests}


def _is(event: Event, message: Message) -> bool:
    code = message["code"]
    if event.code is not None and not code.startswith("{") and event.code != code:
        return False
    places = iter(event.places)
    return all(
        any(path == wanted.path and wanted.first <= line <= wanted.last for path, line in places)
        for wanted in message.places
    )


def _each_code(messages: Iterable[Message]) -> Iterable[Message]:
    """A problem that has one code or another, with a text for each, is two."""
    for message in messages:
        codes, texts = _choices(message["code"]), _choices(message["message"])
        if len(codes) > 1:
            for index, code in enumerate(codes):
                text = texts[index] if len(texts) == len(codes) else message["message"]
                parts = dict(message.parts) | {"code": code, "message": text}
                yield replace(message, parts=tuple(parts.items()))
        else:
            yield message


def _choices(text: str) -> list[str]:
    """What a text in square brackets offers, at the outermost level."""
    if not (text.startswith("[") and text.endswith("]")):
        return [text]
    parts, depth, last = [], 0, 1
    for index, sign in enumerate(text):
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if depth == 0 and index < len(text) - 1:
            return [text]  # the brackets at both ends are not one pair
        if depth == 1 and text.startswith(" / ", index):
            parts.append(text[last:index])
            last = index + 3
    return [*parts, text[last:-1]]


def _name(message: Message) -> str:
    if message["code"]:
        return message["code"]
    for text in (message["fact"], message["next_step"], message["consequence"]):
        fixed = bare(text.split("\n")[0])
        fixed = re.sub(r"\[[^\[\]]*\]", " ", fixed) if not text.startswith("[") else fixed
        words = re.findall(r"[a-z0-9]+", fixed.replace("'", "").lower())
        if len(words) > 1:
            return "-".join(words[:_WORDS])
    return re.sub(r"\W+|_", "-", message.places[-1].function.strip("_")).lower()


def _merged(found: list[Entry]) -> list[Entry]:
    """What one file says in the same words at several places is one message."""
    made: dict[object, Entry] = {}
    for entry in found:
        key = (entry.message.kind, entry.message.parts, entry.message.places[-1].path)
        first = made.setdefault(key, entry)
        if first is not entry:
            made[key] = replace(first, again=(*first.again, entry.message))
    return list(made.values())


def _numbered(found: list[Entry]) -> list[Entry]:
    seen: Counter[str] = Counter()
    made = []
    for entry in found:
        seen[entry.name] += 1
        number = seen[entry.name]
        made.append(replace(entry, name=f"{entry.name}-{number}") if number > 1 else entry)
    return made
