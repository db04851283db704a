"""Reading manifest.json: every version, and every way in which a file can be broken."""

import copy
import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import ArtifactError, ToolkitError
from toolkit.graph.matching import link
from toolkit.integrations.base import Loaded
from toolkit.integrations.dbt.assets import assets_of
from toolkit.integrations.dbt.catalog import read_catalog
from toolkit.integrations.dbt.manifest import read_manifest

Document = dict[str, Any]
Load = Callable[[Document], Loaded]

# what dbt 1.6 (v10) and 1.7 (v11) do not write
LACKING = {
    10: {
        "sections": ("saved_queries", "semantic_models", "unit_tests", "functions"),
        "fields": ("contract", "access", "version", "latest_version", "deprecation_date", "group"),
    },
    11: {"sections": ("unit_tests", "functions"), "fields": ("deprecation_date",)},
}


def version_url(version: int) -> str:
    return f"https://schemas.getdbt.com/dbt/manifest/v{version}.json"


@pytest.mark.parametrize("version", LACKING)
def test_older_versions_lack_sections_and_fields(
    document: Document, load: Load, version: int
) -> None:
    document["metadata"]["dbt_schema_version"] = version_url(version)
    for section in LACKING[version]["sections"]:
        del document[section]
    for node in document["nodes"].values():
        for field in LACKING[version]["fields"]:
            node.pop(field, None)
    keys = {asset.key for asset in load(document).assets}
    assert {"model.shop.customers", "source.shop.raw.users", "exposure.shop.sales"} <= keys


@pytest.mark.parametrize(
    "name", ["calitp", "colibri_1.10", "colibri_bigquery", "colibri_duckdb"]
)  # fmt: skip
@pytest.mark.parametrize("version", [10, 11, 12])
def test_real_manifests(shared_data: Path, load: Load, name: str, version: int) -> None:
    packed = (shared_data / "projects" / name / "manifest.json.gz").read_bytes()
    real = json.loads(gzip.decompress(packed))
    real["metadata"]["dbt_schema_version"] = version_url(version)
    expected = sum(
        node["resource_type"] in ("model", "seed", "snapshot") for node in real["nodes"].values()
    ) + len(real["sources"]) + len(real["exposures"])  # fmt: skip
    if version in LACKING:
        for section in LACKING[version]["sections"]:
            real.pop(section, None)
        for node in real["nodes"].values():
            for field in LACKING[version]["fields"]:
                node.pop(field, None)
    kinds = ("model", "seed", "snapshot", "source", "exposure")
    assert sum(a.kind in kinds for a in load(real).assets) == expected


def test_unknown_fields_and_sections_are_passed_over(document: Document, load: Load) -> None:
    before = load(copy.deepcopy(document))
    document["from_the_future"] = {"x": [1, {"y": None}]}
    for node in document["nodes"].values():
        node["from_the_future"] = [{"deep": {"er": 1}}]
        node["config"]["from_the_future"] = {"a": 1}
    assert [a.key for a in load(document).assets] == [a.key for a in before.assets]


def _nullable(schema: Document) -> Iterator[str]:
    for name, field in schema["properties"].items():
        if {"type": "null"} in field.get("anyOf", ()):
            yield name


def test_every_field_that_dbt_may_leave_null_may_be_null(document: Document, load: Load) -> None:
    """The fields are taken from the JSON schema that dbt itself derives from its classes."""
    manifest = pytest.importorskip("dbt.artifacts.schemas.manifest")
    schema = manifest.WritableManifest.json_schema()["properties"]
    nulled = 0
    for section in ("nodes", "sources", "exposures", "macros", "groups", "unit_tests"):
        kinds = schema[section]["additionalProperties"]
        for kind in kinds.get("anyOf", [kinds]):
            for element in document[section].values():
                expected = kind["properties"].get("resource_type", {}).get("const")
                if expected not in (None, element.get("resource_type", expected)):
                    continue
                fields = set(_nullable(kind)) - {"unique_id", "name", "resource_type"}
                element.update(dict.fromkeys(fields))
                nulled += len(fields)
                if "config" in kind["properties"] and "properties" in kind["properties"]["config"]:
                    element.setdefault("config", {}).update(
                        dict.fromkeys(_nullable(kind["properties"]["config"]))
                    )
    assert nulled > 50
    loaded = load(document)
    assert len(loaded.assets) == 5
    assert len(loaded.checks) == 2


