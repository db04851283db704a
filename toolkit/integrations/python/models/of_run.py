"""The ML models of one run: stored as candidates, handed to checks, promoted when all passed."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from toolkit.graph.gates import decides
from toolkit.integrations.base import Made, RunContext
from toolkit.integrations.python.declared.modules import relative
from toolkit.integrations.python.definitions import MLModel
from toolkit.integrations.python.models import gates
from toolkit.integrations.python.models.info import ModelInfo, Packed, Storing
from toolkit.integrations.python.models.store import ModelStore, opened, store_of
from toolkit.integrations.python.registry import Input, PythonAsset, PythonCheck, Registry
from toolkit.ledger import Ledger
from toolkit.settings import Settings


class HandedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A stored model for another process, which opens it.

    Attributes:
        info: verified; ``None``: there is none, as before the first promotion.
        folder: of the version.
    """

    form: str
    info: ModelInfo | None = None
    folder: str = ""
    storing: Storing = Storing()

    def value(self) -> Any:  # noqa: ANN401  # as annotated
        """What the function gets."""
        if self.info is None:
            return None
        if self.form in ("metrics", "promoted_metrics"):
            return self.info.metrics
        form = "mlmodel" if self.form == "promoted" else self.form
        return opened(self.info, Path(self.folder), self.storing, form)


def about_of(item: PythonAsset | PythonCheck) -> str | None:
    """The asset that a check is about."""
    return item.check.attached if isinstance(item, PythonCheck) else None


def storing_of(item: PythonAsset, settings: Settings) -> Storing:
    """How an asset's models are stored and may be loaded."""
    return Storing(
        format=item.format,
        trusted=item.trusted,
        pickle_allowed=settings.python.allow_pickle,
        libraries=item.libraries,
    )


