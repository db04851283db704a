"""A source's configuration, rendered: only when a connector is about to start."""

import ast
import os
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from toolkit.errors import SettingsError
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.yamltext import Json
from toolkit.masking import Masker, is_secret_key, secret_values

_EXPRESSION = re.compile(r"\s*\{\{((?:(?!\}\}).)*)\}\}\s*", re.DOTALL)


class Rendered(msgspec.Struct, frozen=True):
    """A configuration ready for the connector. Holds secrets: never print it."""

    config: dict[str, Any]
    secrets: frozenset[str]


def render_config(connection: Connection) -> Rendered:
    """The source's configuration with its ``env_var`` calls answered.

    Raises:
        SettingsError: an environment variable is missing or a template is wrong; names
            file:line and the key.
    """
    renderer = _Renderer(connection)
    config = renderer.value(connection.source.config, ("source", "config"))
    secrets = {*secret_values(connection.source.config), *secret_values(config)}
    # What was a template is no secret, what it gave is one.
    secrets = {value for value in secrets if "{{" not in value} | renderer.from_environment
    return Rendered(config, frozenset(secrets))


class _Renderer:
    def __init__(self, connection: Connection) -> None:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import SandboxedEnvironment

        self.from_environment: set[str] = set()
        self._connection = connection
        self._key: tuple[str | int, ...] = ()
        self._environment = SandboxedEnvironment(undefined=StrictUndefined)
        self._environment.globals = {"env_var": self._env_var}
        self._environment.filters.update(
            as_number=_as_number, as_bool=_as_bool, as_native=_as_native, as_text=str
        )

    def value(self, value: Json, key: tuple[str | int, ...]) -> Json:
        if isinstance(value, Mapping):
            return {name: self.value(item, (*key, name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, (*key, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and "{{" in value:
            return self._render(value, key)
        return value

    def _render(self, template: str, key: tuple[str | int, ...]) -> Json:
        from jinja2 import TemplateError

        self._key = key
        whole = _EXPRESSION.fullmatch(template)
        try:
            if whole is None:
                return self._environment.from_string(template).render()
            # A value that is one expression keeps the type that its filter gives.
            expression = self._environment.compile_expression(whole[1], undefined_to_none=False)
            return _plain(expression())
        except (TemplateError, ValueError, TypeError, SyntaxError) as error:
            # A filter quotes what it cannot convert; so would the error's own traceback.
            said = Masker(self.from_environment).mask(str(error))
            raise self._error(
                f"cannot be rendered: {said}.",
                "Use {{ env_var('NAME') }}, with a default as second argument and the filters "
                "as_number, as_bool, as_native where needed.",
            ) from None

    def _env_var(self, name: str, default: Json = None) -> Json:
        value = os.environ.get(name)
        if value is None:
            if default is None:
                raise self._error(
                    f"needs the environment variable {name}, which is not set.",
                    f"Set it (export {name}=...), or give a default: "
                    f"{{{{ env_var('{name}', '...') }}}}.",
                )
            return default
        number = re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
        # A plain count is no secret unless its key says so; masking it would blank row counts.
        if not number or any(is_secret_key(str(part)) for part in self._key):
            self.from_environment.add(value)
        return value

    def _error(self, fact: str, next_step: str) -> SettingsError:
        where = self._connection.where(*self._key)
        return SettingsError(
            f"{where}: `{'.'.join(map(str, self._key))}` {fact}",
            f"The connector of {self._connection.name!r} was not started.",
            next_step,
        )


def _plain(value: Json) -> Json:
    from jinja2 import Undefined

    # StrictUndefined raises on use, with the name of what is not defined.
    return str(value) if isinstance(value, Undefined) else value


def _as_number(value: Json) -> int | float:
    text = str(value)
    return int(text) if re.fullmatch(r"[+-]?\d+", text.strip()) else float(text)


def _as_bool(value: Json) -> bool:
    text = str(value).strip().casefold()
    if text in ("true", "yes", "on", "1"):
        return True
    if text in ("false", "no", "off", "0"):
        return False
    raise ValueError("the value is neither true nor false")


def _as_native(value: Json) -> Json:
    try:
        return ast.literal_eval(str(value))
    except (ValueError, SyntaxError):
        return value
