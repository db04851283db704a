"""Fingerprints of how a node is made: equal ones make the same of the same inputs.

What counts: its text and that of the macros it reaches; its configuration as rendered; the
variables and environment variables that these name; where it and its parents lie; the text
of ephemeral parents; macros that change how dbt makes things; the versions of dbt, adapter
and warehouse; what the profile says. Anything that cannot be seen counts as volatile.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from toolkit.integrations.dbt.around import EVERY, variables, version_of
from toolkit.integrations.dbt.jinja import Asks, asks, asks_of_macro
from toolkit.integrations.dbt.manifest import Macro, Manifest, Node
from toolkit.integrations.dbt.markers import is_ours
from toolkit.integrations.dbt.variables import project_variables
from toolkit.settings import Settings

_encoder = msgspec.json.Encoder(order="deterministic", enc_hook=str)
# config keys that change nothing about what is made
_FOR_PEOPLE = frozenset(
    {"tags", "meta", "docs", "group", "access", "description", "enabled", "freshness"}
)
# What they make of a name shows in the node's relation.
_NAMING = frozenset({"generate_schema_name", "generate_alias_name", "generate_database_name"})
_HOOKS = ("pre-hook", "post-hook")
_TOOLS = ("dbt-core", "dbt-adapters")
_KNOWN = frozenset(
    {"table", "view", "incremental", "ephemeral", "seed", "snapshot", "test", "unit"}
)


def digest(*values: object) -> str:
    """A short fingerprint of plain values."""
    return hashlib.blake2b(_encoder.encode(values), digest_size=12).hexdigest()


class CodeVersions:
    """Code versions of the nodes of one manifest.

    Args:
        settings: ``None`` where only a manifest is read, and nothing can be built.
    """

    def __init__(self, manifest: Manifest, settings: Settings | None) -> None:
        self._manifest = manifest
        self._settings = settings
        adapter = manifest.metadata.adapter_type or ""
        self._internal = frozenset({"dbt", f"dbt_{adapter}", "dbt_postgres"})
        self._macros: dict[str, tuple[str, Asks]] = {}
        self._of: dict[str, str] = {}
        self._variables: Mapping[str, list[Any]] | None = None
        self._around = digest(_versions(manifest, settings), self._machinery(), _profile(settings))

    def code(self, node: Node) -> str:
        """Of all of it."""
        if node.unique_id not in self._of:
            self._of[node.unique_id] = ""  # a cycle, which dbt would not have let pass
            text: object = node.raw_code if node.raw_code is not None else node.checksum
            text = self._seed(node) if node.resource_type == "seed" else text
            self._of[node.unique_id] = digest(text, self._reached(node), self.frame(node))
        return self._of[node.unique_id]

    def frame(self, node: Node) -> str:
        """Of all but its text and the macros in it: what its compiled SQL does not show."""
        wants = self._wants(node)
        config = {k: v for k, v in node.config.items() if k not in _FOR_PEOPLE}
        config |= {name: _hooks(node, name) for name in _HOOKS if name in config}
        persist = config.get("persist_docs")
        described = wants.described or (isinstance(persist, dict) and any(persist.values()))
        contract = node.contract or {}
        hooks = any(config.get(name) for name in _HOOKS)
        return digest(
            node.resource_type, node.language, config,
            (node.database, node.schema, node.alias or node.identifier),
            contract.get("checksum") if contract.get("enforced") else None,
            [c.data_type for c in node.columns.values()] if contract.get("enforced") else None,
            [node.meta, node.config.get("meta"), node.tags, node.description, node.columns]
            if described
            else None,
            self._reached(node) if hooks else None,
            self._values(wants) if hooks or node.resource_type == "snapshot" else None,
            self._around,
        )  # fmt: skip

    def volatile(self, node: Node) -> str:
        """Why the same code may make something else of the same inputs; empty if not."""
        if node.resource_type == "function":
            return ""
        if node.language == "python":
            return "a dbt Python model may read anything"
        kind = str(node.config.get("materialized") or node.resource_type)
        if kind not in _KNOWN and node.resource_type in ("model", "snapshot", "seed"):
            return f"nothing is known of the materialization {kind!r}"
        for name in _HOOKS:
            for hook in _hooks(node, name):
                text = str(hook.get("sql") if isinstance(hook, dict) else hook).strip("; \n")
                said = text.split()
                if said and (said[0].casefold() not in _QUIET or ";" in text):
                    return f"its {name} may do anything ({' '.join(said)[:40]})"
        looks = self._wants(node).looks
        return f"its Jinja asks for {looks}" if looks else ""

    # ---- parts ----

    def _wants(self, node: Node) -> Asks:
        own = [asks(node.raw_code or ""), asks(_encoder.encode(node.unrendered_config).decode())]
        own += [self._macro(key)[1] for key in self._closure(node)]
        return Asks(
            frozenset().union(*(a.variables for a in own)),
            frozenset().union(*(a.environment for a in own)),
            next((a.looks for a in own if a.looks), ""),
            any(a.described for a in own[:1]) or any(a.described for a in own[2:]),
        )

    def _reached(self, node: Node) -> str:
        """Macros, values and parents that its text names."""
        return digest(
            [(key, self._macro(key)[0]) for key in sorted(self._closure(node))],
            self._values(self._wants(node)),
            [self._parent(key) for key in sorted(node.depends_on.nodes if node.depends_on else ())],
        )

    def _parent(self, key: str) -> object:
        manifest = self._manifest
        node = manifest.nodes.get(key) or manifest.sources.get(key) or manifest.functions.get(key)
        if node is None:
            return key
        inlined = node.config.get("materialized") == "ephemeral" or key in manifest.functions
        place = (node.database, node.schema, node.identifier or node.alias, node.relation_name)
        return (key, self.code(node) if inlined else None, place)

    def _values(self, wants: Asks) -> str:
        settings, names = self._settings, wants.variables
        given = dict(settings.vars) if settings is not None else {}
        if names and self._variables is None:
            self._variables = project_variables(settings) if settings is not None else {}
        known = self._variables or {}
        every = sorted({*known, *given}) if EVERY in names else sorted(names)
        values = [(name, known.get(name), given.get(name)) for name in every]
        return digest(values, variables(wants.environment))

    def _closure(self, node: Node) -> set[str]:
        return self._below(node.depends_on.macros if node.depends_on else ())

    def _below(self, keys: Iterable[str]) -> set[str]:
        """Macros that are reached, without dbt's own: its version stands for them.

        dbt adds some of its own to a node when it runs it, so they come and go.
        """
        seen: set[str] = set()
        frontier = list(keys)
        while frontier:
            key = frontier.pop()
            macro = self._manifest.macros.get(key)
            if key not in seen and macro is not None and _package(key) not in self._internal:
                seen.add(key)
                frontier.extend(macro.depends_on.macros if macro.depends_on else ())
        return seen

    def _macro(self, key: str) -> tuple[str, Asks]:
        if key not in self._macros:
            macro: Macro = self._manifest.macros[key]
            self._macros[key] = (digest(macro.macro_sql), asks_of_macro(key, macro.macro_sql))
        return self._macros[key]

    def _machinery(self) -> str:
        """The project's macros that dbt itself calls, such as one that makes tables otherwise."""
        adapter = self._manifest.metadata.adapter_type or ""
        internal = self._internal
        prefixes = ("default__", f"{adapter}__", "postgres__")
        theirs = {
            _bare(key, prefixes) for key in self._manifest.macros if _package(key) in internal
        }
        ours = [
            key
            for key in self._manifest.macros
            if _package(key) not in internal
            and (name := _bare(key, prefixes)) not in _NAMING
            and (name in theirs or name.startswith("materialization_"))
        ]
        return digest([(key, self._macro(key)[0]) for key in sorted(self._below(ours))])

    def _seed(self, node: Node) -> object:
        """dbt does not read a seed of more than 1 MB to see whether it changed; we do."""
        checksum = node.checksum
        if isinstance(checksum, dict) and checksum.get("name") == "path" and self._settings:
            path = Path(self._settings.project_dir, node.original_file_path or "")
            try:
                with path.open("rb") as file:
                    return hashlib.file_digest(file, "blake2b").hexdigest()
            except OSError:
                return checksum
        return checksum


