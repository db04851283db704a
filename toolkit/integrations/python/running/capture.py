"""What the user's functions print goes to their own log, and never to our standard output."""

import io
import json
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

from toolkit.masking import Masker


class TakesText(Protocol):
    """A log, or what leads to one."""

    def write(self, text: str, /) -> object:
        """Append ``text``."""


_FIRST = 8 << 20  # characters of a log that are kept, from its beginning
_LAST = 2 << 20  # and from its end, where a traceback is


class StepLog:
    """The log file of one step; it is made by the first thing that is written to it.

    Of a very long log the middle is left out: neither disk nor memory is filled by it.

    Args:
        path: replaced, should it be there.
        masker: hides secrets.
    """

    def __init__(self, path: Path, masker: Masker) -> None:
        self.path = path
        self._masker = masker
        self._file: TextIO | None = None
        self._lock = threading.Lock()
        self._room = _FIRST
        self._last: deque[str] = deque()
        self._kept = self._left_out = 0

    def write(self, text: str) -> None:
        """Append ``text``, secrets hidden."""
        with self._lock:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8", errors="backslashreplace")
            text = self._masker.mask(text)
            self._file.write(text[: self._room])
            rest = text[self._room :]
            self._room = max(self._room - len(text), 0)
            if rest:
                self._hold(rest)

    def _hold(self, text: str) -> None:
        """Keep the end of what there is no room for, in pieces as they came."""
        self._last.append(text[-_LAST:])
        self._left_out += max(len(text) - _LAST, 0)
        self._kept += len(self._last[-1])
        while self._kept - len(self._last[0]) >= _LAST:
            gone = len(self._last.popleft())
            self._kept -= gone
            self._left_out += gone

    def keep(self, document: Path, ending: str) -> Path:
        """Copy a JSON document beside the log, secrets hidden in all of its texts."""
        kept = self.path.with_suffix(ending)
        data = self._hidden(json.loads(document.read_text(encoding="utf-8")))
        kept.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
        return kept

    def _hidden(self, value: Any) -> Any:  # noqa: ANN401  # any JSON
        if isinstance(value, str):
            return self._masker.mask(value)
        if isinstance(value, list):
            return [self._hidden(item) for item in value]
        if isinstance(value, dict):
            return {key: self._hidden(item) for key, item in value.items()}
        return value

    @property
    def used(self) -> bool:
        """Whether anything was written."""
        return self._file is not None

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            if self._left_out:
                self._file.write(f"\n[{self._left_out:,} characters are left out here]\n")
            self._file.write("".join(self._last))
            self._file.close()


class _Router(io.TextIOBase):
    """Stands in for ``sys.stdout`` or ``sys.stderr`` and asks, at each write, whose it is."""

    def __init__(self, own: TextIO, stray: TextIO) -> None:
        self.own = own
        self._stray = stray
        self.logs: dict[int, StepLog] = {}

    def _target(self) -> TextIO | StepLog:
        thread = threading.current_thread()
        log = self.logs.get(thread.ident or 0)
        if log is not None:
            return log
        # A thread that a user's function started has no log: it must not reach our
        # standard output either.
        return self.own if thread is threading.main_thread() else self._stray

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._target().write(text)
        return len(text)

    def flush(self) -> None:
        target = self._target()
        if not isinstance(target, StepLog):
            target.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        target = self._target()
        return not isinstance(target, StepLog) and target.isatty()

    def fileno(self) -> int:
        target = self._target()
        if isinstance(target, StepLog):
            # Whoever writes past us must not get our standard output.
            return sys.__stderr__.fileno() if sys.__stderr__ is not None else 2
        return target.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only is enough
        return "utf-8"


class Capture:
    """Both standard streams, split by thread, from :meth:`start` to :meth:`stop`."""

    def __init__(self) -> None:
        self._streams: tuple[_Router, _Router] | None = None

    def start(self) -> None:
        """Put the routers in place."""
        out, err = sys.stdout, sys.stderr
        self._streams = (_Router(out, err), _Router(err, err))
        sys.stdout, sys.stderr = self._streams

    def stop(self) -> None:
        """Put back what was there, unless somebody else has replaced it since."""
        if self._streams is None:
            return
        out, err = self._streams
        if sys.stdout is out:
            sys.stdout = out.own
        if sys.stderr is err:
            sys.stderr = err.own
        self._streams = None

    @contextmanager
    def to(self, log: StepLog) -> Iterator[None]:
        """Send what this thread prints to ``log``."""
        ident = threading.get_ident()
        streams = self._streams or ()
        for stream in streams:
            stream.logs[ident] = log
        try:
            yield
        finally:
            for stream in streams:
                stream.logs.pop(ident, None)
