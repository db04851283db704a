"""A default selector is not obeyed, so it must be said."""

from pathlib import Path

import pytest

from toolkit.integrations.dbt.selectors import default_selector
from toolkit.settings import Settings

NIGHTLY = "selectors:\n  - {name: nightly, definition: 'tag:nightly'%s}\n"


def settings(folder: Path) -> Settings:
    return Settings(
        project_name="p", project_dir=folder, target="dev", target_path=folder, state_dir=folder
    )


def test_a_default_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "selectors.yml").write_text(NIGHTLY % ", default: true")
    problem = default_selector(settings(tmp_path))
    assert problem is not None
    assert problem.code == "default-selector"
    assert "'nightly'" in problem.message


@pytest.mark.parametrize(
    "text", [NIGHTLY % "", NIGHTLY % ", default: false", "selectors: 7", "", "a: [", "- 1", None]
)
def test_nothing_to_say(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "selectors.yml").write_text(text)
    assert default_selector(settings(tmp_path)) is None
