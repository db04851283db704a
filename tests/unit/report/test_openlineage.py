"""OpenLineage events: what is in them, and that the specification's own classes take them."""

import importlib
import importlib.util
import json
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner

from toolkit.cli import cli
from toolkit.graph import Asset, AssetGraph, Column, Relation
from toolkit.lineage import Lineage, trace
from toolkit.report.lineage.openlineage import OpenLineage, _masks
from toolkit.report.lineage.openlineage_names import dataset_namespace
from toolkit.settings import Profile

_rules = importlib.util.spec_from_file_location(
    "openlineage_rules", Path(__file__).with_name("openlineage_rules.py")
)
assert _rules is not None
assert _rules.loader is not None
rules = importlib.util.module_from_spec(_rules)
_rules.loader.exec_module(rules)

AT = "2026-01-02T03:04:05+00:00"
WHERE = "duckdb://shop.duckdb"
Event = dict[str, Any]


def model(name: str, sql: str, *parents: str, **more: Any) -> Asset:
    fields: dict[str, Any] = {
        "key": f"model.shop.{name}",
        "kind": "model",
        "name": name,
        "integration": "dbt",
        "relation": Relation("shop", "main", name),
        "sql": sql,
        "depends_on": parents,
        "materialized": "view",
    }
    return Asset(**{**fields, **more})


def columns(names: str, **more: Any) -> dict[str, Column]:
    return {name: Column(name=name, **more) for name in names.split()}


def small() -> AssetGraph:
    """A stream that lands as a source, an ephemeral model, a table, an ML model, a dashboard."""
    stream, users = "stream.crm.users", "source.shop.raw.users"
    eph, people = "model.shop.eph", "model.shop.people"
    return AssetGraph(
        [
            Asset(
                key=stream, kind="stream", name="users", integration="airbyte",
                relation=Relation("shop", "raw", "users"), columns=columns("id mail gone"),
            ),
            Asset(
                key=users, kind="source", name="users", integration="dbt", depends_on=(stream,),
                relation=Relation("shop", "raw", "users"), tags=("pii",),
                columns=columns("id") | columns("mail", description="Lower case.", tags=("pii",)),
            ),
            Asset(
                key="source.shop.raw.lone", kind="source", name="lone", integration="dbt",
                relation=Relation("shop", "raw", "lone"), columns=columns("id"),
            ),
            model(
                "eph", "select id, md5(mail) as m, mail as who from shop.raw.users where not gone",
                users, materialized="ephemeral",
            ),
            model(
                "people",
                "with __dbt__cte__eph as (select id, md5(mail) as m, mail as who "
                "from shop.raw.users where not gone) "
                "select id, m, case when who like '%@example.org' then 'us' end as side, "
                "count(*) over (partition by id) as n "
                "from __dbt__cte__eph join shop.raw.lone using (id)",
                eph, "source.shop.raw.lone",
                owner="Ada", description="Everyone.", materialized="table",
            ),
            Asset(
                key="metric.shop.heads", kind="metric", name="heads", integration="dbt",
                depends_on=(people,),
            ),
            Asset(
                key="exposure.shop.board", kind="exposure", name="board", integration="dbt",
                depends_on=("metric.shop.heads",), owner="Bob", description="Looked at.",
            ),
            Asset(
                key="python.churn", kind="ml_model", name="churn", integration="python",
                depends_on=(people,),
            ),
        ]
    )  # fmt: skip


def made(graph: AssetGraph, lineage: Lineage | None = None) -> OpenLineage:
    lineage = lineage or trace(graph, dialect="duckdb")
    return OpenLineage(graph, lineage, project="shop", namespace=WHERE, at=AT, version="1.2.3")


def by_name(events: list[Event]) -> dict[str, Event]:
    return {(e["job"] if "job" in e else e["dataset"])["name"]: e for e in events}


@pytest.fixture(scope="module")
def events() -> dict[str, Event]:
    return by_name(list(made(small()).events()))


