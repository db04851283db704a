"""``rules:`` of toolkit.yml: which governance rules count, how much, and with which exceptions."""

from typing import Any, get_args

from toolkit.settings.document import Document, Keys, kind_of, nearest
from toolkit.settings.render import Renderer
from toolkit.settings.shape import check_keys, mapping_at
from toolkit.settings.types import RuleSettings, RuleSeverity, RulesSettings

RULE_IDS = (
    "unowned-mart",
    "undocumented-exposure-input",
    "untagged-pii",
    "unloaded-source",
    "unread-model",
    "unread-column",
    "uncontracted-public-model",
)
"""What toolkit.rules knows, in the order in which findings are listed."""

_SEVERITIES: tuple[RuleSeverity, ...] = get_args(RuleSeverity)
_TAGGED = "untagged-pii"


def rules_settings(document: Document, value: object, renderer: Renderer) -> RulesSettings:
    """What ``rules:`` says.

    Raises:
        SettingsError: with file:line and key.
    """
    top: Keys = ("rules",)
    data = mapping_at(document, top, value)
    found: dict[str, RuleSettings] = {}
    marts: tuple[str, ...] = ()
    for name, said in data.items():
        keys: Keys = (*top, str(name))
        if name == "marts":
            marts = _words(document, keys, said, renderer)
        elif name in RULE_IDS:
            found[name] = _rule(document, keys, name, said, renderer)
        else:
            raise document.error(
                keys,
                f"is not a rule. {nearest(str(name), (*RULE_IDS, 'marts'))}".rstrip(),
                next_step=f"Rules: {', '.join(RULE_IDS)}; and `marts`.",
            )
    return RulesSettings(marts=marts, marts_where=_where(document, (*top, "marts")), rules=found)


def _rule(
    document: Document, keys: Keys, name: str, said: object, renderer: Renderer
) -> RuleSettings:
    """A severity alone, or a mapping with one."""
    where = _where(document, keys)
    if not isinstance(said, dict):
        return RuleSettings(where=where, severity=_severity(document, keys, said, renderer))
    fields = mapping_at(document, keys, said)
    valid = ("severity", "except", "tags") if name == _TAGGED else ("severity", "except")
    check_keys(document, keys, fields, valid)
    severity = None
    if fields.get("severity") is not None:
        severity = _severity(document, (*keys, "severity"), fields["severity"], renderer)
    tags = _words(document, (*keys, "tags"), fields.get("tags"), renderer)
    if "tags" in fields and not tags:
        raise document.error(
            (*keys, "tags"), "is empty.", next_step=f"Name tags, or write `{name}: off`."
        )
    return RuleSettings(
        where=where,
        severity=severity,
        exceptions=_words(document, (*keys, "except"), fields.get("except"), renderer),
        tags=tags,
    )


def _severity(
    document: Document,
    keys: Keys,
    value: Any,  # noqa: ANN401 - as YAML has it
    renderer: Renderer,
) -> RuleSeverity:
    given = renderer.tree(document, keys, value)
    if given is False:  # what YAML makes of `off`
        return "off"
    for severity in _SEVERITIES:
        if given == severity:
            return severity
    shown = "nothing" if given is None else "on" if given is True else repr(given)
    near = nearest(given, _SEVERITIES) if isinstance(given, str) else ""
    raise document.error(
        keys, f"is {shown}; it must be {' or '.join(_SEVERITIES)}. {near}".rstrip()
    )


def _words(document: Document, keys: Keys, value: object, renderer: Renderer) -> tuple[str, ...]:
    if value is None:
        return ()
    rendered = renderer.tree(document, keys, value if isinstance(value, list) else [value])
    assert isinstance(rendered, list)
    for word in rendered:
        if not isinstance(word, str) or not word.strip():
            shown = "empty text" if isinstance(word, str) else kind_of(word)
            raise document.error(keys, f"must be a list of texts; one is {shown}.")
    return tuple(rendered)


def _where(document: Document, keys: Keys) -> str:
    return f"{document.shown}:{document.line(keys) or 1}"
