"""Broken configuration files of every format: an error that names the file, or a graph.

Each mutation takes a folder of ``tests/golden/airbyte``, breaks one of its files and reads it,
as far as the assets of the graph. Whatever comes of it, it is a graph that can be written
down or a ToolkitError with the place in it; never another exception, never a hang.

TOOLKIT_FUZZ_COUNT says how many mutations (300 if not set), TOOLKIT_FUZZ_SEED which. A
failure prints the seed of its mutation: ``TOOLKIT_FUZZ_COUNT=1 TOOLKIT_FUZZ_SEED=<that>``.
"""

import json
import os
import random
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest
import yaml

from toolkit.errors import ToolkitError
from toolkit.integrations.airbyte import AirbyteIntegration
from toolkit.integrations.airbyte.readers import read_connections
from toolkit.settings import Profile, Settings

GOLDEN = Path(__file__).parents[1] / "golden" / "airbyte"
COUNT = int(os.environ.get("TOOLKIT_FUZZ_COUNT", "300"))
FIRST = int(os.environ.get("TOOLKIT_FUZZ_SEED", "1"))
SECONDS = 5

OURS = b"""\
version: 1
name: shop
owner: data@example.com
tags: [shop]
source: {package: airbyte-source-faker, version: 7.2.1, config: {count: 1}}
destination: {type: duckdb, name: warehouse, schema: raw}
namespace_definition: custom_format
namespace_format: "${SOURCE_NAMESPACE}"
timeout: 600
streams:
  - name: users
    sync_mode: incremental_deduped_history
    primary_key: [[id]]
    cursor_field: [updated_at]
    selected_fields: [id, email, updated_at]
    json_schema: {properties: {id: {type: integer}, email: {type: string}}}
    mappers:
      - type: hashing
        mapperConfiguration: {targetField: email, method: SHA-256, fieldNameSuffix: _h}
      - type: row-filtering
        mapperConfiguration:
          conditions: {type: NOT, conditions: [{type: EQUAL, fieldName: id, comparisonValue: x}]}
"""

Files = dict[str, bytes]


def seeds() -> dict[str, Files]:
    """A folder for each format; Terraform's cases are a folder each."""
    folders = [folder / "input" for folder in sorted(GOLDEN.iterdir())]
    folders += sorted(folder for folder in (GOLDEN / "terraform").iterdir() if folder.is_dir())
    found = {
        folder.relative_to(GOLDEN).as_posix(): {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }
        for folder in folders
        if folder.is_dir()
    }
    return {"ours": {"shop.yml": OURS}, **found}


# Bytes: what disks, editors and half-finished copies do.


def flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def leave_out(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.randint(1, 40) :]


def repeat(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    return b"".join([*lines[:at], *lines[at : at + chance.randint(1, 5)], *lines[at:]])


ODD_BYTES = (
    *(b"\0", b"\xff\xfe", b"\t", b"'", b"}", b"9" * 5_000, b"*a", b"&a ", b"<<: ", b"\n---\n"),
    *(b"!!int x", b"!!timestamp x", b"!!python/object:a.b {}", b"${", b"%{ for x in y }"),
)


def insert(data: bytes, chance: random.Random) -> bytes:
    deep = chance.choice([50, 150, 5_000, 200_000])
    deepest = [part * deep for part in (b"[", b"{a: ", b"- ", b'{"a":', b"(", b"!")]
    what = chance.choice([*ODD_BYTES, *deepest])
    at = chance.randrange(len(data))
    return data[:at] + what + data[at:]


def recode(data: bytes, chance: random.Random) -> bytes:
    text = data.decode()
    codec = chance.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp037"])
    return text.encode(codec, errors="replace")


# Structure: valid documents that mean something else.


def odd(chance: random.Random) -> Any:
    deep: Any = "x"
    for _ in range(chance.choice([3, 60, 99, 150, 400])):
        deep = [deep] if chance.random() < 0.5 else {"properties": deep}
    values = [None, True, False, 0, -1, 10**40, 1.5, float("inf"), float("nan"), "", " ", "x"]
    values += ["x" * 100_000, "\0", "\ud800", "../../x", "{{ x }}", "${x}", "#/definitions", "é"]
    values += [[], {}, [[]], [None], [{}], {"": ""}, {"$ref": "#/streams"}, {"type": "object"}]
    return chance.choice([*values, deep])


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """All (container, key) pairs."""
    stack = [value]
    while stack:
        item = stack.pop()
        pairs = item.items() if isinstance(item, dict) else enumerate(item)
        for key, inner in pairs:
            yield item, key
            if isinstance(inner, dict | list):
                stack.append(inner)


def restructure(value: Any, chance: random.Random) -> Any:
    found = list(places(value)) if isinstance(value, dict | list) else []
    if not found or chance.random() < 0.03:
        return odd(chance)
    container, key = chance.choice(found)
    how = chance.randrange(6)
    if how == 0:
        del container[key]
    elif how == 1:
        container[key] = [container[key]]
    elif how == 2 and isinstance(container, dict):
        container[chance.choice(["name", "type", "streams", "data", str(key) + "s"])] = (
            container.pop(key)
        )
    elif how == 3:
        other, place = chance.choice(found)
        swap = container[key]
        # A copy: what contains itself cannot be written.
        container[key] = json.loads(json.dumps(other[place], default=str))
        if other is container:
            other[place] = swap
    elif how == 4 and isinstance(container, list):
        container.append(container[key])
    else:
        container[key] = odd(chance)
    return value


def mean_otherwise(name: str, data: bytes, chance: random.Random) -> bytes:
    if name.endswith((".yml", ".yaml")):
        document = restructure(yaml.safe_load(data), chance)
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=False).encode()
    lines = data.decode().splitlines() if name.endswith("ndjson") else [data.decode()]
    at = chance.randrange(len(lines))
    lines[at] = json.dumps(
        restructure(json.loads(lines[at]), chance), indent=chance.choice([None, 1])
    )
    return "\n".join(lines).encode()


BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip,
    cut,
    leave_out,
    repeat,
    insert,
    recode,
)


def mutate(files: Files, chance: random.Random) -> tuple[str, Files]:
    """One file broken, and its name."""
    name = chance.choice(sorted(files))
    data = files[name]
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if not data:
            break
        structured = name.endswith((".json", ".ndjson", ".yml", ".yaml", ".tfstate"))
        if structured and chance.random() < 0.6:
            try:
                data = mean_otherwise(name, data, chance)
                continue
            except (ValueError, AttributeError, yaml.YAMLError, RecursionError):
                pass  # broken by an earlier step: break the bytes further
        try:
            data = chance.choice(BYTES)(data, chance)
        except UnicodeDecodeError:
            data = flip(data, chance)
    return name, {**files, name: data}


class Hang(BaseException):
    """Not an Exception: nothing that is read may swallow it."""


@contextmanager
def deadline() -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise Hang(f"more than {SECONDS} s")

    # Seconds of the processor: a busy machine is no hang.
    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def read(folder: Path) -> None:
    """As far as the assets, and those as JSON."""
    settings = Settings(
        project_name="fuzz",
        project_dir=folder.parent,
        target="dev",
        target_path=folder.parent / "target",
        state_dir=folder.parent / ".toolkit",
        profile=Profile(type="duckdb", database="fuzz", schema="main", path="fuzz.duckdb"),
        connections=(folder,),
    )
    read_connections([folder])
    loaded = AirbyteIntegration().load(settings, {})
    msgspec.json.encode([loaded.assets, loaded.problems])


def outcome(seed: int, all_seeds: dict[str, Files], folder: Path) -> tuple[str, str | None]:
    """What became of one mutation: ``read``, ``error`` or ``wrong``, and what is wrong."""
    chance = random.Random(seed)
    format_ = chance.choice(sorted(all_seeds))
    name, files = mutate(all_seeds[format_], chance)
    for relative, data in files.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    label = f"seed {seed} ({format_}, {name})"
    try:
        with deadline():
            read(folder)
    except ToolkitError as error:
        if str(folder) not in str(error):
            return "wrong", f"{label}: names no file: {error}"
        return "error", None
    except (Exception, Hang):  # noqa: BLE001 - any other exception is what is looked for
        lines = traceback.format_exc(limit=-4).splitlines()
        return "wrong", "\n".join([label, *(line[:200] for line in lines)])
    finally:
        for relative in files:
            (folder / relative).unlink()
    return "read", None


@pytest.mark.timeout(0)
def test_no_broken_file_surprises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    all_seeds = seeds()
    assert {"ours", "api/input", "octavia/input", "catalog/input"} <= all_seeds.keys()
    folder = tmp_path / "connections"
    counts = {"read": 0, "error": 0, "wrong": 0}
    wrong: list[str] = []
    for seed in range(FIRST, FIRST + COUNT):
        how, what = outcome(seed, all_seeds, folder)
        counts[how] += 1
        if what is not None:
            wrong.append(what)
    with capsys.disabled():
        if COUNT > 300:
            print(f"\n{COUNT} mutations: {counts}")
    assert not wrong, f"{len(wrong)} of {COUNT}:\n" + "\n".join(wrong[:20])
    # Both must occur, or the mutations are too coarse or too fine to say anything.
    assert COUNT < 100 or min(counts["read"], counts["error"]) > COUNT / 10
