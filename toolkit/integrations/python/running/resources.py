"""Resources of one run: opened when first needed, once, and closed whatever happens."""

import inspect
import threading
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.registry import PythonResource


class ResourcePool:
    """Opens and closes resources; any thread may ask.

    Args:
        makers: by name, with all that they need.
    """

    def __init__(self, makers: Mapping[str, PythonResource]) -> None:
        self._makers = makers
        self._locks = {name: threading.Lock() for name in makers}
        self._open: dict[str, Any] = {}
        self._failed: dict[str, AssetFailedError] = {}
        self._to_close: list[tuple[PythonResource, Callable[[], None]]] = []

    def get(self, name: str) -> Any:  # noqa: ANN401  # whatever the user's function gives
        """The resource, opened now if nobody has asked before; what it needs, first.

        Raises:
            AssetFailedError: it cannot be opened; said again to everybody who asks.
        """
        # What a resource needs is no circle, so that these locks are taken in one order.
        with self._locks[name]:
            if name in self._failed:
                raise self._failed[name]
            if name not in self._open:
                maker = self._makers[name]
                needs = {need: self.get(need) for need in maker.needs}
                try:
                    self._open[name] = self._make(maker, {**maker.values, **needs})
                except (Exception, SystemExit) as error:  # the user's code may raise anything
                    self._failed[name] = failure = AssetFailedError(
                        f"The resource {name!r} ({maker.place}) cannot be opened: "
                        f"{type(error).__name__}: {error}",
                        "What needs it was not run.",
                        "Mend the resource, then `toolkit build` again.",
                    )
                    raise failure from error
            return self._open[name]

    def _make(self, maker: PythonResource, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401  # whatever the user's function gives
        made = maker.function(**arguments)
        if inspect.isgenerator(made):
            return self._begin(maker, made)
        # @resource over @contextmanager; what else a function returns is as it wants it.
        wrapped = hasattr(maker.function, "__wrapped__") and hasattr(made, "gen")
        if inspect.isclass(maker.function) or wrapped:
            return self._enter(maker, made)
        return made

    def _begin(self, maker: PythonResource, made: Generator[Any, None, None]) -> Any:  # noqa: ANN401
        try:
            value = next(made)
        except StopIteration:
            raise TypeError("it is a generator that yields nothing") from None
        self._to_close.append((maker, lambda: _end(made)))
        return value

    def _enter(self, maker: PythonResource, made: Any) -> Any:  # noqa: ANN401  # the user's object
        if isinstance(made, AbstractContextManager):
            stack = ExitStack()
            value = stack.enter_context(made)
            self._to_close.append((maker, stack.close))
            return value
        close = getattr(made, "close", None)
        if callable(close):  # before open(): what it has begun is to be undone too
            self._to_close.append((maker, close))
        opens = getattr(made, "open", None)
        if callable(opens):
            opens()
        return made

    def close(self, report: Callable[[str, str], None]) -> None:
        """Close everything, last opened first.

        Args:
            report: told, for each one that cannot be closed, one line and its traceback.
        """
        while self._to_close:
            maker, close = self._to_close.pop()
            try:
                close()
            except _YieldsAgainError:
                report(f"The resource {maker.name!r} ({maker.place}) yields more than once.", "")
            except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's own code
                report(
                    f"The resource {maker.name!r} ({maker.place}) was not closed: "
                    f"{type(error).__name__}: {error}",
                    "".join(traceback.format_exception(error)),
                )


class _YieldsAgainError(Exception):
    """A generator that was to end has given something more."""


def _end(generator: Generator[Any, None, None]) -> None:
    try:
        next(generator)
    except StopIteration:
        return
    generator.close()
    raise _YieldsAgainError
