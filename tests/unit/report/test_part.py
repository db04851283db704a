"""A part of the graph as a page: only what was asked for, and it stands by itself."""

from pathlib import Path
from types import ModuleType

from click.testing import CliRunner

from toolkit.cli import cli
from toolkit.report.page.part import part_of
from toolkit.report.page.payload import build_payload


def test_only_the_part_is_there(shop: ModuleType) -> None:
    data = shop.data()
    keys = {"model.shop.stg_users", "source.shop.raw.users"}
    part = part_of(data, keys, data.lineage)
    assert set(part.graph.assets) == keys
    assert part.graph.edges == (("source.shop.raw.users", "model.shop.stg_users"),)
    assert {key for e in part.lineage.column_edges for key in (e.source[0], e.target[0])} == keys
    assert {e.target for e in part.lineage.asset_edges} == {"model.shop.stg_users"}
    assert part.runs == ()
    assert {*part.materializations, *part.results, *part.states} <= {*keys, *part.graph.checks}
    assert all(set(check.assets) <= keys for check in part.graph.checks.values())
    core, _ = build_payload(part)
    assert len(core["assets"]["key"]) == 2
    assert "model.shop.audit" not in core["strings"]
    assert set(data.graph.assets) > keys  # the whole is as it was


def test_the_command_writes_a_page(shared_data: Path, tmp_path: Path) -> None:
    manifest = shared_data / "projects" / "colibri_duckdb" / "manifest.json.gz"
    words = ["lineage", "--manifest", str(manifest), "--quiet", "--format", "html", "-o"]
    name, sizes = "model.jaffle_shop.customers", []
    for about in [], [name], [f"{name}.customer_id", "--upstream"]:
        page = tmp_path / "page.html"
        done = CliRunner().invoke(cli, [*words, str(page), *about])
        assert (done.exit_code, done.stdout) == (0, ""), done.output
        text = page.read_text()
        assert text.startswith("<!doctype html>")
        sizes.append(len(text))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[2]


def test_what_is_joined_to_nothing_stays_with_its_asset(shop: ModuleType) -> None:
    data = shop.data(graph=shop.connected())
    assert len(data.graph.unmatched) == 2
    part = part_of(data, {"stream.crm.invoices", "stream.crm.people"}, data.lineage)
    assert [item.asset.key for item in part.graph.unmatched] == ["stream.crm.invoices"]
    core, _ = build_payload(part)
    assert [len(core[name]) for name in ("unmatched", "matched", "landing")] == [1, 0, 1]
    candidate = core["unmatched"][0][3][0]
    assert candidate[0] == -1  # the source that may have been meant is not in this part
