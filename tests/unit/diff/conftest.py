"""Test folders are no packages here, so what they share is loaded by its path."""

import importlib.util
import sys
from pathlib import Path

if "diff_project" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "diff_project", Path(__file__).with_name("project.py")
    )
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules["diff_project"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["diff_project"])
