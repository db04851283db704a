"""toolkit.yml + dbt_project.yml + profiles.yml -> typed settings for one target.

Reads files and the environment only; never imports dbt (2.5 s), and jinja2 only where a
value is more than a plain ``env_var()``.
"""

from toolkit.settings.load import artifact_settings, load_settings
from toolkit.settings.types import (
    AirbyteTarget,
    AnomalyRule,
    DestinationMap,
    Metric,
    Profile,
    ProfileSettings,
    PythonSettings,
    RuleSettings,
    RulesSettings,
    RunSettings,
    Settings,
    StepRule,
)

__all__ = [
    "AirbyteTarget",
    "AnomalyRule",
    "DestinationMap",
    "Metric",
    "Profile",
    "ProfileSettings",
    "PythonSettings",
    "RuleSettings",
    "RulesSettings",
    "RunSettings",
    "Settings",
    "StepRule",
    "artifact_settings",
    "load_settings",
]
