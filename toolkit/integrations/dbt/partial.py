"""dbt's ``partial_parse.msgpack`` for builds into a copy of the warehouse: one of its own.

dbt parses everything anew where the connection is another one than last time, and the path of
a DuckDB file is a part of it. So a build into a copy has a file of its own, and the one of all
other commands is put aside meanwhile. dbt checks whatever it finds: one that is wrong or
missing costs a full parse and nothing else.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from toolkit.settings import Settings


@contextlib.contextmanager
def own_partial_parse(settings: Settings) -> Iterator[None]:
    """Within, dbt finds and leaves the file that goes with these settings."""
    if settings.staged_profiles_dir is None:
        yield
        return
    used = settings.target_path / "partial_parse.msgpack"
    others = settings.output_dir / "partial_parse.others.msgpack"
    ours = settings.output_dir / "partial_parse.staged.msgpack"
    settings.output_dir.mkdir(parents=True, exist_ok=True)
    if not others.exists():  # else a build was killed in here, and what is in use is ours
        _move(used, others)
        _move(ours, used)
    try:
        yield
    finally:
        _move(used, ours)
        _move(others, used)


def _move(path: Path, to: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.replace(path, to)