def test_there_is_a_job_for_what_is_made_and_a_dataset_for_what_is_not(
    events: dict[str, Event],
) -> None:
    assert {name: event["schemaURL"].rpartition("/")[2] for name, event in events.items()} == {
        "stream.crm.users": "JobEvent",
        "shop.raw.lone": "DatasetEvent",
        "model.shop.people": "JobEvent",
        "exposure.shop.board": "JobEvent",
        "python.churn": "JobEvent",
    }


def test_inputs_and_outputs_look_through_what_is_no_table(events: dict[str, Event]) -> None:
    def names(which: str) -> dict[str, list[tuple[str, str]]]:
        return {
            name: [(d["namespace"], d["name"]) for d in event[which]]
            for name, event in events.items()
            if "job" in event
        }

    assert names("inputs") == {
        "stream.crm.users": [],
        "model.shop.people": [(WHERE, "shop.raw.lone"), (WHERE, "shop.raw.users")],
        "exposure.shop.board": [(WHERE, "shop.main.people")],
        "python.churn": [(WHERE, "shop.main.people")],
    }
    assert names("outputs") == {
        "stream.crm.users": [(WHERE, "shop.raw.users")],
        "model.shop.people": [(WHERE, "shop.main.people")],
        "exposure.shop.board": [],
        "python.churn": [("toolkit://shop", "python.churn")],
    }


def test_column_lineage(events: dict[str, Event]) -> None:
    """Through the ephemeral model; what decides on rows is said once, in ``dataset``."""
    facet = events["model.shop.people"]["outputs"][0]["facets"]["columnLineage"]

    def short(inputs: list[Event]) -> list[str]:
        return [
            f"{i['name']}.{i['field']} {t['type']} {t['subtype']}"
            f"{' masking' if t['masking'] else ''}"
            for i in inputs
            for t in i["transformations"]
        ]

    assert {name: short(f["inputFields"]) for name, f in facet["fields"].items()} == {
        "id": ["shop.raw.users.id DIRECT IDENTITY"],
        "m": ["shop.raw.users.mail DIRECT TRANSFORMATION masking"],
        "side": ["shop.raw.users.mail INDIRECT CONDITIONAL"],
        "n": ["shop.raw.users.id INDIRECT WINDOW"],
    }
    assert short(facet["dataset"]) == [
        "shop.raw.lone.id INDIRECT JOIN",
        "shop.raw.users.gone INDIRECT FILTER",
        "shop.raw.users.id INDIRECT JOIN",
    ]
    [side] = facet["fields"]["side"]["inputFields"]
    assert side["transformations"][0]["description"].startswith("case when who like")


def test_facets_of_a_stream_and_its_source_are_joined(events: dict[str, Event]) -> None:
    facets = events["stream.crm.users"]["outputs"][0]["facets"]
    assert list(facets) == ["schema", "dataSource", "datasetType", "tags"]
    assert facets["schema"]["fields"] == [
        {"name": "id", "ordinal_position": 1},
        {"name": "mail", "ordinal_position": 2, "description": "Lower case."},
        {"name": "gone", "ordinal_position": 3},
    ]
    assert facets["dataSource"]["uri"] == WHERE
    assert facets["tags"]["tags"] == [
        {"key": "pii", "value": "true", "source": "DBT"},
        {"key": "pii", "value": "true", "source": "DBT", "field": "mail"},
    ]


def test_facets_of_a_table_a_dashboard_and_an_ml_model(events: dict[str, Event]) -> None:
    people = events["model.shop.people"]["outputs"][0]["facets"]
    assert people["documentation"]["description"] == "Everyone."
    assert people["ownership"]["owners"] == [{"name": "Ada"}]
    assert people["datasetType"]["datasetType"] == "TABLE"
    board = events["exposure.shop.board"]["job"]["facets"]
    assert board["documentation"]["description"] == "Looked at."
    assert board["jobType"]["jobType"] == "EXPOSURE"
    churn = events["python.churn"]["outputs"][0]["facets"]
    assert churn["datasetType"]["datasetType"] == "MODEL"


