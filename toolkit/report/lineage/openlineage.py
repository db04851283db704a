"""The graph as OpenLineage static events: what jobs and datasets there are, no run needed.

Each asset that something makes is a job (JobEvent) with its dataset as output; a dataset that
nothing here makes is a DatasetEvent. Facets are always whole, also in a slice of the graph,
because a facet replaces the one that the receiver has.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from toolkit.graph import Asset, AssetGraph
from toolkit.lineage import AssetEdge, ColumnEdge, Lineage
from toolkit.lineage.walks.origin import origins, row_filter
from toolkit.lineage.walks.through import Through

_SPEC = "https://openlineage.io/spec/"
_EVENT_SCHEMA = f"{_SPEC}2-0-2/OpenLineage.json#/$defs/"
_FACETS = {
    "schema": "1-2-0/SchemaDatasetFacet",
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "datasetType": "1-0-1/DatasetTypeDatasetFacet",
    "documentation": "1-1-0/DocumentationDatasetFacet",
    "ownership": "1-0-1/OwnershipDatasetFacet",
    "tags": "1-0-0/TagsDatasetFacet",
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
}
_JOB_FACETS = {
    "jobType": "2-0-4/JobTypeJobFacet",
    "documentation": "1-1-0/DocumentationJobFacet",
    "ownership": "1-0-1/OwnershipJobFacet",
}
_NO_TABLE = frozenset({"function", "semantic_model", "metric", "saved_query"})
# A call that leaves nothing of the value: a hash, or a mere count.
_MASKING = re.compile(
    r"\s*(md5\w*|sha\d*\w*|hash|xxhash64|murmur\w*|farm_fingerprint|count|count_if)\s*(?=\()",
    re.IGNORECASE,
)
_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")

Document = dict[str, Any]


class OpenLineage:
    """Makes events of one project's graph.

    Args:
        project: its name: the namespace of the jobs.
        namespace: of the datasets that have a relation (see ``openlineage_names``).
        at: time of all events, ISO 8601 with a zone: the same input gives the same output.
        version: of toolkit.
    """

    def __init__(
        self,
        graph: AssetGraph,
        lineage: Lineage,
        *,
        project: str,
        namespace: str,
        at: str,
        version: str,
    ) -> None:
        self._graph = graph
        self._lineage = lineage
        self._project = project
        self._namespace = namespace
        self._at = at
        self._producer = f"urn:toolkit:{version}"
        hidden = {asset.key for asset in graph if _is_hidden(asset)}
        self._through = Through(graph, lineage, hidden)
        self._names: dict[str, tuple[str, str]] = {}
        self._members: dict[tuple[str, str], list[Asset]] = {}
        for asset in graph:
            if asset.key not in hidden and asset.kind != "exposure":
                name = self._name(asset)
                self._names[asset.key] = name
                self._members.setdefault(name, []).append(asset)
        self._spelling = {
            name: {c.casefold(): c for c in reversed(list(self._columns(name)))}
            for name in self._members
        }

    def ndjson(self, keys: Collection[str] | None = None) -> str:
        """One event a line, parents first, as OpenLineage's file transport writes them.

        Args:
            keys: only these assets; what they read is named, and not described.
        """
        return "".join(msgspec.json.encode(e).decode() + "\n" for e in self.events(keys))

    def events(self, keys: Collection[str] | None = None) -> Iterator[Document]:
        """The events as documents; see :meth:`ndjson`."""
        done: set[tuple[str, str]] = set()
        for asset in self._graph:
            if keys is not None and asset.key not in keys:
                continue
            if asset.kind == "exposure":
                yield self._job_event(asset)
            elif asset.key in self._names:
                name = self._names[asset.key]
                makers = [a for a in self._members[name] if a.kind != "source"]
                if name not in done:
                    yield from (
                        [self._job_event(maker) for maker in makers]
                        or [self._event("DatasetEvent", dataset=self._dataset(name))]
                    )
                done.add(name)

    # ---- events ----

    def _event(self, kind: str, **what: Document | list[Document]) -> Document:
        return {
            "eventTime": self._at,
            "producer": self._producer,
            "schemaURL": _EVENT_SCHEMA + kind,
            **what,
        }

    def _job_event(self, asset: Asset) -> Document:
        facets = self._facets(
            _JOB_FACETS,
            jobType={
                "processingType": "BATCH",
                "integration": asset.integration.upper(),
                "jobType": asset.kind.upper(),
            },
        )
        own = self._names.get(asset.key)
        outputs: list[Document] = []
        if own is None:  # an exposure: all there is to say is said of the job
            facets |= self._facets(_JOB_FACETS, **_described([asset]))
        else:
            outputs = [self._dataset(own, asset)]
        read = {self._names[key]: None for key in self._through.parents(asset.key)}
        return self._event(
            "JobEvent",
            job={"namespace": self._project, "name": asset.key, "facets": facets},
            inputs=[
                {"namespace": n[0], "name": n[1]} for n in [*_outside(asset), *read] if n != own
            ],
            outputs=outputs,
        )

    def _dataset(self, name: tuple[str, str], maker: Asset | None = None) -> Document:
        members = self._members[name]
        facets = self._facets(
            _FACETS,
            schema=self._schema(name),
            dataSource={"name": name[0], **({"uri": name[0]} if ":" in name[0] else {})},
            datasetType=_dataset_type(maker or members[0]),
            **_described(members),
            tags=_tags(members),
            columnLineage=self._column_lineage(name, maker) if maker is not None else None,
        )
        return {"namespace": name[0], "name": name[1], "facets": facets}

    def _facets(self, schemas: Mapping[str, str], **bodies: Document | None) -> Document:
        return {
            name: {
                "_producer": self._producer,
                "_schemaURL": f"{_SPEC}facets/{(at := schemas[name])}.json#/$defs/"
                + at.partition("/")[2],
                **body,
            }
            for name, body in bodies.items()
            if body
        }

    # ---- facets ----

    def _schema(self, name: tuple[str, str]) -> Document | None:
        fields: list[Document] = []
        described = {
            c.name.casefold(): c.description
            for asset in reversed(self._members[name])
            for c in asset.columns.values()
            if c.description
        }
        for place, (column, type_) in enumerate(self._columns(name).items(), start=1):
            field: Document = {"name": column, "ordinal_position": place}
            if type_:
                field["type"] = type_
            if column.casefold() in described:
                field["description"] = described[column.casefold()]
            fields.append(field)
        return {"fields": fields} if fields else None

    def _column_lineage(self, name: tuple[str, str], maker: Asset) -> Document | None:
        fields: dict[str, dict[tuple[str, str, str], Document]] = {}
        for edge in self._through.column_edges(maker.key):
            if self._names[edge.source[0]] == name:
                continue
            into = fields.setdefault(self._spelled(name, edge.target[1]), {})
            self._add(into, edge.source, _transformation(edge))
        rows: dict[tuple[str, str, str], Document] = {}
        for outside in _outside(maker):
            self._add_origins(maker, name, outside, fields, rows)
        for row_edge in self._through.asset_edges(maker.key):
            if self._names[row_edge.source[0]] != name:
                self._add(rows, row_edge.source, _transformation(row_edge))
        if not fields and not rows:
            return None
        found = {column: {"inputFields": list(into.values())} for column, into in fields.items()}
        return {"fields": found, "dataset": list(rows.values())}

    def _add_origins(
        self, maker: Asset, name: tuple[str, str], outside: tuple[str, str],
        fields: dict[str, dict[tuple[str, str, str], Document]],
        rows: dict[tuple[str, str, str], Document],
    ) -> None:  # fmt: skip
        """Edges from the properties of a stream, which are no columns of any asset."""
        for column, origin in origins(maker).items():
            how = {
                "type": "DIRECT",
                "subtype": origin.subtype,
                "description": origin.how,
                "masking": origin.masked,
            }
            fields.setdefault(self._spelled(name, column), {})[(*outside, origin.source)] = (
                _input_field(outside, origin.source, how)
            )
        decides = row_filter(maker)
        for property_ in decides.properties if decides is not None else ():
            how = {
                "type": "INDIRECT",
                "subtype": "FILTER",
                "description": " and ".join(decides.conditions) if decides is not None else "",
                "masking": False,
            }
            rows[(*outside, property_)] = _input_field(outside, property_, how)

    def _add(
        self, into: dict[tuple[str, str, str], Document], ref: tuple[str, str], how: Document
    ) -> None:
        name = self._names[ref[0]]
        field = self._spelled(name, ref[1])
        empty = _input_field(name, field)
        found = into.setdefault((*name, field), empty)["transformations"]
        if how not in found:
            found.append(how)

    # ---- datasets ----

    def _name(self, asset: Asset) -> tuple[str, str]:
        """Namespace and name; a source and what loads it are one dataset."""
        if asset.kind == "source":
            loaders = self._graph.parents(asset.key)
            return min((self._names[key] for key in loaders), default=self._own_name(asset))
        sources = [self._graph[key] for key in self._graph.children(asset.key)]
        landed = [s for s in sources if s.kind == "source" and s.relation is not None]
        return self._own_name(min(landed, key=lambda s: s.key) if landed else asset)

    def _own_name(self, asset: Asset) -> tuple[str, str]:
        if asset.relation is None:
            return f"toolkit://{self._project}", asset.key
        return self._namespace, str(asset.relation)

    def _columns(self, name: tuple[str, str]) -> dict[str, str | None]:
        """Of all assets that are this dataset, what makes it first."""
        found: dict[str, str | None] = {}
        seen: set[str] = set()
        for asset in sorted(self._members[name], key=lambda a: a.kind == "source"):
            columns = self._lineage.columns.get(asset.key, {})
            new = {c: t for c, t in columns.items() if c.casefold() not in seen}
            found |= new
            seen |= {c.casefold() for c in new}
        return found

    def _spelled(self, name: tuple[str, str], column: str) -> str:
        return self._spelling[name].get(column.casefold(), column)


def _outside(asset: Asset) -> list[tuple[str, str]]:
    """What a stream reads, by its connection's name: it is no asset, and nothing describes it."""
    if asset.kind != "stream" or not origins(asset):
        return []
    return [(f"{asset.integration}://{asset.source_name or ''}", asset.name)]


