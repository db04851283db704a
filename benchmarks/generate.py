"""Generate a layered dbt project on DuckDB, always the same for the same numbers.

    python -m benchmarks.generate FOLDER [--models 200]

Ten layers; the first, a tenth of the models, are views of generated rows, all others tables
that read one to three models of the layer before; 40% of the models have a test.
"""

import argparse
import random
from pathlib import Path

LAYERS = 10
TESTED = 0.4


def generate(folder: Path, models: int = 200, seed: int = 1) -> Path:
    """Write the project into ``folder`` (made here) and give it back."""
    rng = random.Random(seed)
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
            sql = (
                "{{ config(materialized='view') }}\n"
                f"select range as id, range * {number + 1} as value from range(50)\n"
            )
        else:
            before = range((layer - 1) * size, layer * size)
            parents = rng.sample(before, min(size, rng.randint(1, 3)))
            joins = "".join(
                f"left join {{{{ ref('m{parent}') }}}} as p{parent} using (id)\n"
                for parent in parents[1:]
            )
            total = " + ".join(f"p{parent}.value" for parent in parents)
            sql = (
                "{{ config(materialized='table') }}\n"
                f"select id, {total} as value\n"
                f"from {{{{ ref('m{parents[0]}') }}}} as p{parents[0]}\n{joins}"
            )
        (folder / "models" / f"m{number}.sql").write_text(sql)
        if rng.random() < TESTED:
            test = rng.choice(("unique", "not_null"))
            described.append(
                f"  - name: m{number}\n    columns: [{{name: id, data_tests: [{test}]}}]"
            )
    (folder / "models" / "models.yml").write_text("\n".join(described) + "\n")
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=int, default=200)
    options = parser.parse_args()
    print(generate(options.folder, options.models))
