"""The shell of the CI files, run for real: git repositories, the real toolkit, a code host."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

# ---- fetch_base.sh ----


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A shallow clone of a branch, as CI makes one; its origin has main, too."""
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet", "--initial-branch=main")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    (origin / "a.sql").write_text("select 1")
    git(origin, "add", ".")
    git(origin, "commit", "--quiet", "-m", "one")
    git(origin, "switch", "--quiet", "-c", "change")
    (origin / "a.sql").write_text("select 2")
    git(origin, "commit", "--quiet", "-am", "two")
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=change", f"file://{origin}", "clone")
    return tmp_path / "clone"


def sha(folder: Path, name: str) -> str:
    return git(folder, "rev-parse", name)


def test_a_commit_that_is_not_there_is_fetched(script: Any, clone: Path) -> None:
    main = sha(clone.parent / "origin", "main")
    done = script("fetch_base.sh", cwd=clone, TOOLKIT_DEFAULT_BASE=main)
    assert (done.returncode, done.stdout) == (0, f"{main}\n"), done.stderr
    assert git(clone, "cat-file", "-t", main) == "commit"


@pytest.mark.parametrize("name", ["main", "origin/main"])
def test_a_branch_is_fetched(script: Any, clone: Path, name: str) -> None:
    done = script("fetch_base.sh", cwd=clone, TOOLKIT_BASE=name, TOOLKIT_DEFAULT_BASE="x")
    assert (done.returncode, done.stdout) == (0, "origin/main\n"), done.stderr
    assert sha(clone, "origin/main") == sha(clone.parent / "origin", "main")


def test_a_file_and_a_known_commit_stay_what_they_are(script: Any, clone: Path) -> None:
    (clone / "base manifest.json").write_text("{}")
    for name in ("base manifest.json", "HEAD"):
        done = script("fetch_base.sh", cwd=clone, TOOLKIT_BASE=name)
        assert (done.returncode, done.stdout) == (0, f"{name}\n")


def test_it_goes_to_the_outputs_of_a_github_step(script: Any, clone: Path, tmp_path: Path) -> None:
    done = script(
        "fetch_base.sh", cwd=clone, TOOLKIT_BASE="HEAD", GITHUB_OUTPUT=str(tmp_path / "o")
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "o").read_text() == "base=HEAD\n"


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ("", "There is nothing to compare with"),
        ("--upload-pack=touch ran", "begins with a dash"),
        ("main\nexit-code=0", "is more than one line"),
        ("nowhere", "no branch of origin"),
        ("a b; touch ran", "no name that a branch may have"),
        ("$(touch ran)", "no name that a branch may have"),
        ("0123456789012345678901234567890123456789", "cannot be fetched"),
    ],
)
def test_what_is_no_base(script: Any, clone: Path, base: str, why: str) -> None:
    done = script("fetch_base.sh", cwd=clone, TOOLKIT_BASE=base)
    assert done.returncode == 2
    assert why in done.stderr
    assert not (clone / "ran").exists()


# ---- check.sh ----


@pytest.fixture
def changed(tmp_path: Path, hosts: ModuleType) -> dict[str, str]:
    """A column less."""
    base = hosts.manifest(tmp_path / "base.json", "select 1 as id, 2 as price")
    head = hosts.manifest(tmp_path / "head.json", "select 1 as id")
    return {"TOOLKIT_BASE": str(base), "TOOLKIT_MANIFEST": str(head)}


def test_diff_in_every_format(script: Any, changed: dict[str, str], tmp_path: Path) -> None:
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    out = tmp_path / "out of it"
    done = script(
        "check.sh",
        "diff",
        TOOLKIT_OUTPUT_DIR=str(out),
        TOOLKIT_FAIL_ON="review",
        **changed,
        **files,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "diff.json", "diff.md", "diff.sarif", "diff.xml",
    ]  # fmt: skip
    assert (tmp_path / "GITHUB_OUTPUT").read_text() == "exit-code=3\nfound=true\n"
    text = (out / "diff.md").read_text()
    assert text.startswith("<!-- toolkit:diff -->")
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text() == text


def test_nothing_changes(script: Any, changed: dict[str, str], tmp_path: Path) -> None:
    same = {**changed, "TOOLKIT_MANIFEST": changed["TOOLKIT_BASE"]}
    done = script("check.sh", "diff", TOOLKIT_FAIL_ON="review", **same)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "toolkit-ci" / "diff.exit-code").read_text() == "0\n"
    assert (tmp_path / "toolkit-ci" / "diff.found").read_text() == "false\n"


def test_lint(script: Any, changed: dict[str, str], tmp_path: Path) -> None:
    done = script("check.sh", "lint", TOOLKIT_FAIL_ON="warning", **changed)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "toolkit-ci" / "lint.exit-code").read_text() == "3\n"
    assert (tmp_path / "toolkit-ci" / "lint.found").read_text() == "true\n"
    assert (tmp_path / "toolkit-ci" / "lint.sarif").exists()


