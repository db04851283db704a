"""What :func:`toolkit.testing.build` has built."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import AssetError
from toolkit.graph import Asset, Relation
from toolkit.integrations.python.definitions import MLModel
from toolkit.warehouse import Warehouse, quote_relation

NOTHING_READ = "Nothing was read."

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class CheckOutcome:
    """How a check ended.

    Attributes:
        name: of the check.
        asset: the name of the asset that it is about.
        status: dbt's word: ``pass``, ``warn``, ``fail``, or ``skipped`` where the test gives
            not all that it reads.
        message: one line for people.
        failures: rows that are wrong, or 1 where none were counted.
    """

    name: str
    asset: str
    status: str
    message: str
    failures: int

    @property
    def passed(self) -> bool:
        """Whether the asset is as the check wants it."""
        return self.status == "pass"


class Folder:
    """A temporary folder that goes when nobody holds this any more, without a warning."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="toolkit-test-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class BuildResult:
    """Tables, ML models and checks, for as long as this object is kept.

    Attributes:
        built: names of the assets that were made, in order.
        checks: how each check ended, by its name; ``<asset>.<name>`` where two have one name.
    """

    def __init__(
        self,
        *,
        warehouse: Warehouse,
        folder: Folder,
        assets: Mapping[str, Asset],
        built: tuple[str, ...],
        checks: Mapping[str, CheckOutcome],
        load_model: Callable[[str], MLModel],
    ) -> None:
        self._warehouse = warehouse
        self._folder = folder
        self._assets = assets
        self._load_model = load_model
        self.built = built
        self.checks = checks

    @property
    def passed(self) -> bool:
        """Whether no check has failed or warned."""
        return all(check.status in ("pass", "skipped") for check in self.checks.values())

    def table(self, name: str | Callable[..., Any]) -> "pa.Table":
        """The rows of an asset, made or given.

        Raises:
            AssetError: there is none of this name, or it is an ML model.
        """
        asset = self._asset(name)
        if asset.relation is None:
            raise AssetError(
                f"{asset.name} is an ML model, so it has no rows.", NOTHING_READ, "Use model()."
            )
        with self._warehouse.cursor() as cursor:
            return cursor.sql(f"SELECT * FROM {quote_relation(asset.relation)}").to_arrow_table()

    def rows(self, name: str | Callable[..., Any]) -> list[dict[str, Any]]:
        """The same as a list of dicts, in the order in which they were written."""
        rows: list[dict[str, Any]] = self.table(name).to_pylist()
        return rows

    def relation(self, name: str | Callable[..., Any]) -> Relation:
        """Where a table is, for :meth:`sql`."""
        found = self._asset(name).relation
        assert found is not None
        return found

    def sql(self, query: str) -> list[dict[str, Any]]:
        """The rows that a query gives; what was built and given goes by its name."""
        with self._warehouse.cursor() as cursor:
            rows: list[dict[str, Any]] = cursor.sql(query).to_arrow_table().to_pylist()
        return rows

    def model(self, name: str | Callable[..., Any]) -> MLModel:
        """An ML model with its metrics, as it was stored."""
        return self._load_model(self._asset(name).key)

    def log(self, name: str) -> str:
        """What an asset or check has printed (a check: ``check.<asset>.<name>``)."""
        path = Path(self._folder.path, "logs", f"{name.removeprefix('python.')}.log")
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _asset(self, name: str | Callable[..., Any]) -> Asset:
        text = name if isinstance(name, str) else getattr(name, "__name__", repr(name))
        for asset in self._assets.values():
            if text in (asset.name, asset.key):
                return asset
        names = ", ".join(sorted(asset.name for asset in self._assets.values()))
        raise AssetError(
            f"There is no {text!r} among what was built and given.",
            NOTHING_READ,
            f"There is: {names}.",
        )
