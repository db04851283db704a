"""The public Python API: its names are pinned here, its signatures and words by the page."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tools import python_api

ROOT = Path(__file__).parents[2]
NAMES = {
    "toolkit": "Batch CheckResult MLModel Project __version__ asset check resource secret",
    "toolkit.testing": "AssetError AssetFailedError BuildResult CheckOutcome build",
    "toolkit.notebook": "load parameters save",
    "toolkit.mlflow": "Tracking TrackingRun tracking",
}
PUBLIC = [
    (f"{module}.{name}", getattr(import_module(module), name))
    for module, names in NAMES.items()
    for name in names.split()
    if not name.startswith("__")
]
CLASSES = [(name, thing) for name, thing in PUBLIC if isinstance(thing, type)]
CALLED = [pair for pair in PUBLIC if pair not in CLASSES] + [
    (f"{name}.{member}", function)
    for name, cls in CLASSES
    if not issubclass(cls, BaseException)
    for member, function in python_api.members(cls)
]


def test_no_other_name_is_public() -> None:
    assert list(python_api.MODULES) == list(NAMES)
    for module, names in NAMES.items():
        assert sorted(import_module(module).__all__) == sorted(names.split())


def test_the_page_is_what_the_code_says() -> None:
    """Mend: ``python -m tools.python_api``, and a line in CHANGELOG.md."""
    assert (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8") == python_api.page()


def test_each_name_has_its_place_on_the_page() -> None:
    titles = set(re.findall(r"^###+ (.*)$", python_api.page(), re.MULTILINE))
    assert {name for name, _ in PUBLIC} <= titles
    assert len(titles) == len(PUBLIC) + len([pair for pair in CALLED if pair not in PUBLIC])


@pytest.mark.parametrize(
    ("name", "thing"), [*CLASSES, *CALLED], ids=[name for name, _ in [*CLASSES, *CALLED]]
)
def test_each_has_words_of_its_own(name: str, thing: object) -> None:
    said = python_api.doc_of(thing)
    assert len(said.split()) >= 2, name
    assert not said.startswith(f"{name.rpartition('.')[2]}("), "dataclass made that up"


@pytest.mark.parametrize(("name", "function"), CALLED, ids=[name for name, _ in CALLED])
def test_each_parameter_is_explained(name: str, function: object) -> None:
    """In Args; or in the one sentence that says it all."""
    said = python_api.doc_of(function)
    first = said.split("\n\n")[0]
    silent = [
        one.name
        for one in python_api.parameters(function)
        if not re.search(rf"\b{one.name}\b", said)
    ]
    assert silent == [] or ("Args:" not in said and len(silent) == 1 and len(first) > 15), silent


def test_entry_point_groups_are_those_of_the_page() -> None:
    used = set()
    for path in (ROOT / "toolkit").rglob("*.py"):
        used |= set(re.findall(r"entry_points\(group=\"([^\"]+)\"", path.read_text()))
    assert used == set(python_api.GROUPS)
