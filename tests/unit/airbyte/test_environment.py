"""Connector environments: pins, markers, locks, and what pip says."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from toolkit.errors import ConnectorError, SettingsError
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.readers import read_connections
from toolkit.integrations.airbyte.source.configuration import render_config
from toolkit.integrations.airbyte.source.environment import Package, install, package_of
from toolkit.settings.cache import cache_dir


def connection(tmp_path: Path, source: str) -> Connection:
    path = tmp_path / "c.yml"
    path.write_text(f"name: c\nsource: {source}\nstreams: [{{name: s}}]\n")
    return read_connections([path]).connections[0]


def test_a_version_must_be_pinned(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match="no version is given for airbyte-source-x"):
        package_of(connection(tmp_path, "{package: airbyte-source-x}"))
    with pytest.raises(ConnectorError, match="'>=1' is no exact version"):
        package_of(connection(tmp_path, "{package: airbyte-source-x, version: '>=1'}"))
    with pytest.raises(ConnectorError, match="is no package name"):
        package_of(connection(tmp_path, "{package: '-r /etc/passwd', version: '1'}"))


def test_a_manifest_runs_on_the_default_cdk(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("type: DeclarativeSource\n")
    assert package_of(connection(tmp_path, "{manifest: m.yaml}")).name == "airbyte-cdk"


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TOOLKIT_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "toolkit"
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"


def wheel(folder: Path, name: str = "airbyte_source_tiny") -> None:
    """A wheel with one console script, made by hand: nothing is downloaded."""
    import zipfile

    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": 'import sys\ndef run():\n    print(\'{"type":"LOG"}\', sys.prefix)\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\nsource-Tiny={name}:run\n",
        f"{info}/RECORD": "",
    }
    folder.mkdir()
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheels"
    for key in [key for key in os.environ if key.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for tool in ("PIP", "UV"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(folder))
    return folder


@pytest.mark.slow
def test_install_twice_at_once_and_after_a_killed_one(offline: Path) -> None:
    wheel(offline)
    package = Package("airbyte-source-tiny", "1.0")
    package.folder.mkdir(parents=True)
    (package.folder / "half").write_text("a killed install left this")
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(install(package))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, True]
    assert not (package.folder / "half").exists()
    said = subprocess.run(package.command(), capture_output=True, text=True, check=True).stdout
    assert said.split()[-1] == str(package.folder)
    assert install(package) is False


@pytest.mark.slow
def test_what_pip_says_is_passed_on_without_credentials(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", "http://user:canary-pw@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(ConnectorError) as caught:
        install(Package("airbyte-source-nothing", "1.0"))
    message = str(caught.value)
    assert "airbyte-source-nothing 1.0 cannot be installed" in message
    assert "No matching distribution" in message or "No solution found" in message  # pip, or uv
    assert "canary" not in message
    assert not Package("airbyte-source-nothing", "1.0").folder.exists()


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ env_var('X_COUNT', '5') | as_number }}", 7),
        ("{{ env_var('X_NONE', '5') | as_number }}", 5),
        ("{{ env_var('X_NONE', 'yes') | as_bool }}", True),
        ("{{ env_var('X_NONE', '[1, 2]') | as_native }}", [1, 2]),
        ("a-{{ env_var('X_COUNT') }}-b", "a-7-b"),
        ("{{ env_var('X_COUNT') }}", "7"),
        ("${NOT_OURS}", "${NOT_OURS}"),
    ],
)
def test_rendering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str, expected: object
) -> None:
    monkeypatch.setenv("X_COUNT", "7")
    source = json.dumps({"package": "p", "version": "1", "config": {"deep": [{"v": template}]}})
    assert render_config(connection(tmp_path, source)).config == {"deep": [{"v": expected}]}


@pytest.mark.parametrize("template", ["{{ nothing }}", "{{ env_var( }}", "{{ x.__class__ }}"])
def test_a_wrong_template_names_its_line(tmp_path: Path, template: str) -> None:
    source = json.dumps({"package": "p", "version": "1", "config": {"v": template}})
    with pytest.raises(SettingsError, match=r"c\.yml:2: `source\.config\.v`"):
        render_config(connection(tmp_path, source))
