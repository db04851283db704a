"""SARIF 2.1.0: findings as code hosts and editors show them, one at its line of a file.

Written for GitHub's code scanning, which is stricter than the standard: every result needs a
place, every rule a text, and there are limits. What is shown beside a line of a pull request is
taken from the result's first location; whether it is new, from ``partialFingerprints``.
"""

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from toolkit.masking import Masker
from toolkit.text import printable

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
MAX_RESULTS = 25_000
"""GitHub refuses a run with more, and shows the worst 5,000 of them."""

MAX_TEXT = 1_024
_SOURCE_ROOT = "%SRCROOT%"
_SEVERITY = {"error": 0, "warning": 1, "note": 2}
# What a viewer would take for a placeholder or a link in the text of a message.
_PLACEHOLDER = re.compile(r"\{(\d+)\}")
_LINK = re.compile(r"\]\(")

Level = Literal["error", "warning", "note"]


class SarifRule(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of finding.

    Attributes:
        id: stable, kebab-case.
        title: what it is about, in a few words.
        text: what is wrong, why that matters and how to mend it; Markdown.
        level: of a result where nothing else is said.
        help_uri: the page that explains it; absolute. See :func:`documentation_uri`.
        tags: to filter by; 20 at most are kept.
    """

    id: str
    title: str
    text: str
    level: Level = "warning"
    help_uri: str | None = None
    tags: tuple[str, ...] = ()


class SarifResult(msgspec.Struct, frozen=True, kw_only=True):
    """One finding.

    Attributes:
        path: relative to the folder that ``base`` of :func:`sarif_document` names; ``None``
            where there is no file.
        line: 1-based; ``None`` is the whole file.
        fingerprint: what makes it the same finding in the next run, whatever moved meanwhile:
            keys of assets and columns, and no line numbers. The rule counts as well.
        properties: for machines; JSON values.
    """

    rule_id: str
    level: Level
    message: str
    path: str | None = None
    line: int | None = None
    fingerprint: str = ""
    properties: Mapping[str, Any] = {}


def sarif_document(
    results: Iterable[SarifResult],
    rules: Iterable[SarifRule],
    *,
    version: str,
    category: str = "",
    base: str = "",
    elsewhere: str = "dbt_project.yml",
    secrets: Iterable[str] = (),
) -> dict[str, Any]:
    """The findings as a SARIF log with one run, always in the same order.

    Args:
        rules: one for each ``rule_id``; one that is missing is made up of its id.
        version: of this program.
        category: tells several uploads for one commit apart (``lint``, ``diff``).
        base: the folder that paths are relative to, seen from the root of the repository; see
            :func:`repository_prefix`.
        elsewhere: the file that is named, relative to ``base``, where a result has none:
            GitHub refuses results without a place.
        secrets: masked wherever they stand.
    """
    known = {rule.id: rule for rule in rules}
    found = list(results)
    for result in found:
        known.setdefault(
            result.rule_id, SarifRule(id=result.rule_id, title=result.rule_id, text=result.rule_id)
        )
    ordered = sorted(known.values(), key=lambda rule: rule.id)
    index = {rule.id: position for position, rule in enumerate(ordered)}
    worst = sorted(found, key=lambda one: (_SEVERITY[one.level], *_order(one)))
    kept = sorted(worst[:MAX_RESULTS], key=_order)
    seen: Counter[str] = Counter()
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "toolkit",
                "semanticVersion": version,
                "rules": [_rule(rule) for rule in ordered],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {
            _SOURCE_ROOT: {"description": {"text": "The root of the repository."}}
        },
        "results": [_result(one, index, seen, base, elsewhere) for one in kept],
    }
    if category:
        run["automationDetails"] = {"id": f"{category}/"}
    if len(found) > len(kept):
        run["properties"] = {"resultsLeftOut": len(found) - len(kept)}
    masked: Any = Masker(secrets).mask_strings(run)
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [masked]}


def repository_prefix(folder: Path) -> str:
    """``folder`` seen from the root of its repository: ``dbt/shop``; empty for the root itself.

    Also empty where it lies in no repository.
    """
    folder = folder.resolve()
    for root in (folder, *folder.parents):
        if (root / ".git").exists():
            prefix = folder.relative_to(root).as_posix()
            return "" if prefix == "." else prefix
    return ""


def documentation_uri(page: str, anchor: str) -> str | None:
    """The address of a chapter of the documentation; ``None`` where none is published.

    It is what the installed package itself declares as its documentation.

    Args:
        page: as in docs/, without ``.md``.
    """
    try:
        declared = metadata("toolkit").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    for entry in declared:
        label, _, address = str(entry).partition(",")
        if label.strip().casefold() == "documentation":
            return f"{address.strip().rstrip('/')}/{page}#{anchor}"
    return None


def _order(result: SarifResult) -> tuple[str, int, str, str, str]:
    place = (result.path or "", result.line or 0)
    return (*place, result.rule_id, result.fingerprint, result.message)


def _rule(rule: SarifRule) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": _text(rule.title)},
        "fullDescription": {"text": _text(rule.text)},
        "help": {"text": printable(rule.text), "markdown": printable(rule.text)},
        "defaultConfiguration": {"level": rule.level},
    }
    if rule.help_uri is not None:
        made["helpUri"] = rule.help_uri
    if rule.tags:
        made["properties"] = {"tags": list(dict.fromkeys(rule.tags))[:20]}
    return made


def _result(
    result: SarifResult, index: Mapping[str, int], seen: Counter[str], base: str, elsewhere: str
) -> dict[str, Any]:
    uri = _uri(result.path, base)
    line = result.line if uri is not None else None
    place: dict[str, Any] = {
        "artifactLocation": {
            "uri": uri if uri is not None else _uri(elsewhere, base) or quote(elsewhere),
            "uriBaseId": _SOURCE_ROOT,
        },
        "region": {"startLine": max(1, line or 1)},
    }
    basis = "\0".join((result.rule_id, result.fingerprint or result.message))
    digest = hashlib.sha256(basis.encode("utf-8", "replace")).hexdigest()[:32]
    seen[digest] += 1  # equal ones are told apart by their place among each other
    made: dict[str, Any] = {
        "ruleId": result.rule_id,
        "ruleIndex": index[result.rule_id],
        "level": result.level,
        "message": {"text": _message(result.message)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {
            "primaryLocationLineHash": f"{digest}:{seen[digest]}",  # the one that GitHub goes by
            "toolkitFinding/v1": digest,
        },
    }
    if result.properties:
        made["properties"] = _fit(dict(result.properties))
    return made


def _uri(path: str | None, base: str) -> str | None:
    """A path as a URI relative to the root of the repository; ``None`` for one outside."""
    if not path:
        return None
    posix = path.replace("\\", "/")  # as dbt writes it on Windows
    whole = posixpath.normpath(posixpath.join(base.replace("\\", "/"), posix))
    if whole.startswith(("/", "../")) or whole in (".", "..") or re.match("[A-Za-z]:/", whole):
        return None
    return quote(whole, safe="/", errors="replace")


def _message(text: str) -> str:
    """Plain text: nothing of it is a link or a placeholder."""
    text = _PLACEHOLDER.sub(r"{{\1}}", _text(text))
    return re.sub(r"[\[\]]", r"\\\g<0>", text) if _LINK.search(text) else text


def _text(text: str) -> str:
    """As much as is shown, and nothing that a terminal or a page would obey."""
    clear = printable(text)
    return clear if len(clear) <= MAX_TEXT else clear[: MAX_TEXT - 1] + "…"


def _fit(value: object) -> Any:  # noqa: ANN401 - JSON values
    """JSON values with strings that JSON can carry."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(str(key)): _fit(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_fit(part) for part in value]
    return value