def test_the_same_input_gives_the_same_lines(shop: ModuleType) -> None:
    data = shop.data()
    first = made(data.graph, data.lineage).ndjson()
    assert first == made(shop.graph(), shop.lineage(shop.graph())).ndjson()
    assert len(first.splitlines()) == len(list(made(data.graph, data.lineage).events()))
    assert {json.loads(line)["eventTime"] for line in first.splitlines()} == {AT}


def test_a_slice_has_whole_events() -> None:
    every = by_name(list(made(small()).events()))
    some = by_name(list(made(small()).events({"model.shop.people", "model.shop.eph"})))
    assert some == {"model.shop.people": every["model.shop.people"]}


@pytest.mark.parametrize(
    ("expression", "masks"),
    [
        ("md5(mail)", True),
        ("SHA256(lower(mail))", True),
        ("count(distinct mail)", True),
        ("count_if(a) + b", False),
        ("md5(a) || b", False),
        ("md5(a) || md5(b)", False),
        ("md5('(') || b || md5(')')", False),
        ("coalesce(md5(mail), mail)", False),
        ("lower(mail)", False),
        ("hashed", False),
        ("", False),
    ],
)
def test_masking(expression: str, masks: bool) -> None:
    assert _masks(expression) == masks


@pytest.mark.parametrize(
    ("adapter", "raw", "namespace"),
    [
        ("duckdb", {"path": "shop.duckdb"}, "duckdb://shop.duckdb"),
        ("duckdb", {"path": "md:db?motherduck_token=abc"}, "duckdb://md:db"),
        ("duckdb", {}, "duckdb://:memory:"),
        ("bigquery", None, "bigquery"),
        ("postgres", {"host": "db", "port": 6432}, "postgres://db:6432"),
        ("postgres", {"host": "db"}, "postgres://db:5432"),
        ("postgres", None, None),
        ("redshift", {"host": "a.b.redshift"}, "redshift://a.b.redshift:5439"),
        ("snowflake", {"account": "org-account"}, "snowflake://org-account"),
        ("snowflake", {"account": "xy12345"}, "snowflake://xy12345.us-west-1.aws"),
        ("snowflake", {"account": "xy12345.eu-central-1"}, "snowflake://xy12345.eu-central-1.aws"),
        ("databricks", {"host": "a.net", "http_path": "/x"}, "databricks://a.net"),
        ("databricks", {}, None),
        ("sqlserver", {"server": "s"}, "mssql://s:1433"),
        ("unheard_of", {"host": "h"}, None),
    ],
)
def test_namespaces(adapter: str, raw: dict[str, Any] | None, namespace: str | None) -> None:
    profile = Profile(type=adapter, database="d", schema="s", raw=raw) if raw is not None else None
    assert dataset_namespace(adapter, profile) == namespace


# ---- against the specification's own classes ----


@pytest.fixture(scope="session")
def spec() -> dict[str, type]:
    """Every class that OpenLineage generates from its JSON schemas, by schema URL."""
    package = pytest.importorskip(
        "openlineage.client.generated", reason="openlineage-python is not installed"
    )
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and hasattr(value, "_get_schema"):
                found[value._get_schema()] = value
    return found


def conforms(document: Any, kind: type) -> None:
    """Nothing is missing, of a wrong type, or unknown to the specification."""
    read = msgspec.to_builtins(msgspec.convert(document, kind))

    def held(given: Any, kept: Any, where: str) -> None:
        if isinstance(given, dict):
            for key, value in given.items():
                assert key in kept, f"{kind.__name__}{where} has no {key}"
                held(value, kept[key], f"{where}.{key}")
        elif isinstance(given, list):
            assert len(given) == len(kept)
            for one, other in zip(given, kept, strict=True):
                held(one, other, f"{where}[]")
        else:
            assert given == kept

    held(document, read, "")


def check_event(event: Event, spec: dict[str, type]) -> None:
    rules.RULES.validate(event)
    bare = json.loads(json.dumps(event))
    holders = [
        bare.get("job"),
        bare.get("dataset"),
        *bare.get("outputs", []),
        *bare.get("inputs", []),
    ]
    for holder in filter(None, holders):
        for facet in holder.pop("facets", {}).values():
            kind = spec[facet.pop("_schemaURL")]
            assert facet.pop("_producer").startswith("urn:")  # msgspec does not read _names
            conforms(facet, kind)
    conforms(bare, spec[bare["schemaURL"]])


