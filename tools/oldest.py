"""Say the oldest versions of what users install that ``pyproject.toml`` allows, one a line.

    python -m tools.oldest > oldest.txt && pip install -c oldest.txt -e ".[ml,...]"

What those need in turn is left to pip, and what only tests need (``dev``) is new. It runs with
Python alone, as nothing is installed yet.
"""

import re
import tomllib
from pathlib import Path


def oldest(requirements: list[str]) -> list[str]:
    """``name==version`` for each requirement that has a lower bound."""
    found = (re.match(r"([\w.-]+)(?:\[.*?\])?>=([\w.]+)", text) for text in requirements)
    return [f"{one[1]}=={one[2]}" for one in found if one]


def main() -> None:
    """Print the pins of all that is installed for users, extras too."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    asked = list(project["dependencies"])
    for extra, requirements in project["optional-dependencies"].items():
        if extra not in ("dev", "docs"):
            asked += requirements
    print("\n".join(oldest(asked)))


if __name__ == "__main__":
    main()
