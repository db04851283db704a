"""A connector that is a container image, run by the engine that is on PATH."""

import shutil
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

import msgspec

from toolkit.errors import ConnectorError

_ENGINES = ("docker", "podman")
_INSIDE = "/toolkit"
_PULL_SECONDS = 1800
_LOOK_SECONDS = 30


class Launch(msgspec.Struct, frozen=True):
    """A command, and the one that ends what the command leaves behind when it is killed."""

    command: list[str]
    stop: list[str] = []


class Image(msgspec.Struct, frozen=True):
    """A connector's image and its tag."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    def is_installed(self) -> bool:
        """Whether the engine has the image.

        Raises:
            ConnectorError: there is no engine.
        """
        return self._engine("image", "inspect", str(self), seconds=_LOOK_SECONDS)[0] == 0

    def pull(self) -> None:
        """Have the engine fetch the image.

        Raises:
            ConnectorError: it cannot; with the engine's last line.
        """
        code, said = self._engine("pull", "--quiet", str(self), seconds=_PULL_SECONDS)
        if code:
            raise ConnectorError(
                f"The image {self} cannot be pulled: {said}.",
                "Syncs that need it cannot run.",
                "See that the engine runs and that the image and tag exist; or let an Airbyte "
                "server run the connection (`run: remote` under `airbyte:` in toolkit.yml).",
            )

    def launch(self, verb: str, files: Sequence[str], folder: Path) -> Launch:
        """How to start it with the JSON files of these names in ``folder``.

        The container has a name of ours: killing the engine's *client* leaves a container
        running, so it is removed by that name.
        """
        engine, name = self._program(), f"toolkit-{uuid.uuid4().hex}"
        run = [engine, "run", "--rm", "--init", "--interactive", "--name", name]
        mount = ["--volume", f"{folder}:{_INSIDE}:ro"] if files else []
        arguments = [part for key in files for part in (f"--{key}", f"{_INSIDE}/{key}.json")]
        # `kill` would miss one that was created and not started yet.
        stop = [engine, "rm", "--force", name]
        return Launch([*run, *mount, str(self), verb, *arguments], stop)

    def _engine(self, *words: str, seconds: float) -> tuple[int, str]:
        try:
            done = subprocess.run(
                [self._program(), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 124, f"no answer within {seconds:g} seconds"
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
        return done.returncode, lines[-1].strip().rstrip(".") if lines else "it gives no reason"

    def _program(self) -> str:
        found = next(filter(None, map(shutil.which, _ENGINES)), None)
        if found is None:
            raise ConnectorError(
                f"{self} is a container image, and there is no {' or '.join(_ENGINES)} on PATH.",
                "A local run cannot start it.",
                "Install a container engine, or let an Airbyte server run the connection "
                "(`run: remote` under `airbyte:` in toolkit.yml).",
            )
        return found
