"""action.yml, ci/gitlab.yml and .pre-commit-hooks.yaml: schemas, and what schemas do not say."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from toolkit.cli import cli

ROOT = Path(__file__).parents[3]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
GITLAB = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))
SCRIPTS = sorted(path.name for path in (ROOT / "ci").iterdir() if path.suffix in (".sh", ".py"))

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def expressions(value: object) -> Iterator[str]:
    """All that GitHub evaluates: within ``${{ }}``, and all of an ``if``."""
    if isinstance(value, str):
        yield from EXPRESSION.findall(value)
    elif isinstance(value, dict):
        if isinstance(value.get("if"), str):
            yield value["if"]
        for part in value.values():
            yield from expressions(part)
    elif isinstance(value, list):
        for part in value:
            yield from expressions(part)


@pytest.mark.parametrize(
    ("schema", "file", "more"),
    [
        ("vendor.github-actions", "action.yml", []),
        ("vendor.gitlab-ci", "ci/gitlab.yml", ["--data-transform", "gitlab-ci"]),
    ],
)
def test_schemas(schema: str, file: str, more: list[str]) -> None:
    beside = Path(sys.executable).parent
    program = shutil.which("check-jsonschema", path=f"{beside}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("check-jsonschema is not there")
    words = [program, "--builtin-schema", schema, *more, str(ROOT / file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- the action ----


def test_what_is_run_holds_no_expression() -> None:
    """What a pull request can choose (a branch's name, a title) must not become shell."""
    for step in STEPS:
        assert not EXPRESSION.search(step.get("run", "")), step["name"]


def test_every_step_has_a_name_and_every_run_a_shell() -> None:
    for step in STEPS:
        assert step["name"]
        assert ("run" in step) != ("uses" in step), step["name"]
        assert step.get("shell", "bash") == "bash"
        assert "shell" in step or "uses" in step, step["name"]


def test_every_action_that_is_used_is_pinned() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    for name in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@(v\d+(\.\d+)*|[0-9a-f]{40})", name), name


def test_inputs_are_declared_and_used() -> None:
    named = {m for text in expressions(ACTION) for m in re.findall(r"inputs\.([\w-]+)", text)}
    assert named == set(ACTION["inputs"])
    for name, said in ACTION["inputs"].items():
        assert said["description"].strip(), name
        assert isinstance(said["default"], str), name  # `true` would come as text all the same


def test_outputs_are_those_of_steps_before() -> None:
    written = {
        "folder": {"path"}, "base": {"base"}, "diff": {"exit-code", "found"},
        "lint": {"exit-code", "found"},
    }  # fmt: skip
    text = "".join((ROOT / "ci" / name).read_text() for name in SCRIPTS) + str(STEPS)
    for names in written.values():
        assert all(f"{name}=" in text for name in names)
    seen: set[str] = set()
    for step in STEPS:
        for expression in expressions(step):
            for place, name in re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression):
                assert place in seen, f"{step['name']}: {place} comes later, or not at all"
                assert name in written[place], f"{step['name']}: {place} has no {name}"
        seen.add(step.get("id", ""))
    for name, said in ACTION["outputs"].items():
        ((place, output),) = re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", said["value"])
        assert output in written[place], name


def test_variables_are_those_that_the_scripts_know() -> None:
    known = set(re.findall(r"\b[A-Z][A-Z_]{3,}\b", "".join(
        (ROOT / "ci" / name).read_text() for name in SCRIPTS)))  # fmt: skip
    for step in STEPS:
        for name in step.get("env", {}):
            assert name in known or f"${name}" in step["run"], f"{step['name']}: {name}"
    for name in GITLAB[".toolkit"]["variables"]:
        used = name in known or f"${name}" in str(GITLAB[".toolkit"]["script"])
        assert used or name == "GIT_DEPTH", name


def test_scripts_that_are_named_are_there_and_can_be_run() -> None:
    text = str(ACTION) + str(GITLAB) + (ROOT / "ci" / "gitlab.sh").read_text()
    named = set(re.findall(r"(?:ci|\$scripts)/([a-z_]+\.(?:sh|py))", text))
    assert named == set(SCRIPTS)
    for name in SCRIPTS:
        path = ROOT / "ci" / name
        assert os.access(path, os.X_OK), name
        first, *rest = path.read_text().splitlines()
        if path.suffix == ".sh":
            assert first == "#!/usr/bin/env bash"
            assert "set -euo pipefail" in rest, name


def test_a_gate_comes_after_all_that_shows_why() -> None:
    assert STEPS[-1]["name"] == "Gate"
    names = [step["name"] for step in STEPS]
    for step in STEPS:
        if "upload-artifact" in step.get("uses", ""):
            assert step["if"] == "always()"
    assert names.index("Keep the results") < names.index("Gate")


def test_a_fork_fails_nothing_that_it_may_not_do() -> None:
    for step in STEPS:
        if "upload-sarif" in step.get("uses", ""):
            assert step["continue-on-error"] is True
    defaults = {name: said["default"] for name, said in ACTION["inputs"].items()}
    assert (defaults["comment"], defaults["sarif"]) == ("false", "false")


# ---- GitLab ----


def test_the_job_keeps_its_results_whatever_happens() -> None:
    job = GITLAB[".toolkit"]
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["reports"]["junit"] == "$TOOLKIT_OUTPUT_DIR/*.xml"
    for line in job["script"]:
        assert not re.search(r'(?<!["\w])\$\w+', line), f"not quoted: {line}"
        assert "MERGE_REQUEST_TITLE" not in line


# ---- pre-commit ----


def test_hooks_call_commands_that_are_there() -> None:
    assert [hook["id"] for hook in HOOKS] == ["toolkit-lint", "toolkit-diff"]
    for hook in HOOKS:
        program, name, *options = hook["entry"].split()
        assert program == "toolkit"
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        known = {opt: param for param in command.params for opt in param.opts}
        for option, value in zip(options[::2], options[1::2], strict=True):
            assert value in known[option].type.choices  # type: ignore[attr-defined]
        assert hook["language"] == "python"
        assert hook["pass_filenames"] is False
        assert hook["require_serial"] is True
        re.compile(hook.get("files", ""))


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("models/a.sql", True), ("models/_a.yml", True), ("toolkit.yaml", True),
        ("seeds/a.csv", True), ("connectors/a.json", True), ("README.md", False),
        ("a.sqlx", False),
    ],
)  # fmt: skip
def test_what_the_lint_hook_looks_at(path: str, seen: bool) -> None:
    assert bool(re.search(HOOKS[0]["files"], path)) is seen


# ---- the documentation ----


def test_the_documentation_lists_every_input_and_variable() -> None:
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", text, re.MULTILINE))
    assert set(ACTION["inputs"]) <= set(listed)
    for name, said in ACTION["inputs"].items():
        default = said["default"]
        if default and not EXPRESSION.search(default):
            assert f"`{default}`" in listed[name], name
    for name in GITLAB[".toolkit"]["variables"]:
        assert f"`{name}`" in text, name
    for hook in HOOKS:
        assert f"id: {hook['id']}" in text


def test_the_examples_of_the_documentation() -> None:
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    assert len(blocks) >= 4
    for block in blocks:
        for step in _uses(block):
            assert set(step.get("with", {})) <= set(ACTION["inputs"]), step


def _uses(value: object) -> Iterator[dict[str, Any]]:
    """Steps of workflows that use this action."""
    if isinstance(value, dict):
        if str(value.get("uses", "")).startswith("you/toolkit@"):
            yield value
        for part in value.values():
            yield from _uses(part)
    elif isinstance(value, list):
        for part in value:
            yield from _uses(part)
