"""Resources of one run: opened when first needed, once, and closed whatever happens."""

import inspect
import threading
import traceback
from collections.abc import Callable, Generator, Mapping
from typing import Any

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.registry import PythonResource


class ResourcePool:
    """Opens and closes resources; any thread may ask.

    Args:
        makers: by name.
    """

    def __init__(self, makers: Mapping[str, PythonResource]) -> None:
        self._makers = makers
        self._locks = {name: threading.Lock() for name in makers}
        self._open: dict[str, Any] = {}
        self._failed: dict[str, AssetFailedError] = {}
        self._generators: list[tuple[PythonResource, Generator[Any, None, None]]] = []

    def get(self, name: str) -> Any:  # noqa: ANN401  # whatever the user's function gives
        """The resource, opened now if nobody has asked before.

        Raises:
            AssetFailedError: it cannot be opened; said again to everybody who asks.
        """
        with self._locks[name]:
            if name in self._failed:
                raise self._failed[name]
            if name not in self._open:
                try:
                    self._open[name] = self._make(self._makers[name])
                except (Exception, SystemExit) as error:  # the user's code may raise anything
                    self._failed[name] = failure = AssetFailedError(
                        f"The resource {name!r} ({self._makers[name].place}) cannot be opened: "
                        f"{type(error).__name__}: {error}",
                        "What needs it was not run.",
                        "Mend the resource, then `toolkit build` again.",
                    )
                    raise failure from error
            return self._open[name]

    def _make(self, maker: PythonResource) -> Any:  # noqa: ANN401  # whatever the user's function gives
        made = maker.function()
        if not inspect.isgenerator(made):
            return made
        try:
            value = next(made)
        except StopIteration:
            raise TypeError("it is a generator that yields nothing") from None
        self._generators.append((maker, made))
        return value

    def close(self, report: Callable[[str, str], None]) -> None:
        """Close everything, last opened first.

        Args:
            report: told, for each one that cannot be closed, one line and its traceback.
        """
        while self._generators:
            maker, generator = self._generators.pop()
            try:
                next(generator)
                generator.close()
                report(f"The resource {maker.name!r} ({maker.place}) yields more than once.", "")
            except StopIteration:
                pass
            except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's own code
                report(
                    f"The resource {maker.name!r} ({maker.place}) was not closed: "
                    f"{type(error).__name__}: {error}",
                    "".join(traceback.format_exception(error)),
                )
