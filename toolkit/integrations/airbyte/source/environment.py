"""Connector environments: one venv for each package and version, outside of ours.

Two connectors in one environment break each other (their CDK pins differ), and none may
come into the toolkit's own. Venvs cannot be moved (their scripts name the interpreter's
path), so one is built where it will stay, under a lock, and *counts* only once its marker
file is there; what lies there without a marker is what a killed install left, and is removed.
"""

import configparser
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.source.docker import Image, Launch
from toolkit.masking import Masker
from toolkit.settings.cache import cache_dir

CDK_PACKAGE = "airbyte-cdk"
CDK_VERSION = "7.39.1"
CDK_SCRIPT = "source-declarative-manifest"
MANIFEST_KEY = "__injected_declarative_manifest"

_MARKER = "toolkit-connector.json"
_INSTALL_SECONDS = 1800
_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.!+_-]*")

# Written in Java or Kotlin: Airbyte publishes an image of each, and no Python package.
_IMAGES_ONLY = frozenset(
    f"airbyte-source-{name}"
    for name in (
        *("bigquery", "clickhouse", "cockroachdb", "db2", "dynamodb", "elasticsearch", "kafka"),
        *("mongodb-v2", "mssql", "mysql", "oracle", "postgres", "redshift", "snowflake"),
        *("teradata", "tidb"),
    )
)

# How pip and uv say that an index has no such package or version.
_NOT_THERE = re.compile(r"No matching distribution|not found in the package registry|no version of")

# These would make pip install into another place than the venv.
_ELSEWHERE = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_REQUIREMENT",
    "PIP_REQUIRE_VIRTUALENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONUSERBASE",
    "VIRTUAL_ENV",
)


