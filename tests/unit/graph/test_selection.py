"""What the comparison with dbt cannot show: errors, warnings, other tools' assets, patterns."""

from datetime import datetime

import pytest

from toolkit.errors import SelectionError
from toolkit.graph import Asset, AssetGraph, Check
from toolkit.graph.selection import SelectionContext, SourceStatus, select
from toolkit.graph.selection.patterns import PathPattern, matcher
from toolkit.graph.selection.types import of_types


def _graph() -> AssetGraph:
    stream = Asset(
        key="stream.my_shop.users", kind="stream", name="users", integration="airbyte",
        source_name="My shop",
    )  # fmt: skip
    source = Asset(
        key="source.shop.raw.users", kind="source", name="users", integration="dbt",
        source_name="raw", package="shop", depends_on=(stream.key,),
    )  # fmt: skip
    model = Asset(
        key="model.shop.customers", kind="model", name="customers", integration="dbt",
        package="shop", fqn=("shop", "marts", "customers"), depends_on=(source.key,),
        config={"tags": ["daily"], "severity": "x", "deep": {"list": [True]}},
        fingerprints={"body": "1", "macros": "1"},
    )  # fmt: skip
    score = Asset(
        key="python.score", kind="ml_model", name="score", integration="python",
        depends_on=(model.key,), fingerprints={"body": "1"},
    )  # fmt: skip
    checks = [
        Check(key="check.score.auc", name="auc", kind="python", integration="python",
              assets=(score.key,)),
        Check(key="unit_test.shop.customers.u", name="u", kind="unit_test", integration="dbt",
              package="shop", fqn=("shop", "u"), assets=(model.key,)),
    ]  # fmt: skip
    return AssetGraph([stream, source, model, score], checks)


GRAPH = _graph()


@pytest.mark.parametrize(
    ("selector", "fact", "next_step"),
    [
        ("tagg:x", "'tagg:x' uses the method 'tagg'", "Did you mean 'tag'?"),
        ("@customers+", "both a leading @ and a trailing +", "Write '@customers'"),
        ("tag:a,", "'tag:a,' has an empty part", "without blanks"),
        ("+", "'+' has an empty part", "Write a value"),
        ("tag.x:y", "takes nothing after a dot", "config.materialized:view"),
        ("config:view", "does not say which config", "config.materialized"),
        ("source:a.b.c.d", "too many parts", "package.source.table"),
        ("exposure:a.b.c", "too many parts", "package.name"),
        ("path:/etc", "absolute path", "path:models/staging"),
        ("kind:steam", "'steam' is no kind of asset", "Did you mean 'stream'?"),
        ("resource_type:stream", "no resource type", "Known: analysis"),
        ("test_type:dat", "'dat' is no test type", "Did you mean 'data'?"),
        ("version:newest", "no kind of version", "latest, none, old, prerelease"),
        ("state:changed", "nothing that state: can tell", "new, old, modified"),
        ("state:new", "an earlier state of the project", "--state"),
        ("result:error", "the results of an earlier run", "--state"),
        ("source_status:fresher", "source freshness", "--state"),
        ("source_status:stale", "nothing that source_status: can tell", "source_status:fresher"),
        ("stale:older", "'older' is no reason to be stale", "code"),
        ("stale:any", "only a project's ledger knows", "--manifest"),
        ("package:this", "root dbt project", "name of the package"),
    ],
)
def test_errors_say_what_is_wrong_and_what_to_write(
    selector: str, fact: str, next_step: str
) -> None:
    for given in ({"select": [selector]}, {"exclude": [selector]}):
        with pytest.raises(SelectionError) as error:
            select(GRAPH, **given)
        assert fact in error.value.fact
        assert next_step in error.value.next_step
        assert error.value.exit_code == 2


