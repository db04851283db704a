"""Secrets that are planted everywhere and printed by everything: nothing that we write has them.

Not ours, and so left out: what dbt writes itself, and what the user wrote. Said in
docs/security.md: values that are data, and kept configurations in `.toolkit/airbyte/private`.
"""

import base64
import gzip
import html
import importlib.util
import json
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

_SERVER = Path(__file__).parents[1] / "unit" / "airbyte" / "airbyte_server.py"
if "airbyte_server" not in sys.modules:
    _SPEC = importlib.util.spec_from_file_location("airbyte_server", _SERVER)
    assert _SPEC is not None
    assert _SPEC.loader is not None
    sys.modules["airbyte_server"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["airbyte_server"])

from airbyte_server import (  # noqa: E402
    AirbyteServer,
    Fault,
    RealTime,
    connection,
    destination,
    source,
)

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(300)]

_NUMBERS = iter(range(1000))


def canary(shape: str = "{}") -> str:
    """A value that stands nowhere else."""
    return shape.format(f"cnry{next(_NUMBERS):03d}qZ7wKx")


def several(count: int, shape: str = "{}") -> list[str]:
    return [canary(shape) for _ in range(count)]


ODD = 'a/b+{} "ü" & <c>\\d'
PEM = "-----BEGIN PRIVATE KEY-----\n{}MIIEvQIBADANBgkqhkiG9w0\nmore{}MIIEvQIBADANBgkq\n-----END"

ENVIRONMENT = {f"DBT_ENV_SECRET_{n}": value for n, value in enumerate(several(10))}
ENVIRONMENT |= {f"DBT_ENV_SECRET_ODD_{n}": value for n, value in enumerate(several(4, ODD))}
NAMED = ("SHOP_API_TOKEN", "PGPASSWORD", "CRM_CLIENT_SECRET", "MAIL_API_KEY", "SHOP_DB_PWD")
ENVIRONMENT |= {name: canary() for name in NAMED}
PROFILE = {"http_proxy_password": canary(), "http_proxy": canary("http://u:{}@127.0.0.1:9/")}
PLAIN_KEYS = {f"PLAIN_{n}": value for n, value in enumerate(several(6))}  # env_var() in a config
CONFIG = {
    "password": canary(ODD),
    "api_key": canary(),
    "client_secret": canary(),
    "pwd": canary(),
    "authorization": canary("Bearer {}"),
    "credentials": {"user": canary(), "list": several(4), "deep": {"auth": canary()}},
    "private_key": PEM.format(canary(), canary()),
    "pin": "k9Z",  # the specification alone calls it a secret, and it is short
    "auth": {"kind": "code", "code": canary()},  # likewise
    "base_url": canary("https://reader:{}@example.com/api"),
    "callback": canary("https://example.com/hook?access_token={}&x=1"),
    "session_token": canary(),
}
ROTATED = CONFIG["session_token"] + "x"
STATE = {f"attribute_{n}": value for n, value in enumerate(several(6))}
SERVER = {"secret": canary(), "password": canary()}
HCL = several(6)
REPLY = {"password": canary(), "tunnel": {"ssh_key": canary(), "host": canary()}}


def strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value


def cores(value: object) -> list[str]:
    """What is secret of these values: of a URL or key only the planted part."""
    return [core for text in strings(value) for core in re.findall(r"cnry\d{3}qZ7wKx", text)]


CANARIES = [
    *cores([ENVIRONMENT, PROFILE, PLAIN_KEYS, CONFIG, STATE, SERVER, REPLY, HCL]),
]
SHORT = "k9Z"


def spelled(secret: str) -> list[str]:
    """A secret as programs print it."""
    raw = secret.encode()
    return [
        secret,
        json.dumps(secret),
        json.dumps(json.dumps(secret)),
        repr(secret),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        html.escape(secret),
        base64.b64encode(raw).decode(),
        base64.b64encode(b"user:" + raw).decode(),
        base64.urlsafe_b64encode(b"x:" + raw + b":y").decode(),
        raw.hex(),
        raw.hex().upper(),
    ]


