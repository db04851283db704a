"""Whether something carries a tag, in the ways in which dbt's users write that."""

from collections.abc import Iterable, Mapping

_NO = frozenset({"", "false", "no", "none", "off", "0"})


def is_tagged(tags: Iterable[str], meta: Mapping[str, object], tag: str) -> bool:
    """By a tag, or as dbt's users write it in ``meta``: ``pii: true``, ``contains_pii: true``."""
    wanted = tag.casefold()
    listed = meta.get("tags")
    named = {str(one).casefold() for one in (*tags, *(listed if isinstance(listed, list) else ()))}
    if isinstance(listed, str):
        named.add(listed.casefold())
    said = {str(key).casefold(): value for key, value in meta.items()}
    return wanted in named or any(
        str(said.get(key) or "").strip().casefold() not in _NO
        for key in (wanted, f"contains_{wanted}")
    )
