"""Write docs/python-api.md, from the signatures and docstrings of the public names.

    python -m tools.python_api

A test compares the page with what this would write, so the page pins the names, their parameters
and what they promise: whoever changes one changes the page.
"""

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_overloads

PAGE = Path(__file__).parents[1] / "docs" / "python-api.md"
MODULES = {
    "toolkit": "What a project's own code uses, and the project itself. Guides: "
    "[Python assets](python-assets.md), [Resources and secrets](resources.md), "
    "[ML models](models.md), [Batches of time](batches.md).",
    "toolkit.testing": "Python assets on a DuckDB in memory. Guide: "
    "[Testing Python assets](testing.md).",
    "toolkit.notebook": "For notebooks and scripts that are assets. Guide: "
    "[Notebooks](notebooks.md).",
    "toolkit.mlflow": "MLflow beside toolkit, with the extra `mlflow`. Guide: "
    "[ML models](models.md).",
}
GIVEN = {"toolkit.testing.BuildResult", "toolkit.mlflow.Tracking", "toolkit.mlflow.TrackingRun"}
"""Classes that nobody calls: a function gives what is made of them."""

GROUPS = {
    "toolkit.integrations": "another tool in the graph: a class without arguments that keeps the "
    "protocol `toolkit.integrations.base.Integration`. [Writing an "
    "integration](integrations.md).",
}
"""Entry point groups that are looked up, with what they are for."""

_HEAD = """# Python API

All that may be imported, written from the code by `python -m tools.python_api`; a test compares
the two. Everything else is private and may change at any time. Until 1.0 these names may change,
too; [Changes](../CHANGELOG.md) says so. `toolkit.__version__` is the version, a text.

Errors whose class is not Python's own are `toolkit.errors.ToolkitError`s, with the parts `fact`,
`consequence` and `next_step`. What a row of the ledger, a plan or a graph holds is described by
its class, named in the signatures.
"""
_SECTIONS = ("Args", "Attributes", "Returns", "Raises")
_ROLE = re.compile(r":\w+:`~?([^`]+)`")


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, says in MODULES.items():
        module = import_module(name)
        parts.append(f"## {name}\n\n{says}\n")
        for member in module.__all__:
            if not member.startswith("__"):
                parts += _entry(f"{name}.{member}", getattr(module, member))
    lines = [f"- `{group}`: {says}" for group, says in GROUPS.items()]
    parts.append("## Entry points\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties with what they are, as they stand in the class."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        if base.__module__.partition(".")[0] == "toolkit":
            found |= vars(base)
    for name, member in found.items():
        function = member.__func__ if isinstance(member, classmethod) else member
        if not name.startswith("_") and (callable(function) or _getter(function) is not None):
            yield name, function


def doc_of(member: Any) -> str:  # noqa: ANN401  # any public name
    """Its docstring, without indentation."""
    return inspect.getdoc(_getter(member) or member) or ""


def parameters(member: Any) -> list[inspect.Parameter]:  # noqa: ANN401
    """What a function or method takes, without ``self``; none of a property."""
    if _getter(member) is not None:
        return []
    found = list(_signature(member).parameters.values())
    return [one for one in found if one.name not in ("self", "cls")]


def _entry(name: str, thing: Any) -> Iterator[str]:  # noqa: ANN401
    is_error = isinstance(thing, type) and issubclass(thing, BaseException)
    called = "" if is_error or name in GIVEN else _call(name, thing)
    yield f"### {name}\n\n{called}{_said(doc_of(thing))}"
    if not isinstance(thing, type) or is_error:
        return
    short = name.rpartition(".")[2]
    for member, function in members(thing):
        if doc_of(function):
            yield f"#### {short}.{member}\n\n{_call(member, function)}{_said(doc_of(function))}"


def _getter(member: Any) -> Callable[..., Any] | None:  # noqa: ANN401
    """The function behind a property."""
    found = getattr(member, "fget", None) or getattr(member, "func", None)
    return found if inspect.isfunction(found) else None


def _signature(member: Callable[..., Any]) -> inspect.Signature:
    """Of what it does; of its last overload, where it has some."""
    told = get_overloads(member) if inspect.isfunction(member) else []
    return inspect.signature(told[-1] if told else member)


def _call(name: str, member: Any) -> str:  # noqa: ANN401
    getter = _getter(member)
    if getter is not None:
        shown = inspect.signature(getter).return_annotation
        return f"```python\n{name}: {_type(shown)}\n```\n\n"
    signature = _signature(member)
    words: list[str] = []
    star = False
    for one in parameters(member):
        if one.kind is one.KEYWORD_ONLY and not star:
            words.append("*")
        star = star or one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        words.append(_parameter(one))
    given = signature.return_annotation
    to = "" if isinstance(member, type) or given is signature.empty else f" -> {_type(given)}"
    line = f"{name}({', '.join(words)}){to}"
    if len(line) > 100:
        line = f"{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){to}"
    return f"```python\n{line}\n```\n\n"


def _parameter(one: inspect.Parameter) -> str:
    stars = "*" * (one.kind is one.VAR_POSITIONAL) or "**" * (one.kind is one.VAR_KEYWORD)
    text = f"{stars}{one.name}"
    if one.annotation is not one.empty:
        text += f": {_type(one.annotation)}"
    if one.default is one.empty:
        return text
    default = repr(one.default)
    return f"{text} = {'...' if default.startswith('<') else default}"


def _type(annotation: Any) -> str:  # noqa: ANN401
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text).replace("~", "")
    return re.sub(r"^Optional\[(.*)\]$", r"\1 | None", text)  # as later Pythons write it


def _said(doc: str) -> str:
    """A docstring as Markdown: its sections are lists."""
    blocks = re.split(rf"^({'|'.join(_SECTIONS)}):\n", doc + "\n", flags=re.MULTILINE)
    text = _prose(blocks[0])
    for title, body in zip(blocks[1::2], blocks[2::2], strict=True):
        text += f"\n**{title}**\n\n" + "".join(_items(textwrap.dedent(body), title))
    return text


def _items(body: str, title: str) -> Iterator[str]:
    body, _, rest = body.partition("\n\n")
    if title == "Returns":
        yield _prose(body)
    else:
        for item in re.split(r"\n(?=\S)", body.strip()):
            name, found, says = item.partition(":")
            flat = " ".join(says.split())
            yield f"- `{name}`: {_prose(flat)}" if found else f"- {_prose(name)}"
    if rest.strip():
        yield "\n" + _prose(rest)


def _prose(text: str) -> str:
    said = _ROLE.sub(r"`\1`", text.strip()).replace("``", "`")
    return said + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