class RunModels:
    """Stores, hands over and promotes models during one run. Thread-safe.

    A version that is trained becomes the target's candidate. When every check of severity
    ``error`` on the model has passed in this run, it is promoted; a model without such checks is
    promoted at once. The pointer that says which version counts is changed before the check's
    end is told, so whoever waits for the check reads what it let pass; a process that is killed
    in between leaves a version promoted whose checks had passed, which the next plan sees.

    Args:
        given: models that are used instead of stored ones, by key.
        gated: whether checks decide; else every version counts at once.
    """

    def __init__(
        self,
        context: RunContext,
        registry: Registry,
        given: Mapping[str, MLModel],
        *,
        gated: bool = True,
    ) -> None:
        self._context = context
        self._registry = registry
        self._given = given
        self._ledger: Ledger | None = None
        self._store: ModelStore | None = None
        self._lock = threading.RLock()
        self._passed: dict[str, set[str]] = {}  # checks that passed in this run, by model
        self._gates: dict[str, set[str]] = {}
        for key, item in registry.checks.items() if gated else ():
            if item.check.attached is not None and decides(item.check, context.graph):
                self._gates.setdefault(item.check.attached, set()).add(key)

    @property
    def store(self) -> ModelStore:
        """The target's store; the ledger is opened when a model is first asked for."""
        with self._lock:
            if self._store is None:
                settings = self._context.settings
                self._ledger = Ledger(settings.state_dir / "ledger.db")
                self._store = store_of(settings, self._ledger)
            return self._store

    def close(self) -> None:
        """Let go of the ledger."""
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()
            self._ledger = self._store = None

    def storing(self, item: PythonAsset) -> Storing:
        """How an asset's models are stored and may be loaded."""
        return storing_of(item, self._context.settings)

    # ---- reading ----

    def handed(self, part: Input, about: str | None = None) -> HandedModel:
        """The model that a parameter asks for.

        Args:
            about: the model that a check is about: of that one it gets the candidate.

        Raises:
            AssetFailedError: it was never promoted, or its files are not what was written.
        """
        item = self._registry.assets[part.key]
        store = self.store
        if part.form in ("promoted", "promoted_metrics"):
            version = store.current(part.name)
            if version is None:
                return HandedModel(form=part.form)
        else:
            version = store.candidate(part.name) if about == part.key else None
        info = store.info(part.name, version)
        return HandedModel(
            form=part.form,
            info=info,
            folder=str(store.path(info)),
            storing=self.storing(item),
        )

    def argument(self, part: Input, about: str | None = None) -> Any:  # noqa: ANN401  # as annotated
        """The value of a parameter; see :meth:`handed`."""
        model = self._given.get(part.key)
        if model is None:
            return self.handed(part, about).value()
        if part.form == "metrics":
            return model.metrics
        if part.form in ("promoted", "promoted_metrics"):
            return None
        return model if part.form == "mlmodel" else model.estimator

    def data_version(self, part: Input) -> str:
        """The content of the version that counts."""
        return "" if part.key in self._given else self.store.info(part.name).content

    # ---- writing ----

    def keep(
        self, item: PythonAsset, packed: Packed, inputs: Mapping[str, str]
    ) -> tuple[Made, str]:
        """Store a version; it counts now, or waits for its checks. And what is said of it.

        Raises:
            AssetFailedError: it cannot be written.
        """
        key, run_id = item.asset.key, self._context.run_id
        with self._lock:
            info = self.store.save(
                item.asset.name,
                packed,
                trusted=item.trusted,
                code_version=item.asset.code_version,
                inputs=inputs,
                run_id=run_id,
            )
            self._passed[key] = set()
            waits = self._gates.get(key, set())
            said = ", ".join(f"{name} {number:.4g}" for name, number in info.metrics.items())
            if not waits:
                self.store.promote(info, run_id=run_id)
                return self._made(key, info), said or info.version
            self.store.wait(info)
            before = self.store.data_version(info.name, self.store.current(info.name))
        made = msgspec.structs.replace(
            self._made(key, info), data_version=before, candidate=info.content
        )
        count = f"{len(waits)} checks decide" if len(waits) > 1 else "a check decides"
        return made, f"{said or info.version}; a candidate: {count}"

    def _made(self, key: str, info: ModelInfo, *, kept: bool = False) -> Made:
        folder = relative(self.store.path(info), self._context.settings.project_dir)
        return Made(
            asset=key,
            data_version=info.content,
            metrics=info.metrics,
            metadata={
                "version": info.version,
                "path": folder,
                "sha256": info.sha256,
                "format": info.format,
                "parameters": info.parameters,
                **({"metadata": info.metadata} if info.metadata else {}),
            },
            kept=kept,
        )

    def gate(self, item: PythonCheck) -> tuple[bool, str]:
        """Judge a declared gate.

        Raises:
            AssetFailedError: the model has no such metric; there is no model.
        """
        assert item.gate is not None
        part = item.callee.inputs[0]
        given = self._given.get(part.key)
        if given is not None:
            return gates.judge(item.gate, given.metrics, None, same=False)
        info = self.store.info(part.name, self.store.candidate(part.name))
        current = self.store.current(part.name)
        before = self.store.info(part.name, current) if current is not None else None
        return gates.judge(
            item.gate,
            info.metrics,
            before.metrics if before is not None else None,
            same=before is not None and before.content == info.content,
        )

    def judged(self, item: PythonCheck, *, passed: bool) -> tuple[tuple[Made, ...], str]:
        """A check has ended: what counts now that did not, and what is to be said of it."""
        key = item.check.attached
        if key is None or item.check.key not in self._gates.get(key, ()):
            return (), ""
        model = self._registry.assets.get(key)
        if model is None or model.asset.kind != "ml_model" or key in self._given:
            return (), ""
        name = model.asset.name
        with self._lock:
            version = self.store.candidate(name)
            if version is None:
                return (), ""
            info = self.store.info(name, version)
            if not passed:
                return (), self._refused(info, item.check.name)
            self._passed.setdefault(key, set()).add(item.check.key)
            if self._gates[key] - self._passed[key]:
                return (), ""
            run_id = self._context.run_id
            self.store.promote(info, run_id=run_id, why="all of its checks passed")
            return (self._made(key, info, kept=True),), f"{name} {version} is promoted"

    def _refused(self, info: ModelInfo, check: str) -> str:
        self.store.note(
            info, "refused", run_id=self._context.run_id, why=f"check {check} did not pass"
        )
        current = self.store.current(info.name)
        stays = f"{current} stays the current one" if current else "no version is promoted"
        return f"{info.name} {info.version} is not promoted; {stays}."
