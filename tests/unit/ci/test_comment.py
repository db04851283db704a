"""ci/comment.py against a server that plays GitHub and GitLab."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

MARKER = "<!-- toolkit:diff -->"
BODY = f"{MARKER}\n## toolkit diff: this breaks something\n"

NOTE = "\n\nThe rest did not fit; all of it is in the job's artifacts.\n"

Comment = Callable[..., Any]


@pytest.fixture
def comment(script: Any, tmp_path: Path, hosts: ModuleType) -> Comment:
    """``comment(host, body, NAME=...)``: run the script for pull request 7."""

    def run(host: Any, body: str = BODY, **env: str) -> Any:
        file = tmp_path / "body.md"
        file.write_text(body, encoding="utf-8")
        given = {
            "GITHUB_API_URL": host.url, "GITHUB_TOKEN": hosts.TOKEN,
            "GITHUB_REPOSITORY": "you/shop", "TOOLKIT_PULL_REQUEST": "7",
            "CI_API_V4_URL": host.url, "TOOLKIT_GITLAB_TOKEN": hosts.TOKEN,
            "CI_PROJECT_ID": "12", "CI_MERGE_REQUEST_IID": "7",
        }  # fmt: skip
        return script("comment.py", host.kind, str(file), **{**given, **env})

    return run


def test_the_first_time_it_is_written(host: Any, comment: Comment) -> None:
    host.add("a person's words", "ada")
    done = comment(host)
    assert done.returncode == 0, done.stderr
    assert [one["body"] for one in host.comments] == ["a person's words", BODY]
    assert done.stdout == "Comment 101 was written.\n"


def test_then_it_is_updated(host: Any, comment: Comment) -> None:
    host.add("first", "ada")
    mine = host.add(BODY)
    done = comment(host, f"{MARKER}\n## toolkit diff: nothing changes\n")
    assert done.returncode == 0, done.stderr
    assert [one["body"] for one in host.comments] == [
        "first", f"{MARKER}\n## toolkit diff: nothing changes\n",
    ]  # fmt: skip
    assert f"{mine} is up to date" in done.stdout


def test_it_is_found_on_a_later_page(host: Any, comment: Comment) -> None:
    for number in range(250):
        host.add(f"words {number}", "ada")
    host.add(BODY)
    comment(host, BODY + "new")
    assert len(host.comments) == 251
    assert host.comments[-1]["body"] == BODY + "new"
    assert sum("page=" in call for call in host.calls) == 3


def test_exactly_one_page_is_not_mistaken_for_more(host: Any, comment: Comment) -> None:
    for number in range(100):
        host.add(f"words {number}", "ada")
    comment(host)
    assert len(host.comments) == 101


@pytest.mark.parametrize(
    ("body", "author"),
    [
        (BODY, "mallory"),  # somebody else's, who could change it afterwards
        (f"see\n{MARKER}", None),
        ("<!-- toolkit:lint -->\n## rules", None),
        (f"{MARKER} and more", None),
        ("", None),
    ],
)
def test_what_is_not_ours_stays(host: Any, comment: Comment, body: str, author: str | None) -> None:
    host.add(body, author)
    comment(host)
    assert [one["body"] for one in host.comments] == [body, BODY]


def test_a_token_that_may_only_read_is_told_and_no_failure(host: Any, comment: Comment) -> None:
    host.read_only = True
    done = comment(host, GITHUB_ACTIONS="true")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("::notice::No comment was written: the token may not (403 ")
    assert "Resource not accessible by integration" in done.stdout
    assert host.comments == []


def test_no_token_at_all_is_told_and_no_failure(host: Any, comment: Comment) -> None:
    done = comment(host, GITHUB_TOKEN="", TOOLKIT_GITLAB_TOKEN="")
    assert done.returncode == 0
    assert done.stdout.startswith("No comment was written: the token may not (")
    assert host.calls == []


def test_a_wrong_token_is_a_failure(host: Any, comment: Comment) -> None:
    done = comment(host, GITHUB_TOKEN="wrong-one", TOOLKIT_GITLAB_TOKEN="wrong-one")
    assert done.returncode == 1
    assert "401 Bad credentials" in done.stderr
    assert "wrong-one" not in done.stdout + done.stderr


def test_where_there_is_nothing_to_tell(host: Any, comment: Comment) -> None:
    done = comment(host, TOOLKIT_UPDATE_ONLY="true")
    assert (done.returncode, host.comments) == (0, [])
    host.add(BODY + "old")
    comment(host, TOOLKIT_UPDATE_ONLY="true")
    assert host.comments[0]["body"] == BODY


def test_a_body_at_the_limit_goes_as_it_is(host: Any, comment: Comment) -> None:
    body = BODY + "ü" * (65_536 - len(BODY))
    assert comment(host, body).returncode == 0
    assert host.comments[0]["body"] == body


def test_a_body_over_the_limit_is_cut_and_closed(hosts: ModuleType, comment: Comment) -> None:
    row = "| a | b |\n" * 8_000
    body = f"{BODY}<details><summary>x</summary>\n\n{row}\n```sql\nselect 1\n"
    with hosts.serve("github") as host:
        done = comment(host, body)
        assert done.returncode == 0, done.stderr
        written = host.comments[0]["body"]
    assert len(written) <= 65_536
    assert written.startswith(BODY)
    assert written.endswith(
        "</details>\n\nThe rest did not fit; all of it is in the job's artifacts.\n"
    )
    fenced = f"{BODY}```sql\n{'select 1' * 9_000}\n" + "x\n" * 30_000
    with hosts.serve("github") as host:
        comment(host, fenced)
        assert host.comments[0]["body"].count("```") % 2 == 0


def test_reading_is_tried_again_and_writing_is_not(host: Any, comment: Comment) -> None:
    host.answers = [("GET", 502, "<html>"), ("GET", 502, "<html>")]
    assert comment(host).returncode == 0
    host.comments.clear()
    host.answers = [("POST", 502, "<html>")]
    done = comment(host)
    assert done.returncode == 1
    assert "502" in done.stderr
    assert host.comments == []
    host.answers = [("GET", 500, {})] * 3
    assert comment(host).returncode == 1


def test_a_token_does_not_follow_to_another_place(host: Any, comment: Comment) -> None:
    host.answers = [("GET", 301, {})]
    done = comment(host)
    assert done.returncode == 1
    assert not any("elsewhere" in call for call in host.calls)


def test_orders_to_gitlab_are_none(hosts: ModuleType, comment: Comment) -> None:
    with hosts.serve("gitlab") as host:
        comment(host, f"{BODY}/merge\n  /close\ntext /label ~x\n```\n/approve\n```\n")
        lines = host.comments[0]["body"].splitlines()
    assert not any(line.lstrip(" ").startswith("/") for line in lines)
    assert "text /label ~x" in lines


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"TOOLKIT_PULL_REQUEST": "7/../../9"}, "must be a number"),
        ({"TOOLKIT_PULL_REQUEST": ""}, "TOOLKIT_PULL_REQUEST is not set"),
        ({"GITHUB_REPOSITORY": "you/shop/../x"}, "must be owner/name"),
    ],
)
def test_odd_settings_are_refused(
    hosts: ModuleType, comment: Comment, env: dict[str, str], why: str
) -> None:
    with hosts.serve("github") as host:
        done = comment(host, **env)
        assert (done.returncode, host.calls) == (1, [])
    assert why in done.stderr


@pytest.mark.parametrize("body", ["", "no marker\n", "<!-- toolkit:diff --> x\n", f"\n{MARKER}\n"])
def test_a_text_without_marker_is_refused(host: Any, comment: Comment, body: str) -> None:
    done = comment(host, body)
    assert (done.returncode, host.calls) == (1, [])
    assert "does not begin with a marker" in done.stderr


def test_the_author_can_be_named(hosts: ModuleType, comment: Comment) -> None:
    with hosts.serve("github") as host:
        host.add(BODY, "shop-bot")
        comment(host, BODY + "new", TOOLKIT_COMMENT_AUTHOR="shop-bot")
        assert [one["body"] for one in host.comments] == [BODY + "new"]
