"""One folder of Terraform files: its blocks, found at once and parsed when they are needed."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.readers.terraform import hcl
from toolkit.integrations.airbyte.readers.terraform.jsonsyntax import json_blocks, json_body
from toolkit.integrations.airbyte.readers.terraform.scan import RawBlock
from toolkit.integrations.airbyte.readers.terraform.syntax import Block, Body, Expression
from toolkit.integrations.airbyte.yamltext import read_text

# python-hcl2 parses about 100 to 200 kB a second. Of one folder no more than this is parsed
# (blocks that have nothing to do with a connection are not parsed and do not count).
LARGEST = 3_000_000


class Folder:
    """The ``.tf`` and ``.tf.json`` files of a folder; each is read once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._parsed = 0

    @cached_property
    def _raw(self) -> dict[tuple[str, tuple[str, ...]], list[tuple[Path, str, RawBlock] | Block]]:
        found: dict[tuple[str, tuple[str, ...]], list[tuple[Path, str, RawBlock] | Block]] = {}
        for file in sorted(self.path.iterdir()):
            if not file.is_file() or file.name.startswith("."):
                continue
            if file.suffix == ".tf":
                text = read_text(file)
                for raw in hcl.blocks_in(text, file):
                    found.setdefault((raw.type, raw.labels), []).append((file, text, raw))
            elif file.name.endswith(".tf.json"):
                for block in json_blocks(read_text(file), file):
                    found.setdefault((block.type, block.labels), []).append(block)
        return found

    def labels(self, kind: str) -> Iterator[tuple[str, ...]]:
        """Labels of all blocks of this type, in the order of files."""
        return (labels for type_, labels in self._raw if type_ == kind)

    def blocks(self, kind: str, *labels: str) -> Iterator[Block]:
        """The blocks with this type and these labels, parsed.

        Raises:
            ArtifactError: one is broken, or too large; names file:line.
        """
        entries = self._raw.get((kind, labels), [])
        for place, entry in enumerate(entries):
            if not isinstance(entry, Block):
                path, text, raw = entry
                self._parsed += raw.end - raw.start
                if self._parsed > LARGEST:
                    raise _too_large(path, raw.line)
                entry = entries[place] = hcl.parse_block(text, raw, path)
            yield entry

    def block(self, kind: str, *labels: str) -> Block | None:
        """The block; of an override file what it overrides."""
        found = sorted(self.blocks(kind, *labels), key=lambda block: _overrides(block.path))
        if not found:
            return None
        first = found[0]
        for other in found[1:]:
            attributes = {**first.body.attributes, **other.body.attributes}
            body = Body(attributes, first.body.blocks)
            first = Block(first.type, first.labels, body, first.path, first.line)
        return first

    @cached_property
    def locals(self) -> dict[str, tuple[Expression, Path]]:
        """All attributes of all ``locals`` blocks."""
        found: dict[str, tuple[Expression, Path]] = {}
        for block in sorted(self.blocks("locals"), key=lambda block: _overrides(block.path)):
            for name, expression in block.body.attributes.items():
                found[name] = (expression, block.path)
        return found

    @cached_property
    def given(self) -> Mapping[str, Expression]:
        """Values of variables from the files that Terraform reads by itself.

        ``terraform.tfvars``, ``terraform.tfvars.json``, then ``*.auto.tfvars`` and
        ``*.auto.tfvars.json`` by name; the last one wins.
        """
        names = [file for file in sorted(self.path.iterdir()) if file.is_file()]
        auto = [file for file in names if file.name.endswith((".auto.tfvars", ".auto.tfvars.json"))]
        first = [self.path / "terraform.tfvars", self.path / "terraform.tfvars.json"]
        found: dict[str, Expression] = {}
        for file in [*(file for file in first if file.is_file()), *auto]:
            found.update(_values(file))
        return found

    def elsewhere(self, variable: str) -> str | None:
        """A ``.tfvars`` file that has the variable and that Terraform reads with -var-file only."""
        for file in sorted(self.path.iterdir()):
            if file.suffix == ".tfvars" and not _automatic(file) and variable in _values(file):
                return file.name
        return None


def _too_large(path: Path, line: int) -> ArtifactError:
    return ArtifactError(
        f"{path}:{line}: up to here, the blocks of this folder that matter to Airbyte connections "
        f"have more than {LARGEST:,} characters, which would take minutes to parse.",
        "The connections in this folder are not known, so nothing was done.",
        "Name a state file (or the output of `terraform show -json`) in `connections:` of "
        "toolkit.yml instead of the folder.",
    )


def _automatic(file: Path) -> bool:
    return file.name == "terraform.tfvars" or file.name.endswith(".auto.tfvars")


def _values(file: Path) -> Mapping[str, Expression]:
    text = read_text(file)
    if file.suffix == ".json":
        return json_body(text, file).attributes
    return hcl.parse_values(text, file).attributes


def _overrides(path: Path) -> bool:
    stem = path.name.removesuffix(".json").removesuffix(".tf")
    return stem == "override" or stem.endswith("_override")


def workspace(folder: Path) -> str | None:
    """The workspace that Terraform works in there; ``None`` where it was never initialised."""
    data = folder / ".terraform"
    chosen = data / "environment"
    if chosen.is_file():
        return read_text(chosen).strip() or "default"
    return "default" if data.is_dir() else None