def test_every_event_conforms(spec: dict[str, type], shop: ModuleType) -> None:
    data = shop.data()
    for event in [*made(small()).events(), *made(data.graph, data.lineage).events()]:
        check_event(event, spec)


def test_the_check_finds_faults(spec: dict[str, type], events: dict[str, Event]) -> None:
    def broken(change: Any) -> Event:
        event: Event = json.loads(json.dumps(events["model.shop.people"]))
        change(event["outputs"][0]["facets"]["columnLineage"])
        return event

    faults = [
        lambda facet: facet.pop("fields"),
        lambda facet: facet.update(extra=1),
        lambda facet: facet["dataset"][0].pop("field"),
        lambda facet: facet["dataset"][0]["transformations"][0].update(masking="yes"),
        lambda facet: facet["fields"]["id"].update(inputFields={}),
    ]
    for fault in faults:
        with pytest.raises((AssertionError, msgspec.ValidationError, jsonschema.ValidationError)):
            check_event(broken(fault), spec)


@pytest.mark.parametrize(
    "change",
    [
        {"eventTime": "2026-01-02 03:04"},
        {"producer": "toolkit"},
        {"schemaURL": ""},
        {"run": {"runId": "x"}},
        {"dataset": {"namespace": "a", "name": "b"}},
        {"job": None},
        {"inputs": [{"name": "b"}]},
        {"outputs": [{"namespace": "a", "name": "b", "facets": {"other": {}}}]},
        {"outputs": [{"namespace": "a", "name": "b", "facets": {"dataSource": {
            "_producer": "urn:x", "_schemaURL": "urn:y", "uri": "bigquery"}}}]},
    ],
)  # fmt: skip
def test_the_rules_find_faults(events: dict[str, Event], change: Event) -> None:
    event = events["model.shop.people"]
    rules.RULES.validate(event)
    with pytest.raises(jsonschema.ValidationError):
        rules.RULES.validate(event | change)


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize(
    "project", ["calitp", "colibri_1.10", "colibri_bigquery", "colibri_duckdb"]
)
def test_real_projects_through_the_command_line(
    shared_data: Path, spec: dict[str, type], project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767323045")
    manifest = shared_data / "projects" / project / "manifest.json.gz"
    words = ["lineage", "--manifest", str(manifest), "--format", "openlineage", "--quiet"]
    done = CliRunner().invoke(cli, words)
    assert (done.exit_code, done.stderr) == (0, "")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for event in found:
        check_event(event, spec)
        assert event["eventTime"] == AT
    outputs = [d for e in found for d in e.get("outputs", [e.get("dataset")])]
    names = [(d["namespace"], d["name"]) for d in outputs]
    assert len(names) == len(set(names))  # each dataset is described once
    described = set(names)
    for event in found:
        assert {(d["namespace"], d["name"]) for d in event.get("inputs", [])} <= described
    for dataset in outputs:
        facets = dataset["facets"]
        known = {field["name"] for field in facets.get("schema", {"fields": []})["fields"]}
        assert set(facets.get("columnLineage", {"fields": {}})["fields"]) <= known


def test_the_namespace_is_asked_for_where_nobody_knows_it(shared_data: Path) -> None:
    manifest = shared_data / "projects" / "colibri_duckdb" / "manifest.json.gz"
    words = ["lineage", "--manifest", str(manifest), "--format", "openlineage"]
    done = CliRunner().invoke(cli, words)
    assert "--namespace" in done.stderr
    given = CliRunner().invoke(cli, [*words, "--namespace", "duckdb://x"])
    assert "--namespace" not in given.stderr
    names = {d["namespace"] for line in given.stdout.splitlines()
             for d in json.loads(line).get("outputs", [])}  # fmt: skip
    assert names == {"duckdb://x"}
