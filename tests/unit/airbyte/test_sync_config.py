"""What a connector says of its configuration: tokens that it rotates, what it calls secret."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from airbyte_harness import Project, complete

from toolkit.integrations.airbyte.source.overlay import ConfigOverlay
from toolkit.integrations.airbyte.source.specification import mistakes_in, secrets_by


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


class Rotating:
    """A source that wants another token for each sync."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.seen = folder / "seen.json"

    def sync(self, *after: dict[str, Any], **config: str) -> dict[str, Any]:
        """Sync, and give the configuration that the source was started with."""
        self.project.fake(
            [{"rotate": "token"}, {"rows": ["users", 1, 5]}, *(after or complete("users"))],
            config={"seen": str(self.seen), **config},
        )
        self.done = self.project.sync()
        files = json.loads(self.seen.read_text())["files"]
        return {key: files["--config"].get(key) for key in ("token", "account")}

    def overlay(self) -> ConfigOverlay:
        return ConfigOverlay(self.project.settings.state_dir, "dev", "fake")


def test_a_rotated_token_is_used_by_the_next_sync(project: Project, tmp_path: Path) -> None:
    source = Rotating(project, tmp_path)
    tokens = [source.sync(token="canary-1")["token"] for _ in range(3)]
    assert tokens == ["canary-1", "canary-1x", "canary-1xx"]
    assert source.done.status == "success"
    assert "the connector changed its configuration (token); it is kept" in project.log()


def test_a_token_is_kept_also_when_the_sync_fails(project: Project, tmp_path: Path) -> None:
    source = Rotating(project, tmp_path)
    source.sync({"exit": 1}, token="canary-1")
    assert source.done.status == "error"
    assert source.sync(token="canary-1")["token"] == "canary-1x"


def test_what_the_user_changes_wins(project: Project, tmp_path: Path) -> None:
    source = Rotating(project, tmp_path)
    source.sync(token="canary-1", account="a")
    assert source.sync(token="canary-1", account="b") == {"token": "canary-1x", "account": "b"}
    assert source.sync(token="canary-2", account="b") == {"token": "canary-2", "account": "b"}
    assert source.sync(token="canary-2", account="b")["token"] == "canary-2x"


