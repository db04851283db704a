"""What mkdocs needs to know of this repository: pages that lie outside of docs/.

README.md and docs/ link to files of the repository (CONTRIBUTING.md, CHANGELOG.md,
benchmarks/README.md): on a code host that works as it is. The site gets a copy of each, under the
name in PAGES, and links to and from them are turned accordingly.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "benchmarks/README.md": "benchmarks.md",
    "LICENSE": "license.md",
}
"""Files of the repository, and what they are called in the site."""

CELL = re.compile(r"<td.*?</td>", re.DOTALL)
LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside of docs/."""
    from mkdocs.structure.files import File

    root = Path(config.config_file_path).parent
    for source, name in PAGES.items():
        text = (root / source).read_text(encoding="utf-8")
        if source == "LICENSE":
            text = f"# License\n\n```text\n{text}```\n"
        files.append(File.generated(config, name, content=turned(text, source)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a page of docs/ that lead out of it."""
    if page.file.generated_by is not None:
        return markdown
    return turned(markdown, f"docs/{page.file.src_uri}")


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Show ``\\|`` in the code of a table as code hosts do: as the bar alone."""
    return CELL.sub(lambda cell: cell[0].replace("\\|", "|"), html)


def turned(text: str, source: str) -> str:
    """``text`` of a file of the repository, with links as they are in the site."""
    here = place(source)

    def link(match: re.Match[str]) -> str:
        if "://" in match[2] or match[2].startswith("mailto:"):
            return match[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))
        found = posixpath.relpath(place(target), posixpath.dirname(here) or ".")
        return f"{match[1]}{found}{match[3] or ''}{match[4]}"

    return LINK.sub(link, text)


def place(source: str) -> str:
    """Where a file of the repository is in the site; what is not in it stays where it is."""
    if source in PAGES:
        return PAGES[source]
    if source == "README.md":
        return "index.md"  # what it says of the product, the site's first page says too
    return source.removeprefix("docs/") if source.startswith("docs/") else f"../{source}"
