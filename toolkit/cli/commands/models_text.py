"""ML models as lines for people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from toolkit.cli.console import ago, clock, plural

if TYPE_CHECKING:
    from toolkit.integrations.python.models.info import ModelInfo
    from toolkit.integrations.python.models.manage import Details, ModelRow, VersionRow

_HISTORY = 20


def list_lines(rows: "Sequence[ModelRow]") -> Iterable[str]:
    """One line a model and target, and one for a version that waits for its checks."""
    width = max((len(row.name) for row in rows), default=0)
    across = max((len(row.target) for row in rows), default=0)
    for row in rows:
        current = row.row(row.current)
        if current is None:
            facts = "no version is promoted" if row.current is None else f"{row.current} is gone"
        elif current.problem:
            facts = f"{current.version}  {current.problem}"
        else:
            facts = f"{current.version}  {_age(current)}  {_metrics(current.metrics)}".rstrip()
        head = f"{row.name:<{width}}  {row.target:<{across}}"
        yield f"{head}  {facts}  ({plural(len(row.versions), 'version')})"
        waiting = row.row(row.candidate)
        if waiting is not None:
            found = _metrics(waiting.metrics)
            yield f"{'':<{len(head)}}  candidate {waiting.version}  {found}: {waiting.why}"


def details_lines(found: "Details") -> Iterable[str]:
    """One version with all that is known of it; then the others, and what happened."""
    row, info = found.version, found.info
    state = f"{row.state} ({row.why})" if row.why else row.state
    yield f"{found.model.name} {row.version}: {state} for {found.model.target}"
    if info is None:
        yield f"  {row.problem}"
    else:
        yield from _facts(info)
        for name, value in info.metrics.items():
            change = found.change.get(name)
            more = f"  ({change:+.4g} to the promoted one)" if change is not None else ""
            yield f"  metric {name}: {value:.6g}{more}"
    yield ""
    yield "Versions, the newest first:"
    for one in found.model.versions:
        said = f"{one.state} ({one.why})" if one.why else one.state
        facts = one.problem or f"{_age(one)}  {_metrics(one.metrics)}"
        yield f"  {one.version}  {said}  {facts}".rstrip()
    if found.history:
        yield ""
        yield "What happened, the newest first:"
    for event in found.history[:_HISTORY]:
        at = clock(event.at)
        by = " ".join(part for part in (event.who, event.run_id) if part)
        why = f": {event.why}" if event.why else ""
        yield f"  {at}  {event.event} {event.version}{why}  ({by})"


def _facts(info: "ModelInfo") -> Iterable[str]:
    facts = {
        "trained": f"{info.created_at} for {info.target} by {info.who or '?'} in run "
        f"{info.run_id or '?'}",
        "format": f"{info.format} ({info.format_reason})" if info.format_reason else info.format,
        "file": f"{info.file}, sha256 {info.sha256}",
        "trusted": ", ".join(info.trusted),
        "code version": info.code_version,
        "made with": ", ".join(f"{name} {version}" for name, version in info.libraries.items()),
        "platform": info.platform,
    }
    for name, value in facts.items():
        if value:
            yield f"  {name}: {value}"
    for kind, pairs in (("read", info.inputs), ("parameter", info.parameters),
                        ("metadata", info.metadata)):  # fmt: skip
        for key, value in pairs.items():
            yield f"  {kind} {key}: {value}"


def _metrics(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())


def _age(row: "VersionRow") -> str:
    return f"{ago(datetime.fromisoformat(row.created_at).timestamp())} ago"
