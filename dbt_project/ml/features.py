"""What we know of a customer at the moment of the first cart, and what became of it."""

import duckdb

from toolkit import asset

OWNER = "growth@example.com"


@asset(
    schema="ml",
    owner=OWNER,
    group="growth",
    tags=["ml"],
    columns={
        "customer_id": {
            "type": "BIGINT",
            "description": "Primary key.",
            "inputs": ["customers.customer_id"],
            "tests": ["unique", "not_null"],
        },
        "cart_day": {
            "type": "BIGINT",
            "description": "Days from 2000-01-01 to the first cart.",
            "inputs": ["customers.first_cart_at"],
            "tests": ["not_null"],
        },
        "cart_price": {
            "type": "DOUBLE",
            "description": "List price of what was in it, in US dollars.",
            "inputs": ["customers.first_cart_price"],
            "tests": ["not_null"],
        },
        "customer_age": {
            "type": "BIGINT",
            "description": "The customer's age in years.",
            "inputs": ["customers.age"],
            "tests": ["not_null"],
        },
        "converted": {
            "type": "BOOLEAN",
            "description": "The label: bought within a year. Null while the year is not over.",
            "inputs": [
                "customers.first_cart_is_bought_within_year",
                "customers.first_cart_is_year_over",
            ],
        },
    },
)
def customer_features(customers: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """One row per customer who ever filled a cart: features and label of the conversion model.

    Free of leaks: every feature is known when the cart is filled. A cart without its full year
    has no label even if it is bought already, because of those carts only the successes are known.
    """
    return customers.filter("first_cart_at is not null").project("""
        customer_id,
        date_diff('day', timestamp '2000-01-01', first_cart_at) as cart_day,
        cast(first_cart_price as double) as cart_price,
        age as customer_age,
        case when first_cart_is_year_over then first_cart_is_bought_within_year end as converted
    """)
