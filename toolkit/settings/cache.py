"""Where we keep what can be made again, for the whole user and not for one project."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Our cache: ``TOOLKIT_CACHE_DIR``, else ``toolkit`` in XDG's cache folder."""
    own = os.environ.get("TOOLKIT_CACHE_DIR")
    if own:
        return Path(own).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache").absolute() / "toolkit"
