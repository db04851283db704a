"""Gates: what a model's metrics must be before a new version counts.

``gates={"roc_auc": {"at_least": 0.7, "better_than_promoted_by": 0.0}}`` on the asset. Each metric
becomes a check of severity ``error`` beside those that are written with ``@check``: all of them
decide together. A gate is data, so that it can be shown, and changed without training anew.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from toolkit.errors import AssetFailedError
from toolkit.graph import Asset, Check
from toolkit.integrations.python.registry import Callee, Gate, Input, PythonCheck

_KEYS = ("at_least", "at_most", "better_than_promoted_by", "lower_is_better")


def declared(gates: Any) -> tuple[Gate, ...]:  # noqa: ANN401  # whatever the user wrote
    """What ``gates`` of an asset says.

    Raises:
        ValueError: it makes no sense; in words.
    """
    if gates is None:
        return ()
    if not isinstance(gates, Mapping):
        raise ValueError(f"gates={gates!r} is not a dict of metrics.")
    return tuple(_gate(metric, rules) for metric, rules in gates.items())


def _gate(metric: Any, rules: Any) -> Gate:  # noqa: ANN401
    if not isinstance(metric, str) or not metric:
        raise ValueError(f"gates names {metric!r}, which is no metric.")
    at = f"gates[{metric!r}]"
    if not isinstance(rules, Mapping) or not rules:
        raise ValueError(f"{at} is {rules!r}; it must be a dict with {', '.join(_KEYS)}.")
    for key, value in rules.items():
        if key not in _KEYS:
            raise ValueError(f"{at} has {key!r}; its keys are {', '.join(_KEYS)}.")
        if key == "lower_is_better":
            if not isinstance(value, bool):
                raise ValueError(f"{at}[{key!r}] is {value!r}; it must be True or False.")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{at}[{key!r}] is {value!r}; it must be a number.")
        elif not math.isfinite(value):
            raise ValueError(f"{at}[{key!r}] is {value!r}; it must be finite.")
    least, most = rules.get("at_least"), rules.get("at_most")
    better = rules.get("better_than_promoted_by")
    if least is None and most is None and better is None:
        raise ValueError(f"{at} says nothing that a version must be: at_least, at_most or "
                         "better_than_promoted_by.")  # fmt: skip
    if least is not None and most is not None and least > most:
        raise ValueError(f"{at}: nothing is at least {least:g} and at most {most:g}.")
    lower = rules.get("lower_is_better")
    if lower is None:
        if better is not None and least is not None and most is not None:
            raise ValueError(f"{at} does not say which is better: add lower_is_better.")
        lower = most is not None and least is None
    return Gate(metric=metric, at_least=least, at_most=most, better_by=better, lower=lower)


def gate_checks(asset: Asset, gates: Iterable[Gate], callee: Callee) -> Iterable[PythonCheck]:
    """The checks that gates are.

    Args:
        callee: of the asset: where the gates are declared.
    """
    for gate in gates:
        name = f"gate_{''.join(c if c.isalnum() else '_' for c in gate.metric)}"
        made = json.dumps([asset.key, msgspec.to_builtins(gate)])
        check = Check(
            key=f"check.{asset.name}.{name}",
            name=name,
            kind="python",
            integration=asset.integration,
            assets=(asset.key,),
            attached=asset.key,
            severity="error",
            path=asset.path,
            fqn=(*asset.fqn[:-1], name),
            meta={"description": f"Gate: {words(gate)}."},
            code_version=hashlib.sha256(made.encode()).hexdigest()[:32],
        )
        source = Input(
            parameter="",
            key=asset.key,
            name=asset.name,
            kind=asset.kind,
            relation=None,
            form="metrics",
        )
        own = msgspec.structs.replace(
            callee, inputs=(source,), resources=(), values={}, isolate=None
        )
        yield PythonCheck(check=check, callee=own, gate=gate)


def words(gate: Gate) -> str:
    """A gate for people: ``roc_auc at least 0.7``."""
    parts = []
    if gate.at_least is not None:
        parts.append(f"at least {gate.at_least:g}")
    if gate.at_most is not None:
        parts.append(f"at most {gate.at_most:g}")
    if gate.better_by is not None:
        way = "below" if gate.lower else "above"
        parts.append(
            f"{gate.better_by:g} or more {way} the promoted one's"
            if gate.better_by
            else "no worse than the promoted one's"
        )
    return f"{gate.metric} {' and '.join(parts)}"


def judge(
    gate: Gate, metrics: Mapping[str, float], promoted: Mapping[str, float] | None, *, same: bool
) -> tuple[bool, str]:
    """Whether a version may count, and what is said of it.

    Args:
        promoted: metrics of the version that counts now; ``None``: there is none, so only the
            floors count.
        same: it is the very same model, which need not be better than itself.

    Raises:
        AssetFailedError: the model has no such metric.
    """
    if gate.metric not in metrics:
        raise AssetFailedError(
            f"The model has no metric {gate.metric!r}; it has {', '.join(metrics) or 'none'}.",
            "The gate counts as not passed.",
            "Return MLModel(estimator, metrics={...}) with it, or correct `gates`.",
        )
    value = metrics[gate.metric]
    said = f"{gate.metric} {value:.4g}"
    wrong = []
    if gate.at_least is not None and value < gate.at_least:
        wrong.append(f"at least {gate.at_least:g} is wanted")
    if gate.at_most is not None and value > gate.at_most:
        wrong.append(f"at most {gate.at_most:g} is wanted")
    before = promoted.get(gate.metric) if promoted is not None else None
    if gate.better_by is not None and before is not None and not same:
        gain = before - value if gate.lower else value - before
        said += f", promoted {before:.4g}"
        # 0.8 - 0.7 is a little less than 0.1 in floating point.
        if gain < gate.better_by and not math.isclose(gain, gate.better_by, abs_tol=1e-12):
            way = "lower" if gate.lower else "higher"
            by = f"{gate.better_by:g} {way}" if gate.better_by else "no worse"
            wrong.append(f"{by} than the promoted one is wanted")
    elif gate.better_by is not None and promoted is None:
        said += ", no version is promoted yet"
    return not wrong, "; ".join([said, *wrong])
