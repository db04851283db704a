"""What the page gives out as files: text that every reader takes, and nothing in it that runs."""

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from toolkit.report.page.columnar import pack
from toolkit.report.page.payload import build_payload

RunJs = Callable[[str, object], Any]

HOSTILE = [
    "</text><script>alert(1)</script>", '"quoted", and\nbroken', "a\u2028b\u202ec\u0000d", "--> x",
    "]]>", "x" * 500, "日本語 🦆", "#quot;", "%%{init: {}}%%", "end",
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("plain", "plain"), (None, ""), (0, "0"), (-1.5, "-1.5"), ("-3", "-3"), ("1e5", "1e5"),
        ("a,b", '"a,b"'), ('say "so"', '"say ""so"""'), ("two\nlines", '"two\nlines"'),
        ("=1+1", "'=1+1"), ("+customers", "'+customers"), ("@team", "'@team"),
        ("-cmd|' /c'!A0", "'-cmd|' /c'!A0"), ("\t=1", "'\t=1"), (" x", '" x"'),
        ("a\u202eb", "a·b"),
    ],
)  # fmt: skip
def test_a_field(value: object, field: str, run_js: RunJs) -> None:
    assert run_js("return R.export.field(input);", value) == field


def test_a_table_is_read_back_as_it_was(run_js: RunJs) -> None:
    rows = [["name", "n"], ["x", "1"], ['"', "2"], ["a\nb", ""], ["", "ü"]]
    text = run_js("return R.export.csv(input);", rows)
    assert list(csv.reader(io.StringIO(text, newline=""))) == rows


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (["shop", "model.shop.customers", "email"], "shop-model.shop.customers-email.csv"),
        (["../../etc", "passwd"], "etc-passwd.csv"), (["a/b\\c:d*"], "a-b-c-d.csv"),
        (["<script>", None, ""], "script.csv"), (["日本語"], "report.csv"),
        ([".hidden"], "hidden.csv"), (["x" * 500], "x" * 80 + ".csv"),
    ],
)  # fmt: skip
def test_names_of_files(parts: list[str | None], name: str, run_js: RunJs) -> None:
    assert run_js('return R.export.fileName(input, "csv");', parts) == name


def test_a_diagram_holds_one_line_for_each_thing(run_js: RunJs) -> None:
    scene = {
        "cards": [{"asset": {"name": name}} for name in HOSTILE],
        "edges": [{"from": 0, "to": 1, "style": "quiet"}, {"from": 0, "to": 1, "style": "quiet"},
                  {"from": 1, "to": 2, "style": "opaque"}],
    }  # fmt: skip
    lines = run_js("return R.export.mermaid(input);", scene).splitlines()
    assert lines[0] == "graph LR"
    assert len(lines) == 1 + len(HOSTILE) + 2
    for number, line in enumerate(lines[1 : 1 + len(HOSTILE)]):
        start, end = f'  n{number}["', '"]'
        assert line.startswith(start)
        assert line.endswith(end)
        assert not set(line.removeprefix(start).removesuffix(end)) & set("\"<>{}[]()%|&'`")
    assert lines[-2:] == ["  n0 --> n1", "  n1 -.-> n2"]


def test_a_trace_in_the_words_of_the_command_line(shop: ModuleType, run_js: RunJs) -> None:
    core, _ = build_payload(shop.data())
    rows = run_js(
        """
        const model = R.data.build(await R.data.unpack(input));
        const asset = model.byKey.get("model.shop.customers");
        const trace = R.graph.trace(model, R.graph.findColumn(model, asset.i, "revenue"), "up");
        const edges = [...[...trace.edges].map((e) => ({ columnEdge: e })),
          ...[...trace.influences].map((e) => ({ assetEdge: e }))];
        return R.export.traceRows(model, { cards: [], edges });
        """,
        pack(core),
    )
    head, *found = rows
    assert head == [
        "from_asset", "from_column", "to_asset", "to_column", "type", "subtype", "expression",
    ]  # fmt: skip
    stg, customers = "model.shop.stg_purchases", "model.shop.customers"
    spent = "coalesce(sum(price) over (partition by user_id), 0)"
    assert [stg, "price", customers, "revenue", "DIRECT", "AGGREGATION", spent] in found
    assert [stg, "user_id", customers, None, "INDIRECT", "JOIN", None] in found


