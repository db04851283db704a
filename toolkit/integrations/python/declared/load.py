"""Decorated functions -> assets and checks, each name resolved."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.errors import AssetError
from toolkit.graph import Asset, Check, Relation
from toolkit.integrations.python.code.judge_code import CodeJudge, Judged, JudgesCode
from toolkit.integrations.python.declared import modules
from toolkit.integrations.python.declared.batching import NOT_OVER, batching_of
from toolkit.integrations.python.declared.bind import Names, bind
from toolkit.integrations.python.declared.column_tests import column_checks
from toolkit.integrations.python.declared.columns import columns
from toolkit.integrations.python.declared.directory import Directory, Entry
from toolkit.integrations.python.declared.makers import choose_resources
from toolkit.integrations.python.declared.misuse import (
    refuse_circles,
    refuse_decorators_above,
    refuse_result,
    refuse_two_kinds,
)
from toolkit.integrations.python.declared.modules import AnyFound, Found, of_kind
from toolkit.integrations.python.declared.options import run_config, settled
from toolkit.integrations.python.declared.properties import described
from toolkit.integrations.python.declared.validate import (
    NOTHING_DONE,
    check_asset_options,
    check_flags,
    check_function,
    check_name,
    check_severity,
    reject,
    texts,
)
from toolkit.integrations.python.definitions import (
    AssetDefinition,
    Called,
    CheckDefinition,
    ResourceDefinition,
    definition_of,
)
from toolkit.integrations.python.files import declare as files
from toolkit.integrations.python.isolation.limits import isolation_config
from toolkit.integrations.python.lineage.captured import returned_form
from toolkit.integrations.python.lineage.reads import columns_read
from toolkit.integrations.python.lineage.sql_asset import as_sql, sql_text
from toolkit.integrations.python.models.gates import declared as declared_gates
from toolkit.integrations.python.models.gates import gate_checks
from toolkit.integrations.python.registry import (
    Callee,
    PythonAsset,
    PythonCheck,
    Registry,
    Stamp,
)
from toolkit.settings import Settings

NAME = "python"

# Kinds whose relation somebody else writes, so that we must not.
_WRITTEN = frozenset({"model", "seed", "snapshot", "stream"})


def load(settings: Settings, known: Mapping[str, Asset]) -> Registry:
    """Import the files of ``settings.assets`` and resolve what they declare.

    Raises:
        AssetError: anything about one of them is wrong.
    """
    if not settings.assets and not settings.asset_files:
        return Registry()
    found = declared(settings)
    return resolve(settings, known, found, CodeJudge(settings, found))


def declared(settings: Settings) -> list[AnyFound]:
    """Import the files; what their decorators, YAML beside them and ``assets:`` itself say.

    Raises:
        AssetError: a file cannot be read, or two say different things.
    """
    found = [*modules.find(settings.assets, settings.project_dir), *files.declared(settings)]
    return described(found, settings.assets, settings.project_dir)


def resolve(
    settings: Settings, known: Mapping[str, Asset], found: Sequence[AnyFound], code: JudgesCode
) -> Registry:
    """What these functions declare, each name resolved.

    Raises:
        AssetError: anything about one of them is wrong.
    """
    loader = _Loader(settings, known, found, code)
    assets = {f"{NAME}.{f.definition.name}": loader.asset(f) for f in loader.assets}
    refuse_circles(assets, known)
    checks: dict[str, PythonCheck] = {}
    for python_asset, item in zip(assets.values(), loader.assets, strict=True):
        for test in (*loader.column_checks(python_asset, item), *loader.gates(python_asset, item)):
            _add(checks, test)
    for declared_check in loader.checks:
        _add(checks, loader.check(declared_check))
    return Registry(
        assets=assets,
        checks=checks,
        resources=loader.resources,
        watched=loader.code.watched(),
        stamps=loader.stamps,
    )


def _add(checks: dict[str, PythonCheck], check: PythonCheck) -> None:
    other = checks.setdefault(check.check.key, check)
    if other is not check:
        raise AssetError(
            f"{check.callee.place} and {other.callee.place} both declare {check.check.key}.",
            "One of the two would never run, so nothing was done.",
            "Rename one of them.",
        )


class _Loader:
    """One load: the same names and folders for every function."""

    def __init__(
        self,
        settings: Settings,
        known: Mapping[str, Asset],
        given: Sequence[AnyFound],
        code: JudgesCode,
    ) -> None:
        self._settings = settings
        self.code = code
        refuse_two_kinds(given)
        found, disabled = settled(given, settings)
        self.stamps: dict[str, Mapping[str, Stamp]] = {}
        self.assets = of_kind(found, AssetDefinition)
        self.checks = of_kind(found, CheckDefinition)
        self.resources = choose_resources(found, settings.target)
        entries = {f"{NAME}.{f.definition.name}": self._entry(f) for f in self.assets}
        self._unique(known)
        self._names = Names(
            directory=Directory([*map(_known_entry, known.values()), *entries.values()]),
            resources=frozenset(self.resources),
            other_targets=frozenset(f.definition.name for f in of_kind(found, ResourceDefinition))
            - frozenset(self.resources),
            disabled=disabled,
        )

    def _relation(self, definition: AssetDefinition) -> Relation | None:
        if definition.kind == "ml_model":
            return None
        profile = self._settings.profile
        return Relation(
            profile.database if profile else None,
            definition.schema or (profile.schema if profile else None),
            definition.name,
        )

    def _entry(self, found: Found[AssetDefinition]) -> Entry:
        definition = found.definition
        check_name(found)
        profile = self._settings.profile
        check_asset_options(definition, profile.database if profile else None, found.who)
        _check_function(found)
        return Entry(
            key=f"{NAME}.{definition.name}",
            name=definition.name,
            kind=definition.kind,
            relation=self._relation(definition),
            event_time=definition.event_time,
        )

    def _unique(self, known: Mapping[str, Asset]) -> None:
        seen: dict[str, AnyFound] = {}
        written = {
            asset.relation.folded(): asset
            for asset in known.values()
            if asset.relation is not None and asset.kind in _WRITTEN
        }
        for found in self.assets:
            definition = found.definition
            other = seen.setdefault(definition.name.casefold(), found)
            if other is not found:
                raise AssetError(
                    f"{found.place} and {other.place} both declare the asset {definition.name!r}.",
                    NOTHING_DONE,
                    "Rename one of them.",
                )
            relation = self._relation(definition)
            owner = written.get(relation.folded()) if relation else None
            if owner is not None:
                raise reject(
                    found.who,
                    f"it would write {relation}, which is the table of {owner.key}.",
                    "Rename it, or give it another `schema`.",
                )

    def asset(self, found: Found[AssetDefinition]) -> PythonAsset:
        """One asset, with its inputs resolved."""
        definition, who = found.definition, found.who
        bound = bind(found, self._names)
        declared = columns(definition, bound, who)
        relation = self._relation(definition)
        materialized = "ml_model" if definition.kind == "ml_model" else "table"
        trusted = texts(definition.trusted, "trusted", who)
        types = {name: column.type for name, column in declared.items()}
        made = [definition.kind, str(relation), bound.keys, types, trusted]
        made += [definition.config] if definition.config else []
        made += [definition.format] if definition.format else []
        batching = batching_of(definition, who)
        if batching is not None:
            made += [batching.event_time, batching.size, batching.begin.isoformat()]
        key = f"{NAME}.{definition.name}"
        code = self._judged(key, found, bound.callee, made)
        text = sql_text(definition.sql, definition.kind, bound.callee, who, made)
        config = _config(definition, materialized, trusted)
        asset = Asset(
            key=key,
            kind="ml_model" if definition.kind == "ml_model" else "python",
            name=definition.name,
            integration=NAME,
            relation=relation,
            columns=declared,
            depends_on=bound.keys,
            description=_description(found, definition.description),
            owner=definition.owner,
            tags=texts(definition.tags, "tags", who),
            group=definition.group,
            path=found.path,
            line=found.line,
            yaml_path=found.yaml_path,
            fqn=(NAME, _container(found), definition.name),
            materialized=materialized,
            access=definition.access,
            config=config | isolation_config(bound.callee.isolate),
            meta=definition.meta,
            fingerprints={"body": code.version, "relation": str(relation)},
            code_version=code.version,
            volatile=NOT_OVER if batching is not None else code.volatile,
            subtype=returned_form(definition.function),
            reads=columns_read(found.file, found.line, bound.callee.inputs),
        )
        asset = as_sql(asset, text, definition.volatile)
        return PythonAsset(
            asset=asset,
            callee=bound.callee,
            trusted=trusted,
            format=definition.format,
            libraries=code.libraries,
            batching=batching,
        )

    def check(self, found: Found[CheckDefinition]) -> PythonCheck:
        """One ``@check``, with its asset and inputs resolved."""
        definition, who = found.definition, found.who
        check_name(found)
        check_severity(definition, who)
        _check_function(found)
        about = self._about(definition, who)
        bound = bind(found, self._names, about)
        others = tuple(key for key in bound.keys if key != about.key)
        key = f"check.{about.name}.{definition.name}"
        made = [about.key, definition.severity, others]
        made += [definition.config] if definition.config else []
        code = self._judged(key, found, bound.callee, made)
        config = run_config(definition)
        config |= isolation_config(bound.callee.isolate)
        check = Check(
            key=key,
            name=definition.name,
            kind="python",
            integration=NAME,
            assets=(about.key, *others),
            attached=about.key,
            severity="warn" if definition.severity == "warn" else "error",
            tags=texts(definition.tags, "tags", who),
            path=found.path,
            fqn=(NAME, _container(found), definition.name),
            config=config,
            meta={"description": _description(found, definition.description)},
            fingerprints={"body": code.version},
            code_version=code.version,
            volatile=code.volatile,
        )
        return PythonCheck(check=check, callee=bound.callee)

    def _about(self, definition: CheckDefinition, who: str) -> Entry:
        target = definition.asset
        if not isinstance(target, str):
            decorated = definition_of(target)
            if not isinstance(decorated, AssetDefinition):
                raise reject(
                    who,
                    f"asset={target!r} is not an asset.",
                    "Write @check(asset='<name>'); the parentheses are needed.",
                )
            target = f"{NAME}.{decorated.name}"
        return self._names.directory.find(target, who=who, what=f"its asset {target!r}")

    def gates(self, asset: PythonAsset, found: Found[AssetDefinition]) -> Iterable[PythonCheck]:
        """Checks for the ``gates`` that an ML model declares."""
        try:
            gates = declared_gates(found.definition.gates)
        except ValueError as error:
            raise reject(found.who, str(error), 'See "Gates" in docs/models.md.') from error
        return gate_checks(asset.asset, gates, asset.callee)

    def column_checks(
        self, asset: PythonAsset, found: Found[AssetDefinition]
    ) -> Iterable[PythonCheck]:
        """Checks for the ``tests`` that columns declare."""

        def find(name: str, what: str) -> Entry:
            return self._names.directory.find(name, who=found.who, what=what)

        fqn = (NAME, _container(found))
        return column_checks(asset, found.definition.columns, found.who, fqn, find)

    def _judged(self, key: str, found: Found[Called], callee: Callee, extra: object) -> Judged:
        judged = self.code.judge(found, callee, extra)
        self.stamps[key] = judged.stamps
        return judged


def _check_function(found: Found[Called]) -> None:
    check_flags(found)
    check_function(found)
    refuse_decorators_above(found)
    refuse_result(found)


def _config(
    definition: AssetDefinition, materialized: str, trusted: tuple[str, ...]
) -> dict[str, Any]:
    """What ``config.`` selects by, as a dbt node has it."""
    config: dict[str, Any] = {"materialized": materialized, "schema": definition.schema}
    config |= run_config(definition)
    if definition.event_time:
        config |= {"event_time": definition.event_time, "batch_size": definition.batch_size}
    if definition.kind == "ml_model":
        config |= {"trusted": list(trusted), "format": definition.format}
    return config


def _known_entry(asset: Asset) -> Entry:
    event_time = asset.config.get("event_time")
    return Entry(
        key=asset.key,
        name=asset.name,
        kind=asset.kind,
        relation=asset.relation,
        source_name=asset.source_name,
        version=asset.version,
        latest_version=asset.latest_version,
        materialized=asset.materialized,
        event_time=event_time if isinstance(event_time, str) else None,
    )


def _container(found: AnyFound) -> str:
    """The file as a dotted path from the project folder: ``ml.train``."""
    parts = Path(found.path).with_suffix("").parts
    return ".".join(part for part in parts if part not in ("..", "/"))


def _description(found: AnyFound, given: str | None) -> str:
    if given is not None:
        return given
    return inspect.getdoc(found.definition.function) or ""
