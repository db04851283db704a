"""Rules of ``anomalies:`` as checks: is what a build made like what the builds before it made?"""

from toolkit.integrations.anomalies.integration import AnomalyIntegration

__all__ = ["AnomalyIntegration"]
