"""Options that several commands share, with dbt's names, meanings and words.

dbt's environment variables for the project options (``DBT_PROJECT_DIR``, ...) are read by
:mod:`toolkit.settings` and not by click, so that the Python API honours them too.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.parser import _ParsingState

    from toolkit.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

# dbt's resource types, then ours; ``of_types`` (toolkit.graph.selection) says what they mean
RESOURCE_TYPES = (
    "model", "test", "unit_test", "seed", "snapshot", "source", "exposure", "function", "metric",
    "semantic_model", "saved_query", "analysis", "default", "all",
    "stream", "python", "ml_model", "check",
)  # fmt: skip

_PROJECT = (
    "project_dir", "profiles_dir", "profile", "target", "vars", "target_path", "threads", "engine",
)  # fmt: skip
_ARTIFACTS = ("manifest", "catalog", "connections", "target", "vars", "target_path")


class Words(click.Option):
    """An option that takes every word up to the next option: ``--select a b c``.

    Words may also come quoted together (``--select "a b"``) or with the option repeated. The
    value is one flat tuple of words. Blank text (``--select ""``, an empty shell variable) is
    one blank word and not nothing: whoever says ``--select`` does not mean everything.
    Needs ``multiple=True``.
    """

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:  # noqa: ANN401
        """Let click add the option, then take over what happens when it is met."""
        super().add_to_parser(parser, ctx)
        for name in (*self.opts, *self.secondary_opts):
            known = parser._long_opt.get(name) or parser._short_opt.get(name)
            if known is not None:
                known.process = self._greedy(known.process, tuple(known.prefixes))

    def split(self, argument: str) -> list[str]:
        """The words in one argument of the command line."""
        return argument.split() or [""]

    def _greedy(
        self, process: Callable[[str, "_ParsingState"], None], prefixes: tuple[str, ...]
    ) -> Callable[[str, "_ParsingState"], None]:
        def take(value: str, state: "_ParsingState") -> None:
            arguments = [value]
            while state.rargs and not state.rargs[0].startswith(prefixes):
                arguments.append(state.rargs.pop(0))
            for argument in arguments:
                for word in self.split(argument):
                    process(word, state)

        return take


class Paths(Words):
    """As :class:`Words`, but a path may hold spaces."""

    def split(self, argument: str) -> list[str]:
        """The argument as it is."""
        return [argument]


def parse_vars(
    ctx: click.Context | None, param: click.Parameter | None, value: str | None
) -> dict[str, Any] | None:
    """A YAML mapping on the command line: ``--vars '{day: 2026-01-01}'``. A click callback.

    Raises:
        click.BadParameter: it is no YAML, or no mapping, or has a key that is no text. dbt takes
            such keys, and then ``var('1')`` does not find what ``{1: a}`` says.
    """
    if value is None:
        return None
    import yaml

    try:
        found = yaml.safe_load(value)
        odd = [key for key in _keys(found) if not isinstance(key, str)]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = str(error).splitlines()[0]
        raise click.BadParameter(f"{value!r} is not valid YAML: {why}", ctx, param) from None
    if not isinstance(found, dict):
        raise click.BadParameter(f"{value!r} must be a mapping, like '{{name: value}}'", ctx, param)
    if odd:
        raise click.BadParameter(
            f"{value!r} has the key {odd[0]!r}, which YAML reads as {type(odd[0]).__name__} and "
            "not as text. Write it in quotes",
            ctx,
            param,
        )
    return found


def _keys(value: object) -> Iterator[object]:
    """All keys of mappings in what YAML gave, at any depth."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _keys(item)


def project_options(command: Command) -> Command:
    """Options that say which project, profile and target: the arguments of ``load_settings``."""
    return _apply(
        command,
        click.option(
            "--project-dir",
            type=_folder(),
            help="Folder of dbt_project.yml. Default: the one you stand in, or the nearest above.",
        ),
        click.option(
            "--profiles-dir",
            type=_folder(),
            help="Folder of profiles.yml. Default: the one you stand in, then HOME/.dbt, then the "
            "project's.",
        ),
        click.option(
            "--profile",
            help="Profile to use. Overrides dbt_project.yml.",
        ),
        click.option("--target", "-t", help="Target of the profile. Default: the profile's own."),
        click.option(
            "--vars",
            callback=parse_vars,
            metavar="YAML",
            help="dbt variables, as a YAML mapping: '{name: value}'. Overrides dbt_project.yml.",
        ),
        click.option(
            "--target-path",
            type=_path(),
            help="dbt's target path, for this call. Overrides DBT_TARGET_PATH.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(min=1),
            help="How many steps run at once. Overrides profiles.yml.",
        ),
    )


