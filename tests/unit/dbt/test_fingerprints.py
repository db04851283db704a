"""Which change of a node shows in which part: dbt's own ``state:modified.*`` parts.

That whole selections agree with ``dbt ls`` is tested in tests/property.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from toolkit.integrations.base import Loaded

Document = dict[str, Any]
Load = Callable[[Document], Loaded]
MODEL = "model.shop.customers"
TEST = "test.shop.unique_customers_id.abc"
SOURCE = "source.shop.raw.users"
EXPOSURE = "exposure.shop.sales"


def prints(loaded: Loaded, key: str) -> tuple[Mapping[str, str], str]:
    for asset in loaded.assets:
        if asset.key == key:
            return asset.fingerprints, asset.code_version
    return next((c.fingerprints, "") for c in loaded.checks if c.key == key)


def changed(document: Document, load: Load, key: str, path: str, value: Any) -> set[str]:
    """Parts that differ after ``value`` was put at ``path`` of the document."""
    before, old = prints(load(copy.deepcopy(document)), key)
    *folders, name = path.split("/")
    place: Any = document
    for folder in folders:
        place = place.setdefault(folder, {})
    place[name] = value
    after, new = prints(load(document), key)
    assert before.keys() == after.keys()
    return {part for part in before if before[part] != after[part]} | (
        {"(code version)"} if old != new else set()
    )


CODE = "(code version)"


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        ("raw_code", "select 2", {"body", CODE}),
        ("unrendered_config/materialized", "view", {"configs"}),
        ("unrendered_config/new_key", 1, {"configs"}),
        ("config/materialized", "view", {CODE}),  # whatever it was rendered from
        ("config/new_key", 1, {CODE}),
        ("config/tags", ["x"], set()),
        ("config/meta", {"owner": "x"}, set()),
        # dbt leaves these out of the comparison of configs; the first three are "relation"
        ("unrendered_config/alias", "clients", {"relation"}),
        ("unrendered_config/schema", "x", {"relation"}),
        ("unrendered_config/database", "x", {"relation"}),
        ("unrendered_config/tags", ["x"], set()),
        ("unrendered_config/group", "x", set()),
        # what the target makes of a schema is no modification, but another table
        ("schema", "dev_ada", {CODE}),
        ("contract/checksum", "c1", {"contract", CODE}),
        ("contract/enforced", False, {"contract", CODE}),
        ("latest_version", 3, {"other"}),
        ("access", "private", {"other"}),
        ("deprecation_date", "2027-01-01", {"other"}),
        ("fqn", ["shop", "marts", "customers"], {"other"}),
        # not persisted, so not compared
        ("description", "Other words.", set()),
        ("columns/id/description", "Other words.", set()),
        ("tags", ["x"], set()),
        ("compiled_code", "select 3", set()),
        ("patch_path", "shop://x.yml", set()),
        ("checksum", {"name": "sha256", "checksum": "ff"}, set()),  # raw_code says it
    ],
)
def test_a_model(document: Document, load: Load, path: str, value: Any, parts: set[str]) -> None:
    assert changed(document, load, MODEL, f"nodes/{MODEL}/{path}", value) == parts


@pytest.mark.parametrize(
    ("path", "persist"), [("description", "relation"), ("columns/id/description", "columns")]
)
def test_descriptions_count_where_they_are_persisted(
    document: Document, load: Load, path: str, persist: str
) -> None:
    document["nodes"][MODEL]["config"]["persist_docs"] = {persist: True}
    parts = changed(document, load, MODEL, f"nodes/{MODEL}/{path}", "Other words.")
    assert parts == {"persisted_descriptions", CODE}


@pytest.mark.parametrize("macro", ["macro.shop.cents", "macro.shop.hundred"])
def test_a_macro_counts_however_far_away_it_is_called(
    document: Document, load: Load, macro: str
) -> None:
    parts = changed(document, load, MODEL, f"macros/{macro}/macro_sql", "other")
    assert parts == {"macros", CODE}


def test_macros_that_call_each_other(document: Document, load: Load) -> None:
    document["macros"]["macro.shop.hundred"]["depends_on"]["macros"] = ["macro.shop.cents"]
    parts = changed(document, load, MODEL, "macros/macro.shop.cents/macro_sql", "other")
    assert parts == {"macros", CODE}


def test_a_seed_is_its_checksum(
    document: Document, load: Load, make_node: Callable[..., Document]
) -> None:
    seed = make_node("seed.shop.countries", raw_code="")
    document["nodes"][seed["unique_id"]] = seed
    path = f"nodes/{seed['unique_id']}/checksum"
    assert changed(document, load, seed["unique_id"], path, {"checksum": "1"}) == {"body", CODE}


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        ("unrendered_config/severity", "error", {"configs"}),
        ("fqn", ["shop", "other"], {"other"}),
        ("raw_code", "{{ test_other() }}", set()),  # dbt compares its name and config only
    ],
)
def test_a_generic_test(
    document: Document, load: Load, path: str, value: Any, parts: set[str]
) -> None:
    assert changed(document, load, TEST, f"nodes/{TEST}/{path}", value) == parts


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        ("identifier", "USERS_V2", {"relation", CODE}),
        ("schema", "x", {"relation", CODE}),
        ("freshness", {"warn_after": {"count": 1, "period": "day"}}, {"other"}),
        ("loaded_at_field", "at", {"other"}),
        ("description", "Other words.", set()),
    ],
)
def test_a_source(document: Document, load: Load, path: str, value: Any, parts: set[str]) -> None:
    assert changed(document, load, SOURCE, f"sources/{SOURCE}/{path}", value) == parts


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        ("depends_on/nodes", [], {"body", CODE}),
        ("type", "notebook", {"other"}),
        ("url", "https://example.com/2", {"other"}),
        ("maturity", "high", {"other"}),
        ("label", "Sales!", {"other"}),
        ("owner", {"name": "Ada"}, {"other"}),
        ("description", "Other words.", {"other"}),
    ],
)
def test_an_exposure(
    document: Document, load: Load, path: str, value: Any, parts: set[str]
) -> None:
    assert changed(document, load, EXPOSURE, f"exposures/{EXPOSURE}/{path}", value) == parts


def test_a_macro_that_only_compiling_adds_changes_nothing(document: Document, load: Load) -> None:
    """dbt parse leaves it out of a Python model, dbt build puts it in."""
    added = "macro.dbt.py_script_postfix"
    document["macros"][added] = {
        "unique_id": added, "name": "py_script_postfix", "macro_sql": "x",
        "depends_on": {"macros": []},
    }  # fmt: skip
    found = changed(document, load, MODEL, f"nodes/{MODEL}/depends_on/macros", [
        "macro.shop.cents", added,
    ])  # fmt: skip
    assert found == set()
