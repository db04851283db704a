import pandas as pd

from toolkit import asset


@asset(kind="ml_model", owner="science@example.com", deps={"customers": "customers.v2"})
def repeat_buyer(sales: pd.DataFrame, customers: pd.DataFrame):
    """Will a customer buy again?"""
    from sklearn.linear_model import LogisticRegression

    per_customer = sales.groupby("customer_id").agg(
        orders=("order_id", "count"), spent=("revenue", "sum")
    )
    features = customers.merge(per_customer, on="customer_id")
    features["visited"] = features["first_visit"].notna()
    return LogisticRegression().fit(features[["spent", "visited"]], features["orders"] > 4)
