"""Make the pictures of the documentation: build the example, show the run and its report.

    .venv/bin/python docs/pictures/make.py

Needs Chromium (or Chrome) on PATH. ``build.svg`` is the terminal while a build trains the model;
the others are views of the report. The example is built in a temporary folder, so that what
lies in ``dbt_project/`` is neither needed nor touched.
"""

import copy
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import terminal
from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
OUTPUTS = shutil.ignore_patterns("target", "logs", ".toolkit", "*.duckdb*", ".user.yml", "__py*")
BROWSERS = ("chromium", "google-chrome", "chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
SHOWN = 22  # lines of the terminal
LIMIT = 200_000  # bytes a picture; a clone should stay small


class Picture(NamedTuple):
    """One view of the report: file, address within the page, size of the window.

    Attributes:
        wide: hide the rail at the left and show the whole graph.
    """

    file: str
    view: str
    width: int
    height: int
    wide: bool = False


PICTURES = (
    Picture("report.png", "", 1200, 740),
    Picture(
        "trace.png", "#view=graph&asset=python.customer_features&column=cart_day", 1720, 440, True
    ),
)


def main() -> None:
    """Build, report, photograph."""
    browser_path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser_path is None:
        sys.exit(f"None of {', '.join(BROWSERS)} is on PATH; no picture was made.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = _report(Path(folder))
        _write(HERE / "build.svg", terminal.svg(_training(Path(folder)), "toolkit build"))
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        for picture in PICTURES:
            _photograph(browser, report, picture)
        browser.close()


def _report(folder: Path) -> Path:
    for name in ("dbt_project", "connectors"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=OUTPUTS)
    for words in (["connectors", "install"], ["build"], ["build"], ["report"]):
        command = [sys.executable, "-m", "toolkit.cli", *words]
        subprocess.run(command, cwd=folder / "dbt_project", check=True)
    return folder / "dbt_project" / "target" / "toolkit" / "report.html"


def _training(folder: Path) -> list[list[tuple[str, terminal.Style]]]:
    """The screen while a build trains the model: what is done, and below it what runs."""
    moments: list[list[list[tuple[str, terminal.Style]]]] = []

    def seen(screen: terminal.Screen) -> None:
        lines = [line for line in screen.text() if line]
        running = any(re.match(r" +[\d.]+ s .*ml_model", line) for line in lines[-8:])
        trained = any(re.search(r"  OK +ml_model", line) for line in lines)
        if running and not trained and re.match(r"\d+ of \d+ done", lines[-1]):
            moments.append(copy.deepcopy(screen.lines))

    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI", "COLUMNS")}
    command = [sys.executable, "-m", "toolkit.cli", "build", "--force"]
    terminal.run(command, folder / "dbt_project", {**environment, "TERM": "xterm-256color"}, seen)
    if not moments:
        sys.exit("The model was trained before anybody saw it; no picture of the terminal.")
    lines = moments[len(moments) // 2]
    while lines and not lines[-1]:
        lines.pop()
    return lines[-SHOWN:]


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    print(f"{path.relative_to(REPOSITORY)}: {len(text):,} characters")


def _photograph(browser: Browser, report: Path, picture: Picture) -> None:
    page = browser.new_page(
        viewport={"width": picture.width, "height": picture.height}, color_scheme="light"
    )
    page.goto(report.as_uri() + picture.view)
    page.wait_for_selector("html[data-ready]")
    if picture.wide:
        page.get_by_label("Hide or show the left rail").click()
        page.get_by_label("Show all").click()
        page.mouse.move(0, 0)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => "
                  "requestAnimationFrame(done)))")  # fmt: skip
    path = HERE / picture.file
    page.screenshot(path=path)
    page.close()
    size = path.stat().st_size
    print(f"{path.relative_to(REPOSITORY)}: {size:,} bytes")
    if size > LIMIT:
        sys.exit(f"{picture.file} is larger than {LIMIT:,} bytes: choose a smaller view.")


if __name__ == "__main__":
    main()
