"""Links lead somewhere, every page can be reached, and the site has every page."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGES = sorted(
    [
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").rglob("*.md"),
        REPOSITORY / "benchmarks" / "README.md",
    ]
)

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def prose(text: str) -> str:
    """Without blocks and code, in which brackets are no links."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Of the headings, as code hosts make them."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        found.add(anchor)
    return found


def broken_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(prose(page.read_text(encoding="utf-8"))):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            yield f"{link}: no such file"
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](#one-two) [b](#three) [c](no.md) `[d](no.md)` [e](page.md)\n")
    assert list(broken_links(page)) == ["#three: no such heading", "no.md: no such file"]


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = LINK.findall(prose(page.read_text(encoding="utf-8")))
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links
                    if "://" not in link and link.partition("#")[0]]  # fmt: skip
    assert [str(page.relative_to(REPOSITORY)) for page in PAGES if page not in reached] == []


def test_pictures_are_small() -> None:
    pictures = sorted((REPOSITORY / "docs" / "pictures").glob("*.png"))
    assert len(pictures) >= 2
    assert {p.name: p.stat().st_size for p in pictures if p.stat().st_size > 200_000} == {}


# ---- the site ----


def site() -> ModuleType:
    path = REPOSITORY / "tools" / "site.py"
    spec = importlib.util.spec_from_file_location("tools_site", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SITE = site()


def test_the_navigation_has_every_page_once() -> None:
    navigation = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1]
    listed = re.findall(r"[\w/.-]+\.md", navigation)
    pages = (REPOSITORY / "docs").rglob("*.md")
    there = {page.relative_to(REPOSITORY / "docs").as_posix() for page in pages}
    assert sorted(listed) == sorted(there | set(SITE.PAGES.values()))


@pytest.mark.parametrize(
    ("source", "link", "turned"),
    [
        ("docs/a.md", "b.md#c", "b.md#c"),
        ("docs/a.md", "#c", "#c"),
        ("docs/a.md", "../CONTRIBUTING.md", "contributing.md"),
        ("docs/adr/1.md", "../../CHANGELOG.md#x", "../changes.md#x"),
        ("docs/adr/1.md", "../b.md", "../b.md"),
        ("CONTRIBUTING.md", "docs/adr/README.md", "adr/README.md"),
        ("CONTRIBUTING.md", "LICENSE", "license.md"),
        ("CHANGELOG.md", "README.md#x", "index.md#x"),
        ("benchmarks/README.md", "../docs/report.md", "report.md"),
        ("docs/a.md", "https://example.com/x#y", "https://example.com/x#y"),
    ],
)
def test_links_are_turned_for_the_site(source: str, link: str, turned: str) -> None:
    assert SITE.turned(f"[x]({link})", source) == f"[x]({turned})"
