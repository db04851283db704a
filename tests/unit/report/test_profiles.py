"""Profiles in the report: what is told of them, and how much room that takes."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import pytest

from toolkit.graph import AssetGraph
from toolkit.graph.profile import ColumnProfile, TableProfile
from toolkit.ledger import ProfileRow
from toolkit.lineage import Lineage
from toolkit.report.page.columnar import pack
from toolkit.report.page.data import ReportData
from toolkit.report.page.payload import build_payload
from toolkit.report.page.payload_profiles import MOST_CELLS

RunJs = Callable[[str, object], Any]


def row(at: int, rows: int, *columns: ColumnProfile, **more: Any) -> ProfileRow:
    profile = TableProfile(rows, columns, **more)
    return ProfileRow(
        asset="model.shop.orders", run_id=f"r{at}", target="dev", at=at, profile=profile
    )


def test_what_the_page_decodes(shop: ModuleType, run_js: RunJs) -> None:
    data = shop.data()
    key = next(iter(data.graph.assets))
    rows = [
        row(3, 200, ColumnProfile("n", "INT", 50, 7, 1.5, 0.5, "hunter22", "9", (1.0, 1.5, 2.0)),
            ColumnProfile("email", "VARCHAR", 0, 200, hidden=True), sampled=40, left_out=2),
        row(2, 100, ColumnProfile("n", "INT", 0, 7)),
        row(1, 100),
    ]  # fmt: skip
    data = msgspec.structs.replace(data, profiles={key: rows}, secrets=frozenset({"hunter22"}))
    _, texts = build_payload(data)
    assert texts["profiles"]["0"]["columns"][1][1] == [None, None, 0]
    body = """
        const texts = await R.data.unpack(input);
        return R.data.profile(texts.profiles[0]);
    """
    found = run_js(body, pack(texts))
    number, email = found["columns"]
    assert found["rows"] == [100, 100, 200]
    assert number["shares"] == [None, 0, 0.25]
    assert number["distinct"] == [None, 7, 7]
    assert (number["least"], number["most"]) == ("*****", "9")
    assert (email["hidden"], email["least"]) == (True, None)
    assert (found["sampled"], found["left_out"]) == (40, 2)


@pytest.mark.slow
def test_the_size_is_bound(shop: ModuleType) -> None:
    assets = [shop.model(f"m{n}", "x", "", "") for n in range(5000)]
    profiles = {
        asset.key: [
            row(at, n + at, *(
                ColumnProfile(f"column_{c}", "BIGINT", (n * c + at) % 97, n + at, c / 3, 1.0,
                              str(n), str(n + at), (1.0, 2.0, 3.0))
                for c in range(10)
            ))
            for at in range(20, 0, -1)
        ]
        for n, asset in enumerate(assets)
    }  # fmt: skip
    data = ReportData(
        project="p", target="dev", dialect="duckdb", made_at=1.0, version="1",
        graph=AssetGraph(assets), lineage=Lineage({}, (), (), {}, ()), profiles=profiles,
    )  # fmt: skip
    with_them, without = (
        pack(build_payload(one)[1]) for one in (data, msgspec.structs.replace(data, profiles={}))
    )
    points = {len(one["at"]) for one in build_payload(data)[1]["profiles"].values()}
    assert points == {MOST_CELLS // 50_000}
    assert len(with_them) - len(without) < 3_000_000
