"""A diff in its formats: names from elsewhere do no harm, sizes are kept, places are right."""

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from diff_project import SUITE, edited

from toolkit.diff.compare import compare
from toolkit.diff.model import Diff
from toolkit.report.diff.document import Both, diff_document
from toolkit.report.diff.junit import diff_junit
from toolkit.report.diff.markdown import LIMIT, MARKER, diff_markdown
from toolkit.report.diff.sarif import diff_sarif
from toolkit.report.diff.text import diff_text
from toolkit.report.markdown import code, plain

HOSTILE = [
    "@everyone", "a|b", "`x`", "``", "<script>alert(1)</script>", MARKER, "<!-- -->",
    "[x](javascript:alert(1))", "![i](http://evil.example/x.png)", "#1", "https://evil.example",
    "www.evil.example", "a\nb\n\n# title", "\u202eabc", "\u2028x", "x" * 500, "</details>", "$a$",
    "~~x~~", "**x**", "/close", "&lt;b&gt;", "\\", "",
]  # fmt: skip


def of(case: dict[str, Any]) -> tuple[Diff, Both]:
    base, head = edited(SUITE["project"], case)
    return compare(base, head), Both(base.graph, head.graph)


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in SUITE["cases"] if c["name"] == name)
    return found


BREAKS = case("a column that is read is gone")


@pytest.mark.parametrize("text", HOSTILE)
def test_text_in_markdown_is_shown_and_not_obeyed(text: str) -> None:
    for made in (plain(text), code(text)):
        assert "\n" not in made
        assert MARKER not in made
        assert "<!--" not in made.replace("\\<", "")
        assert "\u202e" not in made
        assert "\u2028" not in made
    escaped = plain(text)
    assert not re.search(r"(?<!\\)[<>|`*_\[\]]", escaped)
    assert not re.search(r"@(?!\u200b)", escaped)
    assert "://" not in escaped
    span = re.fullmatch(r"(`+)(.*?)\1", code(text))
    assert span is not None
    assert span[1] not in span[2].replace(f"{span[1]}`", "")


def test_hostile_names_in_a_comment() -> None:
    name = "x`|@team</details><!-- toolkit:diff -->"
    project = {
        **SUITE["project"],
        "models": {**SUITE["project"]["models"], name: "select user_id from main.stg_users"},
    }
    base, head = edited(project, {"change": {name: "select email from main.stg_users"}})
    text = diff_markdown(compare(base, head), Both(base.graph, head.graph))
    assert text.startswith(f"{MARKER}\n")
    assert text.count(MARKER) == 1
    outside = re.sub(r"(`+).*?\1", "", text)
    assert "@team" not in outside
    assert outside.count("<details>") == outside.count("</details>")


def test_a_comment_has_room() -> None:
    models = {f"m{n}": f"select user_id, {n} as x{n} from main.stg_users" for n in range(400)}
    project = {**SUITE["project"], "models": {**SUITE["project"]["models"], **models}}
    base, head = edited(project, BREAKS)
    edits = {name: sql.replace(" from", " + 1 from") for name, sql in models.items()}
    for change in (BREAKS["change"], edits):
        base, head = edited(project, {"change": change})
        diff = compare(base, head)
        text = diff_markdown(diff, Both(base.graph, head.graph))
        assert len(text) < LIMIT
        assert text.startswith(MARKER)
        assert text.count("<details>") == text.count("</details>")


def test_the_answer_comes_first() -> None:
    diff, both = of(BREAKS)
    text = diff_markdown(diff, both)
    assert text.splitlines()[1].startswith("### ❌ This breaks something: 1 breaking")
    assert "```mermaid" in text
    assert ": model.shop.customers reads stg\\_users.email, which is gone, and 1 more." in text
    assert "fails: `promised` reads stg\\_users.email, which is gone" in text
    assert text.count("customers reads") == 1
    nothing = diff_markdown(*of(case("nothing")))
    assert nothing.splitlines()[1].startswith("### ✅ Nothing changes")


def test_what_the_changed_model_itself_fails_at_is_said_once_and_without_its_name() -> None:
    diff, both = of(case("a column is added to what has a contract"))
    said = "its contract does not list country, which it makes"
    assert f"`model.shop.promised`: {said}" in diff_markdown(diff, both)
    for text in (diff_markdown(diff, both), diff_text(diff, both)):
        assert text.count(said) == 1


def test_json_holds_all_of_it() -> None:
    document = diff_document(*of(BREAKS), project="shop")
    assert json.loads(json.dumps(document)) == document
    assert document["schema_version"] == 1
    assert document["verdict"] == "breaking"
    (change,) = document["changes"]
    assert {"key": "model.shop.promised", "reason": "reads stg_users.email, which is gone"} in (
        change["fails"]
    )
    assert [one["asset"] for one in change["reached"] if one["kind"] == "exposure"] == [
        "exposure.shop.dashboard"
    ]


def test_sarif_says_it_at_the_file_that_fails() -> None:
    document = diff_sarif(*of(BREAKS), version="1.0", base="warehouse")
    results = document["runs"][0]["results"]
    found = {
        (r["ruleId"], r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], r["level"])
        for r in results
    }
    assert found == {
        ("breaking-change", "warehouse/models/stg_users.sql", "error"),
        ("fails-after-change", "warehouse/models/customers.sql", "error"),
        ("fails-after-change", "warehouse/models/promised.sql", "error"),
    }
    again = diff_sarif(*of(BREAKS), version="2.0")["runs"][0]["results"]
    prints = [[r["partialFingerprints"] for r in part] for part in (results, again)]
    assert prints[0] == prints[1]


def test_sarif_says_what_the_changed_model_itself_fails_at_once() -> None:
    """It is no failure elsewhere."""
    sql = "select user_id, email as mail from main.stg_users"
    base, head = edited(SUITE["project"], {"change": {"promised": sql}})
    both = Both(base.graph, head.graph)
    results = diff_sarif(compare(base, head), both, version="1.0")["runs"][0]["results"]
    own = "its contract does not list mail, which it makes"
    other = "its contract promises email, which it does not make"
    assert sorted((r["ruleId"], r["message"]["text"]) for r in results) == [
        ("breaking-change", f"model.shop.promised {other}"),
        ("breaking-change", f"model.shop.promised: {own}, and 1 more"),
    ]


def test_junit_fails_what_is_breaking_only() -> None:
    suite = ET.fromstring(diff_junit(*of(BREAKS), project="shop"))
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    suite = ET.fromstring(diff_junit(*of(case("a filter is added")), project="shop"))
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    assert "to be reviewed" in (suite.findtext(".//system-out") or "")


def test_text_for_people() -> None:
    diff, both = of(case("a type is another"))
    assert diff_text(diff, both) == (
        "Nothing is proved to break; somebody should look: 1 review, against before.\n"
        "\n"
        "review    model.shop.stg_orders\n"
        "          ordered_at has another type; read by 2 assets\n"
        "          models/stg_orders.sql\n"
        "          ordered_at: TIMESTAMP -> DATE  [review]\n"
        "          reaches 2 models\n"
    )
    colored = diff_text(diff, both, lambda verdict, text: f"<{verdict}>{text}")
    assert "<review>review" in colored
