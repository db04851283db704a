"""The model store: ``models/<name>/<version>/`` with the model's file and ``model.json``.

A version is written to a temporary folder and renamed, so that it is there whole or not at
all, and what its files must be is noted in the ledger. ``<target>.current`` names the version
that a target uses, so that a model trained for dev is never the one that prod scores with;
``<target>.candidate`` names a newer one that waits for its checks.
"""

import getpass
import glob
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from toolkit.errors import AssetFailedError
from toolkit.files import write_whole
from toolkit.integrations.python.definitions import MLModel
from toolkit.integrations.python.models import formats
from toolkit.integrations.python.models.info import INFO_FILE, ModelInfo, Packed, Storing
from toolkit.ledger import Ledger, ModelEvent, ModelVersion
from toolkit.settings import Settings

_TRIES = 100  # versions of one microsecond


class ModelStore:
    """The models of one target.

    Args:
        folder: ``models`` in the project's state folder.
        target: whose pointers count.
        ledger: says what the files must be; ``None`` where nobody needs to know.

    Attributes:
        target: the environment.
    """

    def __init__(self, folder: Path, target: str, ledger: Ledger | None = None) -> None:
        self._folder = folder
        self.target = target
        self._ledger = ledger

    # ---- writing ----

    def save(
        self,
        name: str,
        packed: Packed,
        *,
        trusted: tuple[str, ...],
        code_version: str,
        inputs: Mapping[str, str],
        run_id: str = "",
        at: datetime | None = None,
    ) -> ModelInfo:
        """Store a version. It is nobody's current one yet.

        Args:
            at: when it was made; default: now.

        Raises:
            AssetFailedError: it cannot be written.
        """
        now = at or datetime.now(UTC)
        digest = hashlib.sha256(packed.data).hexdigest()
        info = ModelInfo(
            name=name,
            version="",
            target=self.target,
            sha256=digest,
            content=packed.content,
            metrics=packed.metrics,
            parameters=packed.parameters,
            metadata=packed.metadata,
            trusted=sorted(trusted),
            libraries=packed.libraries,
            code_version=code_version,
            inputs=dict(inputs),
            created_at="",
            file=packed.file,
            format=packed.format,
            format_reason=packed.format_reason,
            loader=packed.loader,
            platform=packed.platform,
            run_id=run_id,
            who=user(),
        )
        try:
            return self._write(info, packed.data, now)
        except OSError as error:
            raise AssetFailedError(
                f"The ML model {name!r} cannot be stored in {self._folder}: {error.strerror}.",
                "Nothing of it was kept; the model is as it was.",
                "Make room or give the permission, or `toolkit models prune` old versions; then "
                "build again.",
            ) from error

    def _write(self, info: ModelInfo, data: bytes, now: datetime) -> ModelInfo:
        folder = self._folder / info.name
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
            undo.callback(shutil.rmtree, fresh, ignore_errors=True)
            write_whole(fresh / info.file, data, durable=True)
            for _ in range(_TRIES):
                info.version = f"{now:%Y%m%dT%H%M%S%f}Z-{info.sha256[:8]}"
                info.created_at = now.isoformat()
                text = msgspec.json.format(msgspec.json.encode(info), indent=2)
                write_whole(fresh / INFO_FILE, text, durable=True)
                try:
                    fresh.rename(folder / info.version)
                except OSError:
                    if not (folder / info.version).exists():
                        raise
                    now += timedelta(microseconds=1)  # another one came in the same instant
                else:
                    undo.pop_all()
                    break
            else:
                raise FileExistsError(None, "there are too many versions of this very instant")
        if self._ledger is not None:
            self._ledger.models.add(_row(info, hashlib.sha256(text).hexdigest()),
                                    self._event(info, "trained"))  # fmt: skip
        return info

    def wait(self, info: ModelInfo) -> None:
        """Make a version the target's candidate."""
        self._point(self._candidate(info.name), info.version)

    def promote(
        self, info: ModelInfo, *, run_id: str = "", why: str = "", back: bool = False
    ) -> None:
        """Make a version the target's current one, in one step; no candidate waits any more.

        Args:
            why: in words, for the history.
            back: it was current before.
        """
        self._point(self._current(info.name), info.version)
        self._candidate(info.name).unlink(missing_ok=True)
        self.note(info, "rolled back" if back else "promoted", run_id=run_id, why=why)

    def note(self, info: ModelInfo, event: Any, *, run_id: str = "", why: str = "") -> None:  # noqa: ANN401  # ModelEventKind
        """Note what happened to a version."""
        if self._ledger is not None:
            self._ledger.models.note(self._event(info, event, run_id=run_id, why=why))

    def remove(self, name: str, version: str) -> None:
        """Take a version's files away, all at once, and what the ledger knows of it."""
        folder = self._folder / name
        gone = Path(tempfile.mkdtemp(prefix=".old-", dir=folder))
        with suppress(FileNotFoundError):
            (folder / Path(version).name).rename(gone / "version")
        shutil.rmtree(gone, ignore_errors=True)
        if self._ledger is not None:
            self._ledger.models.forget(name, version)

    def sweep(self, name: str) -> None:
        """Take away what killed builds have left half-written; no build may go on."""
        for kind in (".new-*", ".old-*"):
            for left in (self._folder / name).glob(kind):
                shutil.rmtree(left, ignore_errors=True)

    # ---- reading ----

    def names(self) -> list[str]:
        """All models of which something is stored."""
        return sorted(path.name for path in self._folder.glob("*/") if path.is_dir())

    def targets(self, name: str) -> list[str]:
        """All targets that use a version of a model, or have one that waits."""
        folder = self._folder / name
        found = {unquote(path.stem) for path in folder.glob("[!.]*.current")}
        return sorted(found | {unquote(path.stem) for path in folder.glob("[!.]*.candidate")})

    def versions(self, name: str) -> list[str]:
        """All stored versions of a model, the oldest first."""
        return sorted(path.parent.name for path in (self._folder / name).glob(f"[!.]*/{INFO_FILE}"))

    def current(self, name: str) -> str | None:
        """The version that the target uses."""
        return _pointer(self._current(name))

    def candidate(self, name: str) -> str | None:
        """The version that waits for its checks."""
        found = _pointer(self._candidate(name))
        return found if found != self.current(name) else None  # killed while it was promoted

    def info(self, name: str, version: str | None = None) -> ModelInfo:
        """``model.json`` of a version; of the current one where none is named.

        Raises:
            AssetFailedError: there is none; it cannot be read, or is not the one that was written.
        """
        version = version or self.current(name)
        if version is None:
            raise self._nothing(name)
        path = self._folder / name / Path(version).name / INFO_FILE
        try:
            text = path.read_bytes()
            info = msgspec.json.decode(text, type=ModelInfo)
        except (OSError, msgspec.MsgspecError) as error:
            raise broken(name, path, str(error)) from error
        row = self._row(name, info.version)
        if row is not None and hashlib.sha256(text).hexdigest() != row.info_sha256:
            raise broken(name, path, "it is not the one that was written: the ledger has another "
                         "hash of it")  # fmt: skip
        if row is None and info.format == "pickle" and self._ledger is not None:
            raise broken(name, path, "it is a pickle, and the ledger knows no such version")
        if info.name != name or info.version != path.parent.name:
            raise broken(name, path, f"it belongs to {info.name} {info.version}")
        return info

    def data_version(self, name: str, version: str | None) -> str | None:
        """The content of a version; ``None`` where there is none, or it cannot be read."""
        try:
            return self.info(name, version).content if version is not None else None
        except AssetFailedError:
            return None

    def _row(self, name: str, version: str) -> ModelVersion | None:
        return self._ledger.models.version(name, version) if self._ledger is not None else None

    def path(self, info: ModelInfo) -> Path:
        """The folder of one version."""
        return self._folder / info.name / Path(info.version).name

    def pointers(self) -> list[Path]:
        """The files that say which versions the target uses, two for each model there is."""
        target = glob.escape(quote(self.target, safe=""))
        return sorted(
            path
            for kind in ("current", "candidate")
            for path in self._folder.glob(f"*/{target}.{kind}")
        )

    def _current(self, name: str) -> Path:
        return self._folder / name / f"{quote(self.target, safe='')}.current"

    def _candidate(self, name: str) -> Path:
        return self._folder / name / f"{quote(self.target, safe='')}.candidate"

    def _point(self, pointer: Path, version: str) -> None:
        write_whole(pointer, version.encode(), durable=True)

    def _event(self, info: ModelInfo, event: Any, *, run_id: str = "", why: str = "") -> ModelEvent:  # noqa: ANN401
        return ModelEvent(
            model=info.name,
            version=info.version,
            target=self.target,
            at=time.time(),
            event=event,
            who=user(),
            why=why,
            run_id=run_id or (info.run_id if event == "trained" else ""),
        )

    def _nothing(self, name: str) -> AssetFailedError:
        waiting = self.candidate(name)
        if waiting is not None:
            return AssetFailedError(
                f"No version of the ML model {name!r} is promoted for the target "
                f"{self.target!r}: {waiting} has not passed its checks.",
                "What needs it was not run.",
                f"Look at it: toolkit models show {name}",
            )
        return AssetFailedError(
            f"The ML model {name!r} has not been made for the target {self.target!r}.",
            "What needs it was not run.",
            f"Make it first: toolkit build --select {name} --target {self.target}",
        )