def test_gzip_is_read_like_plain(document: Document, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json.gz"
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    assert set(read_manifest(path).nodes) == set(document["nodes"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nowhere\.json"):
        read_manifest(tmp_path / "nowhere.json")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_cut_short_anywhere(document: Document, tmp_path: Path, zipped: bool) -> None:
    data = json.dumps(document).encode()
    data = gzip.compress(data) if zipped else data
    path = tmp_path / ("manifest.json.gz" if zipped else "manifest.json")
    for length in {*range(0, len(data), 7), *range(len(data) - 20, len(data))}:
        path.write_bytes(data[:length])
        with pytest.raises(ArtifactError):
            read_manifest(path)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "complete JSON"),
        (b"null", "not a dbt manifest"),
        (b'{"metadata": {"dbt_schema_version": "x/manifest/v9.json"}}', "version 9"),
        (b'{"metadata": {"dbt_schema_version": "x/manifest/v13.json"}}', "version 13"),
        (b'{"metadata": {"dbt_schema_version": "x/manifest/v' + b"1" * 5000 + b'"}}', "version"),
        (b'{"metadata": {"dbt_schema_version": "x/catalog/v1.json"}}', "does not say"),
        (b'{"metadata": {"dbt_schema_version": "\xff/manifest/v12.json"}}', "complete JSON"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=says):
        read_manifest(path)


def test_text_that_is_not_utf8(document: Document, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(json.dumps(document).encode().replace(b"All customers", b"All \xff\xfe"))
    with pytest.raises(ArtifactError, match="utf-8"):
        read_manifest(path)


def test_the_element_that_does_not_fit_is_named(document: Document, load: Load) -> None:
    document["macros"]["macro.shop.cents"]["macro_sql"] = 7
    with pytest.raises(ArtifactError, match=r"macros\.macro\.shop\.cents: .*macro_sql"):
        load(document)


JUNK: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, 1e300, "", "x", "a.b.c", "\u0000", [], [None], ["x"], {},
    {"x": 1}, {"name": None}, [[]], "model.shop.customers", {"enabled": "maybe"},
]  # fmt: skip


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    found: list[tuple[Any, Any]] = []
    keys: Any = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += _places(value[key])
    return found


def _understood(path: Path) -> bool:
    try:
        loaded = assets_of(read_manifest(path))
        link(loaded.assets, loaded.checks, loaded.problems)
    except ToolkitError:
        return False
    return True


@pytest.mark.slow
def test_values_of_any_kind_anywhere_are_read_or_refused(
    document: Document, tmp_path: Path
) -> None:
    rng = random.Random(4)
    path = tmp_path / "manifest.json"
    understood = 0
    for _ in range(3000):
        changed = copy.deepcopy(document)
        for _ in range(rng.randint(1, 3)):
            container, key = rng.choice(_places(changed))
            if rng.random() < 0.2:
                del container[key]
            else:
                container[key] = copy.deepcopy(rng.choice(JUNK))
        path.write_text(json.dumps(changed))
        understood += _understood(path)
    assert 300 < understood < 2700  # both ways were taken, often


def test_changed_bytes_are_read_or_refused(document: Document, tmp_path: Path) -> None:
    rng = random.Random(5)
    data = json.dumps(document).encode()
    for name, original in (("m.json", data), ("m.json.gz", gzip.compress(data))):
        for _ in range(1500):
            changed = bytearray(original)
            for _ in range(rng.randint(1, 4)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            (tmp_path / name).write_bytes(changed)
            _understood(tmp_path / name)


def test_a_catalog_cut_short_or_of_another_shape(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    whole = {
        "nodes": {"model.shop.a": {"columns": {"b": {"type": "INT", "name": "b", "index": 2},
                                               "a": {"type": "INT", "name": "a", "index": 1}}}},
        "sources": {"source.shop.raw.s": {"columns": {}}},
    }  # fmt: skip
    data = json.dumps(whole).encode()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(ArtifactError):
            read_catalog(path)
    path.write_text(json.dumps({"nodes": {"x": {"columns": {"b": {"type": 3}}}}}))
    with pytest.raises(ArtifactError, match="not a dbt catalog"):
        read_catalog(path)
    path.write_bytes(data)
    assert list(read_catalog(path)["model.shop.a"].items()) == [("a", "INT"), ("b", "INT")]