def _streams(*names: str) -> AssetGraph:
    return AssetGraph(
        [
            Asset(
                key=f"stream.{name}.users", kind="stream", name="users", integration="airbyte",
                source_name=name,
            )
            for name in names
        ],
        [],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("stream:shop[0].users", ["shop[0]"]),
        ("stream:shop[0].*", ["shop[0]"]),
        ("stream:shop[*].users", ["shop[0]", "shop[1]", 'shop["eu"]']),
        ('stream:shop["eu"].users', ['shop["eu"]']),
        ("stream:shop[12].users", ["shop1"]),
        ("stream:shop?two.users", ["shop two"]),
        ("stream:shop[[]1].users", ["shop[1]"]),
    ],
)
def test_brackets_in_the_name_of_a_connection(selector: str, found: list[str]) -> None:
    graph = _streams("shop0", "shop1", "shop[0]", "shop[1]", 'shop["eu"]', "shop two")
    assert select(graph, [selector]).assets == {f"stream.{name}.users" for name in found}


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("customer", "'customer' in --select matches nothing. Did you mean 'customers'?"),
        ("users", "'users' in --select matches nothing. Did you mean stream:My shop.users?"),
        ("source.shop.raw.users", "Did you mean source:raw.users?"),
        ("model.shop.customers", "That is a key; its name is 'marts.customers'."),
        ("tag:none", "'tag:none' in --select matches nothing."),
        ("customers,tag:none", "'customers,tag:none' in --select matches nothing."),
        (" ", "--select is empty, so nothing is selected."),
    ],
)
def test_nothing_selected_is_a_warning(selector: str, message: str) -> None:
    found = select(GRAPH, [selector])
    assert (found.assets, found.checks) == (frozenset(), frozenset())
    (problem,) = found.problems
    assert problem.message.endswith(message)
    assert (problem.code, problem.severity) == ("selection-matches-nothing", "warning")


def test_an_exclude_that_matches_nothing_is_a_warning_too() -> None:
    found = select(GRAPH, exclude=["tag:none"])
    assert found.assets == frozenset(GRAPH.assets)
    assert [p.message for p in found.problems] == ["'tag:none' in --exclude matches nothing."]


@pytest.mark.parametrize(
    ("selector", "keys"),
    [
        ("+score", "model.shop.customers python.score source.shop.raw.users stream.my_shop.users"),
        ("stream:my_shop.users+1", "source.shop.raw.users stream.my_shop.users"),
        ("stream:My?shop.*", "stream.my_shop.users"),
        ("stream:shop.users stream:raw.users kind:ml_model", "python.score"),
        ("python.score", "python.score"),
        ("auc", ""),
        ("+auc", "model.shop.customers python.score source.shop.raw.users stream.my_shop.users"),
        ("*", "model.shop.customers python.score"),
        ("config.tags:daily", "model.shop.customers"),
        ("config.deep.list:TRUE", "model.shop.customers"),
        ("config.severity:X", "model.shop.customers"),
        ("config.tags.deeper:daily customers\tscore\n", "model.shop.customers python.score"),
    ],
)  # fmt: skip
def test_assets_of_all_tools(selector: str, keys: str) -> None:
    assert sorted(select(GRAPH, [selector], indirect="empty").assets) == keys.split()


@pytest.mark.parametrize(
    ("selector", "keys"),
    [
        ("test_name:auc", "check.score.auc"),
        ("resource_type:test", "check.score.auc"),
        ("score", "check.score.auc"),
        ("customers", "unit_test.shop.customers.u"),
        ("kind:check", "check.score.auc unit_test.shop.customers.u"),
    ],
)
def test_checks_of_all_tools(selector: str, keys: str) -> None:
    assert sorted(select(GRAPH, [selector]).checks) == keys.split()


def test_state_of_assets_that_dbt_does_not_know() -> None:
    stream, source, model, score = GRAPH
    earlier = AssetGraph([stream, source, model], [])
    context = SelectionContext(state=earlier)

    def keys(selector: str) -> list[str]:
        return sorted(select(GRAPH, [selector], indirect="empty", context=context).assets)

    assert keys("state:new") == ["python.score"]
    assert keys("state:old,state:unmodified") == [model.key, source.key, stream.key]
    assert keys("state:modified.body") == [score.key]
    assert keys("state:modified.configs") == []  # a Python asset has no such fingerprint
    assert keys("state:modified.macros") == []


