"""A module with its inputs: what ``var``, ``local``, resources and other modules are worth.

Everything is worked out when it is asked for, and once; so the order of blocks and files means
nothing, and what nobody asks for (a source's password) is not touched.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.readers.terraform.budget import Budget
from toolkit.integrations.airbyte.readers.terraform.evaluate import Environment, evaluate
from toolkit.integrations.airbyte.readers.terraform.folder import Folder, workspace
from toolkit.integrations.airbyte.readers.terraform.hcl import parse_text
from toolkit.integrations.airbyte.readers.terraform.resources import Instance
from toolkit.integrations.airbyte.readers.terraform.syntax import Block, Expression
from toolkit.integrations.airbyte.readers.terraform.types import convert
from toolkit.integrations.airbyte.readers.terraform.values import (
    EvaluationError,
    Lazy,
    TooMuch,
    Unknown,
    Value,
    merged,
    pairs,
    to_number,
    to_text,
    unknown,
    unknowns_in,
)
from toolkit.integrations.airbyte.yamltext import folder_at

_DEEPEST = 20
_MOST = 10_000

# What a module block says to Terraform and not to the module.
_META = frozenset({"source", "version", "providers", "count", "for_each", "depends_on"})

Root = Callable[[Path], Folder]


class Namespace(Lazy):
    """``var``, ``local``, ``module``, ``data``, a type of resources: names that have values."""

    def __init__(self, name: str, find: Callable[[str], Value]) -> None:
        super().__init__(name)
        self._find = find

    def get(self, name: str) -> Value:
        """The value of this name."""
        return self._find(name)


class Expanded(msgspec.Struct, frozen=True):
    """The instances of one block.

    Attributes:
        keys: one for each instance; ``None`` for a block without ``count`` and ``for_each``.
        symbols: what ``each`` and ``count`` are in each.
        missing: why the instances are not known.
    """

    keys: tuple[str | int | None, ...] = ()
    symbols: tuple[Mapping[str, Value], ...] = ()
    missing: Unknown | None = None


class Gap(msgspec.Struct, frozen=True):
    """A block whose instances are not known."""

    address: str
    block: Block
    missing: Unknown


class Module:
    """One folder, called with inputs.

    Args:
        folders: gives the folder at a path.
        path: of this module's folder.
        address: ``module.x["a"].`` before the addresses of its resources; empty for the root.
        inputs: values of variables; for the root those of the ``.tfvars`` files count instead.
        above: the folders that led here.
        budget: what may be worked out yet, by all modules of the root together.
    """

    def __init__(
        self,
        folders: Root,
        path: Path,
        address: str = "",
        inputs: Mapping[str, Value] | None = None,
        above: tuple[Path, ...] = (),
        budget: Budget | None = None,
    ) -> None:
        self.folder = folders(path)
        self.address = address
        self._folders = folders
        self._inputs = inputs
        self._above = (*above, path)
        self._values: dict[str, Value] = {}
        self._running: set[str] = set()
        self._budget = budget or Budget()
        self.environment = Environment(
            self._root, self._above[0], template=parse_text, budget=self._budget
        )

    def value(
        self, name: str, node: Expression, symbols: Mapping[str, Value] | None = None
    ) -> Value:
        """What an expression is worth here; an error makes it unknown by this name.

        Raises:
            ArtifactError: it would take too long.
        """
        env = self.environment
        if symbols:
            env = env.having(**symbols)
        try:
            return evaluate(node, env)
        except EvaluationError as error:
            return unknown(f"{name} ({error})")
        except RecursionError:
            return unknown(f"{name} (nested too deeply)")
        except (TooMuch, MemoryError):
            pass
        # Outside of the handler, so that the error does not carry values along.
        raise _too_much(name, self.folder.path)

    def _once(self, name: str, find: Callable[[], Value]) -> Value:
        if name not in self._values:
            if name in self._running:
                return unknown(f"{self.address}{name} (depends on itself)")
            self._running.add(name)
            try:
                self._values[name] = find()
            finally:
                self._running.discard(name)
        return self._values[name]

    def _root(self, name: str) -> Value:
        """What stands at the beginning of a reference."""
        named: Mapping[str, Callable[[str], Value]] = {
            "var": self.variable,
            "local": self._local,
            "module": self._module,
            "path": self._path,
            "terraform": self._terraform,
            "data": lambda kind: Namespace(f"data.{kind}", self._resources("data", kind)),
        }
        if name in named:
            return Namespace(name, named[name])
        if name in ("each", "count", "self"):
            return Lazy(name)
        return Namespace(name, self._resources("resource", name))

    def variable(self, name: str) -> Value:
        """An input: given, or its default; unknown if neither."""
        return self._once(f"var.{name}", lambda: self._find_variable(name))

    def _find_variable(self, name: str) -> Value:
        full = f"{self.address}var.{name}"
        block = self.folder.block("variable", name)
        value: Value = unknown(f"{full} (not declared)" if block is None else full)
        body = block.body.attributes if block is not None else {}
        if self._inputs is None and name in self.folder.given:
            value = self.value(full, self.folder.given[name])
        elif self._inputs is not None and name in self._inputs:
            value = self._inputs[name]
        elif "default" in body:
            value = self.value(full, body["default"])
        if "type" not in body:
            return value
        try:
            return convert(value, body["type"], self.environment)
        except TooMuch:
            raise _too_much(full, self.folder.path) from None
        except EvaluationError as error:
            return unknown(f"{full} ({error})")

    def _local(self, name: str) -> Value:
        found = self.folder.locals.get(name)
        full = f"{self.address}local.{name}"
        if found is None:
            return unknown(f"{full} (not declared)")
        return self._once(f"local.{name}", lambda: self.value(full, found[0]))

    def _path(self, name: str) -> Value:
        places = {"module": self.folder.path, "root": self._above[0]}
        return str(places[name]) if name in places else unknown(f"path.{name}")

    def _terraform(self, name: str) -> Value:
        found = workspace(self._above[0]) if name == "workspace" else None
        return found or unknown(f"terraform.{name}")

    def _resources(self, mode: str, kind: str) -> Callable[[str], Value]:
        return lambda name: self.resource(mode, kind, name)

    def resource(self, mode: str, kind: str, name: str) -> Value:
        """A resource or data source: one instance, a list or map of them, or unknown."""
        key = f"{'data.' if mode == 'data' else ''}{kind}.{name}"
        return self._once(key, lambda: self._find_resource(mode, kind, name, key))

    def _find_resource(self, mode: str, kind: str, name: str, key: str) -> Value:
        block = self.folder.block(mode, kind, name)
        if block is None:
            return unknown(f"{self.address}{key}")
        expanded = self.expand(block)
        if expanded.missing is not None:
            return expanded.missing
        instances = list(self._instances(block, key, expanded))
        if expanded.keys == (None,):
            return instances[0]
        if "count" in block.body.attributes:
            return list(instances)
        return dict(zip(map(str, expanded.keys), instances, strict=True))

    def _instances(self, block: Block, key: str, expanded: Expanded) -> Iterator[Instance]:
        for place, symbols in zip(expanded.keys, expanded.symbols, strict=True):
            address = f"{self.address}{key}{subscript(place)}"
            yield Instance(address, block, self._attribute(address, block, symbols))

    def _attribute(
        self, address: str, block: Block, symbols: Mapping[str, Value]
    ) -> Callable[[str], Value]:
        seen: dict[str, Value] = {}

        def find(name: str) -> Value:
            if name not in seen:
                full = f"{address}.{name}"
                seen[name] = unknown(f"{full} (depends on itself)")
                value = self.value(full, block.body.attributes[name], symbols)
                # A name that stands alone (`SOURCE_NAMESPACE`) or a whole resource is no value.
                lazy = isinstance(value, Lazy)
                seen[name] = merged(unknowns_in(value)) if lazy else value
            return seen[name]

        return find

    def expand(self, block: Block) -> Expanded:
        """The instances that ``count`` or ``for_each`` makes of a block."""
        attributes = block.body.attributes
        name = ".".join((self.address + block.type, *block.labels))
        if "count" in attributes:
            return _counted(f"{name}.count", self.value(f"{name}.count", attributes["count"]))
        if "for_each" not in attributes:
            return Expanded((None,), ({},))
        each = self.value(f"{name}.for_each", attributes["for_each"])
        if isinstance(each, Unknown | Lazy):
            return Expanded(missing=merged(unknowns_in(each)))
        try:
            found = {to_text(key): value for key, value in pairs(each)}
        except EvaluationError as error:
            return Expanded(missing=unknown(f"{name}.for_each ({error})"))
        return Expanded(
            tuple(found),
            tuple({"each": {"key": key, "value": value}} for key, value in found.items()),
        )

    def _module(self, name: str) -> Value:
        return self._once(f"module.{name}", lambda: self._find_module(name))

    def _find_module(self, name: str) -> Value:
        block = self.folder.block("module", name)
        called = self.call(block) if block is not None else unknown(f"{self.address}module.{name}")
        if isinstance(called, Unknown):
            return called
        outputs = {
            key: Namespace(f"{self.address}module.{name}{subscript(key)}", module.output)
            for key, module in called.items()
        }
        if tuple(outputs) == (None,):
            return outputs[None]
        if block is not None and "count" in block.body.attributes:
            return list(outputs.values())
        return {str(key): value for key, value in outputs.items()}

    def instances(self, block: Block) -> "list[Instance] | Gap":
        """The instances of a ``resource`` block."""
        value = self.resource(block.type, *block.labels)
        if isinstance(value, Unknown):
            return Gap(f"{self.address}{'.'.join(block.labels)}", block, value)
        if isinstance(value, Mapping):
            value = list(value.values())
        items = value if isinstance(value, list) else [value]
        return [item for item in items if isinstance(item, Instance)]

    def call(self, block: Block) -> "dict[str | int | None, Module] | Unknown":
        """The modules that a ``module`` block makes, by their keys."""
        name = f"{self.address}module.{block.labels[0]}"
        source = self.value(name, block.body.attributes["source"])
        path = self._local_folder(source)
        if path is None:
            return unknown(f"{name} (its source is no folder here)")
        if len(self._above) > _DEEPEST or path in self._above:
            return unknown(f"{name} (calls itself)")
        expanded = self.expand(block)
        if expanded.missing is not None:
            return expanded.missing
        found: dict[str | int | None, Module] = {}
        for key, symbols in zip(expanded.keys, expanded.symbols, strict=True):
            address = f"{name}{subscript(key)}."
            given = Inputs(self, block, symbols)
            found[key] = Module(self._folders, path, address, given, self._above, self._budget)
        return found

    def _local_folder(self, source: Value) -> Path | None:
        if not isinstance(source, str) or not source.startswith(("./", "../")):
            return None
        return folder_at(self.folder.path, source)

    def output(self, name: str) -> Value:
        """What the module gives by this name."""
        block = self.folder.block("output", name)
        full = f"{self.address}{name}"
        if block is None or "value" not in block.body.attributes:
            return unknown(full)
        node = block.body.attributes["value"]
        return self._once(f"output.{name}", lambda: self.value(full, node))

    def walk(self) -> "Iterator[Module | Gap]":
        """This module and all that it calls; a gap where that is not known."""
        yield self
        for labels in list(self.folder.labels("module")):
            block = self.folder.block("module", *labels)
            if block is None or "source" not in block.body.attributes:
                continue
            called = self.call(block)
            if isinstance(called, Unknown):
                yield Gap(f"{self.address}module.{labels[0]}", block, called)
            else:
                for module in called.values():
                    yield from module.walk()


class Inputs(Mapping[str, Value]):
    """What a ``module`` block gives to the module; worked out where the block stands."""

    def __init__(self, caller: Module, block: Block, symbols: Mapping[str, Value]) -> None:
        self._caller = caller
        self._block = block
        self._symbols = symbols
        self._names = [name for name in block.body.attributes if name not in _META]

    def __getitem__(self, name: str) -> Value:
        full = f"{self._caller.address}module.{self._block.labels[0]}.{name}"
        return self._caller.value(full, self._block.body.attributes[name], self._symbols)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _too_much(name: str, folder: Path) -> ArtifactError:
    return ArtifactError(
        f"{folder}: `{name}` would take minutes to work out, or more memory than there is.",
        "The connections in this folder are not known, so nothing was done.",
        "Name a state file (or the output of `terraform show -json`) in `connections:` of "
        "toolkit.yml instead of the folder.",
    )


def _counted(name: str, count: Value) -> Expanded:
    if isinstance(count, Unknown | Lazy):
        return Expanded(missing=merged(unknowns_in(count)))
    try:
        number = int(to_number(count))
    except EvaluationError as error:
        return Expanded(missing=unknown(f"{name} ({error})"))
    if number > _MOST:
        return Expanded(missing=unknown(f"{name} (more than {_MOST})"))
    return Expanded(
        tuple(range(number)), tuple({"count": {"index": each}} for each in range(number))
    )


def subscript(key: str | int | None) -> str:
    """``[0]``, ``["a"]`` or nothing, as Terraform writes it."""
    if key is None:
        return ""
    return f"[{key}]" if isinstance(key, int) else f'["{key}"]'
