"""The code of a notebook as a Python file, which is what is judged: outputs do not count."""

import ast
import json
import re
from pathlib import Path
from typing import Any

from toolkit.errors import AssetError
from toolkit.integrations.python.declared.modules import relative
from toolkit.settings import Settings

# IPython's own syntax: %magics, !shell commands, ?help.
_MAGIC = re.compile(r"^(\s*)([%!?].*|[\w.]+\?{1,2}\s*|\w[\w, ]*=\s*[%!].*)$")
# What such a line becomes: it may ask for anything, so it counts as code that cannot be read.
_UNREADABLE = "eval({!r})"


def code_of(notebook: Path, settings: Settings) -> Path:
    """Write the code cells of a notebook, one after the other, to a file that is kept.

    Line N of it is no line of the notebook, so each cell begins with a comment that names it.

    Raises:
        AssetError: it cannot be read, or is not in Python.
    """
    place = relative(notebook, settings.project_dir)
    cells = _cells(notebook, place)
    parts = [f"# In [{number}]\n{_python(cell)}\n" for number, cell in enumerate(cells, start=1)]
    text = "\n".join(parts)
    try:
        ast.parse(text)
    except SyntaxError as error:
        before = text.splitlines()[: error.lineno]
        cell = sum(line.startswith("# In [") for line in before)
        raise AssetError(
            f"{place}, cell {cell}: {error.msg}",
            "It could not be run, so nothing was done.",
            "Mend that cell.",
        ) from error
    name = re.sub(r"[^\w.-]", "_", place.removesuffix(".ipynb"))
    file = settings.state_dir / "python" / "notebooks" / f"{name}.py"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return file


def _cells(notebook: Path, place: str) -> list[str]:
    try:
        document: Any = json.loads(notebook.read_text(encoding="utf-8"))
        language = document.get("metadata", {}).get("kernelspec", {}).get("language", "python")
        cells = [
            "".join(cell["source"])
            for cell in document["cells"]
            if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssetError(
            f"{place} cannot be read as a notebook of version 4: {type(error).__name__}: {error}",
            "Its asset would be missing from the graph, so nothing was done.",
            "Save it again with Jupyter, or take it out of `assets` in toolkit.yml.",
        ) from error
    if language.lower() not in ("python", "ipython"):
        raise AssetError(
            f"{place} is a notebook in {language}.",
            "toolkit runs Python only, so nothing was done.",
            "Take it out of `assets` in toolkit.yml.",
        )
    return cells


def _python(cell: str) -> str:
    """A cell without IPython's own syntax."""
    try:
        ast.parse(cell)
    except SyntaxError:
        pass
    else:
        return cell
    if cell.lstrip().startswith("%%"):
        return _UNREADABLE.format(cell)
    lines = [
        f"{match[1]}{_UNREADABLE.format(line.strip())}" if (match := _MAGIC.match(line)) else line
        for line in cell.splitlines()
    ]
    return "\n".join(lines)
