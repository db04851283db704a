"""What a Python asset costs beyond its function, for each form of input and output.

    python -m benchmarks.bench_python [--rows 1000000 10000000] [--rounds 3]

Three ways to make one table of another, each in a process of its own, round by round:

- *script*: what one would write by hand: read the table in that form, call the function,
  ``CREATE OR REPLACE TABLE ... AS``;
- *asset*: the same function as an asset, the whole step: also judged, staged, swapped in,
  and the content hashed, by which later builds know what changed;
- *isolated*: the asset in a process of its own, inputs and result exchanged as Arrow files.

The function adds a column. Time is of the step, without starting Python and importing
libraries. Memory is the peak of the process beyond what it had before the step; for an
isolated asset, of the larger of both processes.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
WAYS = ("script", "asset", "isolated")

FILES = {
    "relation": '''
import duckdb
def doubled(orders: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    return orders.project("*, amount * 2 AS doubled")
''',
    "arrow": '''
import pyarrow as pa, pyarrow.compute as pc
def doubled(orders: pa.Table) -> pa.Table:
    return orders.append_column("doubled", pc.multiply(orders["amount"], 2.0))
''',
    "reader": '''
import pyarrow as pa, pyarrow.compute as pc
def doubled(orders: pa.RecordBatchReader) -> pa.RecordBatchReader:
    schema = orders.schema.append(pa.field("doubled", pa.float64()))
    def batches():
        for batch in orders:
            made = pc.multiply(batch.column("amount"), 2.0)
            yield pa.RecordBatch.from_arrays([*batch.columns, made], schema=schema)
    return pa.RecordBatchReader.from_batches(schema, batches())
''',
    "pandas": '''
import pandas as pd
def doubled(orders: pd.DataFrame) -> pd.DataFrame:
    return orders.assign(doubled=orders["amount"] * 2)
''',
    "polars": '''
import polars as pl
def doubled(orders: pl.DataFrame) -> pl.DataFrame:
    return orders.with_columns(doubled=pl.col("amount") * 2)
''',
    "path": '''
import tempfile
from pathlib import Path
import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
def doubled(orders: Path) -> Path:
    table = pq.read_table(orders)
    made = Path(orders).with_name("made.parquet")
    pq.write_table(table.append_column("doubled", pc.multiply(table["amount"], 2.0)), made)
    return made
''',
}  # fmt: skip

ROWS = """
CREATE TABLE orders AS SELECT range AS order_id, range % 9973 AS customer_id,
    (range % 1000) / 7.0 AS amount, 'customer ' || (range % 997) AS name,
    TIMESTAMP '2026-01-01' + INTERVAL (range % 86400) SECOND AS at
FROM range({rows})
"""


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu() -> float:
    """CPU seconds of this process and of the children that it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, who))


def timed(work: Callable[[], None]) -> dict[str, float]:
    """One call of ``work``, as the figures of its way."""
    before, used, began = peak(), cpu(), time.monotonic()
    work()
    wall = time.monotonic() - began
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"wall": wall, "cpu": cpu() - used, "memory": max(peak() - before, child)}


def by_hand(folder: Path, form: str) -> dict[str, float]:
    """The function called by a script."""
    import duckdb

    scope: dict[str, Any] = {}
    exec(FILES[form], scope)
    connection = duckdb.connect(str(folder / "shop.duckdb"))
    read = connection.sql("SELECT * FROM orders")
    file = folder / "orders.parquet"

    def work() -> None:
        match form:
            case "relation":
                given: Any = read
            case "arrow":
                given = read.to_arrow_table()
            case "reader":
                given = connection.cursor().sql("SELECT * FROM orders").to_arrow_reader()
            case "pandas":
                given = read.df()
            case "polars":
                given = read.pl()
            case _:
                read.write_parquet(str(file))
                given = file
        made = scope["doubled"](given)
        if form == "relation":
            connection.execute("DROP TABLE IF EXISTS doubled")
            made.create("doubled")
        else:
            if form == "path":
                made = connection.read_parquet(str(made))
            connection.register("made", made)
            connection.execute("CREATE OR REPLACE TABLE doubled AS SELECT * FROM made")

    figures = timed(work)
    connection.close()
    return figures


