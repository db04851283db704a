"""A ledger whose last writes were torn by a power cut: cut off, or zeros, at each 512 bytes.

It must open with nothing in it that did not happen, or be refused with what to do about it.
TOOLKIT_TORN=all looks at each boundary; the default is every 16th.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import LedgerError
from toolkit.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(3600)]

PIPELINE = sys.modules["fault_pipeline"]
HARNESS = sys.modules["fault_harness"]

STRIDE = 512 * (1 if os.environ.get("TOOLKIT_TORN") == "all" else 16)
KINDS = ("cut off", "zeros to the end", "one sector of zeros")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, warm: Any) -> Any:
    """A shop whose second build was killed, with its ledger's WAL beside it."""
    folder = tmp_path_factory.mktemp("torn")
    shop = HARNESS.Shop(folder / "shop", folder / "cache", warm)
    PIPELINE.install_source(folder / "cache")
    source = PIPELINE.Source(folder / "source", 1)
    PIPELINE.write_small(shop.folder, source.folder)
    shop.build()
    source.change()
    shop.start("build", crash_at=[24, "after"]).wait()
    shop.gone()
    assert (shop.folder / ".toolkit" / "ledger.db-wal").stat().st_size > 50_000
    return shop


def what_it_says(path: Path) -> tuple[set[tuple[str, str, str]], set[tuple[str, str]]]:
    """Ended steps (run, step, status) and materializations (asset, run)."""
    with Ledger(path) as ledger:
        steps = {
            (run.id, row.step, row.status)
            for run in ledger.runs()
            for row in ledger.steps(run.id)
            if row.status not in ("planned", "running")
        }
        return steps, {(made.asset, made.run_id) for made in ledger.latest("dev").values()}


def torn(content: bytes, at: int, kind: str) -> bytes:
    if kind == "cut off":
        return content[:at]
    end = at + 512 if kind == "one sector of zeros" else len(content)
    return content[:at] + bytes(min(end, len(content)) - at) + content[end:]


@pytest.mark.parametrize("name", ["ledger.db-wal", "ledger.db"])
def test_a_torn_ledger_never_says_what_did_not_happen(
    killed: Any, tmp_path: Path, name: str
) -> None:
    folder = killed.folder / ".toolkit"
    whole = tmp_path / "whole"
    whole.mkdir()
    for part in ("ledger.db", "ledger.db-wal"):
        shutil.copy(folder / part, whole / part)
    contents = {part: (whole / part).read_bytes() for part in ("ledger.db", "ledger.db-wal")}
    steps, made = what_it_says(whole / "ledger.db")
    runs = {run for run, _, _ in steps}
    opened = refused = 0
    wrong = []
    place = tmp_path / "torn" / "ledger.db"
    for kind in KINDS:
        for at in range(0, len(contents[name]), STRIDE):
            shutil.rmtree(place.parent, ignore_errors=True)
            place.parent.mkdir()
            for part, content in contents.items():
                text = torn(content, at, kind) if part == name else content
                (place.parent / part).write_bytes(text)
            try:
                found, latest = what_it_says(place)
            except LedgerError as error:
                refused += 1
                if "move it away" not in error.next_step:
                    wrong.append(f"{kind} at {at}: no way out in {error}")
                continue
            opened += 1
            if invented := found - steps:
                wrong.append(f"{kind} at {at}: {sorted(invented)[:3]}")
            if strangers := {run for _, run in latest} - runs:
                wrong.append(f"{kind} at {at}: materializations of {strangers}")
    print(f"\ntorn {name}: {opened + refused} ways, {opened} opened, {refused} refused, "
          f"{len(wrong)} wrong")  # fmt: skip
    assert made
    assert not wrong, wrong[:5]


DAMAGE = {
    "a WAL that is cut off": ("ledger.db-wal", lambda text: text[: len(text) // 2]),
    "a file that is cut off": ("ledger.db", lambda text: text[: len(text) // 2 + 100]),
    "zeros at its beginning": ("ledger.db", lambda text: bytes(4096) + text[4096:]),
    "an empty file": ("ledger.db", lambda text: b""),
    "something else": ("ledger.db", lambda text: b"not a database, but quite long\n" * 400),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_commands_beside_a_damaged_ledger(killed: Any, damage: str) -> None:
    name, change = DAMAGE[damage]
    folder = killed.folder / ".toolkit"
    kept = killed.scratch / "whole"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept)
    try:
        (folder / name).write_bytes(change((folder / name).read_bytes()))
        for words in (["runs"], ["status"], ["plan"]):
            done = killed.run(*words)
            assert done.code in (0, 2), done.err
            if done.code == 2:
                assert "ledger.db" in done.err
                assert "move it away and build again" in done.err
    finally:
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