def store_of(
    settings: Settings, ledger: Ledger | None = None, target: str | None = None
) -> ModelStore:
    """The project's models as one target sees them; default: the settings' own."""
    return ModelStore(settings.state_dir / "models", target or settings.target, ledger)


def opened(info: ModelInfo, folder: Path, storing: Storing, form: str = "any") -> Any:  # noqa: ANN401  # as annotated
    """A model, after its file was found to be the one that was written.

    Args:
        info: as the store gave it.
        folder: of this version.
        form: ``mlmodel`` for an :class:`MLModel`, ``bytes`` or ``path`` for the file, ``any`` for
            the model itself.

    Raises:
        AssetFailedError: it was changed, or holds types that are not trusted.
    """
    path = folder / Path(info.file).name
    data = verified(info, path)
    if form == "path":
        return path
    if form == "bytes":
        return data
    estimator = formats.read(info, path, data, storing)
    if form != "mlmodel":
        return estimator
    return MLModel(
        estimator=estimator,
        metrics=info.metrics,
        parameters=info.parameters,
        metadata=info.metadata,
        version=info.version,
    )


def verified(info: ModelInfo, path: Path) -> bytes:
    """The content of a model's file.

    Raises:
        AssetFailedError: it is not what was written.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise broken(info.name, path, str(error)) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != info.sha256:
        raise broken(
            info.name,
            path,
            f"its sha256 is {digest[:12]}..., but {info.sha256[:12]}... was written",
        )
    return data


def broken(name: str, path: Path, why: str) -> AssetFailedError:
    """The error about files that are not what they must be."""
    return AssetFailedError(
        f"The stored ML model {name!r} cannot be used: {path}: {why}.",
        "What needs it was not run.",
        f"Go back to the version before (toolkit models rollback {name}), or make it anew: "
        f"toolkit build --force --select {name}",
    )


def user() -> str:
    """Who this process belongs to."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container with a number for a user
        return str(os.getuid())


def _pointer(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _row(info: ModelInfo, digest: str) -> ModelVersion:
    return ModelVersion(
        model=info.name,
        version=info.version,
        target=info.target,
        at=datetime.fromisoformat(info.created_at).timestamp(),
        run_id=info.run_id,
        format=info.format,
        sha256=info.sha256,
        info_sha256=digest,
        content=info.content,
    )
