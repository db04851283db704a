"""The part of the graph that a diff is about, as Mermaid, where it is small enough to read."""

from toolkit.diff.model import Diff
from toolkit.lineage.walks.reach import Verdict
from toolkit.report.diff.document import Both
from toolkit.report.lineage.formats import mermaid_label

_MOST = 40
_STYLES = {
    "breaking": "fill:#ffebe9,stroke:#cf222e,color:#1f2328",
    "review": "fill:#fff8c5,stroke:#9a6700,color:#1f2328",
    "safe": "fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "reached": "fill:#f6f8fa,stroke:#59636e,color:#1f2328",
}


def picture(diff: Diff, both: Both) -> str | None:
    """Changed assets and what they reach; ``None`` where there is nothing, or too much, to draw."""
    verdicts: dict[str, Verdict] = {
        change.key: change.verdict
        for change in diff.changes
        if change.verdict != "safe" or change.reached
    }
    keys = dict.fromkeys(verdicts) | dict.fromkeys(
        one.key for change in diff.changes for one in change.reached
    )
    if len(keys) < 2 or len(keys) > _MOST:
        return None
    number = {key: place for place, key in enumerate(keys)}
    lines = ["```mermaid", "graph LR"]
    for key, place in number.items():
        style = verdicts.get(key, "reached")
        lines.append(f'  n{place}["{mermaid_label(both.name(key))}"]:::{style}')
    doubtful = {one.key for change in diff.changes for one in change.reached if not one.sure} - {
        one.key for change in diff.changes for one in change.reached if one.sure
    }
    for key in keys:
        for parent in both.parents(key):
            if parent in number:
                arrow = "-.->" if key in doubtful else "-->"
                lines.append(f"  n{number[parent]} {arrow} n{number[key]}")
    used = {*verdicts.values(), "reached"}
    lines += [f"  classDef {name} {style}" for name, style in _STYLES.items() if name in used]
    return "\n".join([*lines, "```", ""])
