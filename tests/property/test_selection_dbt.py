"""Our selection against dbt's own, on the same nodes: real manifests and a project of all kinds.

dbt's analyses and operations are no assets of ours, so they are taken out of dbt's graph.
"""

import gzip
import json
import shutil
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.errors import SelectionError
from toolkit.graph import AssetGraph
from toolkit.graph.selection import Indirect, SelectionContext, select
from toolkit.integrations.dbt.assets import assets_of
from toolkit.integrations.dbt.manifest import read_manifest

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.graph import NodeSelector

PROJECT = Path(__file__).parent / "selection_project"
REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "projects"
MODES = get_args(Indirect)


class Both(NamedTuple):
    """One project as dbt and as we hold it."""

    root: Path
    graph: AssetGraph
    name: str
    selector: "NodeSelector"
    words: Mapping[str, list[str]]

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.graph)} assets>"


@contextmanager
def dbt_flags(**flags: str) -> Iterator[None]:
    from dbt import flags as module

    before = module.get_flags()
    module.set_from_args(Namespace(**flags), None)
    try:
        yield
    finally:
        module.set_flags(before)


def _dbt_manifest(manifest_file: Path) -> "Manifest":
    from dbt.artifacts.schemas.manifest import WritableManifest
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import GenericTestNode

    manifest = Manifest.from_writable_manifest(
        WritableManifest.read_and_check_versions(str(manifest_file))
    )
    # dbt reads a generic test back as a singular one; when it parses a project it knows
    for key, node in json.loads(manifest_file.read_bytes())["nodes"].items():
        if "test_metadata" in node:
            manifest.nodes[key] = GenericTestNode.from_dict(node)
    return manifest


def _both(manifest_file: Path, root: Path) -> Both:
    from dbt.compilation import Linker
    from dbt.graph import NodeSelector
    from dbt.graph.graph import Graph

    manifest = _dbt_manifest(manifest_file)
    linker = Linker()
    with dbt_flags():
        linker.link_graph(manifest)
    linker.graph.remove_nodes_from(
        [key for key in linker.graph if key.split(".")[0] in ("analysis", "operation")]
    )
    selector = NodeSelector(Graph(linker.graph), manifest, include_empty_nodes=True)
    # a view that is filtered anew at each look is slow; the same nodes and edges as a copy
    selector.graph = Graph(selector.graph.graph.copy())
    read = read_manifest(manifest_file)
    loaded = assets_of(read)
    graph = AssetGraph(loaded.assets, loaded.checks)
    return Both(root, graph, read.metadata.project_name or "", selector, _words(graph))


def _words(graph: AssetGraph) -> Mapping[str, list[str]]:
    """What to ask for, by method: values that exist, parts of them, and some that do not."""
    items = [*graph.assets.values(), *graph.checks.values()]
    assets = list(graph)

    def named(kind: str) -> set[str]:
        found = [a for a in assets if a.kind == kind]
        return {a.name for a in found} | {f"{a.package}.{a.name}" for a in found}

    sources = [a for a in assets if a.kind == "source"]
    paths = {i.path for i in items if i.path}
    fqns = {".".join(i.fqn[a:b]) for i in items for a in (0, 1) for b in range(2, 9)}
    words: dict[str, set[str]] = {
        "": {i.name for i in items} | fqns | {p for p in paths if "/" in p},
        "fqn": {i.name for i in items} | fqns,
        "tag": {tag for i in items for tag in i.tags},
        "group": {i.group for i in items if i.group} | {"finance"},
        "access": {"public", "protected", "private"},
        "source": {s.source_name or "" for s in sources}
        | {f"{s.source_name}.{s.name}" for s in sources}
        | {f"{s.package}.{s.source_name}.{s.name}" for s in sources},
        "path": paths
        | {str(parent) for p in paths for parent in Path(p).parents if str(parent) != "."}
        | {f"{Path(p).parent}/*" for p in paths}
        | {"models/", "models/**", "**/*.yml", "models/**/*.sql", "models/*/", "tests/*.sql"}
        | {i.yaml_path for i in items if i.yaml_path},
        "file": {Path(p).name for p in paths} | {Path(p).stem for p in paths},
        "package": {i.package for i in items if i.package} | {"this"},
        "config.materialized": {"view", "table", "incremental", "ephemeral", "test", "seed"},
        "config.severity": {"error", "ERROR", "warn"},
        "config.enabled": {"true", "TRUE", "false"},
        "config.tags": {"nightly", "core"},
        "config.meta.owner": {"ana", "bob"},
        "config.meta.tier": {"1"},
        "config.contract.enforced": {"true", "False"},
        "config.group": {"finance"},
        "test_name": {"unique", "not_null", "relationships", "counts_orders"},
        "test_type": {"generic", "schema", "singular", "data", "unit"},
        "resource_type": {
            "model", "test", "unit_test", "seed", "snapshot", "source", "exposure", "metric",
            "semantic_model", "saved_query", "function", "macro",
        },
        "version": {"latest", "prerelease", "old", "none"},
        "exposure": named("exposure"),
        "metric": named("metric"),
        "semantic_model": named("semantic_model"),
        "saved_query": named("saved_query"),
        "unit_test": {c.name for c in graph.checks.values() if c.kind == "unit_test"},
    }  # fmt: skip
    plain = {m: sorted(w for w in v if w and not set(w) & set(" ,+@:")) for m, v in words.items()}
    return {method: [*values, "nothing"][:400] for method, values in plain.items()}


_CLOSED = ("access", "config.", "test_type", "resource_type", "version")


