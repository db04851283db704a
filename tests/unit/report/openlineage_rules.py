"""What OpenLineage's JSON schemas ask of static events, as a JSON schema in our own words.

No package ships the published files (2-0-2 and those of the facets), and tests reach no network.
The specification's classes, which ``test_openlineage`` uses as well, know no formats and nothing
of what may not stand together; this knows both.
"""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}  # stricter: the specification takes empty names
URI: Schema = {"type": "string", "format": "uri"}
FLAG: Schema = {"type": "boolean"}


def record(required: str, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": required.split()}


def many(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def facet(required: str, **properties: Schema) -> Schema:
    base = {"_producer": URI, "_schemaURL": URI, "_deleted": FLAG}
    return record(f"_producer _schemaURL {required}", **base, **properties)


DESCRIPTION = facet("description", description=TEXT, contentType=TEXT)
OWNERS = facet("", owners=many(record("name", name=TEXT, type=TEXT)))
HOW = record("type", type=TEXT, subtype=TEXT, description=TEXT, masking=FLAG)
FIELD = record(
    "namespace name field", namespace=NAME, name=NAME, field=NAME, transformations=many(HOW)
)
COLUMN_LINEAGE = facet(
    "fields",
    fields={
        "type": "object",
        "additionalProperties": record("inputFields", inputFields=many(FIELD)),
    },
    dataset=many(FIELD),
)
COLUMN = record(
    "name",
    name=NAME,
    type=TEXT,
    description=TEXT,
    ordinal_position={"type": "integer", "minimum": 1},
)
TAG = record("key value", key=TEXT, value=TEXT, source=TEXT, field=TEXT)
FACETS = record(
    "",
    schema=facet("", fields=many(COLUMN)),
    dataSource=facet("", name=TEXT, uri=URI),
    datasetType=facet("datasetType", datasetType=TEXT, subType=TEXT),
    documentation=DESCRIPTION,
    ownership=OWNERS,
    tags=facet("", tags=many(TAG)),
    columnLineage=COLUMN_LINEAGE,
) | {"additionalProperties": facet("")}
JOB_FACETS = record(
    "",
    jobType=facet(
        "processingType integration", processingType=TEXT, integration=TEXT, jobType=TEXT
    ),
    documentation=DESCRIPTION,
    ownership=OWNERS,
) | {"additionalProperties": facet("")}
DATASET = record("namespace name", namespace=NAME, name=NAME, facets=FACETS)
JOB = record("namespace name", namespace=NAME, name=NAME, facets=JOB_FACETS)
BASE = {"eventTime": {"type": "string", "format": "date-time"}, "producer": URI, "schemaURL": URI}
COMMON = "eventTime producer schemaURL"
JOB_EVENT = record(f"{COMMON} job", **BASE, job=JOB, inputs=many(DATASET), outputs=many(DATASET))
DATASET_EVENT = record(f"{COMMON} dataset", **BASE, dataset=DATASET)
EVENT: Schema = {
    "oneOf": [
        JOB_EVENT | {"not": {"anyOf": [{"required": ["run"]}, {"required": ["dataset"]}]}},
        DATASET_EVENT | {"not": {"anyOf": [{"required": ["run"]}, {"required": ["job"]}]}},
    ]
}

FORMATS = FormatChecker(formats=())


@FORMATS.checks("uri", raises=ValueError)
def is_uri(value: object) -> bool:
    parts = urlsplit(str(value))
    return bool(parts.scheme) and bool(parts.netloc or parts.path) and " " not in str(value)


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value: object) -> bool:
    return datetime.fromisoformat(str(value)).tzinfo is not None


RULES = Draft202012Validator(EVENT, format_checker=FORMATS)