def traces(core: str) -> list[str]:
    """What gives a planted part away, in whatever spelling it is printed."""
    found = [core, core.encode().hex(), core.encode().hex().upper()]
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + core.encode()).decode().rstrip("=")
        found.append(text[(offset * 8 + 5) // 6 : -2])
    return found


TRACES = {trace: core for core in CANARIES for trace in traces(core)}
ANY = re.compile("|".join(map(re.escape, sorted(TRACES, key=len, reverse=True))))


def given_away(text: str) -> list[str]:
    found = {
        f"{TRACES[m[0]]} as {text[max(0, m.start() - 60) : m.end()]!r}" for m in ANY.finditer(text)
    }
    if re.search(r"\bk9Z\b", text):
        found.add("the short one")
    return sorted(found)


PRINTED = [f"{n} {form}" for n, secret in enumerate([*strings(CONFIG), *PLAIN_KEYS.values()])
           for form in spelled(secret)]  # fmt: skip
ALL = "\n".join(PRINTED)


def error(text: str, **more: str) -> dict[str, Any]:
    body = {"message": text, "failure_type": "system_error", **more}
    return {
        "message": {"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": 0, "error": body}}
    }


def log(text: str) -> dict[str, Any]:
    return {"message": {"type": "LOG", "log": {"level": "ERROR", "message": text}}}


SAYS: list[dict[str, Any]] = [
    log(ALL),
    *({"print": line} for line in PRINTED),
    *({"stderr": line} for line in PRINTED),
    {"print": json.dumps({"type": "CONTROL", "control": ALL})},
    {"print": json.dumps({"type": "WHAT", "it": ALL})},
    {"rotate": "session_token"},
    log(f"now {ROTATED} {base64.b64encode(ROTATED.encode()).decode()}"),
    {"print": ROTATED},
]
ROWS: list[dict[str, Any]] = [{"rows": ["users", 1, 3]}, {"status": ["users", "COMPLETE"]}]
FAILURES: dict[str, list[dict[str, Any]]] = {
    "a traced error": [error(ALL, internal_message=ALL, stack_trace=ALL), {"exit": 1}],
    "an exit message": [{"stderr": f"{line} the end"} for line in PRINTED[:40]] + [{"exit": 3}],
    "a broken record": [{"print": '{"type": "RECORD", "record": {"stream": "' + PRINTED[0]}],
    "an unknown stream": [{"rows": [CONFIG["password"], 1, 1]}],
}

MODEL = """select {{ exceptions.raise_compiler_error("no: " ~ env_var("SHOP_API_TOKEN")) }}"""
ASSET = """\
import os
import sys
from toolkit import asset

@asset
def scores(landed):
    said = " ".join(v for k, v in os.environ.items() if k.startswith(("DBT_ENV_SECRET", "SHOP_")))
    print(said)
    print(said, file=sys.stderr)
    raise ValueError("cannot sign in with " + said)
"""
TERRAFORM = """
variable "password" { default = "%s" }
locals { token = "%s" }
resource "airbyte_source_postgres" "crm" {
  name          = "crm"
  configuration = { password = var.password, api_token = local.token, tunnel = "%s" }
}
resource "airbyte_destination_postgres" "warehouse" {
  name          = "warehouse"
  configuration = { database = "shop", schema = "raw", password = "%s", jdbc = "x?password=%s" }
}
resource "airbyte_connection" "crm" {
  name           = "crm"
  source_id      = airbyte_source_postgres.crm.source_id
  destination_id = airbyte_destination_postgres.warehouse.destination_id
  configurations = { streams = [{ name = "leads", sync_mode = "full_refresh_overwrite" }] }
  description    = timestamp("%s")
}
"""


def texts_of(folder: Path, mine: frozenset[Path]) -> Iterator[tuple[str, str]]:
    """Files that we wrote, as text; the report with what is packed in it."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        theirs = re.match(r"target/(?!toolkit/)|logs/|\.user\.yml|.*\.duckdb|.*__pycache__", name)
        if not path.is_file() or path in mine or theirs or "airbyte/private/" in name:
            continue
        data = path.read_bytes()
        yield name, data.decode("utf-8", "replace")
        if path.suffix == ".html":
            for packed in re.findall(rb"[A-Za-z0-9+/=]{400,}", data):
                raw = base64.b64decode(packed)
                for unpack in (gzip.decompress, zlib.decompress, lambda d: zlib.decompress(d, -15)):
                    try:
                        yield f"{name} (unpacked)", unpack(raw).decode("utf-8", "replace")
                    except (OSError, zlib.error, EOFError):
                        continue


class Watched:
    """Runs commands, and looks at all that they say and write."""

    def __init__(self, mixed: Any) -> None:
        self.mixed = mixed
        self.mine = frozenset(p for p in mixed.folder.rglob("*") if p.is_file())
        self.leaks: dict[str, list[str]] = {}

    def run(self, *words: str, code: int | None = 0) -> str:
        done = self.mixed.run(*words)
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, said
        self.look(f"`{' '.join(words)}`", said)
        return said

    def look(self, where: str, text: str) -> None:
        found = given_away(text)
        if found:
            self.leaks.setdefault(where, []).extend(found)

    def look_at_files(self) -> int:
        seen = 0
        for name, text in texts_of(self.mixed.folder, self.mine):
            seen += 1
            self.look(name, text)
        for path in self.mixed.cache.rglob("*.json"):
            self.look(str(path.relative_to(self.mixed.cache)), path.read_text())
        return seen


@pytest.fixture
def project(mixed: Any) -> Any:
    mixed.environment |= ENVIRONMENT | PLAIN_KEYS
    output = {
        "type": "duckdb",
        "path": "plain.duckdb",
        "config_options": PROFILE,
    }
    mixed.write(
        "profiles.yml", json.dumps({"plain": {"target": "dev", "outputs": {"dev": output}}})
    )
    mixed.write("ml/scores.py", ASSET)
    mixed.write("toolkit.yml", "version: 1\nconnections: [connectors, tf, api]\nassets: [ml]\n")
    mixed.write("tf/main.tf", TERRAFORM % tuple(HCL))
    kept = {"connection_id": "c", "name": "state", "configurations": {"streams": [{"name": "s"}]}}
    state = {
        "version": 4, "terraform_version": "1.9.0",
        "outputs": {"o": {"value": STATE["attribute_0"]}},
        "resources": [
            {"mode": "managed", "type": kind, "name": "x", "provider": "p",
             "instances": [{"attributes": attributes}]}
            for kind, attributes in (
                ("airbyte_connection", kept),
                ("airbyte_source_x", {"source_id": "s", "configuration": STATE}),
                ("random_password", {"result": STATE["attribute_1"]}),
            )
        ],
    }  # fmt: skip
    mixed.write("tf/terraform.tfstate", json.dumps(state))
    mixed.write("api/source.json", json.dumps(source(1, **REPLY)))
    mixed.write("api/connection.json", json.dumps(connection(1, "api", "leads")))
    return mixed


def connect(project: Any, actions: Sequence[dict[str, Any]], **config: Any) -> None:
    plain = {f"v{n}": f"{{{{ env_var('PLAIN_{n}') }}}}" for n in range(len(PLAIN_KEYS))}
    project.connect([], config={"actions": list(actions), **CONFIG, **plain, **config})


def test_there_are_enough() -> None:
    assert len(set(CANARIES)) >= 60
    assert given_away(f"user {base64.b64encode(b'user:' + CANARIES[0].encode()).decode()}")
    assert given_away(CANARIES[1].encode().hex())
    assert given_away("pin=k9Z")


def test_no_secret_leaves_a_local_project(project: Any) -> None:
    connect(project, [*SAYS, *ROWS], refuse=None)
    watched = Watched(project)
    for words in ("list", "install", "check", "discover", "diff"):
        watched.run("connectors", words, code=None if words == "check" else 0)
    watched.run("build", "--select", "stream:app.users", "landed", code=0)
    watched.run("build", "--select", "scores", code=1)  # Python fails
    project.write("models/refused.sql", MODEL)
    watched.run("build", "--select", "refused", code=None)  # dbt fails
    (project.folder / "models/refused.sql").unlink()
    for name, actions in FAILURES.items():
        connect(project, [*SAYS, *actions])
        watched.run("build", "--select", "stream:app.users", code=1)
        assert watched.look_at_files() > 5, name
    connect(project, [], refuse=ALL)
    watched.run("connectors", "check", code=1)
    watched.run("connectors", "check", "--json", code=1)
    connect(project, [], v0="{{ env_var('PLAIN_0') | as_number }}")
    watched.run("connectors", "check", "--debug", code=1)
    connect(project, [], schemas_file=CONFIG["auth"]["code"])
    for words in ("discover", "diff"):  # ends with a traceback on standard error
        watched.run("connectors", words, "--debug", code=1)
    watched.run("build", "--debug", "--select", "stream:app.users", code=None)
    for line in (
        "report", "lineage --format json", "lineage --format openlineage", "lineage --format html",
        "ls --output json", "plan --json", "status --json", "runs", "runs --json", "debug",
    ):  # fmt: skip
        watched.run(*line.split(), code=None)
    latest = watched.run("runs").split()[0]
    watched.run("runs", latest)
    assert watched.look_at_files() > 10
    assert watched.leaks == {}


def test_no_secret_leaves_a_remote_project(mixed: Any) -> None:
    with AirbyteServer(RealTime()) as server:
        server.client = ("an-id", SERVER["secret"])
        server.connections = [connection(1, "app", "users")]
        server.sources = [source(1, **REPLY)]
        server.destinations = [destination(schema="landing", password=SERVER["password"])]
        server.lasts = 0.0
        mixed.environment["DBT_ENV_SECRET_AIRBYTE"] = SERVER["secret"]
        mixed.write(
            "toolkit.yml",
            "version: 1\nairbyte:\n  dev:\n    run: remote\n"
            f"    url: {server.root}\n    client_id: an-id\n"
            "    client_secret: \"{{ env_var('DBT_ENV_SECRET_AIRBYTE') }}\"\n",
        )
        watched = Watched(mixed)
        watched.run("connectors", "pull")
        watched.run("build", "--select", "stream:app.users", code=None)
        for path in ("/jobs", "/connections"):
            for status in (400, 401, 403):  # 500 is tried again for a minute
                server.faults = [
                    Fault("POST" if path == "/jobs" else "GET", path, status, echo=True)
                ]
                watched.run("build", "--debug", "--select", "stream:app.users", code=None)
        server.faults = [Fault("POST", "/applications/token", 401, echo=True)]
        watched.run("connectors", "pull", code=None)
        watched.run("connectors", "check", code=None)
        tokens = list(server.tokens)
    kept = "".join(text for _, text in texts_of(mixed.folder, watched.mine))
    assert tokens
    assert not [token for token in tokens if token in kept]
    watched.look_at_files()
    assert watched.leaks == {}
