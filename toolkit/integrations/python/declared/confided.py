"""Secrets that files ask for by name: hidden before anything is run, in every process.

A process of its own says ``secret("API_KEY")`` where we do not hear it, and a program that it
starts prints the value past us. So the names are looked up in the text of the files.
"""

import os
import re
from pathlib import Path

from toolkit.masking import hide_from_now_on

_ASKED = re.compile(r"\bsecret\(\s*(?:name\s*=\s*)?[rRuU]?([\"'])(\w+)\1")


def hide_secrets_of(file: Path) -> None:
    """Hide the values of all variables that a file names in ``secret("NAME")``."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # importing it says so
    for found in _ASKED.finditer(text):
        value = os.environ.get(found[2])
        if value:
            hide_from_now_on(value)
