"""Which files are Terraform's, which folders it would run in, and which state belongs to them."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.readers.base import Read, SourceFile
from toolkit.integrations.airbyte.yamltext import folder_at, read_text

# Sources of local modules, in HCL and in JSON.
_SOURCE = re.compile(r"\"?source\"?\s*[=:]\s*\"(\.\.?/[^\"]*)\"")
_WORKSPACES = "terraform.tfstate.d"


class TerraformReader:
    """Reads ``airbyte_connection`` resources from HCL and from state."""

    name = "Terraform"
    suffixes = frozenset({".tf", ".tfvars", ".tfstate", ".json"})

    def recognises(self, file: SourceFile) -> bool:
        """HCL and state by their endings, which nothing else has; JSON by its content."""
        if file.path.suffix != ".json":
            return True
        if file.path.name.endswith((".tf.json", ".tfvars.json")):
            return True
        from toolkit.integrations.airbyte.readers.terraform.state import is_shown

        return is_shown(file.path)

    def read(self, files: Sequence[SourceFile]) -> Read:
        """Read every folder that Terraform would run in: those that no other one calls.

        A folder is read as a whole, also where only one of its files was named.

        Raises:
            ArtifactError: a file is broken, or two folders make connections of one name.
        """
        written: dict[Path, str] = {}
        states: dict[Path, list[Path]] = {}
        for path in (file.path.resolve() for file in files):
            if path.suffix == ".tfstate" or not _is_code(path):
                states.setdefault(path.parent, []).append(path)
            else:
                written.setdefault(path.parent, "")
        for folder in written:
            written[folder] = _text_of(folder)
        for folder, paths in list(states.items()):
            if folder.parent.name == _WORKSPACES:
                _workspace_state(states, folder, states.pop(folder))
            elif folder in written:
                states[folder] = _ranked(paths)
        roots = _roots(written)
        read = Read()
        # A folder that states stand in and no HCL is one by itself.
        for folder in dict.fromkeys([*roots, *(each for each in states if each not in written)]):
            found = _read_root(folder, _ranked(states.get(folder, [])))
            _check_names(read, found)
            read.connections += found.connections
            read.problems += found.problems
        return read


def _read_root(folder: Path, states: list[Path]) -> Read:
    from toolkit.integrations.airbyte.readers.terraform.folder import Folder
    from toolkit.integrations.airbyte.readers.terraform.root import Root
    from toolkit.integrations.airbyte.readers.terraform.state import read_state

    folders: dict[Path, Folder] = {}

    def folder_at(path: Path) -> Folder:
        return folders.setdefault(path, Folder(path))

    return Root(folder, folder_at, read_state(states)).read()


def _is_code(path: Path) -> bool:
    return path.suffix in (".tf", ".tfvars") or path.name.endswith((".tf.json", ".tfvars.json"))


def _text_of(folder: Path) -> str:
    """All HCL of a folder, to look for words in."""
    files = (file for file in sorted(folder.iterdir()) if file.is_file())
    return "\n".join(
        read_text(file) for file in files if file.suffix == ".tf" or file.name.endswith(".tf.json")
    )


def _called(folder: Path, text: str) -> set[Path]:
    found = (folder_at(folder, source) for source in _SOURCE.findall(text))
    return {path for path in found if path is not None}


def _roots(written: dict[Path, str]) -> list[Path]:
    """Folders that no other one calls and that reach a connection, themselves or by modules."""
    calls = {folder: _called(folder, text) for folder, text in written.items()}
    called = {path for folder, paths in calls.items() for path in paths if path != folder}
    texts = dict(written)

    def reaches(folder: Path, seen: frozenset[Path]) -> bool:
        if folder not in texts:
            texts[folder] = _text_of(folder)
        if "airbyte" in texts[folder]:
            return True
        inner = _called(folder, texts[folder]) - seen
        return any(reaches(path, seen | inner) for path in inner)

    return [
        folder
        for folder in written
        if folder not in called and reaches(folder, frozenset({folder}))
    ]


def _workspace_state(states: dict[Path, list[Path]], folder: Path, paths: Iterable[Path]) -> None:
    """``terraform.tfstate.d/<workspace>``: the chosen workspace's is the state of its folder."""
    from toolkit.integrations.airbyte.readers.terraform.folder import workspace

    root = folder.parent.parent
    if workspace(root) == folder.name:
        states.setdefault(root, []).extend(paths)


def _ranked(paths: Iterable[Path]) -> list[Path]:
    """The state that counts first: terraform.tfstate, other states, then shown ones."""
    return sorted(
        set(paths),
        key=lambda path: (path.suffix != ".tfstate", path.name != "terraform.tfstate", path),
    )


def _check_names(read: Read, found: Read) -> None:
    known = {connection.name: connection for connection in read.connections}
    for connection in found.connections:
        other = known.get(connection.name)
        if other is not None:
            raise ArtifactError(
                f"Two Terraform folders make a connection {connection.name!r}: one in "
                f"{other.where()}, one in {connection.where()}.",
                "Their streams would have the same keys, so nothing was done.",
                "Name the folder of one environment in `connections:` of toolkit.yml.",
            )
