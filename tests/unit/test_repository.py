"""The files that make the repository a repository: install, make, CI, and nothing private."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

# Split, so that this file does not hold what it looks for.
FORBIDDEN = {
    "a package index": re.compile("py" + r"pi\.org|python" + r"hosted\.org|index-" + "url", re.I),
    "an npm registry": re.compile("registry" + r"\.npmjs", re.I),
    "a home folder": re.compile(r"(?<![\w.])/(?:" + "home/[a-z]|" + "root/|" + "Users/[A-Za-z])"),
    "a folder of one machine": re.compile(r"(?<![\w.])/(?:" + "work/(?:main|shared)|" + "opt/py)"),
}


def tracked(repository: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: no list of tracked files")
    return [repository / name for name in listed.stdout.split("\0") if name]


def constraints(repository: Path) -> dict[str, str]:
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in pins}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_names(what: str, repository: Path) -> None:
    found = []
    for path in tracked(repository):
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", errors="ignore")
        for number, line in enumerate(text.splitlines(), start=1):
            if match := FORBIDDEN[what].search(line):
                found.append(f"{path.relative_to(repository)}:{number}: {match[0]}")
    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a package index", "--extra-INDEX-" + "URL=https://example.com"),
        ("a home folder", "see /" + "root/notes"),
        ("a folder of one machine", "cd /" + "work/main"),
    ],
)
def test_the_search_finds_what_it_looks_for(what: str, line: str) -> None:
    assert FORBIDDEN[what].search(line)


def test_constraints_are_exact_pins(repository: Path) -> None:
    for line in (repository / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line


def test_constraints_cover_and_satisfy_what_the_project_asks_for(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        asked += extra
    pins = constraints(repository)
    wrong = []
    for text in asked:
        requirement = Requirement(text)
        pin = pins.get(canonicalize_name(requirement.name))
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        if pin is None or not requirement.specifier.contains(Version(pin), prereleases=True):
            wrong.append(f"{text}: pinned {pin}")
    assert wrong == []


def test_every_dependency_has_its_line(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"]]
    asked += [one for name, listed in extras.items() if name != "dev" for one in listed]
    page = (repository / "docs/dependencies.md").read_text()
    rows = re.findall(r"^\| ([a-z][a-z0-9-]*) \|", page, re.MULTILINE)
    assert sorted(row for row in rows if row != "package") == sorted(
        Requirement(one).name.lower() for one in asked
    )


def test_every_target_says_what_it_does(repository: Path) -> None:
    text = (repository / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", text, re.M)
    assert phony is not None
    helped = set(re.findall(r"^([a-z0-9-]+):.*## \S", text, re.M))
    assert helped == set(phony[1].split())
    assert helped >= {"build", "test", "check", "system", "bench", "fault", "clean"}


def test_a_machine_without_python_is_told_so(repository: Path, tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not on PATH")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(repository / name, tmp_path)
    run = subprocess.run(
        [make, "build", "PYTHON="], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "No Python 3.11 or newer" in run.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_failed_install_is_tried_again(repository: Path, tmp_path: Path) -> None:
    """No stamp is left by an install that failed, and none is made of an older pyproject.toml."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not on PATH")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(repository / name, tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/bin/false")
    arguments = [make, ".venv/.ready", "UV=", "PYTHON=python3"]
    for _ in range(2):
        run = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 2
        assert "-m pip install" in run.stdout
        assert not (tmp_path / ".venv" / ".ready").exists()

    python.unlink()
    python.symlink_to("/bin/true")
    subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=True)
    again = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "pip install" not in again.stdout


def test_the_example_names_owners_and_describes_every_column(repository: Path) -> None:
    files = sorted((repository / "dbt_project" / "models").rglob("*.yml"))
    described = 0
    for path in files:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for model in document.get("models", ()):
            assert model["description"].strip(), model["name"]
            for column in model["columns"]:
                assert column["description"].strip(), f"{model['name']}.{column['name']}"
                described += 1
        for exposure in document.get("exposures", ()):
            assert exposure["owner"]["email"], exposure["name"]
            assert exposure["url"].startswith("https://"), exposure["name"]
    assert described > 50
