"""Where each connector stopped: a table beside the data, so that both commit together."""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from toolkit.integrations.airbyte.model import StreamName
from toolkit.integrations.airbyte.source.protocol import descriptor
from toolkit.integrations.airbyte.yamltext import Json

if TYPE_CHECKING:
    import duckdb

SCHEMA = "_toolkit"
_TABLE = f'"{SCHEMA}"."connector_state"'

# The kind of a stream whose table holds the first rows only: the next full sync replaces it.
SAMPLE = "SAMPLE"

# Rows that are no stream's: the shared part of a GLOBAL state, or a whole LEGACY state.
_WHOLE = ""


class Saved(msgspec.Struct, kw_only=True):
    """What is remembered of one stream.

    Attributes:
        state: JSON text as the connector gave it; ``None`` before its first checkpoint.
        generation: counts the full refreshes of the table.
        data_version: of the table after the last sync.
    """

    kind: str = "STREAM"
    state: str | None = None
    generation: int = 0
    data_version: str | None = None


class StateStore:
    """Reads and writes the states of one connection.

    It opens no transaction of its own: what is written commits with the rows that the
    caller writes on the same cursor.
    """

    def __init__(self, cursor: "duckdb.DuckDBPyConnection", connection: str) -> None:
        self._cursor = cursor
        self._connection = connection

    @staticmethod
    def create(cursor: "duckdb.DuckDBPyConnection") -> None:
        """Create the table unless it is there: once, before syncs run side by side."""
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {_TABLE} (connection VARCHAR, namespace VARCHAR, "
            "stream VARCHAR, kind VARCHAR, state VARCHAR, generation BIGINT, "
            "data_version VARCHAR, saved_at TIMESTAMP DEFAULT current_timestamp)"
        )

    def load(self) -> dict[StreamName, Saved]:
        """All that is remembered, by stream's name and namespace."""
        rows = self._cursor.execute(
            "SELECT stream, namespace, kind, state, generation, data_version "
            f"FROM {_TABLE} WHERE connection = ?",
            [self._connection],
        ).fetchall()
        return {
            (stream, namespace or None): Saved(
                kind=kind, state=state, generation=generation, data_version=version
            )
            for stream, namespace, kind, state, generation, version in rows
        }

    def save(self, name: str, namespace: str | None, saved: Saved) -> None:
        """Replace what is remembered of one stream."""
        key = [self._connection, name, namespace or ""]
        self._cursor.execute(
            f"DELETE FROM {_TABLE} WHERE connection = ? AND stream = ? AND namespace = ?", key
        )
        self._cursor.execute(
            f"INSERT INTO {_TABLE} (connection, stream, namespace, kind, state, generation, "
            "data_version) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [*key, saved.kind, saved.state, saved.generation, saved.data_version],
        )

    def save_whole(self, kind: str, state: str) -> None:
        """Replace the state that is no stream's: GLOBAL's shared part, or LEGACY."""
        self.save(_WHOLE, None, Saved(kind=kind, state=state))


def is_legacy(saved: Mapping[StreamName, Saved]) -> bool:
    """Whether there is one state for all streams together."""
    whole = saved.get((_WHOLE, None))
    return whole is not None and whole.kind == "LEGACY"


def without_whole(saved: Mapping[StreamName, Saved]) -> dict[StreamName, Saved]:
    """What is remembered of each stream alone."""
    return {key: value for key, value in saved.items() if key != (_WHOLE, None)}


def input_state(saved: Mapping[StreamName, Saved], streams: Iterable[StreamName]) -> Json:
    """The ``--state`` input for these streams: none that is not among them.

    A LEGACY state is given as the source gave it, not in a list, as the platform does.
    """
    states = [
        {
            "stream_descriptor": descriptor(*key),
            "stream_state": json.loads(text or "null"),
        }
        for key in streams
        if (text := saved[key].state if key in saved else None) not in (None, "null")
    ]
    whole = saved.get((_WHOLE, None))
    if whole is not None and whole.state is not None:
        if whole.kind == "LEGACY":
            return json.loads(whole.state)
        shared = json.loads(whole.state)
        return [{"type": "GLOBAL", "global": {"shared_state": shared, "stream_states": states}}]
    return [{"type": "STREAM", "stream": state} for state in states]
