"""YAML files beside the functions, in dbt's property format, joined with what decorators say.

A file that holds a list ``assets:`` is one of ours; any other YAML in the folder is not looked
at. Each entry names an asset and says of it what its decorator could say. What both say must be
the same; tags add up, as dbt's do.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import AssetError, SettingsError
from toolkit.integrations.python.declared.modules import AnyFound, relative, walked
from toolkit.integrations.python.declared.options import OF_ASSET, parameters_of
from toolkit.integrations.python.declared.validate import NOTHING_DONE
from toolkit.integrations.python.definitions import AssetDefinition
from toolkit.settings.document import Document
from toolkit.text import nearest

_TOP = ("name", "description", "owner", "group", "access", "meta", "tags", "deps", "config",
        "columns", "targets")  # fmt: skip
# Options that may stand in `config:`, as dbt has them there; besides, values of parameters.
_CONFIG = (*OF_ASSET, "database", "owner", "tags", "group", "access", "meta", "requirements",
           "trusted", "format", "event_time", "batch_size", "begin", "lookback",
           "batch_limit")  # fmt: skip
_COLUMN = ("name", "data_type", "type", "description", "tests", "data_tests", "tags", "meta",
           "inputs", "config")  # fmt: skip
_TESTS = ("tests", "data_tests")


class _Entry:
    """One asset as a file describes it, flat: options and values by name, each with its line."""

    def __init__(self, document: Document, index: int, data: Mapping[str, Any], path: str) -> None:
        self._document = document
        self._index = index
        self.data = data
        self.path = path
        self.name = data["name"]

    def place(self, *keys: str | int) -> str:
        return f"{self.path}:{self._document.line(('assets', self._index, *keys)) or 1}"


def described(found: list[AnyFound], entries: Iterable[Path], project_dir: Path) -> list[AnyFound]:
    """The definitions with what YAML files in the folders of ``assets:`` add to them.

    Raises:
        AssetError: a file cannot be read, names an asset that is not there, or says something
            else than a decorator.
    """
    by_name: dict[str, _Entry] = {}
    for file in yaml_files(entries):
        for entry in _entries(file, project_dir):
            other = by_name.setdefault(entry.name, entry)
            if other is not entry:
                raise _error(
                    f"{entry.place('name')} and {other.place('name')} both describe "
                    f"{entry.name!r}.",
                    "Put it all into one of them.",
                )
    if not by_name:
        return found
    names = [f.definition.name for f in found if isinstance(f.definition, AssetDefinition)]
    for name, entry in by_name.items():
        if name not in names:
            raise _error(
                f"{entry.place('name')} describes {name!r}, which no function declares.",
                f"{nearest(name, names)}The Python assets are {', '.join(sorted(names))}.",
            )
    return [_joined(f, by_name.get(f.definition.name)) for f in found]


def yaml_files(entries: Iterable[Path]) -> list[Path]:
    """All YAML files in these folders; of a single file, those with its own name."""
    found: list[Path] = []
    for entry in entries:
        if entry.is_dir():
            found += sorted(walked(entry, lambda name: name.endswith((".yml", ".yaml"))))
        else:
            beside = (entry.with_suffix(suffix) for suffix in (".yml", ".yaml"))
            found += [path for path in beside if path.is_file()]
    return list(dict.fromkeys(found))


def _entries(file: Path, project_dir: Path) -> Iterator[_Entry]:
    path = relative(file, project_dir)
    if b"assets" not in file.read_bytes():
        return  # somebody else's file, which need not even be YAML that we can read
    try:
        document = Document(file, refuse_duplicates=True)
    except SettingsError as error:
        raise AssetError(
            error.fact.replace(f"{file}", path), "Nothing was done.", error.next_step
        ) from error
    if not isinstance(document.data, dict) or "assets" not in document.data:
        return

    def line(*keys: str | int) -> str:
        return f"{path}:{document.line(keys) or 1}"

    for key in document.data:
        if key not in ("version", "assets"):
            raise _error(
                f"{line(str(key))}: {key!r} is no key of a file that describes assets.",
                "The keys are version and assets.",
            )
    listed = document.data["assets"]
    if not isinstance(listed, list):
        raise _error(f"{line('assets')}: `assets` is no list.", "Write `- name: <asset>`.")
    for index, data in enumerate(listed):
        if not isinstance(data, dict) or not isinstance(data.get("name"), str):
            raise _error(
                f"{line('assets', index)}: an entry of `assets` has no `name`.",
                "Write `- name: <asset>`.",
            )
        yield _Entry(document, index, data, path)


def _joined(found: AnyFound, entry: _Entry | None) -> AnyFound:
    definition = found.definition
    if entry is None or not isinstance(definition, AssetDefinition):
        return found
    said = _said(entry, parameters_of(definition.function))
    changes: dict[str, Any] = {}
    for option, (value, keys) in said.items():
        before = getattr(definition, option)

        def clash(
            one: object, two: object, what: str = option, keys: tuple[str | int, ...] = keys
        ) -> AssetError:
            return _error(
                f"`{what}` of {found.definition.name} is {one!r} at {found.place} and {two!r} at "
                f"{entry.place(*keys)}.",
                "Say it in one of the two.",
            )

        changes[option] = _both(option, before, value, clash)
    return dataclasses.replace(
        found, definition=dataclasses.replace(definition, **changes), yaml_path=entry.path
    )


Clash = Callable[..., AssetError]


def _both(option: str, before: Any, value: Any, clash: Clash) -> Any:  # noqa: ANN401  # any option
    """What a decorator and a file say together."""
    if option == "tags":
        old = [before] if isinstance(before, str) else [*before]
        new = [value] if isinstance(value, str) else value
        return [*old, *(tag for tag in new if tag not in old)] if isinstance(new, list) else new
    if option == "columns":
        return _columns(before, value, clash)
    if option == "targets" and before:
        return {
            target: _merged(
                before.get(target, {}), value.get(target, {}), f"targets.{target}", clash
            )
            for target in {**before, **value}
        }
    if option in ("config", "meta", "deps") and isinstance(before, Mapping):
        return _merged(before, value, option, clash)
    default = {f.name: f.default for f in dataclasses.fields(AssetDefinition)}.get(option)
    unsaid = before is None or before is default or before in ((), [], {}, False)
    if not unsaid and before != value:
        raise clash(before, value)
    return value


def _merged(
    before: Mapping[str, Any], value: Mapping[str, Any], what: str, clash: Clash
) -> dict[str, Any]:
    for key in value:
        if key in before and before[key] != value[key]:
            raise clash(before[key], value[key], f"{what}.{key}")
    return {**before, **value}


def _columns(before: Any, value: Mapping[str, Any], clash: Clash) -> Any:  # noqa: ANN401  # as declared
    if not isinstance(before, Mapping):
        return before  # wrong, and said so when it is looked at
    joined: dict[str, Any] = {
        name: {"type": given} if isinstance(given, str) else given for name, given in before.items()
    }
    for name, given in value.items():
        old = joined.get(name, {})
        if not isinstance(old, Mapping):
            continue
        tests = [*old.get("tests", ())]
        tests += [test for test in given.get("tests", ()) if test not in tests]
        plain = {key: part for key, part in given.items() if key != "tests"}
        joined[name] = _merged(old, plain, f"columns.{name}", clash)
        if tests:
            joined[name]["tests"] = tests
    return joined


Said = dict[str, tuple[Any, tuple[str | int, ...]]]


def _said(entry: _Entry, parameters: tuple[str, ...]) -> Said:
    """What an entry says, by the decorator's options, each with the keys where it stands."""
    found: Said = {}
    _known(entry, entry.data, _TOP, ())
    for key, value in entry.data.items():
        if key == "columns":
            found["columns"] = (_listed_columns(entry), ("columns",))
        elif key == "targets":
            found["targets"] = (_mapping(entry, "targets"), ("targets",))
        elif key not in ("name", "config"):
            found[key] = (value, (key,))
    config = _mapping(entry, "config")
    _known(entry, config, (*_CONFIG, *parameters), ("config",))
    values = {}
    for key, value in config.items():
        if key in _CONFIG and key in parameters:
            raise _error(
                f"{entry.place('config', key)}: {key!r} is an option, and a parameter of "
                f"{entry.name} too.",
                "Rename the parameter.",
            )
        if key not in _CONFIG:
            values[key] = value
        elif key in found and found[key][0] != value:
            raise _error(
                f"{entry.place(key)} and {entry.place('config', key)} say different things of "
                f"`{key}`.",
                "Say it once.",
            )
        else:
            found[key] = (value, ("config", key))
    if values:
        found["config"] = (values, ("config",))
    return found


