"""Ways to run dbt, behind one protocol: the best one that this dbt allows."""

from toolkit.integrations.base import RunContext, Runner
from toolkit.integrations.dbt.engines.cli import CliEngine
from toolkit.integrations.dbt.engines.gated import GatedEngine
from toolkit.integrations.dbt.engines.runner import RunnerEngine
from toolkit.integrations.dbt.in_process import DbtSession
from toolkit.integrations.dbt.session import Session

__all__ = ["CliEngine", "GatedEngine", "RunnerEngine", "open_engine"]


def open_engine(session: Session, context: RunContext, buildable: frozenset[str]) -> Runner:
    """The engine for one run, as the settings ask for it.

    Args:
        buildable: keys of all steps that dbt could run.
    """
    if not isinstance(session, DbtSession):
        return CliEngine(session, context, buildable)
    if context.settings.engine == "runner":
        return RunnerEngine(session, context, buildable)
    return GatedEngine(session, context, buildable)
