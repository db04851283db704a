"""The common options, on real click commands."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from toolkit.cli.options import (
    artifact_options,
    output_options,
    project_options,
    selection_options,
    settings_from,
)
from toolkit.errors import UsageError


@click.command()
@project_options
@selection_options
@artifact_options
@output_options
@click.argument("name", required=False)
def command(**options: object) -> None:
    """Print the options that were given."""
    given = {key: value for key, value in options.items() if value not in (None, (), False)}
    click.echo(json.dumps(given, default=str))


DEFAULTS = {"indirect_selection": "eager", "log_format": "text"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--select", "a"], {"select": ["a"]}),
        (["--select", "a", "b+", "tag:c,d"], {"select": ["a", "b+", "tag:c,d"]}),
        (["-s", "a b", "c"], {"select": ["a", "b", "c"]}),
        (["--select=a b", "-s", "c"], {"select": ["a", "b", "c"]}),
        (["-sa", "b"], {"select": ["a", "b"]}),
        (
            ["--select", "a", "b", "--exclude", "c", "d", "--threads", "3"],
            {"select": ["a", "b"], "exclude": ["c", "d"], "threads": 3},
        ),
        (["--select", "a", "--", "b"], {"select": ["a"], "name": "b"}),
        (["b", "--select", "a"], {"select": ["a"], "name": "b"}),
        (["--select", ""], {"select": [""]}),  # blank, as an empty variable of a shell is
        (["--select", " ", "a", "--exclude="], {"select": ["", "a"], "exclude": [""]}),
        (["--connections", "x", "y z"], {"connections": ["x", "y z"]}),
        (["--vars", "{a: 1, b: [x]}"], {"vars": {"a": 1, "b": ["x"]}}),
        (["-t", "prod", "--profile", "p"], {"target": "prod", "profile": "p"}),
        (
            ["--manifest", "m.json", "-q", "-d"],
            {"manifest": "m.json", "quiet": True, "debug": True},
        ),
        (["--indirect-selection", "cautious"], {"indirect_selection": "cautious"}),
        (["--log-format", "json"], {"log_format": "json"}),
    ],
)
def test_options(arguments: list[str], expected: dict[str, object]) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {**DEFAULTS, **expected}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vars", "a"], "must be a mapping"),
        (["--vars", "{a"], "is not valid YAML"),
        (["--vars", "{1: a, b: c}"], "has the key 1, which YAML reads as int"),
        (["--vars", "{a: &x [*x]}"], "is not valid YAML"),
        (["--vars", "{a: [{on: c}]}"], "has the key True, which YAML reads as bool"),
        (["--threads", "0"], "is not in the range"),
        (["--select"], "requires an argument"),
        (["--log-format", "xml"], "is not one of"),
    ],
)
def test_usage_errors(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"DBT_STATE": "s"}, {"state": "s"}),
        ({"DBT_ENGINE_STATE": "e", "DBT_STATE": "s"}, {"state": "e"}),
        ({"DBT_INDIRECT_SELECTION": "empty"}, {"indirect_selection": "empty"}),
        ({"DBT_LOG_FORMAT": "json"}, {"log_format": "json"}),
        ({"DBT_LOG_FORMAT": "debug"}, {}),
        ({"DBT_QUIET": "1"}, {"quiet": True}),
    ],
)
def test_environment(environ: dict[str, str], expected: dict[str, object]) -> None:
    result = CliRunner().invoke(command, [], env=environ)
    assert json.loads(result.stdout) == {**DEFAULTS, **expected}


def test_settings_from_artifacts(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text("{}", encoding="utf-8")
    options = {"manifest": manifest, "catalog": None, "connections": (), "select": ("a",)}
    assert settings_from(options).manifest == manifest


def test_artifact_options_need_a_manifest() -> None:
    with pytest.raises(UsageError, match="--connections goes with --manifest"):
        settings_from({"manifest": None, "connections": (Path("x"),)})
