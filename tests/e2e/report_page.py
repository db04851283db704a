"""A browser for tests of the report, and the shop that they open in it."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from toolkit.report.page.html import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

Open = Callable[..., "Page"]


def load_shop() -> ModuleType:
    path = Path(__file__).parents[1] / "unit" / "report" / "shop.py"
    spec = importlib.util.spec_from_file_location("shop", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shop = load_shop()


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    require_tool = request.getfixturevalue("require_tool")
    path = require_tool("chromium", "google-chrome", "chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def reader(browser: "Browser") -> "Iterator[tuple[Page, list[str]]]":
    """One page for all tests, and what went wrong or out on it."""
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": 1400, "height": 860})
    context.add_init_script(
        "globalThis.violations = []; document.addEventListener('securitypolicyviolation',"
        " (e) => violations.push(e.violatedDirective + ' ' + e.blockedURI))"
    )
    page = context.new_page()
    page.on("console", lambda m: wrong.append(f"console {m.type}: {m.text}"))
    page.on("pageerror", lambda e: wrong.append(f"error: {e}"))
    page.on("dialog", lambda d: wrong.append(f"dialog: {d.message}"))
    page.on("popup", lambda p: wrong.append(f"popup: {p.url}"))
    context.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "data:")) else wrong.append(r.url),
    )
    context.on("request", lambda r: wrong.append(r.url) if is_other_file(r.url) else None)
    yield page, wrong
    context.close()


def is_other_file(url: str) -> bool:
    """A report may load itself and nothing else."""
    return url.startswith("file:") and not url.partition("#")[0].endswith("/report.html")


@pytest.fixture(scope="module")
def shop_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("shop") / "report.html"
    write_report(shop.data(), path)
    return path


@pytest.fixture
def open_report(
    reader: "tuple[Page, list[str]]", shop_report: Path, tmp_path: Path
) -> Iterator[Open]:
    """Opens a report from a file; at the end nothing may have gone wrong or out.

    The shop's report stays open from test to test: then only the address changes.
    """
    page, wrong = reader

    def open_(data: Any = None, at: str = "") -> "Page":
        path = shop_report if data is None else tmp_path / "report.html"
        if data is not None:
            write_report(data, path)
        page.goto(path.as_uri() + (at or "#"))
        page.wait_for_selector("html[data-ready]")
        page.wait_for_function("(at) => location.hash === at", arg=at)
        return page

    yield open_
    wrong += page.evaluate("() => globalThis.violations.splice(0)")
    found = wrong[:]
    wrong.clear()
    assert found == [], found
