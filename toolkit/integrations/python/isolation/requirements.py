"""Packages that a function asks for: on its decorator, or as PEP 723 metadata of its file."""

import re
import sys
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from toolkit.errors import AssetError
from toolkit.integrations.python.declared.validate import reject, texts
from toolkit.integrations.python.registry import Environment, Stamp, stamp

# As PEP 723 writes it.
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


def environment_of(requirements: Any, file: Path, who: str) -> Environment | None:  # noqa: ANN401  # whatever the user wrote
    """The environment that a function asks for; the decorator's word counts before the file's.

    Raises:
        AssetError: a requirement, or the file's metadata, cannot be understood; it needs
            another Python.
    """
    script = script_metadata(file, stamp(file))
    if isinstance(script, str):
        raise reject(who, f"its file's `# /// script` metadata: {script}", "Mend it, or remove it.")
    if requirements is not None:
        found = texts(requirements, "requirements", who)
    elif script is not None:
        found = texts(script.get("dependencies", []), "dependencies", who)
    else:
        return None
    python = script.get("requires-python") if script is not None else None
    if python is not None:
        _check_python(python, who)
    return Environment(requirements=tuple(sorted({_checked(item, who) for item in found})))


@lru_cache(maxsize=1024)
def script_metadata(file: Path, stamped: Stamp) -> dict[str, Any] | str | None:
    """A file's PEP 723 metadata; ``None`` where it has none, a text where it is wrong."""
    del stamped  # part of the cache's key only
    try:
        text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return None
    blocks = [match for match in _BLOCK.finditer(text + "\n") if match["type"] == "script"]
    if not blocks:
        return None
    if len(blocks) > 1:
        return "there is more than one block."
    lines = blocks[0]["content"].splitlines()
    content = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in lines)
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        return f"it is no TOML ({error})."


def _checked(text: str, who: str) -> str:
    """A requirement in one way of writing it."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return str(Requirement(text))
    except InvalidRequirement as error:
        reason = str(error).partition("\n")[0]
        raise reject(
            who,
            f"{text!r} is no requirement: {reason}",
            'Write it as pip takes it: "scikit-learn==1.5.*", or "name @ file:///path".',
        ) from error


def requirement_name(requirement: str) -> str:
    """The package that a requirement names, as PyPI writes it."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""


def _check_python(wanted: Any, who: str) -> None:  # noqa: ANN401  # whatever the user wrote
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    here = ".".join(map(str, sys.version_info[:3]))
    try:
        fits = SpecifierSet(wanted).contains(here, prereleases=True)
    except (InvalidSpecifier, TypeError, AttributeError) as error:
        raise reject(
            who, f"requires-python = {wanted!r} is no version.", 'Write it as ">=3.11".'
        ) from error
    if not fits:
        raise _other_python(str(wanted), here, who)


def _other_python(wanted: str, here: str, who: str) -> AssetError:
    return reject(
        who,
        f"its file asks for Python {wanted}, but toolkit runs on Python {here}, and environments "
        "are made with the same one.",
        "Loosen requires-python, or install toolkit on a Python that fits.",
    )
