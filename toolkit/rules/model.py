"""What rules are made of, what they look at, and what they find."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

from toolkit.graph import Asset, AssetGraph
from toolkit.lineage import Lineage
from toolkit.settings import RuleSettings
from toolkit.settings.types import RuleSeverity

Severity = Literal["error", "warning"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that breaks a rule, ours or another tool's.

    Attributes:
        rule: its id; for other tools their own code.
        asset / column: what it is about; ``None`` for the project.
        message: the fact, in a sentence.
        path: file to mend, relative to the project folder, where known.
        line: 1-based line in it, where known.
        mend: what to do, in a sentence; empty where another tool does not say.
        tool: who found it.
    """

    rule: str
    severity: Severity
    asset: str | None
    column: str | None
    message: str
    path: str | None = None
    line: int | None = None
    mend: str = ""
    tool: str = "toolkit"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule gives: a finding before its severity and exceptions.

    Attributes:
        path: where not the file that describes the asset.
    """

    asset: Asset
    message: str
    mend: str
    column: str | None = None
    path: str | None = None


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may look at.

    Attributes:
        project: the dbt project's name; assets of other packages are not reported, as nobody
            can mend them here. Empty: all are.
        dialect: dbt's adapter type.
        marts: keys of the models that are marts.
        excepted: keys of the assets that this rule is not about.
    """

    graph: AssetGraph
    lineage: Lineage
    project: str
    dialect: str
    marts: frozenset[str]
    excepted: frozenset[str] = frozenset()

    def ours(self, asset: Asset) -> bool:
        """Whether a finding about the asset can be mended here."""
        return asset.key not in self.excepted and (
            not self.project or asset.package in (None, "", self.project)
        )

    def of_kind(self, *kinds: str) -> Iterator[Asset]:
        """The assets of these kinds that may be reported."""
        return (asset for asset in self.graph if asset.kind in kinds and self.ours(asset))


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule.

    Attributes:
        default: its severity where toolkit.yml says nothing.
        title / why / mend: for people, a sentence or two each.
        check: gives what breaks it.
    """

    id: str
    default: RuleSeverity
    title: str
    why: str
    mend: str
    check: Callable[[Scope, RuleSettings], Iterable[Found]]


def described_in(asset: Asset) -> str | None:
    """The file where people write about an asset: its YAML, else what defines it."""
    return asset.yaml_path or asset.path


def label(asset: Asset) -> str:
    """An asset in a path that a person reads: its name, with the source's before it."""
    return f"{asset.source_name}.{asset.name}" if asset.source_name else asset.name


def is_time_spine(asset: Asset) -> bool:
    """The semantic layer's own table of days: read by its name, and nobody's."""
    return "time_spine" in asset.name
