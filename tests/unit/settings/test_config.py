"""toolkit.yml: every mistake is one message that names the line and the way out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from toolkit.errors import SettingsError
from toolkit.settings import AirbyteTarget, DestinationMap, Settings, load_settings

Write = Callable[[Mapping[str, str]], Path]

# name: (toolkit.yml, fact, a part of consequence and next step)
MISTAKES: dict[str, tuple[str, str, str]] = {
    "unknown key": (
        "version: 1\nconections: []\n",
        "toolkit.yml:2: `conections` is not a key of toolkit.yml. Did you mean `connections`?",
        "Valid keys here: version, connections, assets, airbyte, destinations, run, rules, "
        "profile, anomalies, python, dbt_executable.",
    ),
    "unknown key, nothing near": (
        "version: 1\nzzz: []\n",
        "toolkit.yml:2: `zzz` is not a key of toolkit.yml.",
        "Valid keys here: version",
    ),
    "key that is no text": (
        "version: 1\n7: x\n",
        "toolkit.yml:2: `7` is not a key of toolkit.yml.",
        "Valid keys here",
    ),
    "unknown key below": (
        """\
        version: 1
        airbyte:
          dev:
            run: local
            clientId: x
        """,
        "toolkit.yml:5: `airbyte.dev.clientId` is not a key of toolkit.yml under `airbyte.dev`. "
        "Did you mean `client_id`?",
        "Valid keys here: run, url, client_id, client_secret, token, username, password, "
        "workspaces, timeout, connections.",
    ),
    "unknown key in a target that is not active": (
        "version: 1\nairbyte:\n  prod: {runs: remote}\n",
        "toolkit.yml:3: `airbyte.prod.runs` is not a key of toolkit.yml under `airbyte.prod`. "
        "Did you mean `run`?",
        "",
    ),
    "unknown key of a destination": (
        "version: 1\ndestinations:\n  warehouse: {shema: raw}\n",
        "toolkit.yml:3: `destinations.warehouse.shema` is not a key of toolkit.yml under "
        "`destinations.warehouse`. Did you mean `schema`?",
        "",
    ),
    "no version": ("assets: []\n", "toolkit.yml: the file has no `version`.", "version: 1"),
    "other version": (
        "version: 2\n",
        "toolkit.yml:1: `version` is 2; this release reads version 1.",
        "newer toolkit",
    ),
    "version is true": ("version: yes\n", "toolkit.yml:1: `version` is True;", ""),
    "text for a list": (
        "version: 1\n\nassets: ml\n",
        "toolkit.yml:3: `assets` must be a list of files and folders, not text.",
        "Write `assets: [ml]`.",
    ),
    "mapping in a list": (
        "version: 1\nassets:\n  - ml: 1\n",
        "toolkit.yml:3: `assets[0].ml` is not a key of toolkit.yml under `assets[0]`.",
        "",
    ),
    "path that is not there": (
        "version: 1\nconnections:\n  - here\n  - nowhere\n",
        "toolkit.yml:4: `connections[1]` is 'nowhere', which is not there "
        "(paths are relative to toolkit.yml).",
        "Correct the path",
    ),
    "path with a NUL": (
        'version: 1\nconnections: ["a\\0b"]\n',
        "toolkit.yml:2: `connections[0]` is 'a\\x00b', which is not there",
        "",
    ),
    "list for a mapping": (
        "version: 1\nairbyte: [dev]\n",
        "toolkit.yml:2: `airbyte` must be a mapping, not a list.",
        "",
    ),
    "text for a target": (
        "version: 1\nairbyte: {dev: local}\n",
        "toolkit.yml:2: `airbyte.dev` must be a mapping, not text.",
        "",
    ),
    "number for text": (
        "version: 1\nairbyte: {dev: {url: 8000}}\n",
        "toolkit.yml:2: `airbyte.dev.url` must be text, not a number.",
        "",
    ),
    "unknown run": (
        "version: 1\nairbyte: {prod: {run: remot}}\n",
        "toolkit.yml:2: `airbyte.prod.run` is 'remot'; it must be local or remote. "
        "Did you mean `remote`?",
        "",
    ),
    "secret written out": (
        "version: 1\nairbyte: {prod: {client_secret: abc}}\n",
        "toolkit.yml:2: `airbyte.prod.client_secret` is written out in toolkit.yml.",
        "env_var(",
    ),
    "token written out": (
        "version: 1\nairbyte: {prod: {token: abc}}\n",
        "toolkit.yml:2: `airbyte.prod.token` is written out in toolkit.yml.",
        "env_var(",
    ),
    "password written out": (
        "version: 1\nairbyte:\n  prod:\n    username: me\n    password: abc\n",
        "toolkit.yml:5: `airbyte.prod.password` is written out in toolkit.yml.",
        "env_var(",
    ),
    "half a sign-in": (
        "version: 1\nairbyte:\n  dev: {client_id: me}\n",
        "toolkit.yml:3: `airbyte.dev` has `client_id` but no `client_secret`.",
        "Add `client_secret`.",
    ),
    "two sign-ins": (
        "version: 1\nairbyte:\n  dev: {client_id: me, username: you}\n",
        "toolkit.yml:3: `airbyte.dev` signs in in more than one way: client_id, client_secret "
        "and username, password.",
        "Keep one of them.",
    ),
    "workspaces that are none": (
        "version: 1\nairbyte:\n  dev: {workspaces: [1]}\n",
        "toolkit.yml:3: `airbyte.dev.workspaces` must be a list of workspace ids.",
        "",
    ),
    "timeout that is none": (
        "version: 1\nairbyte:\n  dev: {timeout: 0}\n",
        "toolkit.yml:3: `airbyte.dev.timeout` must be a number of seconds, above 0.",
        "",
    ),
    "connections from nowhere": (
        "version: 1\nairbyte:\n  dev: {connections: servers}\n",
        "toolkit.yml:3: `airbyte.dev.connections` is 'servers'; it must be files or server. "
        "Did you mean `server`?",
        "",
    ),
    "unset variable": (
        "version: 1\nairbyte:\n  dev:\n    url: \"{{ env_var('AIRBYTE_URL') }}\"\n",
        "toolkit.yml:4: `airbyte.dev.url` needs the environment variable AIRBYTE_URL, "
        "which is not set.",
        "Set it (export AIRBYTE_URL=...)",
    ),
    "duplicate key": (
        "version: 1\nassets: []\nversion: 1\n",
        "toolkit.yml:3: `version` is already there in line 1.",
        "Remove one of them.",
    ),
    "duplicate key below": (
        "version: 1\nairbyte:\n  dev: {}\n  dev: {}\n",
        "toolkit.yml:4: `airbyte.dev` is already there in line 3.",
        "",
    ),
    "empty": ("", "toolkit.yml: the file is empty.", ""),
    "comments only": ("# nothing\n", "toolkit.yml: the file is empty.", ""),
    "list": (
        "- version\n",
        "toolkit.yml: the file must be a mapping of keys to values, not a list.",
        "",
    ),
    "text": (
        "version\n",
        "toolkit.yml: the file must be a mapping of keys to values, not text.",
        "",
    ),
    "tab": (
        "version: 1\nairbyte:\n\tdev: {}\n",
        "toolkit.yml:3: not valid YAML: it is indented with a tab, and YAML allows spaces only.",
        "Correct line 3",
    ),
    "broken flow": (
        "version: 1\nassets: [a\nairbyte: {}\n",
        "toolkit.yml:3: not valid YAML: did not find expected ',' or ']'.",
        "",
    ),
    "python object": (
        "version: !!python/object/apply:os.system ['true']\n",
        "toolkit.yml:1: not valid YAML: could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.system'.",
        "",
    ),
    "bad scalar": ("version: !!int x\n", "toolkit.yml: the file holds a value that YAML", ""),
    "two documents": (
        "version: 1\n---\nversion: 1\n",
        "toolkit.yml:2: not valid YAML: but found another document.",
        "",
    ),
    "alias to itself": (
        "version: 1\nairbyte: &a {dev: *a}\n",
        "toolkit.yml:2: the alias *a holds itself.",
        "",
    ),
    "deep": (
        "version: " + "[" * 200_000,
        "toolkit.yml:1: it is nested more than 100 levels deep.",
        "",
    ),
    "billion laughs": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "toolkit.yml:6: it holds more than 200,000 values (aliases counted as often as used).",
        "",
    ),
    "billion laughs by merging": (
        "a: &a {x: 1}\n"
        + "".join(
            f"{new}: &{new} {{<<: [{', '.join(['*' + old] * 20)}]}}\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "toolkit.yml:5: it holds more than 200,000 values",
        "",
    ),
}


def message(write: Write, env: dict[str, str], text: str) -> str:
    (write({"here/x.yml": "", "toolkit.yml": dedent(text)}))
    with pytest.raises(SettingsError) as raised:
        load_settings(environ=env)
    assert raised.value.consequence
    assert raised.value.next_step
    return str(raised.value)


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str, write: Write, env: dict[str, str]) -> None:
    text, fact, rest = MISTAKES[name]
    got = message(write, env, text)
    assert got.startswith(fact)
    assert rest in got


def test_not_utf8(write: Write, env: dict[str, str]) -> None:
    folder = write({})
    (folder / "toolkit.yml").write_bytes(b"version: 1\n# caf\xe9\n")
    with pytest.raises(SettingsError, match=r"toolkit\.yml is not UTF-8 text \(byte 16\)"):
        load_settings(environ=env)


def test_byte_order_mark(write: Write, env: dict[str, str]) -> None:
    folder = write({})
    (folder / "toolkit.yml").write_bytes(b"\xef\xbb\xbfversion: 1\n")
    assert load_settings(environ=env).config_file == folder / "toolkit.yml"


def test_huge(write: Write, env: dict[str, str]) -> None:
    folder = write({})
    with (folder / "toolkit.yml").open("wb") as file:
        file.truncate(11_000_000)
    with pytest.raises(SettingsError, match=r"toolkit\.yml is bigger than 10 MB"):
        load_settings(environ=env)


def test_folder_in_its_place(write: Write, env: dict[str, str]) -> None:
    (write({}) / "toolkit.yml").mkdir()
    with pytest.raises(SettingsError, match=r"toolkit\.yml is not a file"):
        load_settings(environ=env)


def test_other_ending(write: Write, env: dict[str, str]) -> None:
    write({"toolkit.yaml": "version: 1\n"})
    with pytest.raises(SettingsError, match=r"toolkit\.yaml has the ending \.yaml"):
        load_settings(environ=env)


def test_no_file_is_no_configuration(write: Write, env: dict[str, str]) -> None:
    write({})
    settings = load_settings(environ=env)
    assert (settings.config_file, settings.connections, settings.assets) == (None, (), ())
    assert settings.airbyte == AirbyteTarget()


FULL = """\
version: 1
connections: [../connectors, here/x.yml, here/x.yml]
assets: ["{{ env_var('ASSETS', 'ml') }}"]
airbyte:
  dev: {run: local}
  prod:
    run: remote
    url: "{{ env_var('AIRBYTE_URL') }}"
    client_id: "{{ env_var('AIRBYTE_ID') }}"
    client_secret: "{{ env_var('DBT_ENV_SECRET_AIRBYTE') }}"
