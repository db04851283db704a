"""selectors.yml: not read, but for whether dbt would select by it unasked."""

from pathlib import Path

import yaml

from toolkit.errors import Problem
from toolkit.settings import Settings

_FILE = "selectors.yml"


def default_selector(settings: Settings) -> Problem | None:
    """A problem where ``dbt build`` alone would build a part of the project only.

    A file that cannot be read is dbt's to complain of.
    """
    path = settings.project_dir / _FILE
    name = _default_in(path)
    if name is None:
        return None
    return Problem(
        asset=None,
        code="default-selector",
        message=f"{_FILE} makes {name!r} the default, so `dbt build` alone builds only what it "
        "selects. It is not read here: without --select everything is meant.",
        path=_FILE,
    )


def _default_in(path: Path) -> str | None:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None
    selectors = document.get("selectors") if isinstance(document, dict) else None
    for selector in selectors if isinstance(selectors, list) else ():
        # dbt lets Jinja decide as well; only a plain yes can be told without it.
        if isinstance(selector, dict) and selector.get("default") is True:
            return str(selector.get("name"))
    return None
