"""The one-file HTML report: opens from a folder, loads nothing, runs nothing but our own code.

The page's scripts are plain files under static/, in the order of ``SCRIPTS``; each one
adds to the one namespace object ``Report`` and uses what the ones before it added. They
are joined, not linked or rewritten, into one inline script, so that what a developer
reads is what runs, and the page's security policy can name it by its hash.
"""

import base64
import hashlib
import html
from functools import cache
from importlib import resources
from pathlib import Path

from toolkit.report.files import write_atomically
from toolkit.report.page.columnar import pack
from toolkit.report.page.data import ReportData
from toolkit.report.page.payload import build_payload

SCRIPTS = (
    "namespace.js",
    "format.js",
    "dom.js",
    "icons.js",
    "data.js",
    "graph.js",
    "select.js",
    "filters.js",
    "search.js",
    "layout.js",
    "gantt.js",
    "export.js",
    "spark.js",
    "sql.js",
    "svg_context.js",
    "cards.js",
    "geometry.js",
    "camera.js",
    "paint.js",
    "canvas.js",
    "gantt_paint.js",
    "gantt_canvas.js",
    "ui.js",
    "views/problems.js",
    "views/history.js",
    "views/profile.js",
    "views/models.js",
    "views/selection_box.js",
    "views/minimap.js",
    "views/graph_tip.js",
    "views/graph_table.js",
    "views/overview.js",
    "views/graph.js",
    "views/assets.js",
    "views/columns.js",
    "views/connection.js",
    "views/connections.js",
    "views/run.js",
    "views/runs.js",
    "views/checks.js",
    "views/column.js",
    "views/asset.js",
    "rail.js",
    "app.js",
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<noscript>This report needs JavaScript. It loads nothing from the network.</noscript>
<div id="app"></div>
<script id="core" type="application/x-toolkit">{core}</script>
<script id="texts" type="application/x-toolkit">{texts}</script>
<script>{script}</script>
</body>
</html>
"""


def write_report(data: ReportData, path: Path) -> None:
    """Write the report to ``path``, all of it or nothing: an older report stays on failure.

    Raises:
        OSError: the folder cannot be written.
    """
    write_atomically(path, render_report(data))


def render_report(data: ReportData) -> str:
    """The page as text. The same data gives the same text."""
    script, style = page_script(), _static("styles.css")
    core, texts = build_payload(data)
    policy = (
        "default-src 'none'; "
        f"script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; "
        # With this the browser itself refuses any innerHTML: names are text, always.
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return _PAGE.format(
        policy=policy,
        title=html.escape(f"{data.project} · {data.target}".encode("utf-8", "replace").decode()),
        style=style,
        core=pack(core),
        texts=pack(texts),
        script=script,
    )


@cache
def page_script() -> str:
    """All scripts, one after the other."""
    return "\n".join(_static(name) for name in SCRIPTS)


@cache
def _static(name: str) -> str:
    file = resources.files("toolkit.report") / "static"
    for part in name.split("/"):
        file = file / part
    # HTML turns CR LF into LF before it is hashed; a checkout on Windows must not differ.
    return file.read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