DRAW = """
  const g = new R.svg.SvgContext(200, 100, (text) => ({ width: text.length * 6 }));
  g.setTransform(2, 0, 0, 2, -10, 0);
  g.fillStyle = input.color;
  g.font = '600 12px "Some Sans", sans-serif';
  g.textBaseline = "middle";
  for (const text of input.texts) g.fillText(text, 10, 20);
  g.beginPath(); g.roundRect(1, 2, 30, 20, [6, 0, 0, 6]); g.fill();
  g.save(); g.beginPath(); g.rect(0, 0, 10, 10); g.clip();
  g.setLineDash([5, 4]); g.beginPath(); g.moveTo(0, 0); g.bezierCurveTo(1, 1, 2, 2, 3, 3); g.stroke();
  g.restore();
  g.globalAlpha = 0.5; g.beginPath(); g.arc(5, 5, 2.5, 0, 7); g.fill();
  return g.document(input.texts[0], "#fff");
"""  # noqa: E501


def test_a_picture_is_xml_whatever_stands_in_it(run_js: RunJs) -> None:
    text = run_js(DRAW, {"texts": HOSTILE, "color": '"/><script>'})
    root = ET.fromstring(text)
    svg = "{http://www.w3.org/2000/svg}"
    assert {element.tag.removeprefix(svg) for element in root.iter()} == {
        "svg", "title", "defs", "clipPath", "rect", "text", "path", "g",
    }  # fmt: skip
    assert {name for e in root.iter() for name in e.attrib if name.startswith("on")} == set()
    said = [e.text for e in root.iter(f"{svg}text")]
    assert said[0] == HOSTILE[0]
    assert said[-1] == "end"
    [first, *_] = root.iter(f"{svg}text")
    assert first.attrib["font-weight"] == "600"
    assert first.attrib["font-family"] == '"Some Sans", sans-serif'
    assert float(first.attrib["y"]) == pytest.approx(20 + 0.35 * 12)
    assert first.attrib["transform"] == "matrix(2 0 0 2 -10 0)"
    [clipped] = root.iter(f"{svg}g")
    assert clipped.attrib["clip-path"] == "url(#c0)"
    assert clipped[0].attrib["stroke-dasharray"] == "5 4"
    assert [e.attrib["opacity"] for e in root.iter() if "opacity" in e.attrib] == ["0.5"]


@pytest.mark.parametrize(
    ("box", "radii", "path"),
    [
        ([0, 0, 10, 10], 2, "M2 0h6a2 2 0 0 1 2 2v6a2 2 0 0 1 -2 2h-6a2 2 0 0 1 -2 -2v-6"
         "a2 2 0 0 1 2 -2z"),
        ([0, 0, 3, 44], [6, 0, 0, 6], "M3 0h0v44h0a3 3 0 0 1 -3 -3v-38a3 3 0 0 1 3 -3z"),
        ([1, 2, 3, 4], 0, "M1 2h3v4h-3v-4z"),
    ],
)  # fmt: skip
def test_corners_have_the_room_that_a_canvas_gives_them(
    box: list[int], radii: object, path: str, run_js: RunJs
) -> None:
    body = "const g = new R.svg.SvgContext(1, 1); g.roundRect(...input[0], input[1]); return g.d;"
    assert run_js(body, [box, radii]) == path


def test_a_surface_gives_back_what_it_was(run_js: RunJs) -> None:
    found = run_js(
        """
        const g = new R.svg.SvgContext(1, 1, () => ({ width: 1 }));
        g.fillStyle = "red"; g.save(); g.fillStyle = "blue"; g.translate(3, 4); g.scale(2, 2);
        const inside = [g.fillStyle, g.matrix.join()];
        g.restore();
        return [inside, [g.fillStyle, g.matrix.join()]];
        """,
        None,
    )
    assert found == [["blue", "2,0,0,2,3,4"], ["red", "1,0,0,1,0,0"]]
