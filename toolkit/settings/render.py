"""``{{ env_var('X', 'default') }}`` in YAML values, as dbt renders them.

dbt renders profiles.yml with jinja2's native types: a value that is one expression keeps the
type of that expression, anything else is text. Values of ``DBT_ENV_SECRET_*`` pass through the
template as placeholders, so that no filter can turn a secret into something unmasked.
"""

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.settings.document import Document, Keys

if TYPE_CHECKING:
    import jinja2

SECRET_PREFIX = "DBT_ENV_SECRET"
_PLACEHOLDER = "$$$DBT_SECRET_START$$${}$$$DBT_SECRET_END$$$"
_PLACED = re.compile(r"\$\$\$DBT_SECRET_START\$\$\$(DBT_ENV_SECRET.*?)\$\$\$DBT_SECRET_END\$\$\$")
_JINJA = re.compile(r"\{[{%#]|[#}%]\}")
# The form that nearly every profile uses needs no jinja2, whose import is most of the time.
_PLAIN_ENV_VAR = re.compile(
    r"""\{\{ \s* env_var \( \s* (['"]) (?P<name>\w+) \1
    (?: \s* , \s* (['"]) (?P<default>[^'"\\]*) \3 )? \s* \) \s* \}\}""",
    re.VERBOSE,
)

# What a template of the user can raise besides jinja2's own errors.
_TEMPLATE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class RenderError(Exception):
    """A value cannot be rendered; says why, in a clause for people."""


class UnsetVariableError(RenderError):
    """``env_var()`` of a variable that is not set, without a default."""

    def __init__(self, name: str) -> None:
        super().__init__(f"needs the environment variable {name}, which is not set")
        self.name = name


