import importlib.util
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from toolkit.report.page.html import SCRIPTS

STATIC = Path(__file__).parents[3] / "toolkit" / "report" / "static"
HEADLESS = SCRIPTS[: SCRIPTS.index("cards.js")]

RunJs = Callable[[str, object], object]


@pytest.fixture(scope="session")
def shop() -> ModuleType:
    """The module that builds the small shop."""
    spec = importlib.util.spec_from_file_location("shop", Path(__file__).with_name("shop.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run_js(require_tool: Callable[..., str], tmp_path: Path) -> RunJs:
    """``run_js(body, input)``: what ``body`` (of ``async (R, input) => ...``) returns, under node.

    The page's own scripts are loaded as they are, as far as they need no document.
    """
    node = require_tool("node")

    def run(body: str, value: object) -> object:
        files = [str(STATIC / name) for name in HEADLESS]
        script = tmp_path / "run.js"
        script.write_text(
            'const fs = require("fs"), vm = require("vm");\n'
            f"for (const f of {json.dumps(files)})"
            ' vm.runInThisContext(fs.readFileSync(f, "utf8"), { filename: f });\n'
            'const input = JSON.parse(fs.readFileSync(0, "utf8"));\n'
            f"(async (R, input) => {{ {body} }})(globalThis.Report, input)"
            ".then((out) => process.stdout.write(JSON.stringify(out)));\n",
            encoding="utf-8",
        )
        done = subprocess.run(
            [node, str(script)],
            input=json.dumps(value),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
