"""Which edits make an asset's code another one, and which do not."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from python_harness import PythonProject

from toolkit.integrations.python import PythonIntegration

FILES = {
    "ml/assets.py": """
from toolkit import asset, check
from .helper import scale
import rates

FACTOR = 2

def twice(x):
    return FACTOR * x

@asset(owner="me")
def mine(orders):
    '''Mine.'''
    return twice(scale(orders))

@asset
def other(mine):
    return mine

@check("mine")
def fine(mine):
    return True
""",
    "ml/helper.py": "from . import deeper\n\ndef scale(x):\n    return deeper.f(x)\n",
    "ml/deeper.py": "def f(x):\n    return x\n",
    "ml/rates.py": "EURO = 1.1\n",
    "ml/unused.py": "X = 1\n",
}

# case -> (file, old text, new text, whether python.mine is made in another way)
EDITS = {
    "its own body": ("ml/assets.py", "twice(scale(orders))", "scale(orders)", True),
    "a function that it calls": ("ml/assets.py", "FACTOR * x", "x * FACTOR", True),
    "a constant": ("ml/assets.py", "FACTOR = 2", "FACTOR = 3", True),
    "a module that it imports": ("ml/helper.py", "deeper.f(x)", "deeper.f(x + 1)", True),
    "a module behind that module": ("ml/deeper.py", "return x", "return -x", True),
    "a module imported by plain name": ("ml/rates.py", "1.1", "1.2", True),
    "its inputs": ("ml/assets.py", '@asset(owner="me")', "@asset(deps={'orders': 'bills'})", True),
    "its schema": ("ml/assets.py", '@asset(owner="me")', "@asset(schema='ml')", True),
    "its name": ("ml/assets.py", '@asset(owner="me")', "@asset(name='mine', schema='x')", True),
    "its owner": ("ml/assets.py", '"me"', '"you"', False),
    "its docstring": ("ml/assets.py", "'''Mine.'''", "'''Yours.'''", False),
    "a comment": ("ml/assets.py", "FACTOR = 2", "FACTOR = 2  # times", False),
    "layout": (
        "ml/assets.py",
        "twice(scale(orders))",
        "twice(\n        scale(orders)\n    )",
        False,
    ),
    "lines before it": ("ml/assets.py", "FACTOR = 2", "\n\n\nFACTOR = 2", False),
    "another asset": ("ml/assets.py", "    return mine", "    return [mine]", False),
    "a check": ("ml/assets.py", "return True", "return False", False),
    "a file that it does not import": ("ml/unused.py", "X = 1", "X = 2", False),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", EDITS)
def test_edit(project: PythonProject, case: str) -> None:
    project.add("model.shop.bills", "bills", "model")
    for path, text in FILES.items():
        project.write(text, path)
    before = _versions(project)
    assert _versions(project) == before
    path, old, new, changes = EDITS[case]
    assert FILES[path].count(old) == 1
    project.write(FILES[path].replace(old, new), path)
    after = _versions(project)
    assert (after["mine"] != before["mine"]) == changes


def test_an_asset_called_as_a_function_counts(project: PythonProject) -> None:
    source = (
        "from toolkit import asset\n@asset\ndef a():\n    return 1\n"
        "@asset\ndef b():\n    return a()\n"
    )
    project.write(source)
    before = _versions(project)
    project.write(source.replace("return 1", "return 2"))
    after = _versions(project)
    assert before["a"] != after["a"]
    assert before["b"] != after["b"]


def _versions(project: PythonProject) -> dict[str, str]:
    return {asset.name: asset.code_version for asset in project.load().assets}


def test_a_check_has_a_code_version(project: PythonProject, orders: None) -> None:
    columns = "columns={'id': {'tests': ['unique', 'not_null']}}"
    source = (
        f"from toolkit import asset, check\n@asset({columns})\ndef out(orders):\n    return 1\n"
        "@check('out')\ndef fine(out):\n    return True\n"
    )
    before = _check_versions(project, source)
    assert len(set(before.values()) - {""}) == 3
    assert _check_versions(project, source.replace("return 1", "return 2")) == before
    after = _check_versions(project, source.replace("True", "False"))
    assert {name for name in after if after[name] != before[name]} == {"fine"}


def _check_versions(project: PythonProject, source: str) -> dict[str, str]:
    project.write(source)
    return {check.name: check.code_version for check in project.load().checks}


IMPORTS = "from toolkit import asset\n{0}\n@asset\ndef out(orders):\n    {1}\n    return orders\n"


@pytest.fixture
def library(project: PythonProject, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder like site-packages, with a package whose name is not its module's."""
    site = project.folder / "site"
    (site / "crystal").mkdir(parents=True)
    (site / "crystal" / "__init__.py").write_text("def look(): ...\n")
    release(site, "1.0")
    monkeypatch.syspath_prepend(site)
    yield site
    sys.modules.pop("crystal", None)