destinations:
  warehouse: {schema: raw}
  lake: {database: "{{ env_var('LAKE', 'lake') }}"}
"""
TARGETS = """\
shop:
  target: dev
  outputs:
    dev: {type: duckdb}
    prod: {type: duckdb}
"""


def load(write: Write, env: dict[str, str], target: str) -> tuple[Path, Settings]:
    folder = write(
        {
            "toolkit.yml": FULL,
            "profiles.yml": TARGETS,
            "here/x.yml": "",
            "ml/a.py": "",
            "../connectors/a.yml": "",
        }
    )
    return folder, load_settings(environ=env, target=target)


def test_everything(write: Write, env: dict[str, str]) -> None:
    folder, settings = load(write, env, "dev")
    assert settings.connections == (folder.parent / "connectors", folder / "here" / "x.yml")
    assert settings.assets == (folder / "ml",)
    assert settings.airbyte == AirbyteTarget(run="local")
    assert settings.destinations == {
        "warehouse": DestinationMap(schema="raw"),
        "lake": DestinationMap(database="lake"),
    }


def test_only_the_active_target_is_rendered(write: Write, env: dict[str, str]) -> None:
    prod = {
        "AIRBYTE_URL": "https://airbyte.example.com",
        "AIRBYTE_ID": "id",
        "DBT_ENV_SECRET_AIRBYTE": "s3cret",
    }
    _, settings = load(write, {**env, **prod}, "prod")
    assert settings.airbyte == AirbyteTarget(
        run="remote", url="https://airbyte.example.com", client_id="id", client_secret="s3cret"
    )
    assert "s3cret" in settings.secrets
    assert "s3cret" not in repr(settings.airbyte)
    with pytest.raises(SettingsError, match="AIRBYTE_URL"):
        load_settings(environ=env, target="prod")


def test_other_ways_to_sign_in(write: Write, env: dict[str, str]) -> None:
    text = """version: 1
airbyte:
  token: {run: remote, token: "{{ env_var('T') }}", workspaces: [a, b], timeout: 90}
  basic: {run: remote, username: me, password: "{{ env_var('T') }}", connections: server}
"""
    profiles = "shop:\n  target: token\n  outputs:\n"
    profiles += "".join(f"    {name}: {{type: duckdb, path: x}}\n" for name in ("token", "basic"))
    write({"toolkit.yml": text, "profiles.yml": profiles})
    env = {**env, "T": "planted-secret"}
    token = load_settings(environ=env, target="token")
    basic = load_settings(environ=env, target="basic")
    assert token.airbyte == AirbyteTarget(
        run="remote", token="planted-secret", workspaces=("a", "b"), timeout=90.0
    )
    assert (basic.airbyte.username, basic.airbyte.connections) == ("me", "server")
    for settings in (token, basic):
        assert "planted-secret" in settings.secrets
        assert "planted-secret" not in repr(settings.airbyte)
