"""Findings as text, Markdown, JSON, SARIF and JUnit."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.lineage import Coverage
from toolkit.report.lint.formats import lint_document, lint_junit, lint_sarif
from toolkit.report.lint.text import MARKER, headline, lint_markdown, lint_text
from toolkit.rules import RULES, Finding

SEVERITIES = {rule.id: str(rule.default) for rule in RULES}


def finding(rule: str = "unowned-mart", **more: Any) -> Finding:
    fields: dict[str, Any] = {
        "severity": "warning", "asset": "model.shop.sales", "column": None,
        "message": "The mart sales has no owner.", "path": "models/marts/_marts.yml", "line": 4,
        "mend": "Give it one.",
    }  # fmt: skip
    return Finding(rule=rule, **{**fields, **more})


THREE = [
    finding(),
    finding("untagged-pii", severity="error", column="email", line=None, message="It is pii."),
    finding("LT01", tool="sqlfluff", asset=None, mend="", message="Spacing.", path="macros/a.sql"),
]


def test_text() -> None:
    assert lint_text(THREE) == (
        "unowned-mart (warning, 1) A mart without an owner\n"
        "  models/marts/_marts.yml:4  model.shop.sales\n"
        "    The mart sales has no owner.\n"
        "    -> Give it one.\n"
        "\n"
        "untagged-pii (error, 1) A tagged column flows into one without the tag\n"
        "  models/marts/_marts.yml  model.shop.sales.email\n"
        "    It is pii.\n"
        "    -> Give it one.\n"
        "\n"
        "sqlfluff LT01 (warning, 1)\n"
        "  macros/a.sql:4\n"
        "    Spacing.\n"
        "\n"
        "1 error and 2 warnings.\n"
    )
    assert lint_text([]) == "No rule is broken.\n"


def test_a_terminal_obeys_nothing_of_it() -> None:
    hostile = finding(message="a\x1b[2Jb\nc", path="a\x1bb", asset="x\u202ey", mend="\x07")
    text = lint_text([hostile])
    assert re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", text) is None


def test_headline() -> None:
    assert headline([finding()]) == "1 warning."
    assert headline([finding(severity="error")] * 1200) == "1,200 errors."


def test_markdown() -> None:
    text = lint_markdown(THREE)
    assert text.startswith(f"{MARKER}\n## toolkit lint: 1 error and 2 warnings.\n")
    assert "<details open><summary><b>untagged-pii</b> (error, 1)</summary>" in text
    assert "<details><summary><b>sqlfluff LT01</b> (warning, 1)</summary>" in text
    assert "| `models/marts/_marts.yml:4`<br>`model.shop.sales` | The mart sales" in text
    assert lint_markdown([]) == f"{MARKER}\n## toolkit lint: No rule is broken.\n"


HOSTILE = (
    "@team | `x` <script>alert(1)</script> <!-- toolkit:lint --> [a](javascript:b) ![i](//x) "
    "</details> #1 https://evil.example \n# heading\n- [ ] box \u202e"
)


@pytest.mark.parametrize("where", ["message", "mend", "asset", "column", "path", "rule", "tool"])
def test_markdown_obeys_nothing_of_it(where: str) -> None:
    one = msgspec.structs.replace(finding(), **{where: HOSTILE})
    text = lint_markdown([one])
    assert text.count(MARKER) == 1
    # Outside of code nothing is left of HTML, links, images, mentions or addresses.
    bare = re.sub(r"\\.", "", re.sub(r"(?<![\\`])(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", text))
    for active in ("<script", "@team", "](", "<!-- toolkit:lint -->", "https://evil", "\n#", "#1"):
        assert active not in bare.removeprefix(f"{MARKER}\n##"), active
    row = next(line for line in text.splitlines() if line.startswith("| `"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 4  # three cells
    assert bare.count("</details>") == 1


def test_markdown_keeps_to_the_limit_and_counts_the_rest() -> None:
    many = [finding(asset=f"model.shop.a{n}", message="x" * 300) for n in range(2_000)]
    text = lint_markdown([*many, finding("unread-model")])
    assert len(text) < 65_536
    assert text.count("<details") == text.count("</details>")
    shown = text.count("| `models")
    assert 100 < shown < 2_000
    assert f"\n{2_001 - shown:,} more are not shown; the JSON has all of them.\n" in text


@given(
    st.lists(
        st.builds(
            finding,
            st.sampled_from([*SEVERITIES, "LT01"]), severity=st.sampled_from(["error", "warning"]),
            message=st.text(max_size=200), asset=st.none() | st.text(max_size=60),
            path=st.none() | st.text(max_size=40),
        ),
        max_size=20,
    ),
    st.integers(600, 5_000),
)  # fmt: skip
def test_any_findings_in_any_room(findings: list[Finding], limit: int) -> None:
    text = lint_markdown(findings, limit=limit)
    assert len(text) <= limit
    assert text.startswith(MARKER)
    assert len(re.findall("<details", text)) == len(re.findall("</details>\n", text))


def test_json() -> None:
    coverage = Coverage(assets=3, full=2, partial=0, opaque=1, columns=9)
    document = lint_document(THREE, SEVERITIES, project="shop", target="dev", coverage=coverage)
    read = json.loads(msgspec.json.encode(document))
    assert list(read) == [
        "schema_version", "project", "target", "counts", "rules", "findings", "coverage",
    ]  # fmt: skip
    assert read["schema_version"] == 1
    assert read["counts"] == {"error": 1, "warning": 2}
    assert read["rules"][0] == {
        "id": "unowned-mart", "severity": "warning", "title": "A mart without an owner",
    }  # fmt: skip
    assert read["findings"][0] == {
        "rule": "unowned-mart", "severity": "warning", "asset": "model.shop.sales", "column": None,
        "message": "The mart sales has no owner.", "path": "models/marts/_marts.yml", "line": 4,
        "mend": "Give it one.", "tool": "toolkit",
    }  # fmt: skip


def test_sarif() -> None:
    run = lint_sarif(THREE, version="1", base="dbt", secrets=[])["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert rules == {*SEVERITIES, "sqlfluff/LT01"}
    by_rule = {result["ruleId"]: result for result in run["results"]}
    assert by_rule["untagged-pii"]["level"] == "error"
    assert by_rule["untagged-pii"]["properties"] == {
        "asset": "model.shop.sales", "column": "email",
    }  # fmt: skip
    place = by_rule["unowned-mart"]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "dbt/models/marts/_marts.yml"
    assert by_rule["unowned-mart"]["message"]["text"].endswith("no owner. Give it one.")


def test_a_tag_that_takes_another_way_is_the_same_finding() -> None:
    def prints(one: Finding) -> Any:
        run = lint_sarif([one], version="1", base="", secrets=[])["runs"][0]
        return run["results"][0]["partialFingerprints"]

    first = finding("untagged-pii", column="email", message="a -> b")
    assert prints(first) == prints(
        msgspec.structs.replace(first, message="a -> c -> b", line=9, path="x.yml")
    )
    assert prints(first) != prints(msgspec.structs.replace(first, column="name"))


def test_junit() -> None:
    root = ET.fromstring(lint_junit(THREE, SEVERITIES, "shop"))
    assert root.attrib["failures"] == "1"
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    # what is on and not broken has passed; unread-column is off
    assert {"unloaded-source", "unread-model"} <= set(cases)
    assert "unread-column" not in cases
    assert "unowned-mart" not in cases
    failed = cases["untagged-pii model.shop.sales.email"]
    failure = failed.find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "It is pii. Give it one.", "type": "untagged-pii"}
    warned = cases["unowned-mart model.shop.sales"]
    assert warned.attrib["file"] == "models/marts/_marts.yml"
    assert warned.attrib["line"] == "4"
    assert warned.findtext("system-out") == ("warning: The mart sales has no owner. Give it one.")
    assert cases["LT01 macros/a.sql"].attrib["classname"] == "sqlfluff.lint"


def test_every_rule_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
    chapters = re.findall(r"^## (\S+)$", text, re.MULTILINE)
    assert [name for name in chapters if name in SEVERITIES] == [rule.id for rule in RULES]
    for rule in RULES:
        chapter = text.split(f"## {rule.id}\n")[1].split("\n## ")[0]
        assert f"Default: `{rule.default}`." in chapter, rule.id
        assert "**Mend:**" in chapter, rule.id
        assert f"{rule.id}: off" in chapter or rule.default == "off", rule.id
