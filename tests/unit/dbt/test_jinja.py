"""What the Jinja in a text asks for, read without rendering it."""

import pytest

from toolkit.integrations.dbt.around import EVERY
from toolkit.integrations.dbt.jinja import Asks, asks, asks_of_macro


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("select 1", ""),
        ("select '{{ var(\"day\") }}'", "day"),
        ("{{ var('day', '2026-01-01') }} {{ var( 'rate' ) }}", "day rate"),
        ("{% if var('day') %} x {% endif %}", "day"),
        ("{{ var.has_var('day') }}", "day"),
        ("{{ var(name) }}", "*"),
        ("{{ var('a' ~ suffix) }}", "*"),
        ("{{ var('day') }} {{ var(name) }}", "* day"),
        ("{% set f = var %}{{ f('day') }}", "*"),
        ("{{ variance('day') }} {{ my_var('x') }}", ""),
        ("select var('day') from t", ""),  # SQL, not Jinja
        ("{# {{ var('day') }} #} select 1", ""),
        ("{{ var(\n  'day'\n) }}", "day"),
    ],
)
def test_variables(text: str, names: str) -> None:
    assert asks(text).variables == {EVERY if n == "*" else n for n in names.split()}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ env_var('HOME') }}", "HOME"),
        ("{{ env_var('SHOP_KEY', 'none') }}", "SHOP_KEY"),
        ("{{ env_var('SHOP_' ~ target.name) }}", "*"),
        ("{{ env_var(name) }}", "*"),
        ("select env_var from t", ""),
    ],
)
def test_environment(text: str, names: str) -> None:
    found = asks(text)
    assert found.environment == {EVERY if n == "*" else n for n in names.split()}
    assert not found.variables


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("{{ run_query('select 1') }}", "run_query"),
        ("{% call statement('x') %} select 1 {% endcall %}", "statement"),
        ("{{ adapter.get_columns_in_relation(this) }}", "adapter.get_columns_in_relation"),
        ("{{ adapter.get_relation(a, b, c) }}", "adapter.get_relation"),
        ("{% if load_relation(this) %} x {% endif %}", "load_relation"),
        ("{{ dbt_utils.get_relations_by_prefix('a', 'b') }}", "get_relations_by_prefix"),
        ("{{ adapter['get_relation'](a, b, c) }}", "adapter"),
        ("{% set a = adapter %}{{ a.get_relation(b, c, d) }}", "adapter"),
        ("{{ run_started_at }}", "run_started_at"),
        ("'{{ run_started_at.strftime(\"%Y\") }}'", "run_started_at"),
        ("{{ invocation_id }}", "invocation_id"),
        ("{{ modules.datetime.datetime.now() }}", "now()"),
        ("{{ modules.datetime.date.today() }}", "today()"),
        ("{% set clock = modules.datetime.datetime.now %}{{ clock() }}", "now()"),
        ("{{ [1, 2, 3] | random }}", "random"),
        ("{{ range(9)|random }}", "random"),
        ("{% for node in graph.nodes.values() %}{% endfor %}", "graph"),
        ("{% if flags.FULL_REFRESH %} x {% endif %}", "flags"),
        ("{{ local_md5_random }}", "local_md5_random"),
        # these look nowhere
        ("{{ adapter.dispatch('f', 'shop')() }}", ""),
        ("{{ adapter.quote('a') }} {{ adapter.type() }}", ""),
        ("{{ ref('a') }} {{ source('b', 'c') }} {{ this }} {{ config(materialized='table') }}", ""),
        ("{% if is_incremental() %} where at > (select max(at) from {{ this }}) {% endif %}", ""),
        ("{% if execute %} x {% endif %}", ""),
        ("select statement, flags from graph -- run_query", ""),  # SQL
        ("{# {{ run_query('select 1') }} #} select 1", ""),
        ("{{ paragraph }}", ""),
        ("{{ ref('flags') }} {{ source('graph', 'statement') }} {{ ref('p', 'adapter') }}", ""),
        ("{{ ref('flags', v=2) }}", "flags"),  # more than it must; it runs once too often
        ("{{ ref('orders') }}{{ graph }}", "graph"),
    ],
)
def test_what_looks_into_the_warehouse_the_clock_or_the_run(text: str, looks: str) -> None:
    assert asks(text).looks == looks


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("{{ model.meta }}", True),
        ("{{ config.meta_get('owner') }}", True),
        ("{{ model.tags | join(',') }}", True),
        ("{{ ref('my_model') }}", False),
        ("select meta, tags, model from t", False),
        ("{{ metadata }}", False),
    ],
)
def test_what_reads_the_words_of_the_yaml(text: str, described: bool) -> None:
    assert asks(text).described is described


def test_the_intervals_of_dbt_utils_ask_only_constants() -> None:
    text = "{% macro get_intervals_between(a, b) %}{{ run_query('select 1') }}{% endmacro %}"
    theirs, ours = "macro.dbt_utils.get_intervals_between", "macro.shop.get_intervals_between"
    assert asks_of_macro(theirs, text).looks == ""
    assert asks_of_macro(ours, text).looks == "run_query"
    assert asks_of_macro("macro.dbt_utils.get_column_values", text).looks == "run_query"


def test_sql_without_jinja_asks_for_nothing() -> None:
    assert asks("select 1 /* var('x') env_var('Y') run_query */") == Asks()
