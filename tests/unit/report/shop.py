"""A small shop with lineage, checks, runs and problems: what the report is tested on."""

import msgspec

from toolkit.errors import Problem
from toolkit.graph import Asset, AssetGraph, Check, Column, Relation
from toolkit.graph.matching import link
from toolkit.ledger import Materialization, Point, Run, StepRow
from toolkit.lineage import AssetEdge, ColumnEdge, Lineage
from toolkit.report.page.data import AssetState, ReportData, RunRecord
from toolkit.rules import Finding

NOW = 1_763_720_000.0
HOUR = 3600.0


def asset(
    key: str, integration: str, depends_on: str = "", columns: str = "", **more: object
) -> Asset:
    kind, *_, name = key.split(".")
    fields: dict[str, object] = {
        "kind": kind,
        "name": name,
        "integration": integration,
        "depends_on": tuple(depends_on.split()),
        "columns": {c: Column(name=c) for c in columns.split()},
        "fqn": tuple(key.split(".")[1:]),
    }
    return Asset(key=key, **{**fields, **more})  # type: ignore[arg-type]


def model(name: str, folder: str, depends_on: str, columns: str, **more: object) -> Asset:
    path = f"models/{folder}/{name}.sql"
    return asset(
        f"model.shop.{name}",
        "dbt",
        depends_on,
        columns,
        path=path,
        package="shop",
        fqn=("shop", *folder.split("/"), name),
        relation=Relation("shop", "main", name),
        raw_sql=f"select * from {{{{ ref('{name}') }}}}",
        sql=f"select *\nfrom shop.main.{name}\nwhere not deleted",
        config={"materialized": more.get("materialized", "view")},
        **{"materialized": "view", **more},
    )


def source(name: str, stream: str, columns: str) -> Asset:
    return asset(
        f"source.shop.raw.{name}",
        "dbt",
        stream,
        columns,
        source_name="raw",
        package="shop",
        path="models/sources.yml",
        relation=Relation("shop", "raw", name),
    )


def assets() -> list[Asset]:
    return [
        asset("stream.faker.users", "airbyte", "", "id name email deleted_at", source_name="faker"),
        asset("stream.faker.purchases", "airbyte", "", "id user_id price at", source_name="faker"),
        source("users", "stream.faker.users", "id name email deleted_at"),
        source("purchases", "stream.faker.purchases", "id user_id price at"),
        asset("seed.shop.countries", "dbt", "", "code name", path="seeds/countries.csv"),
        model(
            "stg_users", "staging", "source.shop.raw.users", "user_id email country", owner="Ada"
        ),
        model(
            "stg_purchases",
            "staging",
            "source.shop.raw.purchases",
            "purchase_id user_id price bought_at",
            tags=("nightly",),
            owner="Ada",
        ),
        model(
            "customers",
            "marts",
            "model.shop.stg_users model.shop.stg_purchases seed.shop.countries",
            "id email country revenue segment",
            materialized="table",
            description="One row for each person who has signed up,\nwith what they have spent.",
            tags=("nightly", "core"),
            group="growth",
            owner="Growth team",
            contract=True,
        ),
        model("audit", "marts", "model.shop.stg_purchases", "", materialized="table"),
        asset(
            "python.features",
            "python",
            "model.shop.customers",
            "id revenue segment_code",
            path="ml/churn.py",
            line=12,
            owner="ML",
        ),
        asset(
            "python.churn_model",
            "python",
            "python.features",
            "",
            kind="ml_model",
            path="ml/churn.py",
            line=40,
            owner="ML",
        ),
        asset(
            "exposure.shop.revenue",
            "dbt",
            "model.shop.customers",
            "",
            subtype="dashboard",
            url="https://bi.example.org/revenue",
            owner="Growth team",
            path="models/exposures.yml",
        ),
    ]


