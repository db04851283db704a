"""Generate a layered dbt project on DuckDB, always the same for the same numbers.

    python -m benchmarks.generate FOLDER [--models 200] [--mixed]

Ten layers; the first, a tenth of the models, are views, all others tables of 50 rows that read one
to three models of the layer before; 40% of the models have a test. Each model has its layer as a
tag. The views read generated rows. With ``--mixed`` they read ten streams of a connector, and four
Python assets stand between layers: see :mod:`benchmarks.mixed`.
"""

import argparse
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

LAYERS = 10
TESTED = 0.4
ROWS = 50


def generate(
    folder: Path,
    models: int = 200,
    seed: int = 1,
    *,
    streams: Sequence[str] = (),
    scores: Mapping[int, str] | None = None,
) -> Path:
    """Write the project into ``folder`` (made here) and give it back.

    Args:
        streams: tables of the source ``raw`` that the first layer reads, in turn.
        scores: for a layer the table of the source ``ml`` that every third of its models reads.
    """
    rng = random.Random(seed)
    scores = scores or {}
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text('name: big\nversion: "1.0.0"\nprofile: big\n')
    (folder / "profiles.yml").write_text(
        "big:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: big.duckdb, threads: 2}\n"
    )
    size = models // LAYERS
    described = ["models:"]
    for number in range(models):
        layer = number // size
        if layer == 0:
            sql = _first(number, streams)
        else:
            before = range((layer - 1) * size, layer * size)
            parents = rng.sample(before, min(size, rng.randint(1, 3)))
            score = scores.get(layer) if number % 3 == 0 else None
            sql = _joined(layer, parents, score)
        (folder / "models" / f"m{number}.sql").write_text(sql)
        if rng.random() < TESTED:
            test = rng.choice(("unique", "not_null"))
            described.append(
                f"  - name: m{number}\n    columns: [{{name: id, data_tests: [{test}]}}]"
            )
    (folder / "models" / "models.yml").write_text("\n".join(described) + "\n")
    return folder


def _first(number: int, streams: Sequence[str]) -> str:
    rows = (
        f"select id, value * {number + 1} as value "
        f"from {{{{ source('raw', '{streams[number % len(streams)]}') }}}}"
        if streams
        else f"select range as id, range * {number + 1} as value from range({ROWS})"
    )
    return f"{{{{ config(materialized='view', tags=['layer0']) }}}}\n{rows}\n"


def _joined(layer: int, parents: Sequence[int], score: str | None) -> str:
    sources = [(f"p{parent}", f"ref('m{parent}')") for parent in parents]
    if score is not None:
        sources.append(("score", f"source('ml', '{score}')"))
    total = " + ".join(f"{alias}.value" for alias, _ in sources)
    (first, place), *others = sources
    return (
        f"{{{{ config(materialized='table', tags=['layer{layer}']) }}}}\n"
        f"select id, {total} as value\n"
        f"from {{{{ {place} }}}} as {first}\n"
        + "".join(f"left join {{{{ {other} }}}} as {alias} using (id)\n" for alias, other in others)
    )


def leaf_of(folder: Path, models: int) -> Path:
    """The SQL of a model that nothing reads, a test neither."""
    tested = (folder / "models" / "models.yml").read_text()
    return next(
        folder / "models" / f"m{number}.sql"
        for number in range(models - 1, 0, -1)
        if f"name: m{number}\n" not in tested
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--mixed", action="store_true", help="with streams and Python assets")
    options = parser.parse_args()
    if options.mixed:
        from benchmarks.mixed import generate_mixed

        print(generate_mixed(options.folder, options.models))
    else:
        print(generate(options.folder, options.models))


if __name__ == "__main__":
    main()