def as_asset(folder: Path, form: str, *, isolated: bool) -> dict[str, float]:
    """The function called by the runner of a build, one step."""
    from toolkit.graph import Asset, AssetGraph, Relation
    from toolkit.integrations.base import RunContext, StepEvent, StepFinished
    from toolkit.integrations.python import PythonIntegration
    from toolkit.settings import Profile, Settings
    from toolkit.warehouse import Warehouse

    decorator = "@asset(isolate=True)" if isolated else "@asset"
    source = FILES[form].replace("def doubled", f"{decorator}\ndef doubled")
    (folder / "ml").mkdir(exist_ok=True)
    (folder / "ml" / "assets.py").write_text(f"from toolkit import asset\n{source}")
    profile = Profile(
        type="duckdb", database="shop", schema="main", path=str(folder / "shop.duckdb")
    )
    settings = Settings(
        project_name="shop", project_dir=folder, target="dev", target_path=folder / "target",
        state_dir=folder / ".toolkit", profile=profile, assets=(folder / "ml",),
    )  # fmt: skip
    orders = Asset(
        key="model.shop.orders", kind="model", name="orders", integration="dbt",
        relation=Relation("shop", "main", "orders"),
    )  # fmt: skip
    integration = PythonIntegration()
    loaded = integration.load(settings, {orders.key: orders})
    graph = AssetGraph([orders, *loaded.assets], loaded.checks)
    steps = integration.steps(graph, frozenset(graph.assets))
    events: list[StepEvent] = []
    warehouse = Warehouse(profile)
    context = RunContext(
        run_id="1", settings=settings, graph=graph, warehouse=warehouse, emit=events.append,
        cancel=threading.Event(), log_dir=folder,
    )  # fmt: skip
    runner = integration.open(context)
    try:
        figures = timed(lambda: runner.run(steps))
    finally:
        runner.close()
        warehouse.close()
    ended = [event for event in events if isinstance(event, StepFinished)]
    assert [event.status for event in ended] == ["success"], ended
    return figures


def child(way: str, form: str, folder: Path) -> None:
    """Do it once in this process; print the figures."""
    if way == "script":
        figures = by_hand(folder, form)
    else:
        figures = as_asset(folder, form, isolated=way == "isolated")
    print(json.dumps(figures))


def run(way: str, form: str, folder: Path) -> dict[str, float]:
    """Do it once in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bench_python", "--child", way, form, str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{way} {form}: {done.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def compare(rows: int, rounds: int) -> None:
    """Print the table for so many rows."""
    import duckdb

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        connection = duckdb.connect(str(folder / "shop.duckdb"))
        connection.execute(ROWS.format(rows=rows))
        size = connection.sql("SELECT * FROM orders").to_arrow_table().nbytes / 1e6
        connection.close()
        print(f"\n{rows:,} rows, {size:,.0f} MB as Arrow; medians of {rounds} rounds")
        print(f"{'form':<10}{'way':<10}{'wall s':>8}{'CPU s':>8}{'MB more':>9}"
              f"{'x input':>9}{'x wall':>8}{'x CPU':>8}")  # fmt: skip
        for form in FILES:
            found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
            for _ in range(rounds):
                for way in WAYS:
                    found[way].append(run(way, form, folder))
            middle = {
                way: {key: statistics.median(one[key] for one in runs) for key in runs[0]}
                for way, runs in found.items()
            }
            base = middle["script"]
            for way, one in middle.items():
                print(
                    f"{form:<10}{way:<10}{one['wall']:8.2f}{one['cpu']:8.2f}{one['memory']:9.0f}"
                    f"{one['memory'] / size:9.1f}{one['wall'] / base['wall']:8.2f}"
                    f"{one['cpu'] / base['cpu']:8.2f}",
                    flush=True,
                )


def main() -> int:
    """Compare, or be one of those compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=3, metavar=("WAY", "FORM", "FOLDER"))
    options = parser.parse_args()
    if options.child:
        way, form, folder = options.child
        child(way, form, Path(folder))
        return 0
    for rows in options.rows:
        compare(rows, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