def identity(source: str, target: str, columns: str) -> list[ColumnEdge]:
    found = []
    for pair in columns.split():
        a, _, b = pair.partition(">")
        found.append(ColumnEdge((source, a), (target, b or a), "DIRECT", "IDENTITY"))
    return found


def lineage(graph: AssetGraph) -> Lineage:
    users, purchases = "source.shop.raw.users", "source.shop.raw.purchases"
    stg_users, stg_purchases = "model.shop.stg_users", "model.shop.stg_purchases"
    customers, features = "model.shop.customers", "python.features"
    spent = "coalesce(sum(price) over (partition by user_id), 0)"
    columns = {
        a.key: {c: "BIGINT" if c.endswith("id") else "VARCHAR" for c in a.columns} for a in graph
    }
    status = {a.key: "full" if a.columns and a.kind != "seed" else "none" for a in graph}
    status["model.shop.audit"] = "opaque"
    status[stg_users] = "partial"
    return Lineage(
        columns=columns,
        column_edges=[
            *identity("stream.faker.users", users, "id name email deleted_at"),
            *identity("stream.faker.purchases", purchases, "id user_id price at"),
            *identity(users, stg_users, "id>user_id"),
            ColumnEdge(
                (users, "email"),
                (stg_users, "email"),
                "DIRECT",
                "TRANSFORMATION",
                "lower(email)",
                3,
            ),
            *identity(purchases, stg_purchases, "id>purchase_id user_id price at>bought_at"),
            *identity(stg_users, customers, "user_id>id email country"),
            ColumnEdge(
                (stg_purchases, "price"), (customers, "revenue"), "DIRECT", "AGGREGATION", spent, 7
            ),
            ColumnEdge(
                (stg_purchases, "user_id"), (customers, "revenue"), "INDIRECT", "WINDOW", spent, 7
            ),
            ColumnEdge(
                (stg_purchases, "price"),
                (customers, "segment"),
                "INDIRECT",
                "CONDITIONAL",
                "case when price > 100 then 'big' else 'small' end",
                9,
            ),
            *identity(customers, features, "id revenue"),
            ColumnEdge(
                (customers, "segment"), (features, "segment_code"), "DIRECT", "TRANSFORMATION"
            ),
        ],
        asset_edges=[
            AssetEdge((users, "deleted_at"), stg_users, "FILTER"),
            AssetEdge((stg_users, "user_id"), customers, "JOIN"),
            AssetEdge((stg_purchases, "user_id"), customers, "JOIN"),
        ],
        status=status,  # type: ignore[arg-type]
        problems=[
            Problem(
                asset="model.shop.audit",
                code="opaque-sql",
                message="A pivot over unknown columns cannot be read; its columns are not traced.",
                path="models/marts/audit.sql",
                line=4,
            )
        ],
    )


def checks() -> list[Check]:
    def check(name: str, model: str, column: str | None = None, **more: object) -> Check:
        key = f"test.shop.{name}"
        fields = {
            "kind": "data_test",
            "assets": (model,),
            "attached": model,
            "column": column,
            "test_name": name.split("_")[0],
            "path": "models/schema.yml",
            **more,
        }
        return Check(key=key, name=name, integration="dbt", **fields)  # type: ignore[arg-type]

    return [
        check("unique_customers_id", "model.shop.customers", "id"),
        check("positive_price", "model.shop.stg_purchases", "price"),
        check("known_country", "model.shop.customers", "country", severity="warn"),
    ]


def runs(graph: AssetGraph) -> tuple[RunRecord, ...]:
    """Three runs, newest first; the newest one failed a check and skipped what is behind it."""
    return tuple(one_run(graph, number, NOW - HOUR - number * 24 * HOUR) for number in range(3))


