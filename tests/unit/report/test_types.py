"""The page's scripts against the types that JavaScript and the browser have, where tsc is there."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from toolkit.report.page.html import SCRIPTS

STATIC = Path(__file__).parents[3] / "toolkit" / "report" / "static"
END = "})(globalThis.Report);"
# What the scripts share has no type; without this, all of it would be an error.
UNTYPED = "})(/** @type {any} */ (globalThis.Report));"
OPTIONS = {
    "checkJs": True, "allowJs": True, "noEmit": True, "skipLibCheck": True, "types": [],
    "target": "es2023", "lib": ["es2023", "dom", "dom.iterable"],
}  # fmt: skip


def test_types(tmp_path: Path) -> None:
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.skip("tsc is not on PATH: npm install --global typescript@5")
    for name in SCRIPTS:
        text = (STATIC / name).read_text(encoding="utf-8")
        assert name == "namespace.js" or text.count(END) == 1, name
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(END, UNTYPED), encoding="utf-8")
    config = {"compilerOptions": OPTIONS, "include": ["src/**/*.js"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))
    done = subprocess.run(
        [tsc, "--project", str(tmp_path)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (0, "")
