"""``toolkit WORDS`` with clocks round the ledger; they are written to ledger-clocks.json.

Every public method of the ledger counts, opening and closing too, from its call to its return:
the lock, the encoding of rows, SQLite, the disk. Inner calls count with the outermost one. What
went through ``Ledger._transaction`` is a write, all else a read. CPU is the calling thread's.
"""

import functools
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

_local = threading.local()
_guard = threading.Lock()
_spent: dict[str, dict[str, float]] = {
    what: {"calls": 0, "wall": 0.0, "cpu": 0.0} for what in ("writes", "reads")
}
_by_method: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        if getattr(_local, "inside", False):
            return function(*arguments, **named)
        _local.inside, _local.wrote = True, function.__name__ in ("__init__", "close")
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            return function(*arguments, **named)
        finally:
            wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
            _local.inside = False
            with _guard:
                spent = _spent["writes" if _local.wrote else "reads"]
                spent["calls"] += 1
                spent["wall"] += wall
                spent["cpu"] += cpu
                _by_method[function.__name__][0] += 1
                _by_method[function.__name__][1] += wall

    return wrapper


def instrument() -> None:
    """Wrap the ledger's methods."""
    from toolkit.ledger import Ledger

    transaction = Ledger._transaction

    def noted(self: Ledger) -> Any:
        _local.wrote = True
        return transaction(self)

    for name, value in vars(Ledger).copy().items():
        if callable(value) and (not name.startswith("_") or name == "__init__"):
            setattr(Ledger, name, timed(value))
    Ledger._transaction = noted  # type: ignore[method-assign]


def main() -> None:
    from toolkit.cli import program

    instrument()
    sys.argv = ["toolkit", *sys.argv[1:]]
    try:
        program()
    finally:
        Path("ledger-clocks.json").write_text(json.dumps({**_spent, "methods": _by_method}))


if __name__ == "__main__":
    main()
