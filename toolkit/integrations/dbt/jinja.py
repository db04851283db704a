"""What the Jinja in a node or macro asks for, read from its text without rendering it.

Where the text does not say it plainly, more is assumed: a computed name means any name.
"""

import re
from functools import lru_cache

import msgspec

from toolkit.integrations.dbt.around import EVERY

_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_VAR = re.compile(r"""\bvar(?:\.has_var)?\(\s*['"]([^'"]+)['"]\s*[,)]""")
_ENV = re.compile(r"""\benv_var\(\s*['"]([^'"]+)['"]\s*[,)]""")
_CALLS_VAR = re.compile(r"\bvar\b")
_CALLS_ENV = re.compile(r"\benv_var\b")
_DESCRIBED = re.compile(r"\bmodel\b|\bmeta(?:_get)?\b|\btags\b")
# What looks into the warehouse, the clock or the run: its answer may differ next time.
_ASKS = re.compile(
    r"""\b(?P<word>run_query|statement|load_result|load_relation|load_cached_relation
    |get_columns_in_relation|get_columns_in_query|get_column_schema_from_query|list_schemas
    |list_relations_without_caching|check_schema_exists|get_relation_last_modified|get_catalog
    |get_relations_by_pattern|get_relations_by_prefix|graph|run_started_at
    |invocation_id|thread_id|dbt_metadata_envs|selected_resources|flags|local_md5_random)\b
    |\badapter\b(?!\.(?:dispatch|quote|quote_as_configured|type)\b)(?:\.(?P<method>\w+))?
    |\.(?P<clock>now|utcnow|today)\b
    |\|\s*(?P<filter>random)\b""",
    re.VERBOSE,
)
# Models and sources may have any name.
_NAMED = re.compile(
    r"""\b(?:ref|source)\(\s*(?:'[^']*'|"[^"]*")(?:\s*,\s*(?:'[^']*'|"[^"]*"))?\s*\)"""
)
# Macros of dbt_utils that ask only what two constants of the compiled SQL differ by.
_HARMLESS = frozenset({"get_intervals_between", "default__get_intervals_between"})


class Asks(msgspec.Struct, frozen=True):
    """What one text asks for.

    Attributes:
        variables / environment: names; ``*`` where one is computed.
        looks: what it looks at that code and inputs do not determine, for people.
        described: it reads what the YAML says of the node (meta, tags).
    """

    variables: frozenset[str] = frozenset()
    environment: frozenset[str] = frozenset()
    looks: str = ""
    described: bool = False


NOTHING = Asks()


@lru_cache(maxsize=8192)
def asks(text: str) -> Asks:
    """What the Jinja in ``text`` asks for."""
    if "{{" not in text and "{%" not in text:
        return NOTHING
    jinja = "\n".join(_JINJA.findall(_COMMENT.sub("", text)))
    found = _ASKS.search(_NAMED.sub("", jinja))
    looks = ""
    if found is not None:
        word, method, clock = found["word"], found["method"], found["clock"]
        said = word or found["filter"] or (f"{clock}()" if clock else "adapter")
        looks = f"adapter.{method}" if method else said
    return Asks(
        _names(jinja, _VAR, _CALLS_VAR),
        _names(jinja, _ENV, _CALLS_ENV),
        looks,
        _DESCRIBED.search(jinja) is not None,
    )


def asks_of_macro(key: str, text: str) -> Asks:
    """The same for the macro ``key``, dbt's ``unique_id``."""
    found = asks(text)
    *_, package, name = key.split(".")
    if found.looks and name in _HARMLESS and package == "dbt_utils":
        return msgspec.structs.replace(found, looks="")
    return found


def _names(jinja: str, named: re.Pattern[str], called: re.Pattern[str]) -> frozenset[str]:
    names = named.findall(jinja)
    if len(names) < len(called.findall(jinja)):
        names.append(EVERY)
    return frozenset(names)
