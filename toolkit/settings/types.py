"""The settings that the other rooms see: plain, typed, immutable.

What ``Attributes`` says of a key of toolkit.yml is also what docs/configuration.md says of it:
``tools/configuration.py`` writes it there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

Engine = Literal["auto", "gated", "runner", "cli"]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One output of profiles.yml, rendered.

    Attributes:
        type: adapter name (``duckdb``, ``postgres``, ...); also the SQL dialect's name.
        database / schema: where dbt builds by default.
        path: the DuckDB file, absolute (a relative one counts from the project folder);
            ``:memory:`` or ``md:...`` as written; ``None`` for other adapters.
        config_options: DuckDB's; a connection in our process must use exactly these.
        settings: DuckDB ``SET`` options for each cursor.
        raw: the rendered output as it stands. Holds secrets: never print it.
    """

    type: str
    database: str | None
    schema: str | None
    threads: int = 1
    path: str | None = None
    config_options: Mapping[str, Any] = {}
    settings: Mapping[str, Any] = {}
    raw: Mapping[str, Any] = {}

    @property
    def file(self) -> Path | None:
        """The DuckDB file, where the warehouse is one on this machine."""
        if self.type != "duckdb" or self.path is None:
            return None
        return None if self.path == ":memory:" or self.path.startswith("md:") else Path(self.path)


class AirbyteTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one target reaches Airbyte (``airbyte.<target>`` in toolkit.yml).

    Attributes:
        run: ``local``: connectors run here as processes and land in the target's DuckDB file;
            ``remote``: syncs are started on an Airbyte server.
        url: address of the server, for ``remote``; without it Airbyte Cloud is meant.
        client_id: of an Airbyte application, to sign in with.
        client_secret: its secret; must come from a variable.
        token: a bearer token, in place of an application; must come from a variable.
        username: basic authentication, in place of an application.
        password: of that user; must come from a variable.
        workspaces: ids of the workspaces to look into; without them, all that can be seen.
        timeout: how long one sync may take on the server.
        connections: where a remote target's connections are read from: ``files`` (those that
            ``connections`` names) or ``server``. Without it, the server where no files are named.
    """

    run: Literal["local", "remote"] = "local"
    url: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    token: str | None = None
    username: str | None = None
    password: str | None = None
    workspaces: tuple[str, ...] = ()
    timeout: float = 86_400.0
    connections: Literal["files", "server"] | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must never be printed."""
        values = (self.client_secret, self.token, self.password)
        return tuple(value for value in values if value)

    def __repr__(self) -> str:
        """Without what is secret."""
        shown = [
            f"{name}={'*****' if value in self.secrets else repr(value)}"
            for name in self.__struct_fields__
            if (value := getattr(self, name)) not in (None, ())
        ]
        return f"AirbyteTarget({', '.join(shown)})"


class DestinationMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a configured destination really lands (``destinations.<name>`` in toolkit.yml).

    Attributes:
        database: the database that the destination of this name lands in.
        schema: the schema that it lands in, where a stream has no namespace of its own.
    """

    database: str | None = None
    schema: str | None = None


class StepRule(msgspec.Struct, frozen=True, kw_only=True):
    """How some steps are run (an entry of ``run.rules`` in toolkit.yml). ``None``: not said.

    Attributes:
        where: file:line of the entry, for messages.
        select: which steps it is about, as for ``--select``; without it, all.
        exclude: but not these.
        pool: the pool of ``run.pools`` that they take a place in.
        timeout: how long one attempt may take; without it, as long as it takes.
        retries: how many times a failed step is tried again; without it, a sync twice, others
            not at all.
        retry_wait: before the second attempt, 5 s without it; each later wait is twice as long.
    """

    where: str
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    pool: str | None = None
    timeout: float | None = None
    retries: int | None = None
    retry_wait: float | None = None


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How steps are run (``run`` in toolkit.yml).

    Attributes:
        concurrency: how many steps of a kind (``sync``, ``dbt``, ``python``, ``check``) run at
            once; without it, as many as there are ``threads``, but four syncs at least.
        pools: a pool, and how many of its steps run at once.
        rules: which steps take a place in a pool, how long they may take, how often they are
            tried again. Later rules win, for each of their keys.
    """

    concurrency: Mapping[str, int] = {}
    pools: Mapping[str, int] = {}
    rules: tuple[StepRule, ...] = ()


RuleSeverity = Literal["error", "warning", "off"]


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one governance rule (``rules.<rule>`` in toolkit.yml).

    Attributes:
        where: file:line of the entry, for messages.
        severity: how much a finding counts; without it, the rule's own default.
        exceptions: assets that it is not about, as for ``--select``.
        tags: for ``untagged-pii``: the tags to follow; without them, ``pii``.
    """

    where: str
    severity: RuleSeverity | None = None
    exceptions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class RulesSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The governance rules (``rules`` in toolkit.yml).

    Attributes:
        marts: which models are marts, as for ``--select``; without it, those in a folder
            ``marts`` or ``mart``, and public ones.
        marts_where: file:line of that, for messages.
        rules: how a governance rule counts, by its id.
    """

    marts: tuple[str, ...] = ()
    marts_where: str = ""
    rules: Mapping[str, RuleSettings] = {}


class ProfileSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How tables are profiled when they are made (``profile`` in toolkit.yml).

    Attributes:
        mode: ``on`` counts all rows, ``sample`` those of a sample where a table is large,
            ``off`` nothing.
        values: keep values (smallest, largest, mean, quartiles), and not only counts.
    """

    mode: Literal["on", "sample", "off"] = "sample"
    values: bool = True


Metric = Literal["row_count", "null_share", "distinct", "mean"]


class AnomalyRule(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as unusual of some assets (an entry of ``anomalies`` in toolkit.yml).

    Attributes:
        where: file:line of the entry, for messages.
        select: which assets, as for ``--select``; without it, all tables that a build makes.
        exclude: but not these.
        metrics: what is looked at.
        columns: of which columns; without it, of all.
        last: how many of the last builds are compared with.
        least: with fewer builds than that, nothing is said.
        threshold: how many median absolute deviations (MADs) from the median are unusual.
        severity: ``error`` blocks what is downstream.
    """

    where: str
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ("row_count",)
    columns: tuple[str, ...] = ()
    last: int = 14
    least: int = 7
    threshold: float = 6.0
    severity: Literal["warn", "error"] = "warn"


class AssetFile(msgspec.Struct, frozen=True, kw_only=True):
    """A notebook or script that is an asset itself (an entry of ``assets`` in toolkit.yml).

    Attributes:
        where: file:line of the entry, for messages.
        path: absolute.
        options: what ``@asset`` would be told; not validated yet.
    """

    where: str
    path: Path
    options: Mapping[str, Any] = {}


class PythonSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What Python assets may do (``python`` in toolkit.yml).

    Attributes:
        allow_pickle: ML models may be stored as pickles, which run code when they are loaded,
            by assets that ask for it.
    """

    allow_pickle: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All that the other rooms need to know of one project and target.

    Attributes:
        project_name: dbt's; empty when only artifacts are read (the manifest says it).
        project_dir: folder of dbt_project.yml; absolute. Without one, the manifest's folder.
        target_path: dbt's target folder; absolute. Ours is ``target_path / "toolkit"``.
        state_dir: ``.toolkit`` beside dbt_project.yml: ledger and caches, kept by ``dbt clean``.
        staged_profiles_dir: folder with a profiles.yml that differs from the user's in the path
            of the DuckDB file only; dbt is given it while a build works on a copy of that file.
        profile: ``None`` when only artifacts are read and no profile is there.
        adapter: dbt's adapter name; empty when only artifacts are read (the manifest says it).
        targets: names of all targets of the profile, in the file's order.
        project_paths: all folders that dbt reads sources from, relative to ``project_dir``:
            what must be looked at to know whether a manifest is stale.
        packages_path: where ``dbt deps`` puts packages; absolute.
        manifest / catalog: given by hand; then nothing else of dbt is read. Absolute.
        config_file: toolkit.yml, where there is one; absolute.
        connections: Airbyte configuration files and folders; absolute.
        assets: Python files and folders with ``@asset`` functions; absolute.
        asset_files: notebooks and scripts that are assets themselves.
        airbyte: how the active target reaches Airbyte.
        destinations: by the configured destination's name.
        run: limits, pools, timeouts and retries of steps.
        rules: severities and exceptions of governance rules.
        python: what Python assets may do.
        profiling: how tables are profiled when they are made.
        anomalies: what counts as unusual of them.
        engine: how dbt is run; ``auto`` takes the best one that this dbt allows.
        dbt_executable: dbt of another environment, which then does all of dbt's work; a path
            or a name on PATH.
        vars: ``--vars``.
        secrets: values that must never be printed.
    """

    project_name: str
    project_dir: Path
    target: str
    target_path: Path
    state_dir: Path
    profiles_dir: Path | None = None
    staged_profiles_dir: Path | None = None
    profile_name: str | None = None
    profile: Profile | None = None
    adapter: str = ""
    targets: tuple[str, ...] = ()
    threads: int = 1
    project_paths: tuple[str, ...] = ()
    packages_path: Path | None = None
    manifest: Path | None = None
    catalog: Path | None = None
    config_file: Path | None = None
    connections: tuple[Path, ...] = ()
    assets: tuple[Path, ...] = ()
    asset_files: tuple[AssetFile, ...] = ()
    airbyte: AirbyteTarget = AirbyteTarget()
    destinations: Mapping[str, DestinationMap] = {}
    run: RunSettings = RunSettings()
    rules: RulesSettings = RulesSettings()
    python: PythonSettings = PythonSettings()
    profiling: ProfileSettings = ProfileSettings()
    anomalies: tuple[AnomalyRule, ...] = ()
    engine: Engine = "auto"
    dbt_executable: str | None = None
    vars: Mapping[str, Any] = {}
    secrets: frozenset[str] = frozenset()

    @property
    def output_dir(self) -> Path:
        """Folder for the files that we write for people."""
        return self.target_path / "toolkit"
