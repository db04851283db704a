"""dbt inside this process: imported at most once, parsed at most once.

Only here and in the gated engine is dbt imported, and here only its public names:
``dbtRunner`` and the events that it hands to callbacks. Importing it costs 2.5 s, so
nothing here runs when nothing is to be done.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from toolkit.integrations.dbt.injected import inject_again
from toolkit.integrations.dbt.results import NodeEvent, event_of_message, result_of_object
from toolkit.integrations.dbt.session import Outcome, Session, environment


class DbtSession(Session):
    """dbt through the public ``dbtRunner``."""

    _interrupted = False

    def invoke(
        self, args: Sequence[str], hear: Callable[[NodeEvent], None] | None = None
    ) -> Outcome:
        """Call dbt; its threads call ``hear``."""
        from dbt.cli.main import dbtRunner

        def listen(message: Any) -> None:  # noqa: ANN401 - dbt's generated EventMsg
            event = event_of_message(message)
            if event is not None and hear is not None:
                hear(event)

        command, *rest = args
        if self._manifest is not None:
            inject_again(self._manifest.nodes.values())
        runner = dbtRunner(manifest=self._manifest, callbacks=[listen] if hear else [])
        words = [command, *self.common(), "--log-level", "none", "--no-print", "--no-use-colors"]
        with contextlib.chdir(self.settings.project_dir), _environment():
            result = runner.invoke([*words, *rest])  # relative paths mean the project's folder
        error = result.exception
        if isinstance(error, KeyboardInterrupt):
            raise error
        results = getattr(result.result, "results", None) or ()
        return Outcome(
            success=result.success,
            error=(str(error).strip() or type(error).__name__) if error is not None else None,
            results=tuple(result_of_object(item) for item in results),
            manifest=result.result if command == "parse" else None,
        )

    def interrupt(self) -> None:
        """Break off the main thread's query; dbt itself does that with all others, once.

        A node that was between two queries at that moment goes on, and dbt waits for it. So
        where we are asked again, all are broken off. Without dbt's private list of connections,
        a query ends when it ends.
        """
        main = (os.getpid(), threading.main_thread().ident)
        for adapter, connections in _connections():
            for thread, connection in [*connections.items()]:
                if thread == main or self._interrupted:
                    _cancel(adapter, connection)
        self._interrupted = True

    def stop(self, key: str) -> None:
        """Break off the node's query. Between two queries there is none: ask again."""
        for adapter, connections in _connections():
            for connection in [*connections.values()]:
                if connection.name == key:
                    _cancel(adapter, connection)

    def forget(self, key: str) -> None:
        """dbt must not close the node's connection, which waits for its query."""
        for _, connections in _connections():
            for thread, connection in [*connections.items()]:
                if connection.name == key:
                    del connections[thread]

    def close(self) -> None:
        """Let go of the DuckDB file, which dbt-duckdb keeps open for the life of the process."""
        adapter = sys.modules.get("dbt.adapters.duckdb.connections")
        if adapter is not None:
            adapter.DuckDBConnectionManager.close_all_connections()


def _connections() -> Iterator[tuple[Any, dict[Any, Any]]]:
    """Each adapter that is in use, with its connections by process and thread."""
    factory = sys.modules.get("dbt.adapters.factory")
    for adapter in [*factory.FACTORY.adapters.values()] if factory is not None else ():
        yield adapter, getattr(adapter.connections, "thread_connections", {})


def _cancel(adapter: Any, connection: Any) -> None:  # noqa: ANN401 - dbt's
    if connection.state == "open" and adapter.is_cancelable():
        # It may be closed at this moment; adapters have as many errors for that.
        with contextlib.suppress(Exception):
            adapter.connections.cancel(connection)


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """dbt reads this process's environment: for the time of a call it is what it shall be."""
    before, wanted = dict(os.environ), environment(os.environ)
    for name in before.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted.keys() - before.keys():
            os.environ.pop(name, None)
        os.environ.update(before)
