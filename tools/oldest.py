"""Say the oldest versions of what users install that ``pyproject.toml`` allows, one a line.

    python -m tools.oldest > oldest.txt && pip install -c oldest.txt -e ".[ml,...]"

What those need in turn is left to pip, and what only tests need (``dev``) is new.
"""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement


def oldest(requirements: list[str]) -> list[str]:
    """``name==version`` for each requirement that has a lower bound."""
    pins = []
    for text in requirements:
        asked = Requirement(text)
        pins += [f"{asked.name}=={s.version}" for s in asked.specifier if s.operator == ">="]
    return pins


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