_QUIET = frozenset(
    {"grant", "revoke", "analyze", "vacuum", "comment", "checkpoint", "set", "reset"}
)


def _hooks(node: Node, name: str) -> list[Any]:
    """The hooks that somebody wrote."""
    hooks = node.config.get(name)
    listed = hooks if isinstance(hooks, list) else []
    return [
        hook for hook in listed if not is_ours(hook.get("sql") if isinstance(hook, dict) else hook)
    ]


def _package(key: str) -> str:
    return key.split(".")[1]


def _bare(key: str, prefixes: tuple[str, ...]) -> str:
    name = key.rsplit(".", 1)[-1]
    for prefix in prefixes:
        name = name.removeprefix(prefix)
    return name


def _versions(manifest: Manifest, settings: Settings | None) -> object:
    adapter = manifest.metadata.adapter_type or ""
    outside = settings is not None and settings.dbt_executable is not None
    ours = [] if outside else [*_TOOLS, f"dbt-{adapter}"]
    ours += ["duckdb"] if adapter == "duckdb" else []
    return [manifest.metadata.dbt_version if outside else None, [(t, version_of(t)) for t in ours]]


def _profile(settings: Settings | None) -> object:
    """What the profile says, but for its file, its threads and its secrets."""
    if settings is None or settings.profile is None:
        return None
    return {
        key: value
        for key, value in settings.profile.raw.items()
        if key not in ("path", "threads") and str(value) not in settings.secrets
    }