def test_a_token_from_the_environment(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Rotating(project, tmp_path)
    template = "{{ env_var('SHOP_TOKEN') }}"
    monkeypatch.setenv("SHOP_TOKEN", "canary-1")
    source.sync(token=template)
    assert source.sync(token=template)["token"] == "canary-1x"
    monkeypatch.setenv("SHOP_TOKEN", "canary-2")
    assert source.sync(token=template)["token"] == "canary-2"


def test_only_the_owner_can_read_what_is_kept(project: Project, tmp_path: Path) -> None:
    source = Rotating(project, tmp_path)
    source.sync(token="canary-1")
    path = source.overlay().path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (path.parent / ".gitignore").read_text() == "*\n"
    assert sorted(p.name for p in path.parent.iterdir()) == [".gitignore", path.name]
    assert "canary-1x" in path.read_text()
    others = [p for p in tmp_path.rglob("*") if p.is_file() and p not in (path, source.seen)]
    assert not [p for p in others if b"canary-1x" in p.read_bytes()]


@pytest.mark.parametrize("key", ["token", "pin"])
def test_a_new_secret_is_masked_from_then_on(project: Project, key: str, tmp_path: Path) -> None:
    """`token` looks secret; of `pin` only the connector's specification says so."""
    error = {"type": "TRACE", "trace": {"type": "ERROR", "error": {"message": "no canary-1x"}}}
    project.fake(
        [{"rotate": key}, {"stderr": "with canary-1x"}, {"message": error}],
        config={key: "canary-1"},
    )
    done = project.sync()
    assert "no *****" in done.message
    assert "canary" not in done.message + project.log()
    project.fake([{"stderr": "with canary-1x and canary-1"}, {"exit": 1}], config={key: "canary-1"})
    again = project.sync()
    assert again.message.startswith("The connector failed: it ended with exit code 1: with *****")
    assert "canary" not in project.log()


def test_a_control_message_that_cannot_be_read_is_not_logged(project: Project) -> None:
    broken = '{"type":"CONTROL","control":{"connectorConfig":{"config":{"token":"canary-9"}'
    project.fake([{"print": broken}, {"rows": ["users", 1, 2]}, *complete("users")])
    assert project.sync().status == "success"
    assert "canary" not in project.log()
    assert "a CONTROL message that cannot be read" in project.log()


def test_a_damaged_overlay_is_ignored(tmp_path: Path) -> None:
    overlay = ConfigOverlay(tmp_path, "dev", "shop")
    overlay.keep({"a": 1}, {"a": 2})
    assert overlay.apply({"a": 1})[0] == {"a": 2}
    overlay.path.write_text("{")
    assert overlay.apply({"a": 1}) == ({"a": 1}, [])


def test_nested_keys_are_kept_one_by_one(tmp_path: Path) -> None:
    overlay = ConfigOverlay(tmp_path, "dev", "shop")
    given = {"auth": {"id": "i", "token": "t1"}, "list": [1]}
    kept = overlay.keep(given, {"auth": {"id": "i", "token": "t2", "until": 5}, "list": [1]})
    assert [change.name for change in kept] == ["auth.token", "auth.until"]
    edited = {"auth": {"id": "j", "token": "t1"}, "list": [2]}
    assert overlay.apply(edited)[0] == {
        "auth": {"id": "j", "token": "t2", "until": 5},
        "list": [2],
    }
    assert overlay.apply({"list": [1]})[0] == {"list": [1]}
    assert ConfigOverlay(tmp_path, "prod", "shop").apply(given)[1] == []


AUTH = {
    "properties": {
        "auth": {
            "oneOf": [
                {
                    "required": ["kind", "code"],
                    "properties": {
                        "kind": {"const": "code"},
                        "code": {"type": "string", "airbyte_secret": True},
                    },
                },
                {"required": ["kind"], "properties": {"kind": {"const": "none"}}},
            ]
        },
        "start": {"type": "string", "pattern": "^[0-9]{4}$"},
        "hosts": {"type": "array", "items": {"properties": {"pw": {"airbyte_secret": True}}}},
    },
    "required": ["auth"],
}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"auth": {"kind": "none"}}, []),
        ({}, ["2: `source.config`: 'auth' is a required property"]),
        (
            {"auth": {"kind": "code"}},
            ["3: `source.config.auth`: 'code' is a required property"],
        ),
        (
            {"auth": {"kind": "magic"}},
            ["3: `source.config.auth`: fits none of the variants that the connector knows"],
        ),
        (
            {"auth": {"kind": "none"}, "start": "26"},
            ["4: `source.config.start`: '26' does not match '^[0-9]{4}$'"],
        ),
    ],
)
def test_mistakes_are_named_with_their_line(
    project: Project, config: dict[str, Any], expected: list[str]
) -> None:
    from toolkit.integrations.airbyte.readers import read_connections

    path = project.connections / "c.json.yml"
    lines = {"auth": '"auth": {},\n', "start": '"start": "26",\n'}
    path.write_text(
        '{"name": "c", "streams": [{"name": "users"}], "source":\n'
        '{"package": "p", "version": "1", "config": {\n'
        + lines["auth"]
        + lines["start"]
        + '"z": 1}}}\n'
    )
    connection = read_connections([path]).connections[0]
    assert mistakes_in(config, AUTH, connection) == [f"{path}:{text}" for text in expected]


def test_what_the_specification_calls_secret() -> None:
    config = {"auth": {"kind": "code", "code": "c1"}, "hosts": [{"pw": "p1"}, {"pw": "p2", "n": 1}]}
    assert sorted(secrets_by(AUTH, config)) == ["c1", "p1", "p2"]
    assert list(secrets_by(None, config)) == []
