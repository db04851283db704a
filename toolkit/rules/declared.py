"""Rules about what people have declared: owners, descriptions, contracts."""

from collections.abc import Iterator

from toolkit.graph import Asset
from toolkit.rules.model import Found, Rule, Scope, described_in, is_time_spine
from toolkit.settings import RuleSettings

_DESCRIBED = frozenset({"source", "seed", "model", "snapshot", "python", "ml_model"})


def _unowned_marts(scope: Scope, _: RuleSettings) -> Iterator[Found]:
    for asset in scope.graph:
        if asset.key not in scope.marts or asset.owner is not None or not scope.ours(asset):
            continue
        if is_time_spine(asset):
            continue
        yield Found(
            asset=asset,
            message=f"The mart {asset.name} has no owner.",
            mend=f"Write `config: {{meta: {{owner: ...}}}}` for it in {_place(asset)}, or put it "
            "into a group that has an owner."
            if asset.integration == "dbt"
            else f"Give it an owner in {_place(asset)}.",
        )


def _undocumented_inputs(scope: Scope, _: RuleSettings) -> Iterator[Found]:
    readers: dict[str, list[str]] = {}
    for exposure in scope.graph:
        if exposure.kind == "exposure":
            for key in exposure.depends_on:
                readers.setdefault(key, []).append(exposure.name)
    for asset in scope.of_kind(*_DESCRIBED):
        names = sorted(readers.get(asset.key, ()))
        if not names or asset.description.strip():
            continue
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield Found(
            asset=asset,
            message=f"{asset.name} has no description, and "
            f"{'the exposure' if len(names) == 1 else 'exposures'} {shown} "
            f"{'reads' if len(names) == 1 else 'read'} it.",
            mend=f"Describe it in {_place(asset)}: what a row is, and what is left out.",
        )


def _uncontracted(scope: Scope, _: RuleSettings) -> Iterator[Found]:
    for asset in scope.of_kind("model"):
        if asset.access != "public" or asset.contract or asset.materialized == "ephemeral":
            continue
        yield Found(
            asset=asset,
            message=f"{asset.name} is public, and no contract is enforced on it.",
            mend="Declare its columns with their types and write "
            f"`config: {{contract: {{enforced: true}}}}` in {_place(asset)}, or make it protected.",
        )


def _place(asset: Asset) -> str:
    """The file to write in; dbt's descriptions stand in YAML, beside what they describe."""
    if asset.integration == "dbt" and asset.yaml_path is None and asset.kind != "source":
        return f"a YAML file beside {asset.path}" if asset.path else "a YAML file"
    return described_in(asset) or "the file that defines it"


UNOWNED_MART = Rule(
    id="unowned-mart",
    default="warning",
    title="A mart without an owner",
    why="Marts are what people outside of the team read. When one is late or wrong, they must "
    "know whom to ask.",
    mend="Name an owner in the model's `meta`, or put it into a group that has one.",
    check=_unowned_marts,
)
UNDOCUMENTED_INPUT = Rule(
    id="undocumented-exposure-input",
    default="warning",
    title="An exposure reads something that nobody described",
    why="Who looks at a dashboard and wonders what a figure counts ends at the tables that it "
    "reads. Without a description there is no answer.",
    mend="Describe the table: what a row is, and what is left out.",
    check=_undocumented_inputs,
)
UNCONTRACTED = Rule(
    id="uncontracted-public-model",
    default="warning",
    title="A public model without an enforced contract",
    why="Other projects build on a public model. Without a contract a column may vanish or "
    "change its type, and the first to notice is their build.",
    mend="Declare the columns with their types and enforce the contract, or make the model "
    "protected.",
    check=_uncontracted,
)
