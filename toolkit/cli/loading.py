"""From a command's options to a project and what is selected of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.cli.options import settings_from

if TYPE_CHECKING:
    from toolkit.graph.selection import Selection
    from toolkit.project import Project


def load_project(options: Mapping[str, Any]) -> "Project":
    """The project that the options name."""
    from toolkit.project import Project

    return Project(settings_from(options))


def selection_words(options: Mapping[str, Any]) -> dict[str, Any]:
    """The selection options as the arguments of ``Project.select``, ``plan`` and ``build``."""
    return {
        "select": options["select"],
        "exclude": options["exclude"],
        "indirect": options["indirect_selection"],
        "state": options["state"],
        "resource_types": options["resource_types"],
        "exclude_resource_types": options["exclude_resource_types"],
    }


def selected(project: "Project", options: Mapping[str, Any]) -> "Selection":
    """What the options select; a criterion that matches nothing is said on standard error."""
    from toolkit.cli.console import show_problems

    selection = project.select(**selection_words(options))
    if not options.get("quiet"):
        show_problems(selection.problems, as_json=options.get("log_format") == "json")
    return selection
