"""What a call of dbt leaves, and the environment that it is called in."""

import shutil
from pathlib import Path

import pytest

from toolkit.errors import ArtifactError
from toolkit.integrations.dbt import DbtIntegration
from toolkit.integrations.dbt.session import environment
from toolkit.settings import load_settings

PLAIN = Path(__file__).parents[2] / "e2e" / "projects" / "plain"


@pytest.mark.slow
def test_half_a_manifest_is_made_anew(tmp_path: Path) -> None:
    """A full disk, a kill: whatever left it there, the next command goes on."""
    project = Path(shutil.copytree(PLAIN, tmp_path / "plain"))
    settings = load_settings(project_dir=project)
    whole = DbtIntegration().manifest(settings)
    path = project / "target" / "manifest.json"
    path.write_bytes(path.read_bytes()[:5000])
    from toolkit.integrations.dbt import staleness

    staleness.remember(settings, staleness.look(settings))  # as a killed toolkit of old did
    assert staleness.is_current(settings)
    again = DbtIntegration().manifest(settings)
    assert again.nodes.keys() == whole.nodes.keys()


def test_a_log_that_cannot_be_written_is_no_mistake_in_the_project(tmp_path: Path) -> None:
    project = Path(shutil.copytree(PLAIN, tmp_path / "plain"))
    (project / "logs").write_text("a file where dbt wants a folder")
    with pytest.raises(ArtifactError) as caught:
        DbtIntegration().manifest(load_settings(project_dir=project))
    assert f"dbt cannot use {project / 'logs'}: File exists." in str(caught.value)
    assert "DBT_LOG_PATH" in caught.value.next_step


@pytest.mark.parametrize("prefix", ["DBT_", "DBT_ENGINE_"])
def test_what_narrows_a_selection_does_not_reach_dbt(prefix: str) -> None:
    given = {f"{prefix}EXCLUDE_RESOURCE_TYPES": "unit_test", f"{prefix}VARS": "{}", "HOME": "/h"}
    assert environment(given) == {
        f"{prefix}VARS": "{}", "HOME": "/h",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1",
    }  # fmt: skip
