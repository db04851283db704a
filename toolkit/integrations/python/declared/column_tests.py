"""Tests that columns declare: dbt's four generic ones, in dbt's words and with its meaning."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

import msgspec

from toolkit.graph import Check
from toolkit.integrations.python.declared.directory import Entry
from toolkit.integrations.python.declared.validate import IDENTIFIER, reject
from toolkit.integrations.python.registry import (
    Callee,
    ColumnTest,
    ColumnTestKind,
    Input,
    PythonAsset,
    PythonCheck,
)
from toolkit.text import nearest

KINDS: tuple[str, ...] = get_args(ColumnTestKind)
_CONFIG = ("where", "severity", "warn_if", "error_if")
_ARGUMENTS = {
    "not_null": (),
    "unique": (),
    "accepted_values": ("values", "quote"),
    "relationships": ("to", "field"),
}
_THRESHOLD = re.compile(r"\s*(=|==|!=|<>|<=|>=|<|>)\s*(\d+)\s*")
_REF = re.compile(r"ref\(\s*['\"]([^'\"]+)['\"]\s*(?:,\s*(?:v|version)\s*=\s*(\w+)\s*)?\)")
_SOURCE = re.compile(r"source\(\s*['\"]([^'\"]+)['\"]\s*,\s*['\"]([^'\"]+)['\"]\s*\)")

Find = Callable[[str, str], Entry]


def column_checks(
    asset: PythonAsset, columns: Mapping[str, Any], who: str, fqn: tuple[str, ...], find: Find
) -> Iterable[PythonCheck]:
    """A check for each test of each column.

    Args:
        columns: as declared, and found to be in order.
        fqn: of what the file declares, without the check's own name.
        find: gives the asset that a text means, to be told also what it is for.

    Raises:
        AssetError: a test that is none of dbt's four, or whose arguments make no sense.
    """
    for column, given in columns.items():
        tests = given.get("tests", ()) if isinstance(given, Mapping) else ()
        if isinstance(tests, str | Mapping) or not isinstance(tests, Iterable):
            raise reject(
                who, f"columns[{column!r}]['tests']={tests!r} is not a list.", f"Write [{tests!r}]."
            )
        for test in tests:
            yield _check(asset, _test(column, test, who), fqn, find)


def _test(column: str, given: Any, who: str) -> ColumnTest:  # noqa: ANN401  # whatever the user wrote
    if isinstance(given, str):
        kind, said = given, dict[str, Any]()
    elif isinstance(given, Mapping) and len(given) == 1:
        [(kind, said)] = given.items()
    elif isinstance(given, Mapping) and "test_name" in given:  # dbt's other way to write it
        kind, said = given["test_name"], {k: v for k, v in given.items() if k != "test_name"}
    else:
        raise reject(
            who,
            f"the column {column!r} has a test {given!r}, which names none.",
            "Write its name, or {'accepted_values': {'values': [...]}}.",
        )
    if kind not in KINDS:
        raise reject(
            who,
            f"the column {column!r} has a test {kind!r}, which is none of {', '.join(KINDS)}.",
            f"{nearest(str(kind), KINDS)}Use one of these, or write a @check.",
        )
    if not isinstance(said, Mapping):
        raise reject(
            who,
            f"the test {kind!r} of the column {column!r} is told {said!r}, which is no dict.",
            "Write its arguments by name.",
        )
    return _told(column, kind, _flat(said), who)


def _flat(said: Mapping[str, Any]) -> dict[str, Any]:
    """What dbt lets stand below ``arguments`` and ``config`` beside what stands above."""
    inner = {k: v for k, v in said.items() if k not in ("arguments", "config")}
    for part in ("arguments", "config"):
        inner |= said.get(part) or {}
    return inner


def _told(column: str, kind: str, said: dict[str, Any], who: str) -> ColumnTest:
    where = f"the test {kind!r} of the column {column!r}"
    allowed = (*_ARGUMENTS[kind], *_CONFIG, "name", "description")
    for key in said:
        if key not in allowed:
            raise reject(
                who,
                f"{where} has the unknown argument {key!r}.",
                f"{nearest(str(key), allowed)}The arguments are {', '.join(allowed)}.",
            )
    for key in _ARGUMENTS[kind]:
        if key not in said and key != "quote":
            raise reject(who, f"{where} lacks {key!r}.", f"Say {key}, as in dbt.")
    name = said.get("name", f"{column}_{kind}")
    if not isinstance(name, str) or not IDENTIFIER.fullmatch(name):
        name = re.sub(r"\W", "_", str(name), flags=re.ASCII)
    severity = str(said.get("severity", "error")).lower()
    if severity not in ("error", "warn"):
        raise reject(who, f"{where} has no severity {severity!r}.", "Use error or warn.")
    values = said.get("values", ())
    if kind == "accepted_values" and not _are_values(values):
        raise reject(
            who,
            f"{where} has values={values!r}, which is no list of values.",
            "Write a list of texts or numbers.",
        )
    for key in ("where", "to", "field"):
        if not isinstance(said.get(key, ""), str):
            raise reject(who, f"{where}: {key}={said[key]!r} is no text.", "Write it in quotes.")
    for key in ("warn_if", "error_if"):
        if not _THRESHOLD.fullmatch(str(said.get(key, "!= 0"))):
            raise reject(
                who,
                f"{where}: {key}={said[key]!r} compares with no number.",
                "Write a comparison with a number: '> 10'.",
            )
    return ColumnTest(
        kind=kind,  # type: ignore[arg-type]  # one of the literals, as tested
        name=name,
        column=column,
        values=tuple(str(value) for value in values),
        quote=bool(said.get("quote", True)),
        to=said.get("to", ""),
        field=said.get("field", ""),
        where=said.get("where", ""),
        severity="warn" if severity == "warn" else "error",
        warn_if=str(said.get("warn_if", "!= 0")),
        error_if=str(said.get("error_if", "!= 0")),
    )


def _are_values(values: object) -> bool:
    if not isinstance(values, list | tuple) or not values:
        return False
    return all(isinstance(value, str | int | float) for value in values)


def _check(asset: PythonAsset, test: ColumnTest, fqn: tuple[str, ...], find: Find) -> PythonCheck:
    about = asset.asset
    inputs = [_input(about.key, about.name, about.kind, about)]
    if test.kind == "relationships":
        what = f"`to` of the test of the column {test.column!r}"
        entry = find(_plain(test.to), what)
        inputs.append(_input(entry.key, entry.name, entry.kind, entry))
        test = msgspec.structs.replace(test, parent=entry.relation)
    made = json.dumps([about.key, str(about.relation), msgspec.to_builtins(test)], default=str)
    check = Check(
        key=f"check.{about.name}.{test.name}",
        name=test.name,
        kind="python",
        integration=about.integration,
        assets=tuple(dict.fromkeys(item.key for item in inputs)),
        attached=about.key,
        severity=test.severity,
        test_name=test.kind,
        column=test.column,
        path=about.path,
        yaml_path=about.yaml_path,
        fqn=(*fqn, test.name),
        code_version=hashlib.sha256(made.encode()).hexdigest()[:32],
    )
    callee = Callee(
        function=asset.callee.function,
        place=asset.callee.place,
        folder=asset.callee.folder,
        inputs=tuple(inputs),
    )
    return PythonCheck(check=check, callee=callee, column_test=test)


def _input(key: str, name: str, kind: str, thing: Any) -> Input:  # noqa: ANN401  # what has a relation
    return Input(
        parameter="", key=key, name=name, kind=kind, relation=thing.relation, form="relation"
    )


def _plain(to: str) -> str:
    """``ref('orders')`` and ``source('raw', 'users')`` as the names that ``deps`` takes."""
    text = to.strip()
    if found := _REF.fullmatch(text):
        return f"{found[1]}.v{found[2]}" if found[2] else found[1]
    if found := _SOURCE.fullmatch(text):
        return f"{found[1]}.{found[2]}"
    return text
