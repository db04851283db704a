"""What counts as another way to make something, and what does not.

A small manifest in which some things read others; each case changes one thing in it, and says
whose code version is another one then::

    orders (a table, calls cents, and cents calls hundred)
    events (incremental)    per_day (a view of part)    part (ephemeral)
    prices (a seed)         history (a snapshot)        tests unique_orders, positive
"""

import copy
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from toolkit.integrations.dbt.codeversion import CodeVersions
from toolkit.integrations.dbt.manifest import Manifest, Node, read_manifest
from toolkit.integrations.dbt.markers import _SIGN as SIGN
from toolkit.settings import Profile, Settings

Document = dict[str, Any]
Change = Callable[[Document], object]
MakeNode = Callable[..., Document]
EVERYTHING = frozenset(
    {"orders", "events", "per_day", "part", "prices", "history", "unique_orders", "positive"}
)


@pytest.fixture
def shop(make_node: MakeNode) -> Document:
    def reads(*nodes: str, macros: tuple[str, ...] = ()) -> Document:
        return {"nodes": [f"model.shop.{n}" for n in nodes],
                "macros": [f"macro.{m}" for m in macros]}  # fmt: skip

    def macro(key: str, text: str = "x", calls: tuple[str, ...] = ()) -> Document:
        return {"unique_id": f"macro.{key}", "name": key.rpartition(".")[2], "macro_sql": text,
                "depends_on": {"macros": [f"macro.{m}" for m in calls]}}  # fmt: skip

    nodes = [
        make_node("model.shop.orders", raw_code="select {{ cents(1) }} as a",
                  depends_on=reads(macros=("shop.cents", "dbt.is_incremental"))),
        make_node("model.shop.events", raw_code="select * from {{ ref('orders') }}",
                  depends_on=reads("orders"), config={"materialized": "incremental"}),
        make_node("model.shop.part", raw_code="select 1 as b from {{ ref('orders') }}",
                  depends_on=reads("orders"), config={"materialized": "ephemeral"}),
        make_node("model.shop.per_day", raw_code="select * from {{ ref('part') }}",
                  depends_on=reads("part"), config={"materialized": "view"}),
        make_node("seed.shop.prices", raw_code=None, config={"materialized": "seed"}),
        make_node("snapshot.shop.history", raw_code="select * from {{ ref('orders') }}",
                  depends_on=reads("orders"), config={"materialized": "snapshot"}),
        make_node("test.shop.unique_orders", raw_code="{{ test_unique(**kwargs) }}",
                  depends_on=reads("orders", macros=("dbt.test_unique",)),
                  config={"materialized": "test", "severity": "ERROR"}),
        make_node("test.shop.positive", raw_code="select 1 where 1 < 0", depends_on=reads("orders"),
                  config={"materialized": "test", "severity": "ERROR"}),
    ]  # fmt: skip
    macros = [
        macro("shop.cents", "{{ hundred() }}", calls=("shop.hundred",)), macro("shop.hundred"),
        macro("shop.unused"), macro("dbt.is_incremental"), macro("dbt.test_unique"),
        macro("dbt.generate_schema_name"), macro("dbt.create_table_as"),
        macro("dbt.materialization_table_default"),
    ]  # fmt: skip
    return {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.16", "project_name": "shop", "adapter_type": "duckdb",
        },
        "nodes": {n["unique_id"]: n for n in nodes},
        "macros": {m["unique_id"]: m for m in macros},
        "sources": {}, "exposures": {}, "groups": {}, "functions": {}, "unit_tests": {},
        "metrics": {}, "semantic_models": {}, "saved_queries": {},
    }  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "dbt_project.yml").write_text("name: shop\nvars: {rate: 1, shop: {tax: 2}}\n")
    return settings_of(tmp_path)


def settings_of(folder: Path, vars: Mapping[str, Any] | None = None, **raw: Any) -> Settings:
    profile = Profile(
        type="duckdb", database="db", schema="main",
        raw={"type": "duckdb", "path": "shop.duckdb", "threads": 4, **raw},
    )  # fmt: skip
    return Settings(
        project_name="shop", project_dir=folder, target="dev", target_path=folder / "target",
        state_dir=folder / ".toolkit", vars=vars or {}, profile=profile,
    )  # fmt: skip


def load(document: Document, settings: Settings) -> tuple[Manifest, CodeVersions]:
    path = settings.project_dir / "manifest.json"
    path.write_text(json.dumps(document))
    manifest = read_manifest(path)
    return manifest, CodeVersions(manifest, settings)