def one_run(graph: AssetGraph, number: int, start: float) -> RunRecord:
    run_id = f"run-{3 - number}"
    failed = number == 0
    steps = []
    at = start
    for place, item in enumerate(a for a in graph if a.kind not in ("source", "exposure")):
        took = 0.4 + 1.7 * ((place * 7 + number) % 5)
        skipped = failed and item.key in (
            "model.shop.customers",
            "python.features",
            "python.churn_model",
        )
        steps.append(
            StepRow(
                run_id=run_id,
                step=item.key,
                kind={"airbyte": "sync", "dbt": "dbt"}.get(item.integration, "python"),
                name=item.name,
                integration=item.integration,
                status="skipped" if skipped else "success",
                reason="new code" if not skipped else "",
                started_at=None if skipped else at,
                finished_at=None if skipped else at + took,
                message="skipped: test.shop.positive_price failed" if skipped else "",
                rows=None if skipped else 1000 + 37 * place,
                relation=str(item.relation) if item.relation else None,
            )
        )
        at += 0 if skipped else took * 0.6
    steps.append(
        StepRow(
            run_id=run_id,
            step="test.shop.positive_price",
            kind="check",
            name="positive_price",
            integration="dbt",
            status="fail" if failed else "pass",
            started_at=at,
            finished_at=at + 0.2,
            message="Got 3 results, configured to fail if != 0" if failed else "",
            failures=3 if failed else 0,
        )
    )
    run = Run(
        id=run_id,
        command="build",
        target="dev",
        started_at=start,
        finished_at=at + 0.5,
        status="failed" if failed else "success",
        selection="--select +python.churn_model" if number == 1 else "",
        version="0.1.0",
    )
    made = [
        Point(
            asset=s.step,
            rows=None if s.name == "churn_model" else (s.rows or 0) + 10 * (2 - number),
            metrics={"auc": 0.8312345 - number / 100} if s.name == "churn_model" else {},
        )
        for s in steps
        if s.status == "success"
    ]
    return RunRecord(run, tuple(steps), tuple(made))


def findings() -> tuple[Finding, ...]:
    return (
        Finding(
            rule="pii-spreads", severity="error", asset="model.shop.customers", column="email",
            message="email is made from users.email, which is tagged pii, and is not tagged.",
            path="models/marts/customers.sql", line=3, mend="Tag it pii, or mask it.",
        ),
        Finding(
            rule="LT01", severity="warning", asset="model.shop.audit", column=None,
            tool="sqlfluff",
            message="Expected only a single space.", path="models/marts/audit.sql", line=2,
        ),
        Finding(
            rule="unread-model", severity="warning", asset=None, column=None,
            message="A model that nothing reads.",
        ),
    )  # fmt: skip


def graph() -> AssetGraph:
    return AssetGraph(assets(), checks())


def connected() -> AssetGraph:
    """A stream with mappers and a source that is joined to it; a pair that is not joined."""

    def field(name: str, origin: str, **more: object) -> Column:
        return Column(name=name, type="VARCHAR", meta={"airbyte": {"property": origin, **more}})

    def stream(name: str, schema: str) -> Asset:
        settings = {"destination": "Snowflake", "namespace_definition": "destination"}
        return asset(
            f"stream.crm.{name}", "airbyte", source_name="crm", config=settings,
            relation=Relation("shop", schema, name), path="connectors/crm.yml", line=7,
        )  # fmt: skip

    def read(name: str, schema: str) -> Asset:
        relation = Relation("shop", schema, name)
        made = source(name, "", "")
        return msgspec.structs.replace(made, relation=relation, yaml_path="models/sources.yml")

    people = msgspec.structs.replace(
        stream("people", "raw"),
        columns={
            "id": field("id", "id"),
            "email_hashed": field(
                "email_hashed", "email", transformation="HASH", method="SHA-256", masked=True
            ),
            "full_name": field("full_name", "name", transformation="RENAME"),
        },
        meta={
            "airbyte": {
                "row_filters": ["country equals 'NZ'"],
                "row_filter_properties": ["country"],
                "removed": ["password", "card_number"],
            }
        },
    )
    return link([people, stream("invoices", "crm"), read("people", "raw"), read("invoices", "raw")],
                [], [], adapter="duckdb")  # fmt: skip


