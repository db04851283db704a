"""The steps of action.yml, one after the other, as a runner would: with the real shell.

Steps that use other actions are left out. Of GitHub's expressions this knows what the file needs.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")


class Runner:
    """Runs the steps for one pull request.

    Attributes:
        outputs: of the steps, by id.
        codes: exit code of each step that ran, by name.
    """

    def __init__(self, folder: Path, github: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
        defaults = {name: said["default"] for name, said in ACTION["inputs"].items()}
        assert set(inputs) <= set(defaults)
        self.folder = folder
        self.outputs: dict[str, dict[str, str]] = {}
        self.codes: dict[str, int] = {}
        self.said = ""
        self.context: dict[str, Any] = {"github": github, "inputs": {**defaults, **inputs}}

    def run(self, env: Mapping[str, str]) -> int:
        """All steps; after one that fails only those that always run."""
        worst = 0
        for number, step in enumerate(ACTION["runs"]["steps"]):
            wanted = step.get("if", "")
            if wanted == "always()" or (worst and "run" in step):
                continue
            if "uses" in step or (wanted and not self.truth(wanted)):
                continue
            worst = self.step(number, step, env) or worst
        return worst

    def step(self, number: int, step: Mapping[str, Any], env: Mapping[str, str]) -> int:
        output = self.folder / f"output-{number}"
        output.touch()
        given = {name: self.filled(str(value)) for name, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=120,
            env={
                **env, **given, "GITHUB_ACTION_PATH": str(ROOT), "RUNNER_TEMP": str(self.folder),
                "GITHUB_OUTPUT": str(output), "GITHUB_ACTIONS": "true",
                "GITHUB_STEP_SUMMARY": str(self.folder / f"summary-{number}"),
            },
        )  # fmt: skip
        self.said += done.stdout + done.stderr
        self.codes[step["name"]] = done.returncode
        lines = [line.partition("=")[::2] for line in output.read_text().splitlines()]
        self.outputs[step.get("id", "")] = dict(lines)
        return done.returncode

    def filled(self, text: str) -> str:
        return EXPRESSION.sub(lambda found: self.text(self.value(found[1])), text)

    def truth(self, expression: str) -> bool:
        return all(self.value(part) not in ("", None, False) for part in expression.split("&&"))

    def value(self, expression: str) -> Any:
        """``a == 'b'``, ``a != ''``, or a path."""
        compared = re.fullmatch(r"\s*(\S+) (==|!=) '([^']*)'\s*", expression)
        if compared:
            return (self.text(self.path(compared[1])) == compared[3]) is (compared[2] == "==")
        assert re.fullmatch(r"\s*[\w.-]+\s*", expression), expression
        return self.path(expression.strip())

    def path(self, name: str) -> Any:
        found: Any = {
            **self.context, "steps": {key: {"outputs": said} for key, said in self.outputs.items()},
        }  # fmt: skip
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    @staticmethod
    def text(value: Any) -> str:
        return {None: "", True: "true", False: "false"}.get(value, str(value))


@pytest.fixture
def run(tmp_path: Path, hosts: ModuleType) -> Any:
    """``run(host, base, head, ...)``: the action on two manifests."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    launcher = programs / "toolkit"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m toolkit.cli "$@"\n')
    launcher.chmod(0o755)

    def call(host: Any, base: Path, head: Path, **inputs: str) -> Runner:
        github = {
            "token": hosts.TOKEN,
            "event": {"pull_request": {"number": 7, "base": {"sha": "0" * 40}}},
        }
        given = {
            "base": str(base), "manifest": str(head), "install": "false", "comment": "true",
            "token": hosts.TOKEN, **{name.replace("_", "-"): text for name, text in inputs.items()},
        }  # fmt: skip
        runner = Runner(tmp_path, github, given)
        env = {
            "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path),
            "no_proxy": "127.0.0.1", "GITHUB_API_URL": host.url, "GITHUB_REPOSITORY": "you/shop",
        }  # fmt: skip
        runner.codes["all"] = runner.run(env)
        return runner

    return call


@pytest.fixture
def manifests(tmp_path: Path, hosts: ModuleType) -> tuple[Path, Path]:
    base = hosts.manifest(tmp_path / "base.json", "select 1 as id, 2 as price")
    return base, hosts.manifest(tmp_path / "head.json", "select 1 as id")


def test_a_change_is_told_and_then_the_gate_trips(
    run: Any, manifests: tuple[Path, Path], hosts: ModuleType
) -> None:
    with hosts.serve("github") as host:
        runner = run(host, *manifests, fail_on="review")
    assert runner.codes["Comment on what changes"] == 0, runner.said
    assert runner.codes["Gate"] == runner.codes["all"] == 3
    first = [one["body"].splitlines()[0] for one in host.comments]
    assert first == ["<!-- toolkit:diff -->", "<!-- toolkit:lint -->"]
    assert runner.outputs["diff"] == {"exit-code": "3", "found": "true"}
    results = Path(runner.outputs["folder"]["path"])
    assert {path.suffix for path in results.glob("diff.*")} == {".md", ".json", ".sarif", ".xml"}
    summary = runner.folder / f"summary-{_number('toolkit diff')}"
    assert summary.read_text() == (results / "diff.md").read_text()


def test_nothing_changes_and_nobody_is_told(
    run: Any, manifests: tuple[Path, Path], hosts: ModuleType
) -> None:
    with hosts.serve("github") as host:
        runner = run(host, manifests[0], manifests[0], lint="false")
    assert (runner.codes["all"], host.comments) == (0, []), runner.said
    assert "toolkit lint" not in runner.codes


def test_a_fork_only_loses_the_comment(
    run: Any, manifests: tuple[Path, Path], hosts: ModuleType
) -> None:
    with hosts.serve("github") as host:
        host.read_only = True
        runner = run(host, *manifests, fail_on="never")
    assert (runner.codes["all"], host.comments) == (0, []), runner.said
    assert "::notice::No comment was written" in runner.said


def test_what_is_wrong_ends_it(run: Any, manifests: tuple[Path, Path], hosts: ModuleType) -> None:
    with hosts.serve("github") as host:
        runner = run(host, manifests[0], manifests[0].with_name("no.json"))
    assert runner.codes["all"] == 2
    assert "no.json" in runner.said
    assert "Gate" not in runner.codes


def _number(name: str) -> int:
    return [step["name"] for step in ACTION["runs"]["steps"]].index(name)
