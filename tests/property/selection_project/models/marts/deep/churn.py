def model(dbt, session):
    dbt.config(materialized="table", tags=["ml", "nightly"])
    return dbt.ref("customers")
