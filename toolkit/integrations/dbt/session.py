"""dbt inside this process: imported at most once, parsed at most once.

Only here is dbt imported, and only its public names: ``dbtRunner`` and the events that
it hands to callbacks. Importing it costs 2.5 s, so nothing here runs when nothing is to
be done.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from toolkit.errors import ArtifactError, ToolkitError, WarehouseError
from toolkit.integrations.dbt import staleness
from toolkit.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

# dbt sends usage statistics unless told not to; a build here never calls out.
_NO_TELEMETRY = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}


class DbtSession:
    """dbt for one project and target."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._manifest: Any = None
        self._seen: staleness.Seen | None = None

    def parse(self) -> None:
        """Parse the project and write manifest.json.

        Raises:
            ArtifactError: dbt cannot parse it; dbt's own words are in the message.
        """
        seen = staleness.look(self.settings)
        result = self._write(["parse"], seen)
        if not result.success:
            raise ArtifactError(
                f"dbt cannot parse {self.settings.project_dir}: {said(result)}",
                "Without a manifest there is no graph, so nothing was done.",
                "Mend what dbt names (`dbt parse` shows it alone); "
                "if a package is missing, run `dbt deps`.",
            )
        self._manifest, self._seen = result.result, seen

    def compile(self) -> str | None:
        """Compile every node, so that manifest.json holds its SQL.

        Returns:
            ``None`` when all went well, else what dbt said; what could be compiled is written.
        """
        if self._manifest is None:
            self.parse()
        words = ["compile", "--indirect-selection", "empty", "--no-populate-cache"]
        result = self._write(words, self._seen)
        return None if result.success else said(result)

    def build(
        self, args: Sequence[str], callback: Callable[[Any], None], *, share_parse: bool
    ) -> "dbtRunnerResult":
        """Run ``dbt build`` with ``args``; ``callback`` gets every event.

        Args:
            share_parse: more builds will follow: parse now and hand the result to each, so
                that they keep one manifest (and its compiled SQL) between them.
        """
        if share_parse and self._manifest is None:
            self.parse()
        return self._write(["build", *args], self._seen, callback)

    def _write(
        self,
        args: Sequence[str],
        seen: staleness.Seen | None,
        callback: Callable[[Any], None] | None = None,
    ) -> "dbtRunnerResult":
        """Call dbt with a command that writes manifest.json, and note from what it did.

        Args:
            seen: the project as it was when the manifest that we hold was parsed; ``None``
                when we hold none and dbt parses now.
        """
        before = staleness.manifest_stamp(self.settings)
        seen = seen or staleness.look(self.settings)
        result = self.invoke(args, callback)
        if staleness.manifest_stamp(self.settings) != before:
            staleness.remember(self.settings, seen)
        return result

    def invoke(
        self, args: Sequence[str], callback: Callable[[Any], None] | None = None
    ) -> "dbtRunnerResult":
        """Call dbt with ``args`` and the options that every call shares.

        Raises:
            KeyboardInterrupt: the user interrupted dbt.
        """
        os.environ.update(_NO_TELEMETRY)
        from dbt.cli.main import dbtRunner

        command, *rest = args
        runner = dbtRunner(manifest=self._manifest, callbacks=[callback] if callback else [])
        with contextlib.chdir(self.settings.project_dir):  # relative paths mean this folder
            result = runner.invoke([command, *self._common(), *rest])
        if isinstance(result.exception, KeyboardInterrupt):
            raise result.exception
        return result

    def close(self) -> None:
        """Let go of the DuckDB file, which dbt-duckdb keeps open for the life of the process."""
        adapter = sys.modules.get("dbt.adapters.duckdb.connections")
        if adapter is not None:
            adapter.DuckDBConnectionManager.close_all_connections()

    def _common(self) -> list[str]:
        settings = self.settings
        args = [
            "--project-dir", str(settings.project_dir),
            "--target", settings.target,
            "--target-path", str(settings.target_path),
            "--threads", str(settings.threads),
            "--log-level", "none",
            "--no-print",
            "--no-use-colors",
        ]  # fmt: skip
        if settings.profiles_dir is not None:
            args += ["--profiles-dir", str(settings.profiles_dir)]
        if settings.profile_name is not None:
            args += ["--profile", settings.profile_name]
        if settings.vars:
            args += ["--vars", msgspec.json.encode(dict(settings.vars)).decode()]
        return args


def said(result: "dbtRunnerResult") -> str:
    """What dbt had to say about a failure, on few lines."""
    if result.exception is not None:
        text = str(result.exception).strip() or type(result.exception).__name__
        return "\n  ".join(line.rstrip() for line in text.splitlines() if line.strip())
    failed = [
        f"{r.node.unique_id}: {(r.message or '').strip().splitlines()[0]}"
        for r in getattr(result.result, "results", None) or []
        if str(r.status) in ("error", "fail", "runtime error") and r.message
    ]
    return "; ".join(failed[:3]) or "no reason given"


def failure(result: "dbtRunnerResult") -> ToolkitError:
    """The error for a dbt call that ended before any node was reached."""
    text = said(result)
    if "onflicting lock" in text or "Could not set lock" in text:
        return WarehouseError(
            f"dbt could not open the warehouse: {text}",
            "DuckDB lets one process write a file, so this part was not run.",
            "Close the program that holds the file, then try again.",
        )
    return ToolkitError(
        f"dbt stopped before it built anything: {text}",
        "This part of the run was not done.",
        "Mend what dbt names, then run `toolkit build` again.",
    )
