"""Which nodes must still wait for steps that dbt knows nothing of. Pure; not thread-safe."""

from collections.abc import Iterable, Mapping


class Gates:
    """Nodes with the keys that each of them waits for.

    Args:
        waits: for a node the keys of the steps that must have ended before it begins.
        ended: what has ended already, with whether it blocks.
    """

    def __init__(
        self, waits: Mapping[str, frozenset[str]], ended: Mapping[str, bool] | None = None
    ) -> None:
        self._missing = {node: set(keys) for node, keys in waits.items() if keys}
        self._waiting: dict[str, list[str]] = {}
        for node, keys in self._missing.items():
            for key in keys:
                self._waiting.setdefault(key, []).append(node)
        self._open_all = False
        self.blocked: set[str] = set()
        for key, blocks in (ended or {}).items():
            self.end(key, blocks=blocks)

    def is_open(self, node: str) -> bool:
        """Whether nothing holds the node back."""
        return self._open_all or node not in self._missing

    def end(self, key: str, *, blocks: bool) -> Iterable[str]:
        """Note that a step has ended; gives the nodes that are open now and were not before.

        What waited for a step that ``blocks`` gets into ``blocked``; it opens as well once
        nothing else holds it back, for dbt to skip it.
        """
        opened = []
        for node in self._waiting.pop(key, ()):
            missing = self._missing[node]
            missing.discard(key)
            if blocks:
                self.blocked.add(node)
            if not missing:
                del self._missing[node]
                opened.append(node)
        return opened

    def open_all(self) -> Iterable[str]:
        """Open everything; gives the nodes that were not open."""
        self._open_all = True
        opened = list(self._missing)
        self._missing.clear()
        self._waiting.clear()
        return opened
