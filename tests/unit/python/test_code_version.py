"""Which edits make an asset's code another one, and which do not."""

import pytest
from python_harness import PythonProject

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
