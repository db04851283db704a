"""What other tools found, read from the JSON that they write, to be shown beside ours.

They are not asked again, nor are their rules rebuilt: sqlfluff knows how SQL is to look,
dbt-project-evaluator how a dbt project is to be laid out. Their findings are warnings here;
each of them has a gate of its own.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from toolkit.errors import ArtifactError
from toolkit.graph import AssetGraph
from toolkit.rules.model import Finding
from toolkit.settings import Settings

SQLFLUFF = "sqlfluff"
EVALUATOR = "dbt-project-evaluator"
_PACKAGE = "dbt_project_evaluator"
_WRITTEN = frozenset({"model", "seed", "snapshot", "python"})
_MAX_BYTES = 200_000_000


def read_foreign(path: Path, graph: AssetGraph, settings: Settings) -> list[Finding]:
    """The findings in one file; which tool wrote it is seen from what is in it.

    Raises:
        ArtifactError: it cannot be read, or is of neither tool.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise _unreadable(path, f"is larger than {_MAX_BYTES // 1_000_000} MB")
        data: object = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror or error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unreadable(path, f"is not JSON: {error}") from error
    if isinstance(data, list) and all(_is_sqlfluff(entry) for entry in data):
        return list(_sqlfluff(data, graph, settings.project_dir))
    if isinstance(data, dict) and isinstance(data.get("results"), list):
        return list(_evaluator(data["results"]))
    raise _unreadable(path, "is neither sqlfluff's JSON nor a run_results.json")


def _is_sqlfluff(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("filepath"), str)
        and isinstance(entry.get("violations"), list)
    )


def _sqlfluff(
    files: list[Mapping[str, Any]], graph: AssetGraph, project_dir: Path
) -> Iterator[Finding]:
    assets = {
        asset.path.replace("\\", "/"): asset.key
        for asset in graph
        if asset.path and asset.kind in _WRITTEN
    }
    for file in files:
        path = _relative(file["filepath"], project_dir)
        key, path = _asset_at(path, assets)
        for violation in file["violations"]:
            if not isinstance(violation, dict):
                continue
            name = violation.get("name")
            text = str(violation.get("description") or "").strip()
            yield Finding(
                rule=str(violation.get("code") or "?"),
                severity="warning",
                asset=key,
                column=None,
                message=f"{text} ({name})" if name else text,
                path=path,
                # start_line_no since sqlfluff 3; a parse error may have neither
                line=_line(violation.get("start_line_no", violation.get("line_no"))),
                tool=SQLFLUFF,
            )


def _asset_at(path: str, assets: Mapping[str, str]) -> tuple[str | None, str]:
    """The asset whose file ``path`` is, from whichever folder it was seen."""
    parts = PurePosixPath(path).parts
    for start in range(len(parts)):
        tail = "/".join(parts[start:])
        if tail in assets:
            return assets[tail], tail
    return None, path


def _relative(path: str, project_dir: Path) -> str:
    posix = path.replace("\\", "/")
    try:
        return PurePosixPath(posix).relative_to(project_dir.as_posix()).as_posix()
    except ValueError:
        return posix


def _line(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _evaluator(results: list[object]) -> Iterator[Finding]:
    """Its tests that found something; which assets is in its tables only."""
    for result in results:
        if not isinstance(result, dict):
            continue
        kind, _, rest = str(result.get("unique_id") or "").partition(".")
        package, _, test = rest.partition(".")
        if kind != "test" or package != _PACKAGE or result.get("status") not in ("warn", "fail"):
            continue
        table = test.partition(".")[0].removeprefix("is_empty_").rstrip("_")
        failures = result.get("failures")
        count = f"{failures:,} rows" if isinstance(failures, int) else "rows"
        yield Finding(
            rule=table,
            severity="warning",
            asset=None,
            column=None,
            message=f"The table {table} has {count.removesuffix('s') if failures == 1 else count}.",
            mend=f"`select * from {table}` says which.",
            tool=EVALUATOR,
        )


def _unreadable(path: Path, why: str) -> ArtifactError:
    return ArtifactError(
        f"{path} (--with) {why}.",
        "What that tool found would be missing, so nothing was checked.",
        "Give the file that `sqlfluff lint --format json` wrote, or the run_results.json of "
        "`dbt build --select package:dbt_project_evaluator`.",
    )
