"""Assets whose lineage is not in SQL: what lands by itself, and what people declare."""

import difflib
from collections.abc import Collection, Mapping

from toolkit.graph import Asset
from toolkit.lineage.known import CATALOGUED, UNKNOWN, Shape
from toolkit.lineage.sql.flow import IDENTITY, TRANSFORMATION
from toolkit.lineage.traced import Home, Leaf, Loss, Output, Traced, listed

# The column of Airbyte's raw tables that holds the whole record as JSON.
_RECORD = "_airbyte_data"


def landed(own: Shape, parents: Mapping[str, Shape], raw: Collection[str] = frozenset()) -> Traced:
    """An asset that is where its parents land: a source read from a stream or a seed.

    Columns are the same where names are, in any case. Without a catalog the parents' other
    columns are there too: a list that a person wrote leaves columns out.

    Args:
        raw: parents that land here before they are typed: all their columns in one.
    """
    outputs: dict[str, Output] = {}
    records = {key: shape for key, shape in parents.items() if key in raw}
    parents = {key: shape for key, shape in parents.items() if key not in raw}
    folded = {
        key: {name.casefold(): name for name in shape.columns} for key, shape in parents.items()
    }
    for name, type_ in own.columns.items():
        flow: list[Leaf] = []
        for key, names in folded.items():
            spelled = names.get(name.casefold())
            if spelled is not None:
                flow.append((key, spelled, IDENTITY))
                type_ = type_ or parents[key].columns[spelled]
        outputs[name.casefold()] = Output(name, type_, flow)
    if own.rank != CATALOGUED:
        listed_here = {name.casefold() for name in own.columns}
        for key, shape in parents.items():
            for name, type_ in shape.columns.items():
                if name.casefold() not in listed_here:
                    found = outputs.get(name.casefold())
                    flow = [*(found.flow if found else []), (key, name, IDENTITY)]
                    outputs[name.casefold()] = Output(name, type_, flow)
    for key, shape in records.items():
        record = outputs.setdefault(_RECORD, Output(_RECORD, None, []))
        whole: list[Leaf] = [(key, name, TRANSFORMATION) for name in shape.columns]
        outputs[_RECORD] = Output(record.name, record.type, [*record.flow, *whole])
    homes = [[Home(key, [], UNKNOWN)] for key, shape in parents.items() if shape.rank == UNKNOWN]
    return Traced(list(outputs.values()), [], homes)


def declared_inputs(asset: Asset, own: Shape, parents: Mapping[str, Shape]) -> Traced | None:
    """A Python asset with ``inputs`` on its columns; ``None`` where there are none at all.

    An input that its parent does not have gives no edge, and is said: where the parent's
    columns are all known.
    """
    if not any(column.inputs for column in asset.columns.values()):
        return None
    by_fold = {name.casefold(): column for name, column in asset.columns.items()}
    outputs = []
    losses: list[Loss] = []
    for name, type_ in own.columns.items():
        column = by_fold.get(name.casefold())
        flow: list[Leaf] = []
        for key, source in column.inputs if column is not None else ():
            if key not in parents:
                continue
            wrong = _missing(name, key, source, parents[key])
            if wrong is None:
                flow.append((key, source, TRANSFORMATION))
            else:
                losses.append(wrong)
        outputs.append(Output(name, type_, flow))
    return Traced(outputs, losses=losses)


def _missing(name: str, key: str, source: str, parent: Shape) -> Loss | None:
    """What to say of an input that is no column of its parent."""
    folded = {column.casefold(): column for column in parent.columns}
    if parent.rank not in (None, CATALOGUED) or source.casefold() in folded:
        return None
    close = difflib.get_close_matches(source.casefold(), folded, n=1)
    near = f"the nearest is {folded[close[0]]}" if close else f"it has {listed([*parent.columns])}"
    message = (
        f"The column {name} is said to be made from {source} of {key}, which has no such column"
    )
    return Loss("unknown-input", f"{message}; {near}")
