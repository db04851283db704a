"""All rules together: order, severities, selections that cannot be read, arbitrary graphs."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import SettingsError
from toolkit.rules import RULES, findings, severities
from toolkit.settings import RuleSettings, RulesSettings

RAW = "select 1 as id"
EXPRESSIONS = ("{0}", "md5({0})", "{0} || 'x'", "count({0})")


def test_defaults_are_quiet_but_for_tags(w: ModuleType) -> None:
    found = severities(w.settings(RulesSettings()))
    assert {name for name, severity in found.items() if severity == "error"} == {"untagged-pii"}
    assert {name for name, severity in found.items() if severity == "off"} == {"unread-column"}


def test_what_is_said_counts(w: ModuleType) -> None:
    said = {
        "unowned-mart": RuleSettings(where="x", severity="error"),
        "unread-model": RuleSettings(where="x", severity="off"),
        "untagged-pii": RuleSettings(where="x", exceptions=("a",)),
    }
    found = severities(w.settings(RulesSettings(rules=said)))
    assert (found["unowned-mart"], found["unread-model"]) == ("error", "off")
    assert found["untagged-pii"] == "error"


def test_findings_come_by_rule_then_by_file(w: ModuleType) -> None:
    world = w.World(
        w.model("z", RAW, folder="marts/a"), w.model("b", RAW, folder="marts/b"),
        w.model("stg_a", RAW), w.model("pub", RAW, folder="marts", access="public", owner="Ada"),
    )  # fmt: skip
    found = findings(world.graph, world.lineage, w.settings(RulesSettings()))
    assert [(one.rule, one.path, one.severity) for one in found] == [
        ("unowned-mart", "models/marts/a/z.sql", "warning"),
        ("unowned-mart", "models/marts/b/b.sql", "warning"),
        ("unread-model", "models/staging/stg_a.sql", "warning"),
        ("uncontracted-public-model", "models/marts/pub.sql", "warning"),
    ]
    assert {one.tool for one in found} == {"toolkit"}


def test_the_project_name_may_come_from_the_manifest(w: ModuleType) -> None:
    import msgspec

    world = w.World(w.model("a", RAW, folder="marts", package="elementary"))
    artifacts = msgspec.structs.replace(w.settings(RulesSettings()), project_name="", adapter="")
    assert findings(world.graph, world.lineage, artifacts, project="shop") == ()
    (found,) = findings(world.graph, world.lineage, artifacts, project="elementary")
    assert found.rule == "unowned-mart"


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        (RulesSettings(marts=("colour:red",), marts_where="toolkit.yml:2"), "toolkit.yml:2"),
        (
            RulesSettings(
                rules={"unread-model": RuleSettings(where="toolkit.yml:5", exceptions=("a:b:",))}
            ),
            "toolkit.yml:5",
        ),
    ],
)
def test_a_selection_that_cannot_be_read(w: ModuleType, rules: RulesSettings, where: str) -> None:
    world = w.World(w.model("a", RAW))
    with pytest.raises(SettingsError) as raised:
        findings(world.graph, world.lineage, w.settings(rules))
    assert raised.value.fact.startswith(f"{where}: the selection cannot be read: ")


def test_every_rule_can_be_understood() -> None:
    for rule in RULES:
        for text in (rule.title, rule.why, rule.mend):
            assert text.strip(), rule.id
        assert not rule.title.endswith(".")
        assert rule.why.endswith(".")
        assert rule.mend.endswith(".")


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Models that read earlier ones, with anything that rules look at."""
    count = draw(st.integers(1, 6))
    made = []
    for number in range(count):
        reads = draw(st.sets(st.integers(0, number - 1), max_size=2)) if number else set()
        made.append(
            {
                "reads": sorted(reads),
                "folder": draw(st.sampled_from(["marts", "staging", "x"])),
                "owner": draw(st.none() | st.just("Ada")),
                "access": draw(st.none() | st.sampled_from(["public", "private"])),
                "contract": draw(st.booleans()),
                "pii": draw(st.booleans()),
                "expression": draw(
                    st.sampled_from(["{0}", "md5({0})", "{0} || 'x'", "count({0})"])
                ),
            }
        )
    return made


@given(made=graphs())
def test_laws_of_any_graph(w: ModuleType, made: list[dict[str, Any]]) -> None:
    world = w.World(*(_model(w, number, said) for number, said in enumerate(made)))
    of = {f"model.shop.m{number}": said for number, said in enumerate(made)}
    order = [rule.id for rule in RULES]
    found = findings(world.graph, world.lineage, w.settings(_all("warning")))
    assert list(found) == sorted(found, key=lambda one: order.index(one.rule))
    assert len({(one.rule, one.asset, one.column) for one in found}) == len(found)
    for one in found:
        assert one.asset is not None
        if one.rule == "untagged-pii":
            assert not of[one.asset]["pii"]  # never about what is tagged
            assert any(of[key]["pii"] for key in world.graph.ancestors([one.asset]))
        if one.rule == "unread-model":
            assert not world.graph.children(one.asset)
    assert findings(world.graph, world.lineage, w.settings(_all("off"))) == ()


def _all(severity: Any) -> RulesSettings:
    return RulesSettings(
        rules={rule.id: RuleSettings(where="", severity=severity) for rule in RULES}
    )


def _model(w: ModuleType, number: int, said: dict[str, Any]) -> Any:
    sql = "select 'x' as c"
    if said["reads"]:
        tables = " cross join ".join(f"db.main.m{k} t{i}" for i, k in enumerate(said["reads"]))
        sql = f"select {said['expression'].format('t0.c')} as c from {tables}"
    return w.model(
        f"m{number}", sql, " ".join(f"model.shop.m{one}" for one in said["reads"]),
        {"c": {"tags": ("pii",) if said["pii"] else ()}}, folder=said["folder"],
        owner=said["owner"], access=said["access"], contract=said["contract"],
    )  # fmt: skip
