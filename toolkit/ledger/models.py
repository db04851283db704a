"""Versions of ML models, and what became of each: trained, promoted, refused.

The files of a version lie in the model store. What they must be (their hashes) stands here, so
that whoever can write there cannot say himself that what he wrote is right.
"""

from typing import Literal

import msgspec

from toolkit.ledger.part import Part

ModelEventKind = Literal["trained", "promoted", "refused", "rolled back", "pruned"]


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One stored version.

    Attributes:
        target: that it was trained for.
        sha256 / info_sha256: of the model's file, and of its ``model.json``.
        content: fingerprint of what was learnt: the data version.
    """

    model: str
    version: str
    target: str
    at: float
    run_id: str
    format: str
    sha256: str
    info_sha256: str
    content: str


class ModelEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a version, for one target.

    Attributes:
        who: the user whose process did it.
        why: in words: the check that refused it, who forced it.
        run_id: of the build; empty where somebody did it by hand.
        counts: what the build made is in the warehouse that people see.
    """

    model: str
    version: str
    target: str
    at: float
    event: ModelEventKind
    who: str = ""
    why: str = ""
    run_id: str = ""
    counts: bool = True


class Models(Part):
    """The part of the ledger that has the ML models."""

    def add(self, version: ModelVersion, event: ModelEvent) -> None:
        """Note a version that was stored, and that it was trained."""
        with self._transaction():
            self._execute(
                "INSERT INTO model_version VALUES (:model, :version, :target, :at, :run_id, "
                ":format, :sha256, :info_sha256, :content)",
                msgspec.structs.asdict(version),
            )
            self.note(event)

    def note(self, event: ModelEvent) -> None:
        """Note what happened to a version."""
        with self._transaction():
            self._execute(
                "INSERT INTO model_event (model, version, target, at, event, who, why, run_id) "
                "VALUES (:model, :version, :target, :at, :event, :who, :why, :run_id)",
                msgspec.structs.asdict(event),
            )

    def forget(self, model: str, version: str) -> None:
        """A version's files are gone."""
        with self._transaction():
            for table in ("model_version", "model_event"):
                self._execute(
                    f"DELETE FROM {table} WHERE model = ? AND version = ?", (model, version)
                )

    def version(self, model: str, version: str) -> ModelVersion | None:
        """What is known of a version; ``None``: no build has noted it."""
        rows = self._read(
            "SELECT * FROM model_version WHERE model = ? AND version = ?", model, version
        )
        return next((msgspec.convert(row, ModelVersion) for row in rows), None)

    def events(self, model: str) -> list[ModelEvent]:
        """All that happened to the versions of a model, oldest first."""
        rows = self._read(
            "SELECT e.*, coalesce(run.published, 1) AS published FROM model_event AS e "
            "LEFT JOIN run ON run.id = e.run_id WHERE e.model = ? ORDER BY e.id",
            model,
        )
        return [
            msgspec.convert({**row, "counts": bool(row["published"])}, ModelEvent) for row in rows
        ]
