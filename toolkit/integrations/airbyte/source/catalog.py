"""What sources offer, as they were last asked."""

import hashlib
import json
from pathlib import Path

import msgspec

from toolkit.files import age_of, write_whole
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.source.protocol import (
    Catalog,
)

# The platform, too, looks once a day whether a source's schema has changed.
MAX_AGE_SECONDS = 24 * 3600

_FORMAT = 1


class CatalogCache:
    """Discovered catalogs in files, by package, version and configuration.

    A connector needs seconds to start, and the graph needs its columns at once. The
    configuration counts *before* it is rendered: no secret goes into the key.
    """

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "airbyte"

    def get(self, connection: Connection, *, max_age: float | None = None) -> Catalog | None:
        """The cached catalog, or ``None`` if there is none (or none younger than ``max_age``)."""
        path = self._path(connection)
        age = age_of(path)
        if age is None or (max_age is not None and age > max_age):
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=Catalog)
        except (OSError, msgspec.MsgspecError):
            return None

    def age(self, connection: Connection) -> float | None:
        """Seconds since the source was asked; ``None`` if it never was with this configuration."""
        return age_of(self._path(connection))

    def put(self, connection: Connection, catalog: Catalog) -> None:
        """Keep a catalog."""
        data = msgspec.json.format(msgspec.json.encode(catalog))
        write_whole(self._path(connection), data)

    def _path(self, connection: Connection) -> Path:
        source = connection.source
        manifest = source.manifest.read_bytes() if source.manifest is not None else b""
        identity = json.dumps([_FORMAT, source.package, source.version, source.config])
        digest = hashlib.sha256(identity.encode() + b"\0" + manifest).hexdigest()[:16]
        name = source.package or "manifest"
        if source.image is not None:
            name = source.image.rpartition("/")[2]
            digest = hashlib.sha256(f"{source.image}\0{digest}".encode()).hexdigest()[:16]
        return self._folder / f"catalog-{name}-{source.version or 'default'}-{digest}.json"