def _input_field(name: tuple[str, str], field: str, *how: Document) -> Document:
    return {"namespace": name[0], "name": name[1], "field": field, "transformations": list(how)}


def _is_hidden(asset: Asset) -> bool:
    return asset.kind in _NO_TABLE or asset.materialized == "ephemeral"


def _dataset_type(asset: Asset) -> Document:
    if asset.kind == "ml_model":
        return {"datasetType": "MODEL"}
    return {"datasetType": "VIEW" if asset.materialized == "view" else "TABLE"}


def _described(members: Iterable[Asset]) -> dict[str, Document | None]:
    """Documentation and owners, of the first that has each."""
    description = next((a.description for a in members if a.description), "")
    owner = next((a.owner for a in members if a.owner), None)
    return {
        "documentation": {"description": description} if description else None,
        "ownership": {"owners": [{"name": owner}]} if owner else None,
    }


def _tags(members: Iterable[Asset]) -> Document | None:
    found: dict[tuple[str, str | None], Document] = {}
    for asset in members:
        source = asset.integration.upper()
        for tag in asset.tags:
            found[(tag, None)] = {"key": tag, "value": "true", "source": source}
        for column in asset.columns.values():
            for tag in column.tags:
                field = {"key": tag, "value": "true", "source": source, "field": column.name}
                found[(tag, column.name)] = field
    return {"tags": list(found.values())} if found else None


def _transformation(edge: ColumnEdge | AssetEdge) -> Document:
    if isinstance(edge, AssetEdge):
        return {"type": "INDIRECT", "subtype": edge.subtype, "description": "", "masking": False}
    said = " ".join((edge.expression or "").split())
    return {
        "type": edge.type,
        "subtype": edge.subtype,
        "description": said,
        "masking": edge.type == "DIRECT" and _masks(said),
    }


def _masks(expression: str) -> bool:
    """The whole expression is one call that leaves nothing of its argument."""
    expression = _TEXT.sub("''", expression)
    call = _MASKING.match(expression)
    if call is None or not expression.rstrip().endswith(")"):
        return False
    depth = 0
    for place, sign in enumerate(expression[call.end() :]):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return not expression[call.end() + place + 1 :].strip()
    return False