class Package(msgspec.Struct, frozen=True):
    """A connector on PyPI, pinned."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def folder(self) -> Path:
        """Where its environment is or would be."""
        python = f"py{sys.version_info.major}{sys.version_info.minor}"
        identity = (self.name, self.version, _python(), sys.version, sys.platform)
        digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:8]
        return cache_dir() / "connectors" / f"{self.name}-{self.version}-{python}-{digest}"

    def is_installed(self) -> bool:
        """Whether its environment is complete."""
        return (self.folder / _MARKER).is_file()

    def command(self) -> list[str]:
        """How to start it.

        Raises:
            ConnectorError: it is not installed.
        """
        try:
            marker = json.loads((self.folder / _MARKER).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConnectorError(
                f"The connector {self} is not installed.",
                "The sync cannot run.",
                "Run `toolkit connectors install`.",
            ) from error
        return [str(_bin(self.folder) / "python"), str(_bin(self.folder) / marker["script"])]

    def launch(self, verb: str, files: Sequence[str], folder: Path) -> Launch:
        """How to start it with the JSON files of these names in ``folder``."""
        arguments = [part for name in files for part in (f"--{name}", str(folder / f"{name}.json"))]
        return Launch([*self.command(), verb, *arguments])


def package_of(connection: Connection) -> Package | Image:
    """The package or image that runs a connection's source.

    Raises:
        ConnectorError: no exact version is given, or it is a remote source.
    """
    source = connection.source
    if source.image is not None:
        if not source.version:
            raise ConnectorError(
                f"{connection.where('source', 'image')}: no version is given for {source.image}.",
                "A build must give the same tables tomorrow, so nothing was started.",
                "Add the image's tag: `version: X.Y.Z` under `source`.",
            )
        return Image(source.image, source.version)
    name = CDK_PACKAGE if source.manifest is not None else source.package
    version = source.version or (CDK_VERSION if source.manifest is not None else None)
    if name is None:
        raise ConnectorError(
            f"Connection {connection.name!r} ({connection.where()}) names no connector package.",
            "It can be synced by the Airbyte server that it comes from only.",
            "Set `run: remote` for this target under `airbyte:` in toolkit.yml.",
        )
    if not _PACKAGE.fullmatch(name):
        raise ConnectorError(
            f"{connection.where('source', 'package')}: {name!r} is no package name.",
            "Nothing was installed.",
            "Write the name as on PyPI, such as airbyte-source-faker.",
        )
    if version is None or not _VERSION.fullmatch(version):
        said = f"{version!r} is no exact version" if version else "no version is given"
        raise ConnectorError(
            f"{connection.where('source', 'version')}: {said} for {name}.",
            "A build must give the same tables tomorrow, so nothing was installed.",
            f"Pin one: `version: X.Y.Z` under `source`; `pip index versions {name}` lists them.",
        )
    return Package(name, version)


def install(package: Package | Image, *, say: Callable[[str], None] = lambda _: None) -> bool:
    """Install a connector unless it is there; needs no network if it is.

    Args:
        say: takes progress for people.

    Returns:
        Whether anything was installed.

    Raises:
        ConnectorError: with pip's last lines, secrets masked.
    """
    if package.is_installed():
        return False
    if isinstance(package, Image):
        say(f"pulling {package}")
        package.pull()
        return True
    folder = package.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(folder.name + ".lock"), lambda: say(f"waiting for {package}")):
        if package.is_installed():
            return False
        shutil.rmtree(folder, ignore_errors=True)
        say(f"installing {package}")
        try:
            _build(package, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return True


def _build(package: Package, folder: Path) -> None:
    requirement = f"{package.name}=={package.version}"
    uv = shutil.which("uv")
    if uv is not None:
        _run([uv, "venv", "--quiet", "--python", _python(), str(folder)], package)
        _run([uv, "pip", "install", "--python", str(_bin(folder) / "python"), requirement], package)
    else:
        _run([_python(), "-m", "venv", str(folder)], package)
        pip = [str(_bin(folder) / "python"), "-m", "pip", "install", "--no-input"]
        _run([*pip, "--disable-pip-version-check", requirement], package)
    marker = {"package": package.name, "version": package.version}
    marker["script"] = _script(package, folder)
    temporary = folder / f"{_MARKER}.tmp"
    temporary.write_text(json.dumps(marker), encoding="utf-8")
    temporary.replace(folder / _MARKER)


def _run(command: Sequence[str], package: Package) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in _ELSEWHERE}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_INSTALL_SECONDS,
            check=False,
        )
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as error:
        output, code = error.stdout or b"", 124
    if code == 0:
        return
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    tail = "\n".join(f"  {line}" for line in lines[-6:])
    if package.name in _IMAGES_ONLY and _NOT_THERE.search("\n".join(lines)):
        image = f"airbyte/{package.name.removeprefix('airbyte-')}"
        raise ConnectorError(
            f"{package.name} is no Python package: Airbyte publishes this source as a container "
            "image only (it is written in Java).",
            "A local run cannot install it; syncs that need it cannot run.",
            f"Where Docker or Podman runs, use `source: {{image: {image}, version: ...}}`; else "
            "let an Airbyte server run it (`run: remote` under `airbyte:` in toolkit.yml).",
        )
    raise ConnectorError(
        f"The connector {package} cannot be installed:\n{_without_secrets(tail, environment)}",
        "Syncs that need it cannot run.",
        "Check the name and version, and that a package index can be reached; then run "
        "`toolkit connectors install`. A source that exists as an image only needs `image:` in "
        "place of `package:`, or `run: remote`.",
    )


def _without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """Package indexes carry credentials in their URLs."""
    text = re.sub(r"(\w+://)[^/\s@]+@", r"\1*****@", text)
    found = (
        match[1]
        for key, value in environment.items()
        if key.startswith(("PIP_", "UV_"))
        for match in re.finditer(r"://([^/\s@]+)@", value)
    )
    return Masker(part for pair in found for part in (pair, *pair.split(":")[1:])).mask(text)


def _script(package: Package, folder: Path) -> str:
    """The console script that is the connector."""
    if package.name == CDK_PACKAGE:
        return CDK_SCRIPT
    wanted = package.name.removeprefix("airbyte-")
    scripts: list[str] = []
    pattern = f"{package.name.replace('-', '_')}-*.dist-info/entry_points.txt"
    for file in folder.glob(f"lib/python*/site-packages/{pattern}"):
        parser = configparser.RawConfigParser(delimiters=("=",))
        parser.optionxform = str  # type: ignore[assignment,method-assign]  # keep the case
        parser.read_string(file.read_text(encoding="utf-8"))
        if parser.has_section("console_scripts"):
            scripts += parser.options("console_scripts")
    if wanted in scripts:
        return wanted
    sources = [name for name in scripts if name.startswith("source-")] or scripts
    if len(sources) == 1:
        return sources[0]
    raise ConnectorError(
        f"The package {package} has no program that is clearly its connector"
        f" (it has: {', '.join(scripts) or 'none'}).",
        "It was not installed.",
        "Name a package that is an Airbyte source, such as airbyte-source-faker.",
    )


def _bin(folder: Path) -> Path:
    return folder / ("Scripts" if sys.platform == "win32" else "bin")


def _python() -> str:
    """The interpreter below our own venv."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


@contextlib.contextmanager
def _locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file; the kernel lets go of it when we die."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
