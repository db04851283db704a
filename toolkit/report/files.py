"""Writing files that others read: all of a file or nothing of it, and no secrets in it."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from toolkit.files import write_whole
from toolkit.masking import Masker


def write_atomically(path: Path, text: str) -> None:
    """Replace ``path`` in one step, once all of it is written.

    A link is followed. What is no file, such as /dev/stdout or a pipe, is written to and stays
    what it is.

    Raises:
        OSError: the folder cannot be written; what was at ``path`` is still there.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="\n") as there:
            there.write(text)
        return
    write_whole(path, text.encode(), mode=0o644)


def json_text(document: object) -> str:
    """``document`` as indented JSON with an end of line."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def write_json(path: Path, document: object, secrets: Iterable[str] = ()) -> None:
    """Write ``document`` as JSON, with ``secrets`` masked in all their forms."""
    masker = Masker(secrets)
    if masker.hides_numbers:  # masked in the text, a number would leave no JSON
        text = json_text(masker.mask_strings(msgspec.to_builtins(document, str_keys=True)))
    else:
        text = masker.mask(json_text(document))
    write_atomically(path, text)
