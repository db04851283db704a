"""Will a customer's first cart be bought within a year? A model, its scores and their checks.

The data are invented, but this question has an answer in them: the connector spreads each
purchase evenly over the time between the cart and today, so newer carts convert faster (see
the dbt model ``cart_conversion``). Price and age are noise there, and the model finds that out.
"""

from typing import TYPE_CHECKING

import pandas as pd

from toolkit import CheckResult, MLModel, asset, check

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

OWNER = "growth@example.com"
FEATURES = ["cart_day", "cart_price", "customer_age"]
SEED = 42
FOLDS = 5
ENOUGH = 400  # customers, for a metric that is worth acting on


@asset(
    kind="ml_model",
    owner=OWNER,
    group="growth",
    tags=["ml"],
    # Who says one half of everybody has a Brier score of 0.25: nothing worse is ever used.
    gates={"brier": {"at_most": 0.25}},
)
def conversion_model(customer_features: pd.DataFrame) -> MLModel:
    """Logistic regression for "the first cart is bought within a year".

    Every metric is out of fold: each customer is scored by a model that has not seen them.
    The stored model is then fitted to all customers whose outcome is known.
    """
    # Imported here and not above: listing and planning read this file too, and stay fast.
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = customer_features.dropna(subset=["converted"]).sort_values("customer_id")
    features, label = known[FEATURES], known["converted"].astype(int)
    converted = int(label.sum())
    if min(converted, len(label) - converted) < FOLDS:
        raise ValueError(
            f"{converted} of {len(label)} first carts with a known outcome were bought; "
            f"{FOLDS} of each kind are needed. Load more customers: SHOP_USERS=1000."
        )

    estimator = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    probability = cross_val_predict(estimator, features, label, cv=folds, method="predict_proba")
    probability = probability[:, 1]
    base_rate = float(label.mean())
    return MLModel(
        estimator=estimator.fit(features, label),
        metrics={
            "roc_auc": float(roc_auc_score(label, probability)),
            "accuracy": float(accuracy_score(label, probability >= 0.5)),
            "accuracy_baseline": max(base_rate, 1 - base_rate),
            "brier": float(brier_score_loss(label, probability)),
            "brier_baseline": base_rate * (1 - base_rate),
            "base_rate": base_rate,
            "customers": float(len(label)),
        },
        parameters={"features": FEATURES, "seed": SEED, "folds": FOLDS},
    )


@asset(
    schema="ml",
    owner=OWNER,
    group="growth",
    tags=["ml"],
    columns={
        "customer_id": {
            "type": "BIGINT",
            "description": "The customer.",
            "inputs": ["customer_features.customer_id"],
        },
        "conversion_probability": {
            "type": "DOUBLE",
            "description": "Probability that the first cart is bought within a year.",
            "inputs": [f"customer_features.{feature}" for feature in FEATURES],
        },
    },
)
def predictions(customer_features: pd.DataFrame, conversion_model: "Pipeline") -> pd.DataFrame:
    """The model's probability for every customer who ever filled a cart.

    Customers with a known outcome are in the training data: judge the model by its metrics
    and not by these rows.
    """
    probability = conversion_model.predict_proba(customer_features[FEATURES])[:, 1]
    return pd.DataFrame(
        {
            "customer_id": customer_features["customer_id"],
            "conversion_probability": probability,
        }
    )


@check(asset="conversion_model")
def ranks_better_than_chance(metrics: dict[str, float]) -> CheckResult:
    """A coin has a ROC AUC of 0.5; below 0.6 nobody should act on the scores.

    A check of severity error on a model is a gate, as `gates` above: a new version is used only
    when both have passed. Until then the scores are made with the version before.
    Of fewer customers than 400 the AUC says too little, good or bad, to stop anything.
    """
    found = f"ROC AUC {metrics['roc_auc']:.3f} of {metrics['customers']:.0f} customers"
    if metrics["customers"] < ENOUGH:
        return CheckResult(passed=True, message=f"{found}: too few to judge it")
    return CheckResult(passed=metrics["roc_auc"] >= 0.6, message=f"{found}; at least 0.6 wanted")


@check(asset="conversion_model", severity="warn")
def beats_the_base_rate(metrics: dict[str, float]) -> CheckResult:
    """The probabilities must be closer to the truth than the base rate for everyone."""
    return CheckResult(
        passed=metrics["brier"] < metrics["brier_baseline"],
        message=f"Brier score {metrics['brier']:.4f}, base rate {metrics['brier_baseline']:.4f}",
    )


@check(asset=predictions)
def probabilities_are_between_0_and_1(predictions: pd.DataFrame) -> pd.DataFrame:
    """Rows that are no probability; none may be there."""
    return predictions[~predictions["conversion_probability"].between(0, 1)]