def release(site: Path, version: str) -> None:
    for old in site.glob("*.dist-info"):
        shutil.rmtree(old)
    info = site / f"Crystal_Ball-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: Crystal-Ball\nVersion: {version}\n"
    )
    (info / "RECORD").write_text("crystal/__init__.py,,\n")


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("top", "inside", "counts"),
    [
        ("import crystal", "pass", True),
        ("from crystal import look", "pass", True),
        ("import pandas", "from crystal import look", True),
        ("import pandas", "pass", False),
    ],
)
def test_the_version_of_a_library_counts(
    project: PythonProject, library: Path, top: str, inside: str, counts: bool
) -> None:
    project.write(IMPORTS.format(top, inside))
    before = _versions(project)
    release(library, "1.1")
    project.integration = PythonIntegration()  # what was remembered must not be believed
    assert (_versions(project) != before) == counts
    watched = project.integration.watched(project.settings)
    assert watched is not None
    assert str(library) in watched.folders
    release(library, "1.0")
    assert _versions(project) == before


@pytest.mark.usefixtures("orders")
def test_the_files_of_a_library_that_is_not_installed_count(
    project: PythonProject, library: Path
) -> None:
    shutil.rmtree(next(library.glob("*.dist-info")))
    project.write(IMPORTS.format("import crystal", "pass"))
    before = _versions(project)
    module = library / "crystal" / "__init__.py"
    module.write_text("def look():\n    return 1\n")
    assert _versions(project) != before
    module.write_text("def look(): ...\n")
    assert _versions(project) == before


@pytest.mark.usefixtures("orders")
def test_a_module_beside_the_folder_counts_also_when_remembered(project: PythonProject) -> None:
    project.write(IMPORTS.format("import rates", "pass"))
    project.write("EURO = 1.1\n", "rates.py")
    before = _versions(project)
    project.write("EURO = 1.2\n", "rates.py")
    project.integration = PythonIntegration()
    assert _versions(project) != before


@pytest.mark.usefixtures("orders")
def test_another_python_makes_another_version(
    project: PythonProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(IMPORTS.format("", "pass"))
    before = _versions(project)
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    monkeypatch.setattr(sys, "version", "3.99")  # what was remembered is of the other one
    assert _versions(project) != before


FACTORY = """
from toolkit import asset
import datetime

def make(name, factor):
    @asset(name=name)
    def made(orders):
        return orders, factor, datetime.datetime.now()
"""


@pytest.mark.usefixtures("orders")
def test_what_a_function_is_made_with_in_another_file_counts(project: PythonProject) -> None:
    project.write(FACTORY, "ml/factory.py")
    project.write("from .factory import make\nmake('out', 2)\n", "ml/a_maker.py")
    before = _versions(project)
    (asset,) = project.load().assets
    assert asset.volatile == "it calls datetime.datetime.now() (ml/factory.py:8)"
    project.write("from .factory import make\nmake('out', 3)\n", "ml/a_maker.py")
    assert _versions(project) != before


@pytest.mark.usefixtures("orders")
def test_who_only_imports_an_asset_does_not_count_for_it(project: PythonProject) -> None:
    project.write("from toolkit import asset\n@asset\ndef out(orders):\n    return 1\n", "ml/b.py")
    project.write("from .b import out\n", "ml/a.py")
    before = _versions(project)
    project.write("from .b import out\nX = 1\n", "ml/a.py")
    assert _versions(project) == before