def test_a_summary_has_a_limit(script: Any, changed: dict[str, str], tmp_path: Path) -> None:
    """A program in toolkit's place writes more than GitHub takes."""
    writer = tmp_path / "programs" / "toolkit"
    writer.write_text(
        "#!/usr/bin/env bash\n"
        "while (($#)); do case $1 in\n"
        '--output) head -c 1100000 /dev/zero | tr "\\0" x >"$2" ;;\n'
        '--write) printf "{}" >"${2#*=}" ;;\nesac; shift; done\n'
    )
    done = script("check.sh", "lint", GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))
    assert done.returncode == 0, done.stderr
    assert "too long for a summary" in (tmp_path / "summary").read_text()


def test_an_error_is_no_gate(script: Any, tmp_path: Path) -> None:
    done = script("check.sh", "lint", TOOLKIT_MANIFEST=str(tmp_path / "no.json"))
    assert done.returncode == 2
    assert "no.json" in done.stderr
    assert script("check.sh", "dance").returncode == 2


# ---- gate.sh ----


@pytest.mark.parametrize(
    ("diff", "lint", "code"),
    [("0", "", 0), ("", "", 0), ("3", "0", 3), ("0", "3", 3), ("3", "3", 3), ("1", "0", 1)],
)
def test_gate(script: Any, diff: str, lint: str, code: int) -> None:
    assert script("gate.sh", DIFF=diff, LINT=lint).returncode == code


# ---- install.sh ----


def test_install(script: Any, tmp_path: Path, repository: Path) -> None:
    """With programs in place of python3, pip and toolkit, which say what they were called with."""
    teller = '#!/usr/bin/env bash\nprintf "%s\\n" "$(basename "$0")" "$@" "--" >>"$TOLD"\n'
    (tmp_path / "programs" / "python3").unlink()
    fake = tmp_path / "programs" / "python3"
    fake.write_text(
        teller + 'mkdir -p "$3/bin"\nfor name in python toolkit; do cp "$0" "$3/bin/$name"; done\n'
    )
    fake.chmod(0o755)
    told, environment = tmp_path / "told", tmp_path / "an environment"
    done = script(
        "install.sh", TOLD=str(told), TOOLKIT_ENVIRONMENT=str(environment),
        TOOLKIT_PACKAGES="dbt-snowflake==1.9\n  pandas>=2 $(touch ran)\n",
        GITHUB_PATH=str(tmp_path / "path"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    calls = [call.strip().splitlines() for call in told.read_text().split("--\n") if call.strip()]
    assert calls[0] == ["python3", "-m", "venv", str(environment)]
    said = told.read_text()
    assert f"{repository}\ndbt-snowflake==1.9\npandas>=2\n$(touch\nran)\n" in said
    assert not (tmp_path / "ran").exists()
    assert (tmp_path / "path").read_text() == f"{environment}/bin\n"


# ---- gitlab.sh ----


def test_the_whole_job_of_gitlab(
    script: Any, changed: dict[str, str], tmp_path: Path, hosts: ModuleType
) -> None:
    with hosts.serve("gitlab") as host:
        env = {
            "CI_API_V4_URL": host.url, "TOOLKIT_GITLAB_TOKEN": hosts.TOKEN, "CI_PROJECT_ID": "12",
            "CI_MERGE_REQUEST_IID": "7", "TOOLKIT_FAIL_ON": "review", **changed,
        }  # fmt: skip
        done = script("gitlab.sh", **env)
        assert done.returncode == 3, done.stdout + done.stderr
        assert [one["body"].splitlines()[0] for one in host.comments] == [
            "<!-- toolkit:diff -->", "<!-- toolkit:lint -->",
        ]  # fmt: skip
        fixed = {**env, "TOOLKIT_MANIFEST": env["TOOLKIT_BASE"], "TOOLKIT_LINT_FAIL_ON": "never"}
        again = script("gitlab.sh", **fixed)
        assert again.returncode == 0, again.stdout + again.stderr
        assert len(host.comments) == 2
        assert "review" not in host.comments[0]["body"].splitlines()[1]
        without = script("gitlab.sh", **{**env, "TOOLKIT_GITLAB_TOKEN": ""})
    assert without.returncode == 3
    assert "TOOLKIT_GITLAB_TOKEN is not set" in without.stdout


def test_shell_that_shellcheck_finds_nothing_in(repository: Path) -> None:
    beside = Path(sys.executable).parent  # where the environment of the tests has it
    program = shutil.which("shellcheck", path=f"{beside}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("shellcheck is not there")
    scripts = sorted(map(str, (repository / "ci").glob("*.sh")))
    done = subprocess.run([program, *scripts], capture_output=True, text=True, check=False)
    assert done.stdout == ""
