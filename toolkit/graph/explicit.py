"""Which writer a dbt source's meta names.

``meta: {toolkit: {<integration>: {connection: C, stream: S}}}`` says it; without ``stream``
the stream is called like the source's table. ``meta: {dagster: {asset_key: [..., S]}}`` is
honoured where exactly one stream fits: it may as well name what is none of ours.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from toolkit.errors import Problem
from toolkit.graph.asset import Asset

_KEYS = ("connection", "stream")


class Named(msgspec.Struct, frozen=True):
    """The writer that a source's meta names; or what is wrong with what it says."""

    writer: Asset | None = None
    problem: Problem | None = None


def named_writer(source: Asset, writers: Iterable[Asset]) -> Named:
    """The writer that the source's meta names, where it names one."""
    ours = source.meta.get("toolkit")
    if ours is not None:
        return _toolkit(source, ours, [w for w in writers if w.source_name is not None])
    dagster = source.meta.get("dagster")
    key = dagster.get("asset_key") if isinstance(dagster, Mapping) else None
    if isinstance(key, list) and key and all(isinstance(part, str) for part in key):
        return Named(_dagster(key, [w for w in writers if w.kind == "stream"]))
    return Named()


def _toolkit(source: Asset, meta: object, writers: Sequence[Asset]) -> Named:
    tools = sorted({w.integration for w in writers})
    if not tools:
        return Named()  # no connection is configured, or only a manifest was given
    named = [tool for tool in meta if tool in tools] if isinstance(meta, Mapping) else []
    if not isinstance(meta, Mapping) or len(named) > 1:
        wanted = " or ".join(tools)
        return _wrong(source, "toolkit", f"must name the writer under one key: {wanted}.")
    if not named:
        named = [tool for tool, said in meta.items() if isinstance(said, Mapping)
                 and "connection" in said]  # fmt: skip
        if not named:
            return Named()
    tool, said = str(named[0]), meta[named[0]]
    at = f"toolkit.{tool}"
    if not isinstance(said, Mapping) or not isinstance(said.get("connection"), str):
        return _wrong(source, at, "must be `{connection: ..., stream: ...}`")
    unknown = [str(key) for key in said if key not in _KEYS]
    if unknown:
        near = _nearest(unknown[0], _KEYS)
        return _wrong(source, at, f"has the key {unknown[0]!r}, which means nothing.{near}")
    known = [w for w in writers if w.integration == tool]
    if not known:
        return _wrong(
            source, at, f"names {tool!r}, which has no connection.{_nearest(tool, tools)}"
        )
    connection = said["connection"]
    of_connection = [w for w in known if w.source_name == connection]
    if not of_connection:
        near = _nearest(connection, {str(w.source_name) for w in known})
        return _wrong(
            source, f"{at}.connection", f"names {connection!r}, which is not there.{near}"
        )
    return _stream(source, at, said, of_connection)


def _stream(source: Asset, at: str, said: Mapping[str, Any], writers: Sequence[Asset]) -> Named:
    wanted = said.get("stream", source.name)
    fits = [w for w in writers if wanted in (w.name, w.config.get("stream"))]
    exact = [w for w in fits if w.name == wanted]
    if "stream" not in said and not fits:
        folded = str(wanted).casefold()
        fits = [w for w in writers if w.name.casefold() == folded]
    found = exact or fits
    if len(found) == 1:
        return Named(found[0])
    names = [w.name for w in writers]
    if found:
        several = ", ".join(sorted(w.name for w in found))
        return _wrong(source, f"{at}.stream", f"{wanted!r} means several streams: {several}")
    if "stream" not in said:
        return _wrong(
            source,
            at,
            f"names no `stream`, and none is called {wanted!r}.{_nearest(wanted, names)}",
        )
    near = _nearest(str(wanted), names)
    return _wrong(
        source,
        f"{at}.stream",
        f"names {wanted!r}, which connection {said['connection']!r} does not have.{near}",
    )


def _dagster(key: Sequence[str], streams: Sequence[Asset]) -> Asset | None:
    """Dagster's key ends in prefix + stream; what stands before it may be the connection."""
    fits = [s for s in streams if key[-1] in _dagster_names(s)]
    narrower = [s for s in fits if s.source_name in key[:-1]] if len(fits) > 1 else fits
    return narrower[0] if len(narrower) == 1 else None


def _dagster_names(stream: Asset) -> set[str]:
    name = str(stream.config.get("stream", stream.name))
    return {name, f"{stream.config.get('prefix') or ''}{name}"}


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1, 0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def _wrong(source: Asset, key: str, fact: str) -> Named:
    end = "" if fact.endswith("?") or fact.endswith(".") else "."
    problem = Problem(
        asset=source.key,
        code="explicit-match-broken",
        message=f"`meta.{key}` of {source.key} {fact}{end} The source is joined to nothing until "
        "that is mended.",
        severity="error",
        path=source.yaml_path or source.path,
        line=source.line,
    )
    return Named(problem=problem)