def selection_options(command: Command) -> Command:
    """Options that choose assets, in dbt's selection grammar."""
    return _apply(
        command,
        click.option(
            "select",
            "--select",
            "-s",
            "--models",
            "-m",
            cls=Words,
            multiple=True,
            help="Assets to take. All words up to the next option count.",
        ),
        click.option(
            "--exclude",
            cls=Words,
            multiple=True,
            help="Assets to leave out. All words up to the next option count.",
        ),
        click.option(
            "resource_types",
            "--resource-type",
            "--resource-types",
            cls=Words,
            multiple=True,
            type=click.Choice(RESOURCE_TYPES),
            metavar="TYPE",
            envvar=["DBT_ENGINE_RESOURCE_TYPES", "DBT_RESOURCE_TYPES"],
            help="Take only these types of what is selected.",
        ),
        click.option(
            "exclude_resource_types",
            "--exclude-resource-type",
            "--exclude-resource-types",
            cls=Words,
            multiple=True,
            type=click.Choice(RESOURCE_TYPES),
            metavar="TYPE",
            envvar=["DBT_ENGINE_EXCLUDE_RESOURCE_TYPES", "DBT_EXCLUDE_RESOURCE_TYPES"],
            help="Leave these types out of what is selected.",
        ),
        click.option(
            "--state",
            type=_path(),
            envvar=["DBT_ENGINE_STATE", "DBT_STATE"],
            help="Folder of the manifest.json that `state:` compares with.",
        ),
        click.option(
            "--indirect-selection",
            type=click.Choice(["eager", "cautious", "buildable", "empty"]),
            envvar=["DBT_ENGINE_INDIRECT_SELECTION", "DBT_INDIRECT_SELECTION"],
            default="eager",
            show_default=True,
            help="Which checks are taken with the assets that they read.",
        ),
    )


def artifact_options(command: Command) -> Command:
    """Options for reading artifacts only: no dbt, no profile and no project are needed then."""
    return _apply(
        command,
        click.option(
            "--manifest", type=_path(), help="Read this manifest.json and no dbt project."
        ),
        click.option("--catalog", type=_path(), help="Read this catalog.json too."),
        click.option(
            "--connections",
            type=_path(),
            cls=Paths,
            multiple=True,
            help="Airbyte configurations: files or folders, in place of those in toolkit.yml.",
        ),
    )


def output_options(command: Command) -> Command:
    """Options that say how much is printed, and in which form."""
    return _apply(
        command,
        click.option(
            "--quiet/--no-quiet",
            "-q",
            envvar=["DBT_ENGINE_QUIET", "DBT_QUIET"],
            help="Print nothing but errors and the data asked for.",
        ),
        click.option(
            "--debug/--no-debug",
            "-d",
            envvar=["DBT_ENGINE_DEBUG", "DBT_DEBUG"],
            callback=_told,
            help="Show debug logging and tracebacks.",
        ),
        click.option(
            "--log-format",
            type=click.Choice(["text", "json"]),
            default=_log_format,
            callback=_told,
            help="Format of progress and messages.",
        ),
    )


def settings_from(options: Mapping[str, Any]) -> "Settings":
    """Settings from a command's options (``ctx.params``, or its keyword arguments).

    With ``manifest`` given only artifacts are read, else the project is.

    Raises:
        ToolkitError: as :func:`toolkit.settings.load_settings` does.
    """
    from toolkit.errors import UsageError
    from toolkit.settings import artifact_settings, load_settings

    if options.get("manifest") is not None:
        keys = {key: options[key] for key in _ARTIFACTS if key in options}
        return _with_secrets_told(artifact_settings(**keys))
    for name in ("catalog", "connections"):
        if options.get(name):
            raise UsageError(
                f"--{name} goes with --manifest only.",
                "Without --manifest the project's own files are read, so nothing was done.",
                f"Give --manifest FILE too, or leave --{name} out.",
            )
    keys = {key: options[key] for key in _PROJECT if key in options}
    return _with_secrets_told(load_settings(**keys))


def _with_secrets_told(settings: "Settings") -> "Settings":
    """Whoever reports an error when the command is gone must know what to hide."""
    context = click.get_current_context(silent=True)
    if context is not None and isinstance(context.obj, dict):
        context.obj["secrets"] = settings.secrets
    return settings


def _apply(command: Command, *options: Callable[[Command], Command]) -> Command:
    """Apply decorators so that ``--help`` shows the options in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def _told(ctx: click.Context, param: click.Parameter, value: Any) -> Any:  # noqa: ANN401 - a click callback
    """Keep an option for whoever reports an error when the command is gone (``cli.main``)."""
    if isinstance(ctx.obj, dict):
        ctx.obj[param.name] = value
    return value


def _path() -> click.Path:
    return click.Path(path_type=Path)


def _folder() -> click.Path:
    return click.Path(path_type=Path, file_okay=False)


def _log_format() -> str:
    """dbt's variable, as far as we know its words: ``default`` and ``debug`` are text here."""
    value = os.environ.get("DBT_ENGINE_LOG_FORMAT") or os.environ.get("DBT_LOG_FORMAT")
    return "json" if value == "json" else "text"