def codes(document: Document, settings: Settings) -> dict[str, str]:
    manifest, versions = load(document, settings)
    return {node.name: versions.code(node) for node in manifest.nodes.values()}


def differ(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    assert one.keys() == other.keys()
    return {key for key, code in one.items() if other[key] != code}


def node(document: Document, name: str) -> Document:
    [found] = [n for n in document["nodes"].values() if n["name"] == name]
    return found  # type: ignore[no-any-return]


def config(name: str, **values: Any) -> Change:
    return lambda document: node(document, name)["config"].update(values)


def field(name: str, **values: Any) -> Change:
    return lambda document: node(document, name).update(values)


def macro(key: str, text: str = "changed") -> Change:
    def change(document: Document) -> None:
        known = document["macros"].setdefault(
            f"macro.{key}", {"unique_id": f"macro.{key}", "depends_on": {"macros": []}}
        )
        known.update(name=key.rpartition(".")[2], macro_sql=text)

    return change


BELOW_ORDERS = "events part per_day history unique_orders positive"


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        # text: of what it is, and of ephemeral models in those that hold it
        (field("orders", raw_code="select 2 as a"), "orders"),
        (field("part", raw_code="select 2 as b"), "part per_day"),
        (field("events", raw_code="select 2 as a"), "events"),
        (field("prices", checksum={"name": "sha256", "checksum": "01"}), "prices"),
        (field("positive", raw_code="select 2"), "positive"),
        # macros, near and far; those that nobody calls and dbt's own do not count
        (macro("shop.cents", "{{ 100 * hundred() }}"), "orders"),
        (macro("shop.hundred"), "orders"),
        (macro("shop.unused"), ""),
        (macro("dbt.is_incremental"), ""),
        (macro("dbt.test_unique"), ""),
        # a macro of ours in place of one that dbt calls changes how everything is made
        (macro("shop.create_table_as"), "*"),
        (macro("shop.default__create_table_as"), "*"),
        (macro("shop.duckdb__create_table_as"), "*"),
        (macro("a_package.materialization_table_duckdb"), "*"),
        # what it makes of names shows in the relation
        (macro("shop.generate_schema_name"), ""),
        # where it lies, which its readers name
        (field("orders", schema="other"), "orders " + BELOW_ORDERS),
        (field("orders", alias="other"), "orders " + BELOW_ORDERS),
        (field("orders", relation_name='"DB"."main"."orders"'), BELOW_ORDERS),
        # configuration, but not what is for people only
        (config("orders", materialized="view"), "orders"),
        (config("events", unique_key="id"), "events"),
        (config("positive", severity="WARN"), "positive"),
        (config("orders", tags=["nightly"]), ""),
        (config("orders", meta={"owner": "Ada"}), ""),
        (config("orders", group="finance", access="public"), ""),
        (config("orders", docs={"show": False}), ""),
        (field("orders", description="All orders.", tags=["nightly"], meta={"a": 1}), ""),
        (field("orders", columns={"a": {"name": "a", "description": "An a."}}), ""),
        (field("orders", patch_path="shop://models/other.yml"), ""),
        # hooks
        (config("orders", **{"pre-hook": [{"sql": "grant select on x to y"}]}), "orders"),
        # a contract
        (field("orders", contract={"enforced": True, "checksum": "c1"}), "orders"),
        (field("orders", contract={"enforced": False, "checksum": "c1"}), ""),
    ],
)  # fmt: skip
def test_what_counts(shop: Document, settings: Settings, change: Change, changed: str) -> None:
    other = copy.deepcopy(shop)
    change(other)
    expected = EVERYTHING if changed == "*" else set(changed.split())
    assert differ(codes(shop, settings), codes(other, settings)) == expected


def test_a_hook_of_ours_is_not_seen(shop: Document, settings: Settings) -> None:
    config("orders", **{"post-hook": [{"sql": "grant select on x to y"}]})(shop)
    other = copy.deepcopy(shop)
    ours = {"sql": f"{SIGN} insert into _toolkit.made values (1)"}
    node(other, "orders")["config"]["post-hook"].append(ours)
    assert differ(codes(shop, settings), codes(other, settings)) == set()
    manifest, versions = load(other, settings)
    assert versions.volatile(manifest.nodes["model.shop.orders"]) == ""


def test_descriptions_count_where_they_are_written_into_the_warehouse(
    shop: Document, settings: Settings
) -> None:
    config("orders", persist_docs={"relation": True})(shop)
    other = copy.deepcopy(shop)
    node(other, "orders")["description"] = "All orders."
    assert differ(codes(shop, settings), codes(other, settings)) == {"orders"}