def test_fresher_wants_both_times_to_be_known() -> None:
    old, new = datetime(2026, 1, 1), datetime(2026, 1, 2)
    key = "source.shop.raw.users"

    def fresher(before: dict[str, datetime | None], now: dict[str, datetime | None]) -> bool:
        context = SelectionContext(source_status=SourceStatus(before=before, now=now))
        return key in select(GRAPH, ["source_status:fresher"], context=context).assets

    assert fresher({key: old}, {key: new})
    assert fresher({}, {key: new})
    assert not fresher({key: new}, {key: new})
    assert not fresher({key: None}, {key: new})
    assert not fresher({key: old}, {key: None})
    assert not fresher({key: old}, {})


@pytest.mark.parametrize(
    ("pattern", "path", "covers", "names"),
    [
        ("models", "models/a.sql", True, False),
        ("models/", "models/a.sql", True, False),
        ("./models//a.sql", "models/a.sql", True, True),
        ("models/a.sql/", "models/a.sql", False, False),
        ("mod", "models/a.sql", False, False),
        ("models/*", "models/x/a.sql", True, False),
        ("*/*.sql", "models/x/a.sql", False, False),
        ("**/*.sql", "models/x/a.sql", True, True),
        ("**/*.sql", "a.sql", True, True),
        ("models/**", "models/x/a.sql", True, False),
        ("models/**/x", "models/x/a.sql", True, False),
        ("models/[ab]/?.sql", "models/b/a.sql", True, True),
        ("models/[!ab]/?.sql", "models/b/a.sql", False, False),
        (".", "models/a.sql", True, False),
        ("../connectors", "../connectors/shop.yml", True, False),
    ],
)
def test_path_patterns(pattern: str, path: str, covers: bool, names: bool) -> None:
    found = PathPattern(pattern)
    assert (found.covers(path), found.names(path)) == (covers, names)


def test_names_are_compared_with_their_case() -> None:
    assert matcher("A*")("Abc")
    assert not matcher("A*")("abc")
    assert not matcher("abc")("Abc")


@pytest.mark.parametrize(
    ("wanted", "unwanted", "found"),
    [
        ((), (), {"stream", "source", "model", "score", "auc", "u"}),
        (("model",), (), {"model"}),
        (("check",), (), {"auc", "u"}),
        (("unit_test",), (), {"u"}),
        (("all",), ("model",), {"stream", "source", "score", "auc", "u"}),
        (("default",), ("check",), {"stream", "source", "model", "score"}),
        ((), ("all",), set()),
        (("model", "source"), ("source",), {"model"}),
    ],
)
def test_only_some_types(
    wanted: tuple[str, ...], unwanted: tuple[str, ...], found: set[str]
) -> None:
    selection = of_types(GRAPH, select(GRAPH), wanted, unwanted)
    names = {
        "stream.my_shop.users": "stream", "source.shop.raw.users": "source",
        "model.shop.customers": "model", "python.score": "score", "check.score.auc": "auc",
        "unit_test.shop.customers.u": "u",
    }  # fmt: skip
    assert {names[key] for key in selection.assets | selection.checks} == found


def test_what_is_stale_is_selected_by_why() -> None:
    why = {"model.shop.customers": "code", "python.score": "inputs", "model.gone": "code"}
    context = SelectionContext(stale=lambda: why)
    chosen = {
        word: select(GRAPH, select=[f"stale:{word}"], context=context).assets
        for word in ("code", "inputs", "any", "never")
    }
    assert chosen == {
        "code": {"model.shop.customers"},
        "inputs": {"python.score"},
        "any": {"model.shop.customers", "python.score"},
        "never": set(),
    }
