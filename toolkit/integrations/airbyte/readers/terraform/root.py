"""One root folder: its HCL and its state put together into connections and problems."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from toolkit.errors import Problem, Severity
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.readers.base import Read
from toolkit.integrations.airbyte.readers.terraform.connection import (
    ATTRIBUTES,
    HCL_FORMAT,
    STATE_FORMAT,
    Endpoint,
    Hole,
    Place,
    connection_of,
    destination_endpoint,
    source_endpoint,
)
from toolkit.integrations.airbyte.readers.terraform.folder import Folder
from toolkit.integrations.airbyte.readers.terraform.module import Gap, Module
from toolkit.integrations.airbyte.readers.terraform.resources import Instance
from toolkit.integrations.airbyte.readers.terraform.state import State
from toolkit.integrations.airbyte.readers.terraform.syntax import (
    Block,
    Call,
    Expression,
    Literal,
    Object,
)
from toolkit.integrations.airbyte.readers.terraform.values import Computed, Unknown, Value

_CONNECTION = "airbyte_connection"
_VARIABLE = re.compile(r"^var\.([\w-]+)")
_SUBSCRIPT = re.compile(r"\[(?:\d+|\"[^\"]*\")\]$")


class Written(msgspec.Struct, frozen=True):
    """One ``airbyte_connection`` of the HCL, with what it is linked to."""

    attributes: Mapping[str, Value]
    place: Place
    source: Instance | None
    destination: Instance | None


class Root:
    """A folder that Terraform would run in."""

    def __init__(self, path: Path, folders: Callable[[Path], Folder], state: State) -> None:
        self._module = Module(folders, path)
        self._state = state
        self._path = path
        self._instances: dict[str, Instance] = {}
        self._uncounted: dict[str, Block] = {}
        self._problems: dict[tuple[str, str | None, int | None], Problem] = {}

    def read(self) -> Read:
        """All connections, named; of the HCL in the order of files, then those in the state only.

        Raises:
            ArtifactError: a file is broken; names file:line.
        """
        found: dict[str, Connection] = {}
        for written in self._written():
            address = written.place.address
            resolved = self._state.connections.get(address)
            connection = self._resolved(written, resolved[0]) if resolved else self._plain(written)
            if connection is not None:
                found[address] = connection
        for address, (values, path) in self._state.connections.items():
            if address not in found and values.get("status") != "deprecated":
                block = self._uncounted.get(_SUBSCRIPT.sub("", address))
                place = Place(address=address, path=path)
                if block is not None:
                    place = Place(address=address, path=block.path, line=block.line)
                found[address] = self._from_state(values, place)
        return Read(connections=_named(found), problems=list(self._problems.values()))

    def _written(self) -> Iterator[Written]:
        gaps: list[Gap] = []
        modules: list[Module] = []
        for module in self._module.walk():
            if isinstance(module, Gap):
                gaps.append(module)
            else:
                modules.append(module)
                self._register(module)
        for module in modules:
            for kind, name in _resources(module, _CONNECTION):
                for block in module.folder.blocks("resource", kind, name):
                    instances = module.instances(block)
                    if isinstance(instances, Gap):
                        gaps.append(instances)
                        self._uncounted[instances.address] = block
                        break
                    yield from map(self._attributes, instances)
                    break
        for gap in gaps:
            self._gap(gap)

    def _register(self, module: Module) -> None:
        """Sources and destinations by address, so that connections of any module find them."""
        for prefix in ("airbyte_source", "airbyte_destination"):
            for kind, name in _resources(module, prefix):
                for block in module.folder.blocks("resource", kind, name):
                    instances = module.instances(block)
                    if not isinstance(instances, Gap):
                        self._instances |= {each.address: each for each in instances}

    def _attributes(self, instance: Instance) -> Written:
        written = {
            name: instance.get(name)
            for name in ATTRIBUTES
            if name in instance.block.body.attributes
        }
        return Written(
            written,
            Place(address=instance.address, path=instance.block.path, line=instance.block.line),
            self._linked(written.get("source_id")),
            self._linked(written.get("destination_id")),
        )

    def _linked(self, value: Value) -> Instance | None:
        return self._instances.get(value.address) if isinstance(value, Computed) else None

    def _plain(self, written: Written) -> Connection | None:
        """A connection that is in no state."""
        if written.attributes.get("status") == "deprecated":
            return None
        source = self._endpoint(written.source, written.attributes.get("source_id"))
        destination = self._endpoint(written.destination, written.attributes.get("destination_id"))
        connection, holes = connection_of(
            written.attributes, written.place, source, destination, HCL_FORMAT
        )
        self._report(connection, holes, written.place, destination)
        if destination is None:
            self._no_destination(written)
        return connection

    def _endpoint(self, instance: Instance | None, value: Value) -> Endpoint | None:
        """The state's, where it has this resource or id; else the HCL's."""
        key = instance.address if instance is not None else value
        if isinstance(key, str):
            known = self._state.sources.get(key) or self._state.destinations.get(key)
            if known is not None:
                return known
        if instance is None:
            return None
        kind, block = instance.block.labels[0], instance.block
        place = Place(address=instance.address, path=block.path, line=block.line)
        if kind.startswith("airbyte_source"):
            read = {name: instance.get(name) for name in ("name", "definition_id")}
            read["source_type"] = _source_type(block.body.attributes.get("configuration"))
            return source_endpoint(kind, read, place)
        read = {name: instance.get(name) for name in ("name", "definition_id", "configuration")}
        return destination_endpoint(kind, read, place)

    def _resolved(self, written: Written, values: Mapping[str, Value]) -> Connection | None:
        """A connection that the state knows: its values, and the HCL's lines."""
        if values.get("status") == "deprecated":
            return None
        lines, _ = connection_of(written.attributes, written.place, None, None, STATE_FORMAT)
        # By name alone: the state has the namespace that Airbyte found.
        place = {stream.name: stream.line for stream in lines.streams}
        connection = self._from_state(values, written.place, written)
        streams = tuple(
            msgspec.structs.replace(stream, line=place.get(stream.name))
            for stream in connection.streams
        )
        return msgspec.structs.replace(
            connection,
            streams=streams,
            lines={("streams", i): each.line for i, each in enumerate(streams) if each.line},
        )

    def _from_state(
        self, values: Mapping[str, Value], place: Place, written: Written | None = None
    ) -> Connection:
        source = self._endpoint(None, values.get("source_id"))
        destination = self._endpoint(None, values.get("destination_id"))
        if written is not None:
            # A plan does not know the ids of what it would create; the HCL knows the link.
            source = source or self._endpoint(written.source, None)
            destination = destination or self._endpoint(written.destination, None)
        connection, holes = connection_of(values, place, source, destination, STATE_FORMAT)
        self._report(connection, holes, place, destination)
        if destination is None:
            link = written.attributes if written is not None else values
            self._no_destination(Written(link, place, None, None))
        return connection

    def _report(
        self,
        connection: Connection,
        holes: list[Hole],
        place: Place,
        destination: Endpoint | None,
    ) -> None:
        for hole in holes:
            self._unknown(
                f"{hole.what[0].upper()}{hole.what[1:]} of {place.address} is not known",
                hole.missing,
                "these streams are not in the graph" if hole.streams else "",
                "error" if hole.streams else "warning",
                Place(address=place.address, path=place.path, line=hole.line or place.line),
            )
        for key, missing in (destination.holes if destination is not None else {}).items():
            assert destination is not None
            what = key.removeprefix("destination.")
            self._unknown(
                f"The {what} of {destination.place.address} is not known",
                missing,
                "its tables are matched without it",
                "warning",
                destination.place,
                f" Or give it under `destinations:` in toolkit.yml, for "
                f"{connection.destination.name!r}.",
            )
        if not connection.streams and not holes:
            self._problem(
                "terraform-all-streams",
                f"{place.address} lists no streams: Airbyte syncs all that the source has, which "
                "is not known here, so none is in the graph. List them under `configurations`, or "
                "put a state file into this folder.",
                "warning",
                place,
            )

    def _no_destination(self, written: Written) -> None:
        value = written.attributes.get("destination_id")
        named = f"destination {value}" if isinstance(value, str | Unknown) else "a new destination"
        advice = self._advice(value) if isinstance(value, Unknown) else ""
        self._problem(
            "unknown-destination",
            f"{written.place.address} goes to {named}, which no file of this folder describes: "
            f"the schema of its tables is not known.{advice}",
            "warning",
            written.place,
        )

    def _gap(self, gap: Gap) -> None:
        """Instances that are not known; silent where nothing of Airbyte's can be in them."""
        base = gap.address
        if any(_SUBSCRIPT.sub("", address) == base for address in self._state.connections):
            return
        if any(address.startswith((f"{base}.", f"{base}[")) for address in self._state.connections):
            return
        if gap.block.type == "module" and "airbyte" not in f"{base} {gap.missing}".lower():
            source = gap.block.body.attributes.get("source")
            value = self._module.value("source", source) if source is not None else None
            local = isinstance(value, str) and value.startswith(("./", "../"))
            if not local and "airbyte" not in str(value).lower():
                return
        self._unknown(
            f"How often {base} exists is not known"
            if gap.block.type != "module" or "count" in gap.block.body.attributes
            else f"What {base} contains is not known",
            gap.missing,
            "connections in it are not in the graph",
            "error",
            Place(address=base, path=gap.block.path, line=gap.block.line),
        )

    def _unknown(
        self,
        fact: str,
        missing: Unknown,
        consequence: str,
        severity: Severity,
        place: Place,
        otherwise: str = "",
    ) -> None:
        # A name with a reason in brackets says it all.
        message = f"{fact}: {missing}{'' if ' (' in str(missing) else ' has no value here'}"
        message += f", so {consequence}." if consequence else "."
        self._problem(
            "terraform-unknown", message + self._advice(missing) + otherwise, severity, place
        )

    def _advice(self, missing: Unknown) -> str:
        """What would settle it."""
        variables = [found[1] for name in missing.names if (found := _VARIABLE.match(name))]
        if not variables:
            return " A state file in this folder would settle it."
        names = " and ".join(f"`{name}`" for name in dict.fromkeys(variables))
        advice = f" Give {names} a value in terraform.tfvars or a *.auto.tfvars file beside it"
        others = {self._module.folder.elsewhere(name) for name in variables} - {None}
        if others:
            advice += f" ({', '.join(sorted(map(str, others)))} is read with -var-file only)"
        return f"{advice}; TF_VAR_ variables of the environment are not read."

    def _problem(self, code: str, message: str, severity: Severity, place: Place) -> None:
        path = str(place.path)
        self._problems.setdefault(
            (message, path, place.line),
            Problem(
                asset=None,
                code=code,
                message=message,
                severity=severity,
                path=path,
                line=place.line,
            ),
        )


def _source_type(configuration: Expression | None) -> str | None:
    """A source's connector, where it is written out; nothing else of its configuration is read."""
    if isinstance(configuration, Call) and configuration.arguments:
        configuration = configuration.arguments[0]  # of jsonencode
    for key, value in configuration.items if isinstance(configuration, Object) else ():
        if isinstance(key, Literal) and key.value in ("sourceType", "source_type"):
            return (
                value.value if isinstance(value, Literal) and isinstance(value.value, str) else None
            )
    return None


def _resources(module: Module, prefix: str) -> Iterator[tuple[str, str]]:
    for labels in list(module.folder.labels("resource")):
        if len(labels) == 2 and labels[0].startswith(prefix):
            yield labels[0], labels[1]


def _named(found: Mapping[str, Connection]) -> list[Connection]:
    """Each by its name; by Terraform's where it has none or shares it."""
    names = [connection.name for connection in found.values()]
    return [
        connection
        if connection.name and names.count(connection.name) == 1
        else msgspec.structs.replace(connection, name=address.replace(f"{_CONNECTION}.", ""))
        for address, connection in found.items()
    ]