def test_words_of_the_yaml_count_where_jinja_reads_them(shop: Document, settings: Settings) -> None:
    node(shop, "orders")["raw_code"] = "select '{{ model.description }}' as a"
    macro("shop.hundred", "{{ config.meta_get('a') }}")(shop)
    node(shop, "events")["depends_on"]["macros"] = ["macro.shop.hundred"]
    other = copy.deepcopy(shop)
    for name in ("orders", "events", "part"):
        node(other, name)["description"] = "Something else."
    assert differ(codes(shop, settings), codes(other, settings)) == {"orders", "events"}


# ---- variables ----


def with_vars(shop: Document) -> Document:
    node(shop, "orders")["raw_code"] = "select {{ var('rate') }} as a"
    node(shop, "per_day")["raw_code"] = "select {{ var('tax') }} from {{ ref('part') }}"
    node(shop, "history")["raw_code"] = "select {{ var(name) }} as a from {{ ref('orders') }}"
    macro("shop.unused", "{{ var('day', 'today') }}")(shop)
    node(shop, "positive")["depends_on"]["macros"] = ["macro.shop.unused"]
    config_ = {"materialized": "incremental", "unique_key": "{{ var('key') }}"}
    node(shop, "events")["unrendered_config"] = config_
    return shop


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({"rate": 3}, "orders history"),  # history: who computes a name may mean any
        ({"tax": 3}, "per_day history"),
        ({"day": 3}, "positive history"),
        ({"key": 3}, "events history"),
        ({"other": 3}, "history"),
    ],
)
def test_a_variable_counts_for_those_who_name_it(
    shop: Document, settings: Settings, given: Mapping[str, Any], changed: str
) -> None:
    with_vars(shop)
    other = settings_of(settings.project_dir, given)
    assert differ(codes(shop, settings), codes(shop, other)) == set(changed.split())


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("vars: {rate: 9, shop: {tax: 2}}", "orders history"),
        ("vars: {rate: 1, shop: {tax: 9}}", "per_day history"),
        ("vars: {rate: 1, shop: {tax: 2}, a_package: {rate: 7}}", "orders history"),
        ("vars: {rate: 1, shop: {tax: 2}}\nmodels: {+tags: [x]}", ""),
    ],
)
def test_variables_of_the_project_count_wherever_they_stand(
    shop: Document, settings: Settings, text: str, changed: str
) -> None:
    before = codes(with_vars(shop), settings)
    (settings.project_dir / "dbt_project.yml").write_text(f"name: shop\n{text}\n")
    assert differ(before, codes(shop, settings)) == set(changed.split())


def test_variables_of_a_package_count(shop: Document, settings: Settings) -> None:
    package = settings.project_dir / "dbt_packages" / "a_package"
    package.mkdir(parents=True)
    before = codes(with_vars(shop), packaged(settings))
    (package / "dbt_project.yml").write_text("name: a_package\nvars: {tax: 9}\n")
    changed = differ(before, codes(shop, packaged(settings)))
    assert changed == {"per_day", "history"}


def packaged(settings: Settings) -> Settings:
    import msgspec

    folder = settings.project_dir / "dbt_packages"
    return msgspec.structs.replace(settings, packages_path=folder)


# ---- environment ----


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("{{ env_var('CT_RATE') }}", True),
        ("{{ env_var('CT_OTHER', '') }}", False),
        ("{{ env_var('CT_' ~ 'RATE') }}", True),
        ("select 'CT_RATE'", False),
    ],
)
def test_environment_variables_count_for_those_who_name_them(
    shop: Document, settings: Settings, monkeypatch: pytest.MonkeyPatch, text: str, counts: bool
) -> None:
    node(shop, "orders")["raw_code"] = text
    before = codes(shop, settings)
    monkeypatch.setenv("CT_RATE", "7")
    assert differ(before, codes(shop, settings)) == ({"orders"} if counts else set())