class Renderer:
    """Renders values the way dbt does.

    Args:
        environ: environment variables.
        variables: what ``var()`` finds (``--vars``).
        target: what ``target`` is; ``None`` where it does not exist yet (profiles.yml).
        secrets: ``DBT_ENV_SECRET_*`` may be used here (profiles.yml and toolkit.yml, but not
            dbt_project.yml).
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        variables: Mapping[str, Any],
        target: Mapping[str, Any] | None = None,
        *,
        secrets: bool = True,
    ) -> None:
        self._environ = environ
        self._variables = variables
        self._target = target
        self._secrets = secrets
        self._environment: jinja2.Environment | None = None
        self.env_vars: set[str] = set()

    def tree(self, document: Document, keys: Keys, value: object) -> object:
        """``value`` (found at ``keys``) with all text in it rendered; keys stay as they are.

        Raises:
            SettingsError: with file:line and key.
        """
        if isinstance(value, dict):
            return self.mapping(document, keys, value)
        if isinstance(value, list):
            return [self.tree(document, (*keys, i), v) for i, v in enumerate(value)]
        try:
            return self.value(value)
        except RenderError as error:
            # dbt: a password may hold signs that look like a template and are none.
            if "password" in keys and not isinstance(error, UnsetVariableError):
                return value
            raise _located(document, keys, error) from None

    def mapping(
        self, document: Document, keys: Keys, value: Mapping[Any, object]
    ) -> dict[Any, object]:
        """:meth:`tree` for what is known to be a mapping."""
        return {k: self.tree(document, (*keys, str(k)), v) for k, v in value.items()}

    def value(self, value: object) -> object:
        """One scalar, rendered.

        Raises:
            RenderError: it cannot be rendered.
        """
        if isinstance(value, datetime.date):
            return value.isoformat()
        if not isinstance(value, str):
            return value
        plain = _PLAIN_ENV_VAR.fullmatch(value)
        if plain:
            rendered: Any = self._env_var(plain["name"], plain["default"])
        elif _JINJA.search(value):
            rendered = self._template(value)
        else:
            return value.removesuffix("\n")  # jinja2 takes one off too
        if isinstance(rendered, str) and SECRET_PREFIX in rendered:
            return _PLACED.sub(lambda found: self._environ.get(found[1], ""), rendered)
        return rendered

    def _env_var(self, var: str, default: str | None = None) -> str:
        if var.startswith(SECRET_PREFIX) and not self._secrets:
            raise RenderError(
                f"uses {var}; variables named {SECRET_PREFIX}_* are allowed only in "
                "profiles.yml, packages.yml and toolkit.yml"
            )
        self.env_vars.add(var)
        if var in self._environ:
            return _PLACEHOLDER.format(var) if _is_secret(var) else self._environ[var]
        if default is None:
            raise UnsetVariableError(var)
        return default

    def _var(self, name: str, *default: object) -> object:
        if name in self._variables:
            value = self._variables[name]
            return self._template(value, text=True) if isinstance(value, str) else value
        if default:
            return default[0]
        raise RenderError(f"needs var('{name}'), which --vars does not give")

    def _template(self, source: str, *, text: bool = False) -> object:
        import jinja2

        if self._environment is None:
            self._environment = _environment()
        names: dict[str, Any] = {
            "env_var": self._env_var,
            "var": self._var,
            "fromjson": _fromjson,
            "tojson": _tojson,
        }
        if self._target is not None:
            names["target"] = self._target
        try:
            template = self._environment.from_string(source, globals=names)
            parts = list(template.root_render_func(template.new_context(names)))
            result = "".join(map(str, parts)) if text else native(parts)
        except (jinja2.TemplateError, *_TEMPLATE_ERRORS) as error:
            raise RenderError(f"cannot be rendered: {error}") from None
        if isinstance(result, jinja2.Undefined):
            name = result._undefined_name
            raise RenderError(f"cannot be rendered: there is no {name!r} in this file's templates")
        return result


class _Text(str):
    """Marks text that stays text."""


class _Native(str):
    """Marks text to be read as a Python literal."""


class _Number(_Native):
    """Marks text that must become a number."""


class _Bool(_Native):
    """Marks text that must become true or false."""


def native(parts: Iterable[Any]) -> object:
    """The value of a template from its parts: one part keeps its type, more become text.

    Raises:
        RenderError: marked ``as_number`` or ``as_bool`` and is none.
    """
    found = list(parts)
    if len(found) != 1:
        return "".join(map(str, found))
    (value,) = found
    if not isinstance(value, _Native):
        return str(value) if isinstance(value, _Text) else value
    import ast

    try:
        result = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError):
        result = str(value)
    if isinstance(value, _Bool) and not isinstance(result, bool):
        raise RenderError(f"is {str(value)!r}, which is neither True nor False (as_bool)")
    number = isinstance(result, int | float) and not isinstance(result, bool)
    if isinstance(value, _Number) and not number:
        raise RenderError(f"is {str(value)!r}, which is not a number (as_number)")
    return result


def _environment() -> "jinja2.Environment":
    import jinja2.nativetypes
    import jinja2.sandbox

    class _Environment(jinja2.sandbox.SandboxedEnvironment):
        code_generator_class = jinja2.nativetypes.NativeCodeGenerator

    environment = _Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    filters: dict[str, Callable[[Any], Any]] = {
        "as_text": _Text,
        "as_bool": _Bool,
        "as_native": _Native,
        "as_number": _Number,
    }
    environment.filters.update(filters)
    return environment


def _is_secret(name: str) -> bool:
    return name.startswith(SECRET_PREFIX)


def _fromjson(string: str, default: object = None) -> object:
    import json

    try:
        return json.loads(string)
    except ValueError:
        return default


def _tojson(value: object, default: object = None, sort_keys: bool = False) -> object:
    import json

    try:
        return json.dumps(value, sort_keys=sort_keys)
    except ValueError:
        return default


def _located(document: Document, keys: Keys, error: RenderError) -> Exception:
    if isinstance(error, UnsetVariableError):
        return document.error(
            keys,
            f"{error}.",
            "Without it the value is not known, so nothing was run.",
            f"Set it (export {error.name}=...), or give a default: "
            f"{{{{ env_var('{error.name}', '...') }}}}.",
        )
    return document.error(keys, f"{error}.")
