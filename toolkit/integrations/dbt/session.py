"""dbt for one project and target: parsed at most once, called with the options we share.

How dbt is called is the business of the two kinds of session: inside this process, or as
the ``dbt`` executable of another environment.
"""

import abc
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from toolkit.errors import ArtifactError, ToolkitError, WarehouseError
from toolkit.integrations.dbt import staleness
from toolkit.integrations.dbt.partial import own_partial_parse
from toolkit.integrations.dbt.results import NodeEvent, NodeResult
from toolkit.settings import Settings

# dbt sends usage statistics unless told not to; a build here never calls out.
_NO_TELEMETRY: Mapping[str, str] = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
}
# what Python says of a file that cannot be made, written or read: no mistake in the project
_UNUSABLE = re.compile(r"\[Errno \d+\] (?P<why>[^:\n]+): '(?P<path>[^'\n]+)'")
# What is to be built is chosen before dbt is called; it must not choose once more.
_OURS = ("DBT_RESOURCE_TYPES", "DBT_EXCLUDE_RESOURCE_TYPES", "DBT_INDIRECT_SELECTION")


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that dbt is called in."""
    kept = {name: value for name, value in environ.items() if _plain(name) not in _OURS}
    return {**kept, **_NO_TELEMETRY}


def _plain(name: str) -> str:
    """dbt 1.11 takes its variables with the prefix ``DBT_ENGINE_`` as well."""
    return name.replace("DBT_ENGINE_", "DBT_", 1)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one call of dbt ended.

    Attributes:
        error: what dbt said where it stopped before its work, or did not come to its end.
        results: of the nodes that it spoke of, hooks included.
        manifest: what it parsed, where it can be handed to later calls.
    """

    success: bool
    error: str | None = None
    results: tuple[NodeResult, ...] = ()
    manifest: Any = None

    def said(self) -> str:
        """What dbt had to say about a failure, on few lines."""
        if self.error is not None:
            return "\n  ".join(line.rstrip() for line in self.error.splitlines() if line.strip())
        failed = [
            f"{result.key}: {result.message.splitlines()[0]}"
            for result in self.results
            if result.failed and result.message
        ]
        return "; ".join(failed[:3]) or "no reason given"

    def failure(self) -> ToolkitError:
        """The error for a call that ended before any node was reached."""
        text = self.said()
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


class Session(abc.ABC):
    """dbt for one project and target.

    Attributes:
        keeps_manifest: what one call parsed can be handed to the next.
    """

    keeps_manifest = True

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
        outcome = self._write(["parse"], seen)
        if not outcome.success:
            unusable = _UNUSABLE.search(outcome.error or "")
            if unusable:
                raise ArtifactError(
                    f"dbt cannot use {unusable['path']}: {unusable['why']}.",
                    "It needs that to parse the project, so nothing was done.",
                    "Check the path and its permissions. dbt writes its target folder (elsewhere "
                    "with --target-path) and its log (elsewhere with DBT_LOG_PATH).",
                )
            raise ArtifactError(
                f"dbt cannot parse {self.settings.project_dir}: {outcome.said()}",
                "Without a manifest there is no graph, so nothing was done.",
                "Mend what dbt names (`dbt parse` shows it alone); "
                "if a package is missing, run `dbt deps`.",
            )
        self._manifest, self._seen = outcome.manifest, seen

    def compile(self, selection: Sequence[str] = ()) -> str | None:
        """Compile every node, so that manifest.json holds its SQL.

        Args:
            selection: options that say which nodes alone.

        Returns:
            ``None`` when all went well, else what dbt said; what could be compiled is written.
        """
        if self.keeps_manifest and self._manifest is None:
            self.parse()
        words = ["compile", "--no-populate-cache"]
        words += selection or ["--indirect-selection", "empty"]
        try:
            outcome = self._write(words, self._seen)
        finally:
            # dbt notes in it that a model's ephemeral parents were put into its SQL, and when it
            # compiles that once more with the same manifest, it leaves them out.
            self._manifest = self._seen = None
            self.close()
        return None if outcome.success else outcome.said()

    def build(
        self,
        args: Sequence[str],
        hear: Callable[[NodeEvent], None],
        *,
        share_parse: bool,
        change: Callable[[Any], None] | None = None,
    ) -> Outcome:
        """Run ``dbt build`` with ``args``; ``hear`` gets every event, in dbt's threads.

        Args:
            change: called with dbt's manifest before, where this session can hand it over.
            share_parse: more builds will follow: parse now and hand the result to each, so
                that they keep one manifest (and its compiled SQL) between them.
        """
        wanted = share_parse or change is not None
        if wanted and self.keeps_manifest and self._manifest is None:
            self.parse()
        if change is not None and self._manifest is not None:
            change(self._manifest)
        return self._write(["build", *args], self._seen, hear)

    @abc.abstractmethod
    def invoke(
        self, args: Sequence[str], hear: Callable[[NodeEvent], None] | None = None
    ) -> Outcome:
        """Call dbt with ``args`` and the options that every call shares.

        Raises:
            KeyboardInterrupt: the user interrupted dbt; it has ended.
        """

    @abc.abstractmethod
    def interrupt(self) -> None:
        """Break off what a call in the main thread is stuck in; comes from another thread."""

    @abc.abstractmethod
    def stop(self, key: str) -> None:
        """Break off what runs for one node, as far as that can be done; from another thread."""

    @abc.abstractmethod
    def forget(self, key: str) -> None:
        """Do not wait for what runs for this node when all is closed: nobody can stop it."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of the warehouse."""

    def _write(
        self,
        args: Sequence[str],
        seen: staleness.Seen | None,
        hear: Callable[[NodeEvent], None] | None = None,
    ) -> Outcome:
        """Call dbt with a command that writes manifest.json, and note from what it did.

        Args:
            seen: the project as it was when the manifest that we hold was parsed; ``None``
                when we hold none and dbt parses now.
        """
        before = staleness.manifest_stamp(self.settings)
        seen = seen or staleness.look(self.settings)
        with own_partial_parse(self.settings):
            outcome = self.invoke(args, hear)
        written = staleness.manifest_stamp(self.settings) != before
        # A full disk leaves half a file, and dbt fails.
        if written and (outcome.success or outcome.results):
            staleness.remember(self.settings, seen)
        return outcome

    def common(self) -> list[str]:
        """The options of every call: which project, profile, target and variables."""
        settings = self.settings
        args = [
            "--project-dir", str(settings.project_dir),
            "--target", settings.target,
            "--target-path", str(settings.target_path),
            "--threads", str(settings.threads),
        ]  # fmt: skip
        profiles_dir = settings.staged_profiles_dir or settings.profiles_dir
        if profiles_dir is not None:
            args += ["--profiles-dir", str(profiles_dir)]
        if settings.profile_name is not None:
            args += ["--profile", settings.profile_name]
        if settings.vars:
            args += ["--vars", msgspec.json.encode(dict(settings.vars)).decode()]
        return args
