"""``profile:`` and ``anomalies:`` of toolkit.yml."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from toolkit.settings.document import Document, Keys, kind_of, nearest
from toolkit.settings.render import Renderer
from toolkit.settings.running import whole_number, words_at
from toolkit.settings.shape import check_keys, mapping_at
from toolkit.settings.types import AnomalyRule, Metric, ProfileSettings

_MODES = ("on", "sample", "off")
_SEVERITIES = ("warn", "error")
_KEYS = ProfileSettings.__struct_fields__
_RULE_KEYS = (
    "select", "exclude", "metrics", "columns", "last", "least", "threshold", "severity",
)  # fmt: skip


def profile_settings(document: Document, value: object, renderer: Renderer) -> ProfileSettings:
    """What ``profile:`` says: a mode alone, or a mapping with more.

    Raises:
        SettingsError: with file:line and key.
    """
    top: Keys = ("profile",)
    if value is None:
        return ProfileSettings()
    if not isinstance(value, Mapping):
        return ProfileSettings(mode=_mode(document, top, renderer.tree(document, top, value)))
    check_keys(document, top, value, _KEYS)
    fields = renderer.mapping(document, top, dict(value))
    values = fields.get("values", True)
    if not isinstance(values, bool):
        raise document.error((*top, "values"), f"must be true or false, not {kind_of(values)}.")
    mode = _mode(document, (*top, "mode"), fields.get("mode", "sample"))
    return ProfileSettings(mode=mode, values=values)


def _mode(document: Document, keys: Keys, value: object) -> Literal["on", "sample", "off"]:
    if isinstance(value, bool):  # what YAML makes of on and off
        return "on" if value else "off"
    match value:
        case "on" | "sample" | "off":
            return value
    raise document.error(
        keys, f"is {value!r}; it must be on, sample or off. {nearest(str(value), _MODES)}".rstrip()
    )


def anomaly_rules(document: Document, value: object, renderer: Renderer) -> tuple[AnomalyRule, ...]:
    """What ``anomalies:`` says.

    Raises:
        SettingsError: with file:line and key.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise document.error(("anomalies",), f"must be a list, not {kind_of(value)}.")
    return tuple(
        _rule(document, ("anomalies", index), entry, renderer) for index, entry in enumerate(value)
    )


def _rule(document: Document, keys: Keys, entry: object, renderer: Renderer) -> AnomalyRule:
    fields = mapping_at(document, keys, entry)
    check_keys(document, keys, fields, _RULE_KEYS)

    def count(name: str, default: int, least: int) -> int:
        if fields.get(name) is None:
            return default
        return whole_number(document, (*keys, name), fields[name], renderer, least=least)

    severity = renderer.tree(document, (*keys, "severity"), fields.get("severity", "warn"))
    if severity not in _SEVERITIES:
        said = nearest(str(severity), _SEVERITIES)
        raise document.error(
            (*keys, "severity"), f"is {severity!r}; it must be warn or error. {said}".rstrip()
        )
    last, least = count("last", 14, 2), count("least", 7, 2)
    if least > last:
        raise document.error(
            (*keys, "least"), f"is {least}, more than the {last} builds that are looked at."
        )
    return AnomalyRule(
        where=f"{document.shown}:{document.line(keys)}",
        select=words_at(document, (*keys, "select"), fields.get("select"), renderer),
        exclude=words_at(document, (*keys, "exclude"), fields.get("exclude"), renderer),
        metrics=_metrics(document, (*keys, "metrics"), fields.get("metrics"), renderer),
        columns=words_at(document, (*keys, "columns"), fields.get("columns"), renderer),
        last=last,
        least=least,
        threshold=_threshold(document, (*keys, "threshold"), fields.get("threshold"), renderer),
        severity="error" if severity == "error" else "warn",
    )


def _metrics(
    document: Document, keys: Keys, value: object, renderer: Renderer
) -> tuple[Metric, ...]:
    if value is None:
        return ("row_count",)
    known: tuple[Metric, ...] = get_args(Metric)
    found: list[Metric] = []
    for word in words_at(document, keys, value, renderer):
        metric = next((one for one in known if one == word), None)
        if metric is None:
            raise document.error(
                keys,
                f"has {word!r}, which is no metric. {nearest(word, known)}".rstrip(),
                next_step=f"Metrics: {', '.join(known)}.",
            )
        found.append(metric)
    if not found:
        raise document.error(keys, "is empty.", next_step=f"Metrics: {', '.join(known)}.")
    return tuple(dict.fromkeys(found))


def _threshold(document: Document, keys: Keys, value: Any, renderer: Renderer) -> float:  # noqa: ANN401 - as YAML has it
    if value is None:
        return 6.0
    given = renderer.tree(document, keys, value)
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < 1e9:
        raise document.error(keys, f"is {given!r}; it must be a number above 0.")
    return float(given)
