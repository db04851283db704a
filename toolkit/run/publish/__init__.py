"""Write, audit, publish: a build works on a copy, and readers see it when all is well."""

from toolkit.run.publish.rollback import RolledBack, rollback
from toolkit.run.publish.settle import settle
from toolkit.run.publish.stage import Publication, Stage, staging

__all__ = ["Publication", "RolledBack", "Stage", "rollback", "settle", "staging"]