def data(**changes: object) -> ReportData:
    """The shop's report data, with some fields replaced."""
    shop = graph()
    traced = lineage(shop)
    history = runs(shop)
    states = {
        a.key: AssetState("fresh", "nothing has changed since")
        for a in shop
        if a.kind not in ("source", "exposure")
    }
    states["model.shop.stg_purchases"] = AssetState("failed", "check positive_price: 3 rows")
    states["stream.faker.users"] = AssetState("stale", "synced 26 h ago, promised 24 h")
    states["model.shop.audit"] = AssetState("never", "not in the ledger")
    fields: dict[str, object] = {
        "project": "shop",
        "target": "dev",
        "dialect": "duckdb",
        "made_at": NOW,
        "version": "0.1.0",
        "graph": shop,
        "lineage": traced,
        "problems": traced.problems,
        "runs": history,
        "materializations": {
            s.step: Materialization(
                asset=s.step,
                run_id=s.run_id,
                at=s.finished_at,
                rows=s.rows,
                metrics={"auc": 0.8312345, "rows_seen": 12480}
                if s.step == "python.churn_model"
                else {},
                metadata={"features": ["revenue", "segment_code"]}
                if s.step == "python.churn_model"
                else {},
            )
            for record in reversed(history)
            for s in record.steps
            if s.finished_at is not None and s.step in shop and s.name != "audit"
        },
        "results": {s.step: s for record in reversed(history) for s in record.steps},
        "states": states,
        "commit": "40a521f7c2d1",
    }
    return ReportData(**{**fields, **changes})  # type: ignore[arg-type]


def timed_run() -> RunRecord:
    """A run on two threads: what waited for what, a retry, a failure, what was up to date."""
    start = NOW - HOUR

    def step(key: str, begin: float | None, end: float | None, **more: object) -> StepRow:
        tool = {"sync": "airbyte", "python": "python"}.get(key.partition(".")[0], "dbt")
        fields = {"status": "success", "kind": tool, "rows": 1200, "thread": "step_0", **more}
        return StepRow(
            run_id="run-9", step=key, name=key.rpartition(".")[2], integration=tool,
            started_at=None if begin is None else start + begin,
            finished_at=None if end is None else start + end, **fields,  # type: ignore[arg-type]
        )  # fmt: skip

    users, purchases = "model.shop.stg_users", "model.shop.stg_purchases"
    steps = (
        step("sync.faker", 0.5, 12.0, adapter_response={"attempts": 2}, message="attempt 2 of 3"),
        step("seed.shop.countries", None, None, status="no-op", message="up to date: no change"),
        step(users, 12.1, 13.0, waited_for="sync.faker"),
        step(purchases, 12.1, 20.0, waited_for="sync.faker"),
        step("test.shop.positive_price", 20.0, 20.5, waited_for=purchases, rows=None),
        step("model.shop.customers", 23.5, 31.0, waited_for="test.shop.positive_price"),
        step("test.shop.unique_customers_id", 31.0, 31.5, waited_for="model.shop.customers",
             status="fail", message="Got 3 results, configured to fail if != 0", failures=3,
             rows=None),
        step("model.shop.audit", 20.6, 29.0, waited_for="test.shop.positive_price",
             status="error", message="Binder Error: no such column\nLINE 4"),
        step("python.features", None, None, status="skipped", rows=None, thread="",
             message="skipped: unique_customers_id failed"),
        step("python.churn_model", None, None, status="skipped", rows=None, thread="",
             message="skipped: features was skipped"),
    )  # fmt: skip
    run = Run(
        id="run-9", command="build", target="dev", started_at=start, finished_at=start + 32.0,
        status="failed", version="0.1.0",
    )  # fmt: skip
    return RunRecord(run, steps)
