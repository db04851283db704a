"""A code host of our own: the comment APIs of GitHub and GitLab, as far as they are used."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

GITHUB = re.compile(r"/repos/you/shop/issues/(?:7/comments|comments/(?P<id>\d+))")
GITLAB = re.compile(r"/projects/12/merge_requests/7/notes(?:/(?P<id>\d+))?")
TOKEN = "t0ken-of-the-test"
ME = {"github": "github-actions[bot]", "gitlab": "project_12_bot"}


class Host:
    """What is there, and what was asked.

    Attributes:
        comments: in the order of the server.
        calls: method and path of each request.
        answers: replies that come first, each once: (method, status, body).
        read_only: writing is refused, as for a fork's token.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.comments: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.answers: list[tuple[str, int, Any]] = []
        self.read_only = False
        self.url = ""

    def add(self, body: str, author: str | None = None) -> int:
        key, name = ("user", "login") if self.kind == "github" else ("author", "username")
        made = {"id": 100 + len(self.comments), "body": body}
        self.comments.append({**made, key: {name: author or ME[self.kind]}})
        return int(made["id"])

    def reply(self, method: str, path: str, headers: Any, body: Any) -> tuple[int, Any]:
        parts = urlsplit(path)
        self.calls.append(f"{method} {path}")
        for one in self.answers:
            if one[0] == method:
                self.answers.remove(one)
                return one[1], one[2]
        sent = headers["Authorization"] or headers["PRIVATE-TOKEN"]
        if sent not in (f"Bearer {TOKEN}", TOKEN):
            return 401, {"message": "Bad credentials"}
        if parts.path == "/user":
            return 200, {"username": ME[self.kind]}
        found = (GITHUB if self.kind == "github" else GITLAB).fullmatch(parts.path)
        if found is None:
            return 404, {"message": "Not Found"}
        if method == "GET":
            query = parse_qs(parts.query)
            size, page = int(query["per_page"][0]), int(query["page"][0])
            return 200, self.comments[(page - 1) * size : page * size]
        if self.read_only:
            return 403, {"message": "Resource not accessible by integration"}
        if len(body["body"]) > {"github": 65_536, "gitlab": 1_000_000}[self.kind]:
            return 422, {"message": "body is too long"}
        if method == "POST" and found["id"] is None:
            return 201, {"id": self.add(body["body"])}
        if method == {"github": "PATCH", "gitlab": "PUT"}[self.kind]:
            one = next(c for c in self.comments if c["id"] == int(found["id"]))
            one["body"] = body["body"]
            return 200, one
        return 405, {"message": "Method not allowed"}


@contextmanager
def serve(kind: str) -> Iterator[Host]:
    """A host on this machine, until the test ends."""
    host = Host(kind)

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            length = int(self.headers["Content-Length"] or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, reply = host.reply(self.command, self.path, self.headers, body)
            self.send_response(status)
            if status in (301, 307):
                self.send_header("Location", f"{host.url}/elsewhere")
            data = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_any

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def manifest(path: Path, sql: str) -> Path:
    """A project of one mart, which an exposure reads."""
    key = "model.shop.sales"
    common = {"package_name": "shop", "fqn": ["shop", "x"], "config": {}}
    model = {
        **common, "unique_id": key, "name": "sales", "resource_type": "model", "language": "sql",
        "database": "db", "schema": "main", "original_file_path": "models/marts/sales.sql",
        "raw_code": sql, "compiled_code": sql, "depends_on": {"nodes": []},
        "checksum": {"name": "sha256", "checksum": str(hash(sql))},
    }  # fmt: skip
    exposure = {
        **common, "unique_id": "exposure.shop.board", "name": "board", "type": "dashboard",
        "resource_type": "exposure", "original_file_path": "models/e.yml",
        "depends_on": {"nodes": [key]}, "owner": {"name": "Ada"},
    }  # fmt: skip
    document = {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "project_name": "shop", "adapter_type": "duckdb",
        },
        "nodes": {key: model}, "exposures": {exposure["unique_id"]: exposure},
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path