def test_what_a_shell_changes_by_itself_does_not_count(
    shop: Document, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    node(shop, "orders")["raw_code"] = "{{ env_var(name) }}"
    before = codes(shop, settings)
    monkeypatch.setenv("OLDPWD", os.sep)
    monkeypatch.setenv("SHLVL", "9")
    assert differ(before, codes(shop, settings)) == set()


# ---- the profile ----


@pytest.mark.parametrize(
    ("raw", "counts"),
    [
        ({"path": "elsewhere.duckdb"}, False),
        ({"threads": 1}, False),
        ({"extensions": ["icu"]}, True),
        ({"settings": {"TimeZone": "UTC"}}, True),
    ],
)
def test_the_profile_counts_for_all(
    shop: Document, settings: Settings, raw: Mapping[str, Any], counts: bool
) -> None:
    other = settings_of(settings.project_dir, **raw)
    changed = differ(codes(shop, settings), codes(shop, other))
    assert changed == (EVERYTHING if counts else set())


# ---- seeds ----


def test_a_big_seed_is_read_though_dbt_does_not(shop: Document, settings: Settings) -> None:
    seed = node(shop, "prices")
    seed["checksum"] = {"name": "path", "checksum": "seeds/prices.csv"}
    seed["original_file_path"] = "seeds/prices.csv"
    path = settings.project_dir / "seeds" / "prices.csv"
    path.parent.mkdir()
    path.write_text("id\n1\n")
    before = codes(shop, settings)
    path.write_text("id\n2\n")
    assert differ(before, codes(shop, settings)) == {"prices"}


# ---- the frame: all but the text ----


def frames(document: Document, settings: Settings) -> dict[str, str]:
    manifest, versions = load(document, settings)
    return {n.name: versions.frame(n) for n in manifest.nodes.values()}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (field("orders", raw_code="select 2 as a"), ""),
        (macro("shop.cents"), ""),  # shows in the compiled SQL
        (config("events", unique_key="id"), "events"),
        (field("orders", schema="other"), "orders"),  # its readers name it in their SQL
        (macro("shop.create_table_as"), "*"),
    ],
)
def test_a_frame_has_what_the_compiled_sql_does_not_show(
    shop: Document, settings: Settings, change: Change, changed: str
) -> None:
    other = copy.deepcopy(shop)
    change(other)
    expected = EVERYTHING if changed == "*" else set(changed.split())
    assert differ(frames(shop, settings), frames(other, settings)) == expected


def test_macros_are_in_the_frame_where_hooks_may_call_them(
    shop: Document, settings: Settings
) -> None:
    config("orders", **{"pre-hook": [{"sql": "set x = {{ cents(1) }}"}]})(shop)
    other = copy.deepcopy(shop)
    macro("shop.cents")(other)
    assert differ(frames(shop, settings), frames(other, settings)) == {"orders"}


# ---- volatile ----


def volatile(document: Document, settings: Settings, name: str = "orders") -> str:
    manifest, versions = load(document, settings)
    [found] = [n for n in manifest.nodes.values() if n.name == name]
    return versions.volatile(found)


def hook(text: str) -> Change:
    return config("orders", **{"post-hook": [{"sql": text}]})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda _: None, ""),
        (field("orders", raw_code="{{ run_query('select 1') }}"), "its Jinja asks for run_query"),
        (macro("shop.hundred", "{{ run_started_at }}"), "its Jinja asks for run_started_at"),
        (field("orders", unrendered_config={"x": "{{ invocation_id }}"}),
         "its Jinja asks for invocation_id"),
        (field("orders", language="python"), "a dbt Python model may read anything"),
        (config("orders", materialized="lake"), "nothing is known of the materialization 'lake'"),
        (config("orders", materialized="incremental"), ""),
        (hook("grant select on x to y"), ""),
        (hook("  ANALYZE x;\n"), ""),
        (hook("insert into log values (1)"),
         "its post-hook may do anything (insert into log values (1))"),
        (hook("{{ log_it() }}"), "its post-hook may do anything ({{ log_it() }})"),
        (hook(""), ""),
        (hook(f"{SIGN} insert into t values (1)"), ""),
    ],
)  # fmt: skip
def test_volatile(shop: Document, settings: Settings, change: Change, why: str) -> None:
    change(shop)
    assert volatile(shop, settings) == why


def test_a_quiet_word_before_more_statements_is_not_quiet(
    shop: Document, settings: Settings
) -> None:
    hook("set x = 1; insert into log select random()")(shop)
    assert volatile(shop, settings).startswith("its post-hook may do anything")


def test_unit_tests_have_their_checksum() -> None:
    def unit(checksum: str) -> Node:
        return Node(unique_id="unit_test.shop.orders.t", name="t", resource_type="unit_test",
                    checksum=checksum, depends_on=None)  # fmt: skip

    empty = Manifest(metadata=_metadata())
    versions = CodeVersions(empty, None)
    assert versions.code(unit("1")) == CodeVersions(empty, None).code(unit("1"))
    assert versions.code(unit("1")) != CodeVersions(empty, None).code(unit("2"))


def _metadata() -> Any:
    from toolkit.integrations.dbt.manifest import Metadata

    return Metadata(adapter_type="duckdb")
