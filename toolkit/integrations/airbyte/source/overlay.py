"""What a connector changes of its own configuration (a rotated token), kept for the next start.

An overlay over the rendered configuration, a file that only its owner can read, in the
project's state and in no file of the user's. Each change remembers a fingerprint of the value
that it replaced: where the configuration says something else now, the user has changed it, and
the user's word counts.
"""

import copy
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from toolkit.files import age_of, write_whole
from toolkit.integrations.airbyte.yamltext import Json

_MISSING = object()


class Change(msgspec.Struct, frozen=True):
    """One value that a connector changed.

    Attributes:
        path: keys that lead to it.
        was: fingerprint of what the configuration has there.
        value: what the connector wants there.
    """

    path: tuple[str, ...]
    was: str
    value: Any

    @property
    def name(self) -> str:
        """Its path, dotted; never its value."""
        return ".".join(self.path)


class _File(msgspec.Struct):
    salt: str
    changes: list[Change]


class ConfigOverlay:
    """The kept changes of one connection for one target.

    Args:
        state_dir: the project's ``.toolkit`` folder.
    """

    def __init__(self, state_dir: Path, target: str, connection: str) -> None:
        digest = hashlib.sha256(f"{target}\0{connection}".encode()).hexdigest()[:16]
        self._folder = state_dir / "airbyte" / "private"
        self.path = self._folder / f"config-{digest}.json"

    def apply(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Change]]:
        """The configuration as the connector last wanted it, and what differs.

        Args:
            config: as the user gave it, rendered.
        """
        changed = copy.deepcopy(dict(config))
        known = self._read()
        applied = [
            change
            for change in known.changes
            if isinstance(_at(config, change.path[:-1]), Mapping)
            and change.was == _fingerprint(_at(config, change.path), known.salt)
        ]
        for change in applied:
            _put(changed, change.path, change.value)
        return changed, applied

    def keep(self, config: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Change]:
        """Remember how ``wanted`` differs from the user's ``config``; at once and durably.

        The old token is of no use any more, so this must not wait for the end of the sync.

        Raises:
            OSError: it cannot be written.
        """
        salt = secrets.token_hex(16)
        changes = [
            Change(path, _fingerprint(_at(config, path), salt), value)
            for path, value in _differences(config, wanted)
        ]
        self._write(_File(salt, changes))
        return changes

    def age(self) -> float | None:
        """Seconds since the last change; ``None`` if there is none."""
        return age_of(self.path)

    def _read(self) -> _File:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=_File)
        except (OSError, msgspec.MsgspecError):
            return _File("", [])

    def _write(self, file: _File) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        # Whoever commits the state folder must not commit these.
        (self._folder / ".gitignore").write_text("*\n", encoding="utf-8")
        write_whole(self.path, msgspec.json.encode(file), mode=0o600, durable=True)


def _differences(
    config: Mapping[str, Any], wanted: Mapping[str, Any], at: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Json]]:
    for key, value in wanted.items():
        had = config.get(key, _MISSING)
        if isinstance(had, Mapping) and isinstance(value, Mapping):
            yield from _differences(had, value, (*at, key))
        elif had is _MISSING or had != value:
            yield (*at, key), value


def _at(config: Json, path: tuple[str, ...]) -> Json:
    for key in path:
        if not isinstance(config, Mapping) or key not in config:
            return _MISSING
        config = config[key]
    return config


def _put(config: dict[str, Any], path: tuple[str, ...], value: Json) -> None:
    for key in path[:-1]:
        config = config[key]
    config[path[-1]] = value


def _fingerprint(value: Json, salt: str) -> str:
    text = "" if value is _MISSING else json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode(), key=salt.encode(), digest_size=16).hexdigest()
