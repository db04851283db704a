#!/usr/bin/env python3
"""Keeps one comment up to date on a pull request (GitHub) or a merge request (GitLab).

    comment.py github FILE     comment.py gitlab FILE

FILE is Markdown; its first line is a hidden marker, ``<!-- toolkit:diff -->``. The comment that
begins with it, and was written by the same account, is updated; else one is written. A token
that may only read, as a fork's has, is told and is no failure. Standard library only.

Environment, GitHub: GITHUB_TOKEN, GITHUB_REPOSITORY, TOOLKIT_PULL_REQUEST (a number);
GITHUB_API_URL; TOOLKIT_COMMENT_AUTHOR (default: github-actions[bot]).
GitLab: TOOLKIT_GITLAB_TOKEN, CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID.
Both: TOOLKIT_UPDATE_ONLY=true writes no new comment.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

MARKER = re.compile(r"<!-- toolkit:[a-z-]+ -->")
PAGE = 100
MAX_PAGES = 100
TIMEOUT = 30
TRIES = 3
# Characters of a comment: GitHub takes 65,536, GitLab a million.
LIMITS = {"github": 65_536, "gitlab": 1_000_000}
NOTE = "\n\nThe rest did not fit; all of it is in the job's artifacts.\n"


class Refused(Exception):
    """The server does not let this token do it."""


class NoRedirect(HTTPRedirectHandler):
    """A token goes to the server that was named, and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Nowhere."""


OPENER = build_opener(NoRedirect)


class Api:
    """One server, spoken to as JSON."""

    def __init__(self, base: str, headers: Mapping[str, str]) -> None:
        self.base = base.rstrip("/")
        self.headers = headers

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """The reply; reading is tried again where that may help, writing never."""
        tries = TRIES if method == "GET" else 1
        for attempt in range(1, tries + 1):
            try:
                return self._once(method, path, body)
            except HTTPError as error:
                if error.code == 403:
                    raise Refused(f"403 {said(error)}") from None
                if error.code < 500 or attempt == tries:
                    fail(f"{method} {path}: {error.code} {said(error)}")
            except (URLError, TimeoutError, ConnectionError) as error:
                if attempt == tries:
                    fail(f"{method} {path}: {error}")
        raise AssertionError  # the last attempt has ended it

    def _once(self, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "toolkit", **self.headers}
        request = Request(self.base + path, data, headers, method=method)
        with OPENER.open(request, timeout=TIMEOUT) as reply:
            return json.load(reply)

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list, page by page."""
        for page in range(1, MAX_PAGES + 1):
            entries = self.call("GET", f"{path}?per_page={PAGE}&page={page}")
            yield from entries
            if len(entries) < PAGE:
                return


def main(arguments: list[str]) -> int:
    """Write or update the comment; the exit code."""
    if len(arguments) != 2 or arguments[0] not in LIMITS:
        fail("Usage: comment.py github|gitlab FILE")
    where, path = arguments
    with open(path, encoding="utf-8") as file:
        body = file.read()
    marker = body.splitlines()[0] if body else ""
    if not MARKER.fullmatch(marker):
        fail(f"{path} does not begin with a marker such as <!-- toolkit:diff -->")
    try:
        print({"github": github, "gitlab": gitlab}[where](marker, fitting(where, body)))
    except Refused as refused:
        tell(
            f"No comment was written: the token may not ({refused}). That is so for pull "
            "requests from forks; the text is in the job's summary and artifacts."
        )
    return 0


def github(marker: str, body: str) -> str:
    """On a pull request, which is an issue for this API."""
    repository, number = needed("GITHUB_REPOSITORY"), needed("TOOLKIT_PULL_REQUEST")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository) or not number.isascii():
        fail("GITHUB_REPOSITORY must be owner/name.")
    if not number.isdecimal():
        fail("TOOLKIT_PULL_REQUEST must be a number.")
    token = os.environ.get("GITHUB_TOKEN", "")
    if not token:
        raise Refused("there is none")
    api = Api(
        os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    author = os.environ.get("TOOLKIT_COMMENT_AUTHOR") or "github-actions[bot]"
    comments = f"/repos/{repository}/issues/{number}/comments"
    for comment in api.pages(comments):
        if is_ours(comment.get("body"), marker) and login(comment.get("user"), "login") == author:
            api.call("PATCH", f"/repos/{repository}/issues/comments/{comment['id']}", text(body))
            return f"Comment {comment['id']} is up to date."
    return created(api, comments, body)


def gitlab(marker: str, body: str) -> str:
    """On a merge request."""
    project, number = needed("CI_PROJECT_ID"), needed("CI_MERGE_REQUEST_IID")
    if not (project.isdecimal() and number.isdecimal()):
        fail("CI_PROJECT_ID and CI_MERGE_REQUEST_IID must be numbers.")
    token = os.environ.get("TOOLKIT_GITLAB_TOKEN", "")
    if not token:
        raise Refused("TOOLKIT_GITLAB_TOKEN is not set")
    api = Api(needed("CI_API_V4_URL"), {"PRIVATE-TOKEN": token})
    author = login(api.call("GET", "/user"), "username")
    # A line that begins with a slash is an order to GitLab: /merge, /close.
    body = re.sub(r"(?m)^(\s*)/", "\\1\u200b/", body)
    notes = f"/projects/{project}/merge_requests/{number}/notes"
    for note in api.pages(notes):
        if is_ours(note.get("body"), marker) and login(note.get("author"), "username") == author:
            api.call("PUT", f"{notes}/{note['id']}", text(body))
            return f"Note {note['id']} is up to date."
    return created(api, notes, body)


def created(api: Api, path: str, body: str) -> str:
    """Write a new one, unless only an old one is to be kept up to date."""
    if os.environ.get("TOOLKIT_UPDATE_ONLY") == "true":
        return "There is nothing to tell, and no comment that says otherwise."
    return f"Comment {api.call('POST', path, text(body))['id']} was written."


def is_ours(body: object, marker: str) -> bool:
    """Whether a comment begins with the marker."""
    return isinstance(body, str) and (body.splitlines() or [""])[0] == marker


def login(user: object, key: str) -> object:
    """The account's name."""
    return user.get(key) if isinstance(user, dict) else None


def fitting(where: str, body: str) -> str:
    """As much of the text as the server takes; what is left open in it is closed."""
    limit = LIMITS[where]
    if where == "gitlab":
        limit -= body.count("\n")  # what keeps slashes from being orders takes room
    if len(body) <= limit:
        return body
    kept = body[: limit - 1_000].rsplit("\n", 1)[0]
    if len(re.findall(r"(?m)^ *```", kept)) % 2:
        kept += "\n```"
    folds = kept.count("<details") - kept.count("</details>")
    return kept + "\n</details>" * min(max(folds, 0), 50) + NOTE


def text(body: str) -> dict[str, str]:
    """The request."""
    return {"body": body}


def needed(name: str) -> str:
    """A variable that must be set."""
    value = os.environ.get(name, "")
    if not value:
        fail(f"{name} is not set.")
    return value


def said(error: HTTPError) -> str:
    """What a server says of its refusal, on one line."""
    try:
        message = str(json.load(error).get("message", ""))
    except (ValueError, AttributeError, OSError):
        message = str(error.reason)
    return " ".join(message.split())[:200]


def tell(message: str) -> None:
    """For people who read the log; GitHub shows it beside the job, too."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        message = "::notice::" + message.replace("%", "%25").replace("\r", "").replace("\n", "%0A")
    print(message)


def fail(message: str) -> NoReturn:
    """End with what is wrong."""
    print(f"comment.py: {message}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
