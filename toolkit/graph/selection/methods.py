"""The methods of the selection grammar: which nodes a term means by itself.

The rules are dbt-core 1.11's, read from its documentation and behaviour and held
to it by tests/property/test_selection_dbt.py; ours in addition: ``kind``,
``owner``, ``stream``, ``integration``.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from toolkit.errors import SelectionError
from toolkit.graph.asset import Kind
from toolkit.graph.selection.context import SelectionContext
from toolkit.graph.selection.index import Index, Node, named_without_method
from toolkit.graph.selection.patterns import PathPattern, is_pattern, matcher
from toolkit.graph.selection.state import by_result, by_source_status, by_state
from toolkit.graph.selection.terms import Term, nearest

Method = Callable[[Index, Term, SelectionContext], set[str]]

_RESOURCE_TYPES = frozenset(
    {"model", "analysis", "test", "snapshot", "operation", "seed", "rpc", "sql_operation", "doc",
     "source", "macro", "exposure", "metric", "group", "saved_query", "semantic_model",
     "unit_test", "fixture", "function"}
)  # fmt: skip
_TEST_TYPES: Mapping[str, Callable[[Node], bool]] = {
    "generic": lambda node: _is_data_test(node) and _test_name(node) is not None,
    "schema": lambda node: _is_data_test(node) and _test_name(node) is not None,
    "singular": lambda node: _is_data_test(node) and _test_name(node) is None,
    "data": lambda node: _is_data_test(node),
    "unit": lambda node: node.resource == "unit_test",
    "python": lambda node: node.check is not None and node.check.kind == "python",
}
_STALE = (
    "any", "never", "failed", "code", "inputs", "volatile", "touched", "check", "sample", "source",
    "order",
)  # fmt: skip
_VERSIONS = ("latest", "prerelease", "old", "none")
# dbt's config: and group: do not look at these
_WITHOUT_CONFIG = frozenset(
    {"exposure", "metric", "semantic_model", "saved_query", "unit_test", "function"}
)
_WITHOUT_GROUP = frozenset(
    {"source", "exposure", "semantic_model", "saved_query", "unit_test", "function"}
)


def invalid(term: Term, allowed: Iterable[str], what: str) -> SelectionError:
    """The error for a value that its method does not know."""
    values = sorted(allowed)
    return SelectionError(
        f"{term.raw!r}: {term.value!r} is no {what}.",
        "Nothing was selected.",
        nearest(term.value, values) + f"Known: {', '.join(values)}.",
    )


def _where(index: Index, matches: Callable[[Node], object]) -> set[str]:
    return {key for key, node in index.nodes.items() if matches(node)}


def _by_fqn(index: Index, term: Term, _: SelectionContext) -> set[str]:
    parts = term.value.split(".")
    versioned = index.by_version.get("_".join(parts[-2:]), set())
    if not is_pattern(term.value):
        return index.by_name.get(term.value, set()) | versioned
    plain = next(i for i, part in enumerate(parts) if is_pattern(part))
    head = tuple(parts[:plain])
    fits = matcher(".".join(parts[plain:]))

    def matches(node: Node) -> bool:
        if not named_without_method(node):
            return False
        if not head and len(parts) == 1 and fits(node.leaf):
            return True
        return any(
            len(name) >= len(parts)
            and name[:plain] == head
            and fits(".".join(name[plain:]) if head else dotted)
            for name, dotted in node.names
        )

    return _where(index, matches) | versioned


def _by_tag(index: Index, term: Term, _: SelectionContext) -> set[str]:
    fits = matcher(term.value)
    return _where(index, lambda node: any(fits(tag) for tag in node.tags))


def _by_group(index: Index, term: Term, _: SelectionContext) -> set[str]:
    fits = matcher(term.value)
    return _where(
        index,
        lambda node: node.group and node.resource not in _WITHOUT_GROUP and fits(node.group),
    )


def _by_access(index: Index, term: Term, _: SelectionContext) -> set[str]:
    return _where(
        index,
        lambda node: node.asset and node.resource == "model" and node.asset.access == term.value,
    )


def _by_source(index: Index, term: Term, _: SelectionContext) -> set[str]:
    parts = term.value.split(".")
    if len(parts) > 3:
        raise _too_many_parts(term, "source, source.table or package.source.table")
    package, source, table = (
        matcher(part) for part in {1: ["*", *parts, "*"], 2: ["*", *parts], 3: parts}[len(parts)]
    )
    return _where(
        index,
        lambda node: (
            node.asset
            and node.resource == "source"
            and package(node.package)
            and source(node.asset.source_name or "")
            and table(node.name)
        ),
    )


def _by_name_of(resource: str) -> Method:
    def search(index: Index, term: Term, _: SelectionContext) -> set[str]:
        *package, name = term.value.split(".")
        if len(package) > 1:
            raise _too_many_parts(term, "name or package.name")
        in_package, named = matcher(package[0] if package else "*"), matcher(name)
        return _where(
            index,
            lambda node: (
                node.resource == resource and named(node.name) and in_package(node.package)
            ),
        )

    return search


def _too_many_parts(term: Term, form: str) -> SelectionError:
    return SelectionError(
        f"{term.raw!r} has too many parts.",
        "Nothing was selected.",
        f"After {term.method}: write {form}.",
    )


def _by_path(index: Index, term: Term, _: SelectionContext) -> set[str]:
    if term.value.startswith("/"):
        raise SelectionError(
            f"{term.raw!r} is an absolute path.",
            "Paths in selectors count from the project folder, so it can match nothing.",
            "Write it relative to the folder of dbt_project.yml: path:models/staging.",
        )
    pattern = PathPattern(term.value)
    verdicts: dict[str, bool] = {}

    def covers(path: str) -> bool:
        if path not in verdicts:
            verdicts[path] = pattern.covers(path)
        return verdicts[path]

    return _where(
        index,
        lambda node: (
            (node.path and covers(node.path)) or (node.yaml_path and pattern.names(node.yaml_path))
        ),
    )


def _by_file(index: Index, term: Term, _: SelectionContext) -> set[str]:
    fits = matcher(term.value)

    def matches(node: Node) -> bool:
        if not node.path:
            return False
        name = node.path.rpartition("/")[2]
        stem, dot, _ = name.rpartition(".")
        return bool(fits(name) or (stem and dot and fits(stem)))

    return _where(index, matches)


def _by_package(index: Index, term: Term, context: SelectionContext) -> set[str]:
    value = term.value
    if value == "this":
        if context.project is None:
            raise SelectionError(
                f"{term.raw!r} means the root dbt project, and its name is not known here.",
                "Nothing was selected.",
                "Write the name of the package.",
            )
        value = context.project
    fits = matcher(value)
    return _where(index, lambda node: fits(node.package))


def _by_config(index: Index, term: Term, _: SelectionContext) -> set[str]:
    if not term.arguments:
        raise SelectionError(
            f"{term.raw!r} does not say which config it means.",
            "Nothing was selected.",
            "Write its name after a dot: config.materialized:incremental.",
        )
    wanted = {"true": True, "false": False}.get(term.value.lower())
    severity = term.arguments == ("severity",)

    def equal(value: object) -> bool:
        if severity and isinstance(value, str):
            return value.casefold() == term.value.casefold()
        return value == term.value or (wanted is not None and value is wanted)

    def matches(node: Node) -> bool:
        if node.resource in _WITHOUT_CONFIG:
            return False
        value: Any = node.config
        for name in term.arguments:
            if not isinstance(value, Mapping) or name not in value:
                return False
            value = value[name]
        return any(equal(v) for v in value) if isinstance(value, (list, tuple)) else equal(value)

    return _where(index, matches)


def _is_data_test(node: Node) -> bool:
    return node.check is not None and node.check.kind == "data_test"


def _test_name(node: Node) -> str | None:
    return node.check.test_name if node.check is not None else None


def _by_test_name(index: Index, term: Term, _: SelectionContext) -> set[str]:
    fits = matcher(term.value)

    def matches(node: Node) -> object:
        if node.check is None:
            return False
        # a singular dbt test has no test name; unit tests and Python checks have a name of theirs
        name = node.check.test_name if node.check.kind == "data_test" else node.name
        return name is not None and fits(name)

    return _where(index, matches)


def _by_test_type(index: Index, term: Term, _: SelectionContext) -> set[str]:
    matches = _TEST_TYPES.get(term.value)
    if matches is None:
        raise invalid(term, _TEST_TYPES, "test type")
    return _where(index, matches)


def _by_resource_type(index: Index, term: Term, _: SelectionContext) -> set[str]:
    if term.value not in _RESOURCE_TYPES:
        raise invalid(term, _RESOURCE_TYPES, "resource type of dbt (for others, write kind:)")
    return _where(index, lambda node: node.resource == term.value)


def _by_version(index: Index, term: Term, _: SelectionContext) -> set[str]:
    if term.value not in _VERSIONS:
        raise invalid(term, _VERSIONS, "kind of version")

    def matches(node: Node) -> bool:
        if node.asset is None or node.resource != "model":
            return False
        mine, latest = node.asset.version, node.asset.latest_version
        if term.value == "none":
            return mine is None
        if mine is None or latest is None:
            return False
        if term.value == "latest":
            return mine == latest
        return _older(latest, mine) if term.value == "prerelease" else _older(mine, latest)

    return _where(index, matches)


def _older(one: str, other: str) -> bool:
    """As numbers where both are numbers, else as text."""
    try:
        return float(one) < float(other)
    except ValueError:
        return one < other


def _by_stale(index: Index, term: Term, context: SelectionContext) -> set[str]:
    if term.value not in _STALE:
        raise invalid(term, _STALE, "reason to be stale")
    if context.stale is None:
        raise SelectionError(
            f"{term.raw!r} asks what is up to date, which only a project's ledger knows.",
            "Nothing was selected.",
            "Leave out --manifest, in the folder of the project.",
        )
    found = context.stale()
    wanted = {key for key, why in found.items() if term.value in ("any", why)}
    return wanted & index.nodes.keys()


def _by_kind(index: Index, term: Term, _: SelectionContext) -> set[str]:
    if term.value == "check":
        return set(index.checks)
    if term.value not in get_args(Kind):
        raise invalid(term, (*get_args(Kind), "check"), "kind of asset")
    return _where(index, lambda node: node.asset and node.asset.kind == term.value)


def _by_owner(index: Index, term: Term, _: SelectionContext) -> set[str]:
    fits = matcher(term.value.casefold())
    return _where(
        index,
        lambda node: node.asset and node.asset.owner and fits(node.asset.owner.casefold()),
    )


def _by_integration(index: Index, term: Term, _: SelectionContext) -> set[str]:
    fits = matcher(term.value)
    return _where(index, lambda node: fits(node.integration))


def _by_stream(index: Index, term: Term, _: SelectionContext) -> set[str]:
    def matching(pattern: str) -> set[str]:
        fits = matcher(pattern)

        def matches(node: Node) -> object:
            if node.asset is None or node.resource != "stream":
                return False
            # the key holds the connection's name as the integration made it safe for keys
            return (
                fits(node.name)
                or fits(f"{node.asset.source_name}.{node.name}")
                or fits(node.key.removeprefix("stream."))
            )

        return _where(index, matches)

    # Terraform's instances are called `orders[0]` and `orders["eu"]`: brackets as they stand
    # come first, as a wildcard only if no stream is called so.
    literal = matching(term.value.replace("[", "[[]")) if "[" in term.value else set()
    return literal or matching(term.value)


METHODS: Mapping[str, Method] = {
    "fqn": _by_fqn,
    "tag": _by_tag,
    "group": _by_group,
    "access": _by_access,
    "source": _by_source,
    "path": _by_path,
    "file": _by_file,
    "package": _by_package,
    "config": _by_config,
    "test_name": _by_test_name,
    "test_type": _by_test_type,
    "resource_type": _by_resource_type,
    "state": by_state,
    "exposure": _by_name_of("exposure"),
    "metric": _by_name_of("metric"),
    "result": by_result,
    "source_status": by_source_status,
    "version": _by_version,
    "semantic_model": _by_name_of("semantic_model"),
    "saved_query": _by_name_of("saved_query"),
    "unit_test": _by_name_of("unit_test"),
    "kind": _by_kind,
    "owner": _by_owner,
    "stream": _by_stream,
    "integration": _by_integration,
    "stale": _by_stale,
}