@st.composite
def _value(draw: st.DrawFn, method: str, words: list[str]) -> str:
    word = draw(st.sampled_from(words))
    if method.startswith(_CLOSED):
        return word if word != "nothing" or method.startswith(("config", "access")) else words[0]
    change = draw(st.sampled_from(["as is", "as is", "star", "query", "set", "ends"]))
    at = draw(st.integers(0, len(word) - 1))
    if change == "as is" or word[at] in "/.*":
        return word
    return {
        "star": word[:at] + "*",
        "query": word[:at] + "?" + word[at + 1 :],
        "set": word[:at] + f"[{word[at]}x]" + word[at + 1 :],
        "ends": "*" + word[at:],
    }[change]


@st.composite
def selectors(draw: st.DrawFn, words: Mapping[str, list[str]]) -> str:
    groups = []
    for _ in range(draw(st.integers(1, 3))):
        terms = []
        for _ in range(draw(st.integers(1, 3))):
            method = draw(st.sampled_from(sorted(words)))
            value = draw(_value(method, words[method]))
            before = draw(st.sampled_from(["", "", "", "@", "+", "1+", "2+", "@+", "0+"]))
            after = draw(st.sampled_from(["", "", "", "+", "+1", "+2", "+0"]))
            terms.append(f"{before}{method}{':' * bool(method)}{value}{after}")
        groups.append(",".join(terms))
    return " ".join(groups)


def dbt_answer(
    both: Both, wanted: list[str], unwanted: list[str], indirect: str
) -> frozenset[str] | None:
    """Keys that dbt selects, ``None`` where it refuses the selector."""
    from dbt.graph import parse_difference
    from dbt_common.events.contextvars import task_contextvars
    from dbt_common.exceptions import DbtRuntimeError

    with dbt_flags(indirect_selection=indirect), task_contextvars(project_root=str(both.root)):
        try:
            spec = parse_difference(wanted or None, unwanted)
            found = both.selector.get_selected(spec, warn_on_no_nodes=False)
        except DbtRuntimeError:
            return None
    return frozenset(found)


def our_answer(
    both: Both, wanted: list[str], unwanted: list[str], indirect: Indirect
) -> frozenset[str] | None:
    context = SelectionContext(project=both.name)
    try:
        found = select(both.graph, wanted, unwanted, indirect=indirect, context=context)
    except SelectionError:
        return None
    return found.assets | found.checks


def assert_same(both: Both, wanted: list[str], unwanted: list[str], indirect: Indirect) -> None:
    ours = our_answer(both, wanted, unwanted, indirect)
    assert ours == dbt_answer(both, wanted, unwanted, indirect)


@pytest.fixture(scope="session")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of all kinds, parsed by dbt; its manifest is in ``target``."""
    from dbt.cli.main import dbtRunner

    root = tmp_path_factory.mktemp("selection") / "project"
    shutil.copytree(PROJECT, root)
    where = ["--quiet", "--project-dir", str(root), "--profiles-dir", str(root)]
    for command in ("deps", "parse"):
        result = dbtRunner().invoke([command, *where])
        assert result.success, result.exception
    # dbt's path: looks for a package's files below the root project, where they are not; there
    # we differ (docs/selection.md), so let them be there
    shutil.copytree(root / "helpers" / "models", root / "models", dirs_exist_ok=True)
    return root


@pytest.fixture(scope="session")
def project(parsed: Path) -> Both:
    return _both(parsed / "target" / "manifest.json", parsed)


@pytest.fixture(
    scope="session",
    params=["colibri_duckdb", "colibri_1.10", pytest.param("calitp", marks=pytest.mark.slow)],
)
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    packed = REAL / request.param / "manifest.json.gz"
    if not packed.exists():
        pytest.skip(f"no real manifest at ../shared/data/projects/{request.param}")
    root = tmp_path_factory.mktemp("real")
    manifest = root / "manifest.json"
    manifest.write_bytes(gzip.decompress(packed.read_bytes()))
    content = json.loads(manifest.read_bytes())
    for section in ("nodes", "sources", "exposures", "metrics", "unit_tests",
                    "semantic_models", "saved_queries"):  # fmt: skip
        for node in content[section].values():
            patch = (node.get("patch_path") or "").partition("://")[2]
            for name in filter(None, (node["original_file_path"], patch)):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).touch()  # dbt's path: looks at the disk
    return _both(manifest, root)


_SETTINGS = settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.slow
@given(data=st.data())
@_SETTINGS
def test_generated_selectors_on_a_project_of_all_kinds(project: Both, data: st.DataObject) -> None:
    _compare(project, data)


@given(data=st.data())
@settings(_SETTINGS, max_examples=150)
def test_generated_selectors_on_real_manifests(real: Both, data: st.DataObject) -> None:
    _compare(real, data)


def _compare(both: Both, data: st.DataObject) -> None:
    wanted = data.draw(st.lists(selectors(both.words), max_size=2), label="select")
    unwanted = data.draw(st.lists(selectors(both.words), max_size=1), label="exclude")
    assert_same(both, wanted, unwanted, data.draw(st.sampled_from(MODES), label="indirect"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "indirect",
    [pytest.param(mode, marks=() if mode == "eager" else pytest.mark.soak) for mode in MODES],
)
def test_every_word_of_every_method(project: Both, indirect: Indirect) -> None:
    for method, values in project.words.items():
        for value in values:
            if value == "nothing" and method.startswith(_CLOSED):
                continue
            term = f"{method}:{value}" if method else value
            for text in (term, f"+{term}", f"{term}+1", f"@{term}"):
                assert_same(project, [text], [], indirect)
