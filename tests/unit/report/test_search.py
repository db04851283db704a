"""The page's search finds what a plain look at every column would, and in the same order."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RunJs = Callable[[str, object], Any]

FIND = """
  const assets = input.assets.map(([name]) => name);
  const pool = [...new Set(input.assets.flatMap(([, columns]) => columns))];
  const start = [0];
  for (const [, columns] of input.assets) start.push(start[start.length - 1] + columns.length);
  const all = input.assets.flatMap(([, columns]) => columns);
  const word = all.map((name) => pool.indexOf(name));
  const model = { n: assets.length, columns: { count: all.length, start, word, name: (c) => all[c] } };
  const index = R.search.columnNames(model);
  return input.wanted.map((text) => R.search.findColumns(model, index, assets, text));
"""  # noqa: E501
MOST = 10


def rank(name: str, wanted: str) -> int:
    at = name.find(wanted)
    if at <= 0:
        return at if at < 0 else 0 if name == wanted else 1
    return 2 if name[at - 1] in "_.- /" else 3


def plainly(assets: list[tuple[str, list[str]]], wanted: str) -> list[int]:
    table, dot, part = wanted.rpartition(".")
    names = [(a, c) for a, columns in assets for c in columns]
    found = []
    for place, (asset, column) in enumerate(names):
        r = rank(column.lower(), part if dot else wanted)
        if r >= 0 and (not dot or asset.endswith(table)):
            found.append((r, place))
    return [place for _, place in sorted(found)][:MOST]


def test_by_name_and_by_asset(run_js: RunJs) -> None:
    assets = [["orders", ["id", "user_id", "ID", "paid"]], ["users", ["id", "name", "valid"]]]
    wanted = ["id", "user", "users.id", "s.id", "orders.", "x", "users.user"]
    assert run_js(FIND, {"assets": assets, "wanted": wanted}) == [
        [0, 2, 4, 1, 3, 6], [1], [4, 6], [0, 2, 4, 1, 3, 6], [0, 1, 2, 3], [], [],
    ]  # fmt: skip


NAMES = st.text(st.sampled_from("ab_.A"), min_size=1, max_size=4)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    assets=st.lists(st.tuples(NAMES.map(str.lower), st.lists(NAMES, max_size=8)), max_size=12),
    wanted=st.lists(NAMES.map(str.lower), min_size=20, max_size=20),
)
def test_as_a_plain_look_would(
    assets: list[tuple[str, list[str]]], wanted: list[str], run_js: RunJs
) -> None:
    found = run_js(FIND, {"assets": assets, "wanted": wanted})
    assert found == [plainly(assets, text) for text in wanted]
