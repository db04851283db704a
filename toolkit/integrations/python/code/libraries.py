"""Versions of the libraries that code imports, found without importing them."""

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

# What it does is in what we write down anyway; else each release of ours would make all anew.
_OURS = "toolkit"


def installed() -> str:
    """Fingerprint of which packages are installed, in which versions; reads folders only."""
    found = {name for names in _packages_by_folder().values() for name in names}
    return hashlib.blake2b("\n".join(sorted(found)).encode(), digest_size=16).hexdigest()


def folders() -> set[str]:
    """Where packages are installed: the time of such a folder changes when one comes or goes."""
    return {folder for folder, names in _packages_by_folder().items() if names}


def _packages_by_folder() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in {*sys.path}:
        try:
            names = os.listdir(entry or ".")
        except OSError:  # a zip file, or not there
            continue
        packages = [name for name in names if name.endswith((".dist-info", ".egg-info"))]
        found[os.path.abspath(entry)] = packages
    return found


class Libraries:
    """Finds versions; one for each load, so that the environment is looked at once.

    Attributes:
        watched: files whose content is a version: of libraries that are no installed packages.
    """

    def __init__(self) -> None:
        self._stamp = installed()
        self._trees: dict[str, str] = {}
        self.watched: set[Path] = set()

    def versions(self, modules: Iterable[str], local: Iterable[str]) -> dict[str, str]:
        """Version of each library among ``modules``, by the package's name (or the module's).

        Args:
            modules: top-level names that are imported.
            local: those of them that are files of the project, which count by themselves.
        """
        found: dict[str, str] = {}
        inside = set(local)
        for module in sorted(set(modules) - sys.stdlib_module_names - {_OURS}):
            packages = _packages(self._stamp).get(module, {})
            found |= packages
            if not packages and module not in inside:
                found[module] = self._tree(module)
        return found

    def _tree(self, module: str) -> str:
        """Fingerprint of the files of a module that no installed package holds."""
        if module not in self._trees:
            files = _files(module)
            self.watched.update(files)
            digest = hashlib.sha256()
            for file in files:
                digest.update(hashlib.sha256(file.read_bytes()).digest())
            self._trees[module] = digest.hexdigest()[:32] if files else "not found"
        return self._trees[module]


@lru_cache(maxsize=4)
def _packages(stamp: str) -> Mapping[str, dict[str, str]]:
    """For each importable name the packages that hold it, with versions; no editable ones."""
    del stamp  # part of the cache's key only
    editable: dict[str, bool] = {}
    found: dict[str, dict[str, str]] = {}
    for module, names in metadata.packages_distributions().items():
        for name in names:
            if name not in editable:
                editable[name] = '"editable": true' in (
                    metadata.distribution(name).read_text("direct_url.json") or ""
                )
            if not editable[name]:
                found.setdefault(module, {})[name] = metadata.version(name)
    return found


def _files(module: str) -> list[Path]:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):  # the user's code may expect that it is not there
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        return [Path(spec.origin)] if spec.origin and os.path.isfile(spec.origin) else []
    folders = map(Path, spec.submodule_search_locations)
    return sorted(file for folder in folders for file in folder.rglob("*.py"))
