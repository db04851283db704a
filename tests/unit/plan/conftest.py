import importlib.util
import sys
from pathlib import Path

# Test folders are no packages here, so what they share is loaded by its path.
_SPEC = importlib.util.spec_from_file_location("plan_world", Path(__file__).with_name("world.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
if "plan_world" not in sys.modules:
    sys.modules["plan_world"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["plan_world"])
