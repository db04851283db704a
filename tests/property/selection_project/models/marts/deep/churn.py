def model(dbt: object, session: object) -> object:
    dbt.config(materialized="table", tags=["ml", "nightly"])
    return dbt.ref("customers")
