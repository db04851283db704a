"""The floor: the SQL that dbt compiled, in order, on one connection. No product, a bound.

Reads target/manifest.json in the working folder. No macros, hooks, contracts, temporary tables
and swaps; a test is one count.
"""

import graphlib
import json
from pathlib import Path

import duckdb


def main() -> None:
    nodes = json.loads(Path("target", "manifest.json").read_text())["nodes"]
    order = graphlib.TopologicalSorter({key: n["depends_on"]["nodes"] for key, n in nodes.items()})
    with duckdb.connect("big.duckdb") as connection:
        for key in order.static_order():
            node = nodes.get(key)
            if node is None:
                continue
            sql = node["compiled_code"]
            if node["resource_type"] == "test":
                found = connection.execute(f"select count(*) from ({sql})").fetchone()
                if found != (0,):
                    raise SystemExit(f"{key} failed: {found}")
            else:
                kind = node["config"]["materialized"]
                name = node["relation_name"]
                connection.execute(f"create or replace {kind} {name} as {sql}")


if __name__ == "__main__":
    main()
