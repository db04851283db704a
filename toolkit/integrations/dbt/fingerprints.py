"""Named hashes of what makes a node what it is, after dbt's own ``state:`` rules.

Which fields count follows ``same_contents`` and its parts in dbt-core 1.11
(dbt/contracts/graph/nodes.py); ``modified`` is any difference in any of them.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from toolkit.integrations.dbt.manifest import Manifest, Node

# config keys that dbt leaves out of the comparison (CompareBehavior.Exclude)
_UNCOMPARED = frozenset({"alias", "schema", "database", "tags", "group"})
_IN_NODES = frozenset({"model", "snapshot", "seed", "test", "function"})
# dbt adds these to a Python model when it compiles it, so they come and go with the command
_ADDED_BY_COMPILING = frozenset({"macro.dbt.py_script_postfix", "macro.dbt.py_script_comment"})
_encoder = msgspec.json.Encoder(order="deterministic", enc_hook=str)


def _hash(*values: object) -> str:
    return hashlib.blake2b(_encoder.encode(values), digest_size=12).hexdigest()


class Fingerprints:
    """Fingerprints of the nodes of one manifest; macros are hashed once each."""

    def __init__(self, manifest: Manifest) -> None:
        self._macros = manifest.macros
        self._macro_hash: dict[str, str] = {}

    def of(self, node: Node) -> Mapping[str, str]:
        """By dbt's names for the parts of ``state:modified``, and ``other`` for the rest."""
        if node.resource_type in _IN_NODES:
            return self._of_node(node)
        return {
            "body": _hash(node.depends_on.nodes if node.depends_on else None, node.model),
            "configs": _hash(self._config(node)),
            "relation": _hash(node.database, node.schema, node.identifier),
            "other": _hash(
                node.fqn, node.type, node.owner, node.maturity, node.url, node.label,
                node.description if node.resource_type != "source" else None,
                node.freshness, node.loaded_at_field, node.external, node.quoting,
                node.type_params, node.checksum if isinstance(node.checksum, str) else None,
            ),
        }  # fmt: skip

    def _of_node(self, node: Node) -> Mapping[str, str]:
        persist = node.config.get("persist_docs")
        persist = persist if isinstance(persist, dict) else {}
        unrendered = node.unrendered_config
        generic = node.test_metadata is not None
        prints = {
            "body": _hash(node.checksum if node.resource_type == "seed" else node.raw_code),
            "configs": _hash(self._config(node)),
            "persisted_descriptions": _hash(
                node.description if persist.get("relation") else None,
                {k: c.description for k, c in node.columns.items()}
                if persist.get("columns")
                else None,
            ),
            "relation": _hash([unrendered.get(k) for k in ("database", "schema", "alias")]),
            "macros": self._macros_of(node),
            "contract": _hash(self._contract(node)),
            "other": _hash(
                node.fqn, node.latest_version, node.access, node.deprecation_date
            ),
        }  # fmt: skip
        if generic:  # dbt compares a generic test's config and name only
            prints = {k: prints[k] for k in ("configs", "macros")} | {"other": _hash(node.fqn)}
        return prints

    def _config(self, node: Node) -> dict[str, Any]:
        return {k: v for k, v in node.unrendered_config.items() if k not in _UNCOMPARED}

    def _contract(self, node: Node) -> object:
        contract = node.contract or {}
        return contract.get("checksum") if contract.get("enforced") else None

    def _macros_of(self, node: Node) -> str:
        seen: set[str] = set()
        frontier = list(node.depends_on.macros) if node.depends_on else []
        while frontier:
            key = frontier.pop()
            macro = self._macros.get(key)
            if key in _ADDED_BY_COMPILING:
                continue
            if key not in seen and macro is not None:
                seen.add(key)
                frontier.extend(macro.depends_on.macros if macro.depends_on else ())
        return _hash([(key, self._hash_of_macro(key)) for key in sorted(seen)])

    def _hash_of_macro(self, key: str) -> str:
        if key not in self._macro_hash:
            self._macro_hash[key] = _hash(self._macros[key].macro_sql)
        return self._macro_hash[key]
