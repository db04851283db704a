"""Connector environments: one venv for each package and version, outside of ours.

Two connectors in one environment break each other (their CDK pins differ), and none may
come into the toolkit's own. How one is built: :mod:`toolkit.environments`.
"""

import configparser
import hashlib
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from toolkit import environments
from toolkit.environments import NotBuiltError, base_python, programs
from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.source.docker import Image, Launch
from toolkit.settings.cache import cache_dir

CDK_PACKAGE = "airbyte-cdk"
CDK_VERSION = "7.39.1"
CDK_SCRIPT = "source-declarative-manifest"
MANIFEST_KEY = "__injected_declarative_manifest"

_MARKER = "toolkit-connector.json"
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
        identity = (self.name, self.version, base_python(), sys.version, sys.platform)
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
        return [
            str(programs(self.folder) / "python"),
            str(programs(self.folder) / marker["script"]),
        ]

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
    try:
        return environments.build(
            folder,
            _MARKER,
            [f"{package.name}=={package.version}"],
            lambda: {
                "package": package.name,
                "version": package.version,
                "script": _script(package, folder),
            },
            say=say,
            waiting=f"waiting for {package}",
            building=f"installing {package}",
        )
    except NotBuiltError as error:
        raise _not_installed(package, error) from None


def _not_installed(package: Package, error: NotBuiltError) -> ConnectorError:
    if package.name in _IMAGES_ONLY and _NOT_THERE.search("\n".join(error.lines)):
        image = f"airbyte/{package.name.removeprefix('airbyte-')}"
        return ConnectorError(
            f"{package.name} is no Python package: Airbyte publishes this source as a container "
            "image only (it is written in Java).",
            "A local run cannot install it; syncs that need it cannot run.",
            f"Where Docker or Podman runs, use `source: {{image: {image}, version: ...}}`; else "
            "let an Airbyte server run it (`run: remote` under `airbyte:` in toolkit.yml).",
        )
    return ConnectorError(
        f"The connector {package} cannot be installed:\n{error.tail}",
        "Syncs that need it cannot run.",
        "Check the name and version, and that a package index can be reached; then run "
        "`toolkit connectors install`. A source that exists as an image only needs `image:` in "
        "place of `package:`, or `run: remote`.",
    )


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