def _listed_columns(entry: _Entry) -> dict[str, Any]:
    """``columns:`` as the decorator takes them."""
    listed = entry.data["columns"] or []
    if not isinstance(listed, list):
        raise _error(f"{entry.place('columns')}: `columns` is no list.", "Write `- name: <name>`.")
    found: dict[str, Any] = {}
    for index, data in enumerate(listed):
        if not isinstance(data, dict) or not isinstance(data.get("name"), str):
            raise _error(
                f"{entry.place('columns', index)}: a column has no `name`.",
                "Write `- name: <column>`.",
            )
        _known(entry, data, _COLUMN, ("columns", index))
        if data["name"] in found:
            raise _error(
                f"{entry.place('columns', index)}: the column {data['name']!r} is described twice.",
                "Put it all into one entry.",
            )
        config = data.get("config") or {}
        _known(entry, config, ("tags", "meta"), ("columns", index, "config"))
        plain = {k: v for k, v in data.items() if k not in ("name", "data_type", "config", *_TESTS)}
        plain |= config
        if "data_type" in data:
            plain["type"] = data["data_type"]
        tests = [test for key in _TESTS for test in data.get(key) or ()]
        found[data["name"]] = {**plain, **({"tests": tests} if tests else {})}
    return found


def _mapping(entry: _Entry, key: str) -> dict[str, Any]:
    value = entry.data.get(key) or {}
    if not isinstance(value, dict):
        raise _error(f"{entry.place(key)}: `{key}` is no mapping.", "Write keys and values.")
    return value


def _known(
    entry: _Entry,
    data: Mapping[str, Any],
    allowed: tuple[str, ...],
    keys: tuple[str | int, ...],
) -> None:
    for key, value in data.items():
        if key not in allowed:
            more = "Tests belong to a column; for others write a @check. " if key in _TESTS else ""
            raise _error(
                f"{entry.place(*keys, str(key))}: {key!r} is unknown"
                + (f" in `{keys[0]}`." if keys else "."),
                f"{more}{nearest(str(key), allowed)}Known are {', '.join(allowed)}.",
            )
        if isinstance(value, str) and "{{" in value:
            raise _error(
                f"{entry.place(*keys, str(key))}: {value!r} is Jinja, which is not read here.",
                "Write the value; for what differs by target use `targets`, for a secret "
                "toolkit.secret() in the function.",
            )


def _error(fact: str, next_step: str) -> AssetError:
    return AssetError(fact, NOTHING_DONE, next_step)
