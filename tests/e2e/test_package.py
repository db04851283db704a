"""What is shipped: the wheel and the source archive, and the wheel alone at work."""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
PLAIN = Path(__file__).with_name("projects") / "plain"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both, made of what is tracked and nothing else."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    run("-m", "build", "--no-isolation", "--outdir", str(made), str(source))
    return made


def tracked() -> list[str]:
    words = ["git", "ls-files", "-z"]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def run(*words: str, python: str = sys.executable, folder: Path | None = None) -> str:
    done = subprocess.run([python, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_and_nothing_else(dist: Path) -> None:
    [wheel] = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    roots = {name.partition("/")[0] for name in names}
    assert {root.partition("-")[0] for root in roots} == {"toolkit"}
    assert {"toolkit/py.typed", "toolkit/report/static/app.js"} <= set(names)
    ours = {name for name in tracked() if name.startswith("toolkit/")}
    assert ours <= set(names)
    assert not [name for name in names if "__pycache__" in name]
    assert wheel.stat().st_size < 3_000_000


def test_the_source_archive_holds_what_the_tests_need(dist: Path) -> None:
    [path] = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "constraints.txt", "LICENSE", "README.md", "CHANGELOG.md"} <= names
    assert {"dbt_project/dbt_project.yml", "tests/conftest.py", "docs/index.md"} <= names


def test_the_wheel_works(dist: Path, tmp_path: Path) -> None:
    """In an environment without the source; its dependencies are those of the tests."""
    [wheel] = dist.glob("*.whl")
    home = tmp_path / "env"
    venv.create(home, with_pip=False)
    python = str(home / "bin" / "python")
    packages = Path(run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))",
                        python=python).strip())  # fmt: skip
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
        "--target", str(packages), str(wheel))  # fmt: skip
    (packages / "theirs.pth").write_text(sysconfig.get_path("purelib"))

    where = run("-P", "-c", "import toolkit; print(toolkit.__file__)", python=python).strip()
    assert Path(where).is_relative_to(packages)
    project = Path(shutil.copytree(PLAIN, tmp_path / "project"))
    call = ("-P", "-m", "toolkit.cli")
    assert "toolkit" in run(*call, "--version", python=python)
    assert "customers" in run(*call, "ls", python=python, folder=project)
    run(*call, "build", "--exclude", "broken_input+", python=python, folder=project)
    page = run(*call, "report", python=python, folder=project).strip()
    assert Path(page).stat().st_size > 50_000
