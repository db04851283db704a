"""MLflow beside toolkit: its experiments in a SQLite file of their own. No server, no network.

toolkit versions, gates and promotes models without it. This is for who wants MLflow's own pages
and comparisons of runs (``mlflow ui --backend-store-uri sqlite:///.toolkit/mlflow.db``).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import SettingsError

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Tracking", "TrackingRun", "tracking"]

_STORE = ".toolkit/mlflow.db"


class TrackingRun:
    """One run of MLflow's; what is logged is in its store at once.

    Attributes:
        id: MLflow's.
        client: for all that is not offered here.
    """

    def __init__(self, client: "MlflowClient", run_id: str) -> None:
        self.client = client
        self.id = run_id

    def log_params(self, params: Mapping[str, Any]) -> None:
        """What the model is trained with."""
        for name, value in params.items():
            self.client.log_param(self.id, name, value)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """How good it is; ``step`` numbers the points of one line."""
        for name, value in metrics.items():
            self.client.log_metric(self.id, name, float(value), step=step)

    def log_artifact(self, path: Path | str) -> None:
        """Copy a file into MLflow's folder of this run."""
        self.client.log_artifact(self.id, str(path))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Words to find it by."""
        for name, value in tags.items():
            self.client.set_tag(self.id, name, value)


class Tracking:
    """MLflow's experiment in a SQLite file; see :func:`tracking`. Thread-safe."""

    def __init__(self, client: "MlflowClient", experiment_id: str) -> None:
        self.client = client
        self.experiment_id = experiment_id

    @contextmanager
    def run(self, name: str, tags: Mapping[str, str] | None = None) -> Iterator[TrackingRun]:
        """A run that ends as ``FINISHED``, or as ``FAILED`` where what is done in it raises.

        Args:
            name: what MLflow's pages call it.
            tags: words to find it by.
        """
        begun = self.client.create_run(self.experiment_id, run_name=name, tags=dict(tags or {}))
        run_id = begun.info.run_id
        status = "FAILED"
        try:
            yield TrackingRun(self.client, run_id)
            status = "FINISHED"
        finally:
            self.client.set_terminated(run_id, status)


def tracking(
    experiment: str, path: Path | str = _STORE, artifacts: Path | str | None = None
) -> Tracking:
    """MLflow's tracking in a SQLite file, which is made where it is not there.

    Args:
        experiment: its name; made where it is not there.
        path: the file; a relative one counts from the working folder, which in a build is the
            project's.
        artifacts: folder for files that are logged; default: beside the file, with ``-artifacts``
            in place of its ending.

    Raises:
        SettingsError: MLflow is not installed.
    """
    # MLflow sends no word about its use: neither now nor from what it starts.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise SettingsError(
            f"MLflow cannot be imported: {error}.",
            "Nothing can be tracked with it.",
            "Install it: pip install 'toolkit[mlflow]'.",
        ) from error
    file = Path(path).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(artifacts).absolute() if artifacts is not None else _beside(file)
    store = f"sqlite:///{file}"
    client = MlflowClient(tracking_uri=store, registry_uri=store)
    found = client.get_experiment_by_name(experiment)
    if found is not None:
        return Tracking(client, found.experiment_id)
    try:
        made = client.create_experiment(experiment, artifact_location=(folder / "").as_uri())
    except MlflowException:
        found = client.get_experiment_by_name(experiment)  # another process was faster
        if found is None:
            raise
        made = found.experiment_id
    return Tracking(client, made)


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.stem}-artifacts")
