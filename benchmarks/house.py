"""The size of the house: lines by room, files, long functions, broad excepts, the wheel.

python -m benchmarks.house [--wheel]

A room is a folder of ``toolkit``, or of ``toolkit/integrations``. Lines are all lines of a file,
docstrings and blank ones too.
"""

import argparse
import ast
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
LONG = 60


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", action="store_true", help="build the wheel, and say its size")
    wanted = parser.parse_args()
    code = {path: path.read_text(encoding="utf-8") for path in _files("toolkit")}
    tests = {path: path.read_text(encoding="utf-8") for path in _files("tests")}
    _rooms("Code", code, "toolkit")
    _rooms("Tests", tests, "tests")
    _shape("code", code)
    _shape("tests", tests)
    scripts = list((REPOSITORY / "toolkit/report/static").rglob("*.js"))
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in scripts)
    print(f"JavaScript of the report: {lines:,} lines in {len(scripts)} files")
    long = [name for path, text in code.items() for name in _long(path, text)]
    print(f"functions of over {LONG} lines: {len(long)}", *long, sep="\n  ")
    broad = [place for path, text in code.items() for place in _broad(path, text)]
    swallow = [place for place in broad if place.endswith("swallows")]
    print(f"broad excepts: {len(broad)}, of which {len(broad) - len(swallow)} raise again")
    print("", *broad, sep="\n  ")
    if wanted.wheel:
        print(f"wheel: {_wheel() / 1e6:.2f} MB")


def _files(folder: str) -> list[Path]:
    return sorted((REPOSITORY / folder).rglob("*.py"))


def _rooms(title: str, files: dict[Path, str], root: str) -> None:
    lines: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for path, text in files.items():
        room = _room(path.relative_to(REPOSITORY / root).parts)
        lines[room] += len(text.splitlines())
        count[room] += 1
    print(f"{title}: {lines.total():,} lines in {count.total()} files")
    for room, number in lines.most_common():
        print(f"  {number:>7,}  {count[room]:>4} files  {room}")


def _room(parts: tuple[str, ...]) -> str:
    if len(parts) == 1:
        return "(the top)"
    return (
        "/".join(parts[:2]) if parts[0] in ("integrations", "unit") and len(parts) > 2 else parts[0]
    )


def _shape(what: str, files: dict[Path, str]) -> None:
    sizes = {path: len(text.splitlines()) for path, text in files.items()}
    counted = [size for size in sizes.values() if size > 1]
    largest = max(sizes, key=lambda path: sizes[path])
    print(
        f"median file of {what}: {statistics.median(counted):.0f} lines; the largest: "
        f"{sizes[largest]} ({largest.relative_to(REPOSITORY)})"
    )


def _long(path: Path, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONG:
                yield f"{lines}  {path.relative_to(REPOSITORY)}:{node.lineno} {node.name}"


def _broad(path: Path, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            ends = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            yield f"{path.relative_to(REPOSITORY)}:{node.lineno} {'raises' if ends else 'swallows'}"


def _is_broad(caught: ast.expr | None) -> bool:
    names: list[ast.expr | None] = [*caught.elts] if isinstance(caught, ast.Tuple) else [caught]
    return any(
        name is None or (isinstance(name, ast.Name) and name.id in ("Exception", "BaseException"))
        for name in names
    )


def _wheel() -> int:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder],
            cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return next(Path(folder).glob("*.whl")).stat().st_size


if __name__ == "__main__":
    main()
