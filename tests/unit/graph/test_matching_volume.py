"""Three hundred sources, as one finds them: how many are joined, by which tier."""

import random
import time
from collections import Counter

from toolkit.graph import Alias, Asset, Relation
from toolkit.graph.matching import link

# How the 300 are mixed -> what becomes of them. Of a real collection of configurations most
# schemas were variables; here every tier has its share.
MIXTURE = {
    "exact": (120, "relation"),
    "without a database": (40, "schema"),
    "schema is a variable": (40, "assumed"),
    "named by meta": (20, "explicit"),
    "named for dagster": (10, "explicit"),
    "spelled by an older version": (15, "relation-older"),
    "raw table": (15, "relation-raw"),
    "another schema": (20, None),
    "no such stream": (20, None),
}


def pair(how: str, number: int) -> list[Asset]:
    """A stream and a source that belong together (or look so)."""
    name = f"{how.replace(' ', '_')}_{number}"
    lands = Relation("db", f"raw_{number % 7}", name)
    reads, aliases, meta = lands, (), {}
    if how == "without a database":
        lands = Relation(None, lands.schema, name)
    elif how == "schema is a variable":
        lands = Relation("db", None, name)
    elif how == "named by meta":
        reads = Relation("db", "elsewhere", f"other_{number}")
        meta = {"toolkit": {"airbyte": {"connection": f"c{number % 5}", "stream": name}}}
    elif how == "named for dagster":
        reads = Relation("db", "elsewhere", f"dag_{number}")
        meta = {"dagster": {"asset_key": ["airbyte", name]}}
    elif how == "spelled by an older version":
        reads = Relation("db", lands.schema, f"{name}_cut")
        aliases = (Alias(reads, "older"),)
    elif how == "raw table":
        reads = Relation("db", "airbyte_internal", f"raw_raw__stream_{name}")
        aliases = (Alias(reads, "raw"),)
    elif how == "another schema":
        reads = Relation("db", "landing", name)
    stream = Asset(
        key=f"stream.c{number % 5}.{name}", kind="stream", name=name, integration="airbyte",
        relation=lands, aliases=aliases, source_name=f"c{number % 5}",
        config={"stream": name, "destination": "wh", "namespace_definition": "destination"},
    )  # fmt: skip
    source = Asset(
        key=f"source.p.{name}", kind="source", name=name, integration="dbt",
        relation=reads, meta=meta,
    )  # fmt: skip
    return [source] if how == "no such stream" else [stream, source]


def test_every_source_is_matched_by_its_tier_or_named() -> None:
    assets = [a for how, (n, _) in MIXTURE.items() for i in range(n) for a in pair(how, i)]
    random.Random(7).shuffle(assets)
    started = time.process_time()
    graph = link(assets, (), (), adapter="duckdb")
    seconds = time.process_time() - started
    sources = [asset for asset in graph if asset.kind == "source"]
    assert len(sources) == 300
    expected: Counter[str | None] = Counter()
    for count, tier in MIXTURE.values():
        expected[tier] += count
    assert Counter(next(iter(s.matched.values()), None) for s in sources) == expected
    for source in sources:  # and each by its own stream
        assert all(key.endswith(f".{source.name}") for key in source.matched)
    missing = {item.asset.key for item in graph.unmatched if item.what == "source"}
    assert missing == {source.key for source in sources if not source.matched}
    offered = [c for item in graph.unmatched for c in item.candidates if "another" in c.key]
    assert any(c.line == "destinations: {wh: {schema: landing}}" for c in offered)
    assert seconds < 5  # measured: a tenth of a second; quadratic would be much more


def test_thousands_against_thousands() -> None:
    """None of them matches, which is the slowest case."""
    streams = [
        Asset(
            key=f"stream.c.{i}", kind="stream", name=str(i), integration="airbyte",
            relation=Relation("db", "one", f"table_{i:05}"), source_name="c",
        )
        for i in range(2000)
    ]  # fmt: skip
    sources = [
        Asset(
            key=f"source.p.{i}", kind="source", name=str(i), integration="dbt",
            relation=Relation("db", "two", f"table_{i:05}"),
        )
        for i in range(2000)
    ]  # fmt: skip
    graph = link([*streams, *sources], (), ())
    assert not graph.edges
    assert len(graph.unmatched) == 4000
    for item in graph.unmatched:
        assert item.candidates[0].key.rpartition(".")[2] == item.asset.name
