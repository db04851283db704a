"""What was found out about queries is kept, under all that it depends on."""

from pathlib import Path
from typing import NamedTuple

import pytest

from toolkit.lineage.queries import facts_cache
from toolkit.lineage.queries.facts import SqlFacts
from toolkit.lineage.queries.facts_cache import FactsCache


class Functions(NamedTuple):
    stable: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()


ONE = SqlFacts("one", "it calls now()", "limit")
TWO = SqlFacts("two", "")


def test_what_is_put_is_there_and_in_the_file_once_saved(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "facts"
    cache = FactsCache(path)
    cache.put("k1", ONE)
    assert (cache.get("k1"), cache.get("k2")) == (ONE, None)
    assert FactsCache(path).get("k1") is None
    cache.save()
    other = FactsCache(path)
    other.put("k2", TWO)
    other.save()
    both = FactsCache(path)
    assert (both.get("k1"), both.get("k2")) == (ONE, TWO)


def test_without_news_nothing_is_written(tmp_path: Path) -> None:
    FactsCache(tmp_path / "facts").save()
    nowhere = FactsCache(None)
    nowhere.put("k1", ONE)
    nowhere.save()
    assert nowhere.get("k1") == ONE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"torn", b"\x81\xa1k\x01"])
def test_a_file_that_cannot_be_read_is_made_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "facts"
    path.write_bytes(content)
    cache = FactsCache(path)
    assert cache.get("k") is None
    cache.put("k", ONE)
    cache.save()
    assert FactsCache(path).get("k") == ONE


def test_a_place_where_nothing_can_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = FactsCache(tmp_path / "file" / "facts")
    cache.put("k", ONE)
    cache.save()
    assert cache.get("k") == ONE


def test_a_file_that_is_full_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_cache, "_MOST", 2)
    path = tmp_path / "facts"
    for names in ("a", "b", "c"):
        cache = FactsCache(path)
        cache.put(names, ONE)
        cache.save()
    kept = FactsCache(path)
    assert [kept.get(name) for name in ("a", "b", "c")] == [None, None, ONE]


def test_the_key_depends_on_all_that_the_facts_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def key(
        sql: str = "select 1", dialect: str = "duckdb", places: tuple[str, ...] = ("a", "b"),
        functions: Functions | None = None,
    ) -> str:  # fmt: skip
        cache = FactsCache(None)
        if functions is not None:
            cache.knows(functions)
        return cache.key(sql, dialect, places)

    same = key()
    assert key(places=("b", "a")) == same
    different = [
        key("select 2"),
        key(dialect="snowflake"),
        key(places=("a",)),
        key("select '\udcff'"),
        key(functions=Functions()),
        *(key(functions=Functions(**{kind: frozenset({"f"})})) for kind in Functions._fields),
    ]
    monkeypatch.setattr(facts_cache, "VERSION", facts_cache.VERSION + 1)
    different.append(key())
    assert len({same, *different}) == 1 + len(different)
