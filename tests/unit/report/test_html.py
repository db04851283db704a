"""The page as a file: whole or not at all, the same twice, nothing in it that runs by itself."""

import base64
import gzip
import hashlib
import json
import os
import re
import resource
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from toolkit.graph import Asset, AssetGraph
from toolkit.report.page.html import SCRIPTS, page_script, render_report, write_report
from toolkit.report.page.payload import container

STATIC = Path(__file__).parents[3] / "toolkit" / "report" / "static"


def block(page: str, name: str) -> dict[str, Any]:
    found = re.search(rf'<script id="{name}" type="application/x-toolkit">([^<]*)</script>', page)
    assert found is not None
    decoded: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return decoded


def test_same_data_same_page(shop: ModuleType) -> None:
    assert render_report(shop.data()) == render_report(shop.data())


def test_every_script_is_on_the_list() -> None:
    here = {str(p.relative_to(STATIC)).replace(os.sep, "/") for p in STATIC.rglob("*.js")}
    assert here == set(SCRIPTS)


def test_the_policy_names_exactly_what_is_inline(shop: ModuleType) -> None:
    page = render_report(shop.data())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for tag in ("script", "style"):
        inline = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        assert len(inline) == 1
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]
    assert policy[1].startswith("default-src 'none';")
    assert "unsafe" not in policy[1]
    assert "http" not in policy[1]


def test_scripts_cannot_end_or_hide_their_element() -> None:
    assert not re.search(r"</script|<script|<!--", page_script(), re.I)


@pytest.mark.parametrize(
    "way", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser",
            "eval(", "new Function", "createContextualFragment", "srcdoc", "fetch(",
            "XMLHttpRequest"],
)  # fmt: skip
def test_no_script_parses_html_or_reaches_out(way: str) -> None:
    assert way not in page_script()


def test_scripts_are_joined_as_they_are() -> None:
    for name in SCRIPTS:
        assert (STATIC / name).read_text(encoding="utf-8") in page_script()


def test_no_file_is_too_long_to_be_read() -> None:
    long = {name for name in SCRIPTS if len((STATIC / name).read_text().splitlines()) > 300}
    assert long == set()


def test_an_older_report_survives_a_failure(shop: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("older")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_report(shop.data(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_written_into_a_folder_that_is_not_there_yet(
    shop: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / "target" / "toolkit" / "report.html"
    write_report(shop.data(), path)
    assert path.read_text(encoding="utf-8") == render_report(shop.data())
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_secrets_are_masked_everywhere(shop: ModuleType) -> None:
    secret = "hunter2-s3cret"
    data = shop.data()
    assets = [
        msgspec.structs.replace(a, sql=f"attach '{secret}'", description=f"uses {secret}")
        for a in shop.assets()
    ]
    runs = tuple(
        msgspec.structs.replace(
            record,
            steps=tuple(msgspec.structs.replace(s, message=f"bad {secret}") for s in record.steps),
        )
        for record in data.runs
    )
    page = render_report(
        shop.data(graph=AssetGraph(assets), runs=runs, secrets=frozenset({secret}), commit=secret)
    )
    for name in ("core", "texts"):
        assert secret not in json.dumps(block(page, name))
        assert "*****" in json.dumps(block(page, name))
    assert secret not in page


def test_text_that_no_encoding_can_carry_is_replaced(shop: ModuleType) -> None:
    assets = [
        Asset(key="model.p.x", kind="model", name="x\ud800y", integration="dbt", sql="\udfff")
    ]
    page = render_report(shop.data(graph=AssetGraph(assets), project="a\ud800b"))
    assert "x?y" in block(page, "core")["strings"]


def test_sql_is_not_in_the_part_that_is_read_first(shop: ModuleType) -> None:
    page = render_report(shop.data())
    assert "where not deleted" not in json.dumps(block(page, "core"))
    assert "where not deleted" in json.dumps(block(page, "texts"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "stream", "source_name": "faker"}, "streams/faker"),
        ({"kind": "source", "source_name": "raw", "path": "models/s.yml"}, "sources/raw"),
        ({"kind": "model", "path": "models/marts/a.sql"}, "models/marts"),
        ({"kind": "model", "path": "models\\marts\\a.sql"}, "models/marts"),
        ({"kind": "python", "path": "ml.py"}, "(project)"),
        ({"kind": "model", "package": "shop"}, "shop"),
        ({"kind": "python"}, "dbt"),
    ],
)
def test_container(fields: dict[str, Any], expected: str) -> None:
    assert container(Asset(key="k", name="n", integration="dbt", **fields)) == expected
