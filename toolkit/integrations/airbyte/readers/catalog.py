"""A ConfiguredAirbyteCatalog standing alone: what a connector is given to read.

It has streams with their schemas, and says nothing of a connection: that is named after the
file, and where it lands is for ``destinations`` in toolkit.yml to say.
"""

from collections.abc import Sequence

from toolkit.integrations.airbyte.model import Connection, Destination, Source
from toolkit.integrations.airbyte.readers.base import Read, SourceFile
from toolkit.integrations.airbyte.readers.shape import Element
from toolkit.integrations.airbyte.readers.synccatalog import read_catalog


class CatalogReader:
    """Reads ``{"streams": [{"stream": {...}, "sync_mode": ...}]}``."""

    name = "ConfiguredAirbyteCatalog"
    suffixes = frozenset({".json", ".yml", ".yaml"})

    def recognises(self, file: SourceFile) -> bool:
        """Streams that hold a stream, and nothing that our own format has."""
        document = file.document
        if not isinstance(document, dict) or {"source", "destination", "type"} & document.keys():
            return False
        streams = document.get("streams")
        return isinstance(streams, list) and any(
            isinstance(entry, dict) and isinstance(entry.get("stream"), dict) for entry in streams
        )

    def read(self, files: Sequence[SourceFile]) -> Read:
        """Each file is one connection.

        Raises:
            ArtifactError: with the file and the path of keys.
        """
        return Read(connections=[_connection(file) for file in files])


def _connection(file: SourceFile) -> Connection:
    lines = file.located.lines
    return Connection(
        name=file.path.stem,
        source=Source(name=file.path.stem),
        destination=Destination(name=file.path.stem),
        streams=read_catalog(
            Element(file.document, file.path), lambda index: lines.get(("streams", index))
        ),
        path=file.path,
        format=CatalogReader.name,
        line=lines.get(()),
    )
