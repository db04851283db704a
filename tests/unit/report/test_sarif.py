"""SARIF that GitHub takes: places, fingerprints, order, limits, nothing secret or active in it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.report import sarif
from toolkit.report.sarif import SarifResult, SarifRule, repository_prefix, sarif_document


def _struct(required: str, optional: str = "", **types: object) -> dict[str, object]:
    """An object with these properties and no others."""
    names = [*required.split(), *optional.split()]
    return {
        "type": "object",
        "properties": {name: types.get(name.replace("$", ""), {}) for name in names},
        "required": required.split(),
        "additionalProperties": False,
    }


TEXT = _struct("text", "markdown", text={"type": "string", "minLength": 1})
LEVEL = {"enum": ["error", "warning", "note", "none"]}
URI = {"type": "string", "pattern": r"^(?![a-zA-Z][a-zA-Z0-9+.-]*:|/|\.\./)[A-Za-z0-9_.~%*/-]+$"}
# The part of the standard's schema that we use, with what GitHub adds: no result without a
# place and a line, no rule without its texts.
PLACE = _struct(
    "artifactLocation region",
    artifactLocation=_struct("uri uriBaseId", uri=URI, uriBaseId={"const": "%SRCROOT%"}),
    region=_struct("startLine", startLine={"type": "integer", "minimum": 1}),
)
RESULT = _struct(
    "ruleId ruleIndex level message locations partialFingerprints", "properties",
    ruleId={"type": "string"}, ruleIndex={"type": "integer", "minimum": 0}, level=LEVEL,
    message=TEXT,
    locations={"type": "array", "minItems": 1, "items": _struct(
        "physicalLocation", physicalLocation=PLACE)},
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    properties={"type": "object"},
)  # fmt: skip
RULE = _struct(
    "id shortDescription fullDescription help defaultConfiguration", "helpUri properties",
    id={"type": "string", "maxLength": 255}, shortDescription=TEXT, fullDescription=TEXT,
    help=TEXT, defaultConfiguration=_struct("level", level=LEVEL),
    helpUri={"type": "string", "pattern": "^https://"},
    properties=_struct("tags", tags={"type": "array", "maxItems": 20, "uniqueItems": True}),
)  # fmt: skip
DRIVER = _struct(
    "name semanticVersion rules", rules={"type": "array", "items": RULE},
    semanticVersion={"type": "string"}, name={"type": "string"},
)  # fmt: skip
RUN = _struct(
    "tool columnKind originalUriBaseIds results", "automationDetails properties",
    tool=_struct("driver", driver=DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    originalUriBaseIds=_struct("%SRCROOT%"),
    results={"type": "array", "items": RESULT, "maxItems": 25_000},
    automationDetails=_struct("id", id={"type": "string", "pattern": "^.+/$"}),
    properties={"type": "object"},
)  # fmt: skip
LOG = _struct(
    "$schema version runs", version={"const": "2.1.0"},
    runs={"type": "array", "items": RUN, "minItems": 1, "maxItems": 20},
)  # fmt: skip

RULES = (
    SarifRule(id="late", title="Late", text="It is late.", tags=("a", "a", "b")),
    SarifRule(id="early", title="Early", text="Too early.", level="error",
              help_uri="https://docs.example/rules#early"),
)  # fmt: skip


def finding(**more: Any) -> SarifResult:
    fields = {"rule_id": "late", "level": "warning", "message": "m", "path": "models/a.sql"}
    return SarifResult(**{**fields, **more})


def document(*results: SarifResult, **more: Any) -> dict[str, Any]:
    made = sarif_document(results, RULES, version="1.2.3", **more)
    jsonschema.validate(json.loads(msgspec.json.encode(made)), LOG)
    return made


def only(made: dict[str, Any]) -> Any:
    (result,) = made["runs"][0]["results"]
    return result


def place(made: dict[str, Any]) -> Any:
    return only(made)["locations"][0]["physicalLocation"]


def test_one_finding_as_a_person_reads_it() -> None:
    made = document(
        finding(line=7, fingerprint="model.a id", properties={"asset": "model.a"}), category="lint"
    )
    digest = hashlib.sha256(b"late\0model.a id").hexdigest()[:32]
    assert only(made) == {
        "ruleId": "late",
        "ruleIndex": 1,
        "level": "warning",
        "message": {"text": "m"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "models/a.sql", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 7},
                }
            }
        ],
        "partialFingerprints": {
            "primaryLocationLineHash": f"{digest}:1",
            "toolkitFinding/v1": digest,
        },
        "properties": {"asset": "model.a"},
    }
    run = made["runs"][0]
    assert run["automationDetails"] == {"id": "lint/"}
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["early", "late"]
    assert rules[1]["properties"] == {"tags": ["a", "b"]}
    assert rules[0]["helpUri"] == "https://docs.example/rules#early"
    assert rules[0]["defaultConfiguration"] == {"level": "error"}


@pytest.mark.parametrize(
    ("path", "base", "uri"),
    [
        ("models/a.sql", "", "models/a.sql"),
        ("models/a.sql", "dbt/shop", "dbt/shop/models/a.sql"),
        ("../connectors/faker.json", "dbt", "connectors/faker.json"),
        ("models\\marts\\a.sql", "", "models/marts/a.sql"),
        ("models/a b#c?d%.sql", "", "models/a%20b%23c%3Fd%25.sql"),
        ("models/größe.sql", "", "models/gr%C3%B6%C3%9Fe.sql"),
        ("a:b.sql", "", "a%3Ab.sql"),
        ("models/\ud800.sql", "", "models/%3F.sql"),
        # outside of the repository: the project's file is named instead
        ("../../elsewhere.yml", "dbt", "dbt/dbt_project.yml"),
        ("/etc/passwd", "dbt", "dbt/dbt_project.yml"),
        ("C:\\x\\a.sql", "", "dbt_project.yml"),
        ("..", "", "dbt_project.yml"),
        (None, "dbt", "dbt/dbt_project.yml"),
        ("", "", "dbt_project.yml"),
    ],
)
def test_where_it_is(path: str | None, base: str, uri: str) -> None:
    found = place(document(finding(path=path, line=9), base=base))
    assert found["artifactLocation"]["uri"] == uri
    named = uri.endswith("dbt_project.yml")
    assert found["region"] == {"startLine": 1 if named else 9}


def test_a_fingerprint_does_not_move_with_the_line() -> None:
    def prints(*results: SarifResult) -> list[str]:
        made = document(*results)["runs"][0]["results"]
        return [one["partialFingerprints"]["primaryLocationLineHash"] for one in made]

    (before,) = prints(finding(line=1, fingerprint="model.a id"))
    moved = finding(line=99, path="models/new/a.sql", message="other", fingerprint="model.a id")
    assert prints(moved) == [before]
    assert prints(finding(fingerprint="model.a name")) != [before]
    assert prints(finding(rule_id="early", fingerprint="model.a id")) != [before]
    # the same thing twice is two findings, and adding one does not rename the first
    twice = prints(finding(line=1, fingerprint="model.a id"), moved)
    assert twice == [before, before.replace(":1", ":2")]


def test_the_order_is_that_of_the_files_whatever_comes_first() -> None:
    found = [
        finding(path="b.sql", line=1),
        finding(path="a.sql", line=10),
        finding(path="a.sql", line=9),
        finding(path=None),
        finding(path="a.sql", line=9, rule_id="early", level="error"),
    ]
    assert document(*found) == document(*reversed(found))
    uris = [
        (one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], one["ruleId"])
        for one in document(*found)["runs"][0]["results"]
    ]
    assert uris == [
        ("dbt_project.yml", "late"), ("a.sql", "early"), ("a.sql", "late"), ("a.sql", "late"),
        ("b.sql", "late"),
    ]  # fmt: skip


def test_over_the_limit_the_worst_stay_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sarif.MAX_RESULTS == 25_000
    monkeypatch.setattr(sarif, "MAX_RESULTS", 3)
    many = [finding(path=f"a{n}.sql", fingerprint=str(n)) for n in range(5)]
    run = document(*many, finding(path="z.sql", level="error"))["runs"][0]
    assert [one["level"] for one in run["results"]] == ["warning", "warning", "error"]
    assert run["properties"] == {"resultsLeftOut": 3}


def test_what_a_message_holds_is_text() -> None:
    hostile = "see [here](https://evil.example) {0} \x1b[2J \u202e \ud800"
    text = only(document(finding(message=hostile)))["message"]["text"]
    assert text == (r"see \[here\](https://evil.example) {{0}} \x1b\[2J \u202e \ud800")
    plain = "columns [a, b] of x[0] (of y)"
    assert only(document(finding(message=plain)))["message"]["text"] == plain
    long = only(document(finding(message="x" * 5_000)))["message"]["text"]
    assert (len(long), long[-1]) == (1_024, "…")


def test_secrets_are_masked_everywhere() -> None:
    made = document(
        finding(
            message="password hunter22 in", path="models/hunter22.sql", fingerprint="hunter22",
            properties={"hunter22": ["x hunter22"]},
        ),
        secrets=["hunter22"],
    )  # fmt: skip
    assert "hunter22" not in json.dumps(made)
    assert "password ***** in" in json.dumps(made)


def test_a_rule_that_nobody_described_is_there_all_the_same() -> None:
    rules = document(finding(rule_id="new"))["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["early", "late", "new"]


def test_the_prefix_is_that_of_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repo" / "dbt" / "shop"
    inner.mkdir(parents=True)
    (tmp_path / "repo" / ".git").write_text("gitdir: elsewhere\n")  # a worktree
    assert repository_prefix(inner) == "dbt/shop"
    assert repository_prefix(tmp_path / "repo") == ""


@given(
    st.lists(
        st.builds(
            finding,
            message=st.text(max_size=30), path=st.none() | st.text(max_size=20),
            line=st.none() | st.integers(-2, 10_000), fingerprint=st.text(max_size=5),
            properties=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
        ),
        max_size=5,
    )
)  # fmt: skip
def test_any_text_makes_a_valid_log(results: list[SarifResult]) -> None:
    made = sarif_document(results, RULES, version="1.2.3")
    results_made = made["runs"][0]["results"]
    assert len(results_made) == len(results)
    text = msgspec.json.encode(made)
    for one in json.loads(text)["runs"][0]["results"]:
        jsonschema.validate(one["locations"][0]["physicalLocation"], PLACE)
