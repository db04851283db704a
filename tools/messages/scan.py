"""Every message of the product: where its error or problem is made, through every helper."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tools.messages.sources import Function, Sources
from tools.messages.templates import Writer, bare, closed, filled, is_text, marks

ERROR_PARTS = ("fact", "consequence", "next_step")
PROBLEM_PARTS = ("code", "message", "severity")
# What is lost of a lineage becomes a problem where the lineages are put together.
_PROBLEMS = {"Problem": (), **dict.fromkeys(("Loss", "Unreadable", "lose"), ("code", "message"))}
_DEEPEST = 5


@dataclass(frozen=True)
class Place:
    """One call: where it is written."""

    path: str
    function: str
    first: int
    last: int


@dataclass(frozen=True)
class Message:
    """What a user can be told, as a template.

    Attributes:
        kind: the class that is made.
        parts: its texts by name.
        places: the call that makes it, then the calls of the helpers that lead there.
    """

    kind: str
    parts: tuple[tuple[str, str], ...]
    places: tuple[Place, ...]

    def __getitem__(self, part: str) -> str:
        return dict(self.parts).get(part, "")


class Scan:
    """Finds the messages of a package."""

    def __init__(self, root: Path) -> None:
        self._sources = Sources(root)
        self.errors = self._error_classes()
        self._own = {
            name: function
            for module in self._sources.modules.values()
            for name in self.errors & set(module.classes)
            if name != "ToolkitError" and (function := module.functions.get(f"{name}.__init__"))
        }

        self._by_name: dict[str, list[tuple[Function, ast.Call]]] = {}
        for function in self._sources.functions():
            for call in function.calls:
                self._by_name.setdefault(_called(function, call), []).append((function, call))

    def messages(self) -> list[Message]:
        """All of them, in the order of the files."""
        found = [
            final
            for function in self._sources.functions()
            for call in function.calls
            for made in self._made(function, call)
            for final in self._expanded(function, made, 0)
        ]
        return [
            replace(m, parts=tuple((name, closed(text)) for name, text in m.parts)) for m in found
        ]

    def exit_code(self, kind: str) -> int:
        """Of a class of errors, or of the nearest one above that says."""
        for module in self._sources.modules.values():
            node = module.classes.get(kind)
            if node is None:
                continue
            for line in node.body:
                match line:
                    case (
                        ast.Assign(targets=[ast.Name(id="exit_code")], value=value)
                        | ast.AnnAssign(target=ast.Name(id="exit_code"), value=ast.expr() as value)
                    ):
                        return int(ast.literal_eval(value))
            base = next(b.id for b in node.bases if isinstance(b, ast.Name))
            return self.exit_code(base)
        raise LookupError(kind)

    def _error_classes(self) -> set[str]:
        names, more = {"ToolkitError"}, True
        classes = [c for m in self._sources.modules.values() for c in m.classes.values()]
        while more:
            below = {
                c.name for c in classes
                if any(isinstance(b, ast.Name) and b.id in names for b in c.bases)
            }  # fmt: skip
            more, names = bool(below - names), names | below
        return names

    def _made(self, function: Function, call: ast.Call) -> Iterator[Message]:
        """The message that this call makes, with its parameters still open."""
        match call.func:
            case ast.Name(id=kind) if kind in self.errors and kind not in self._own:
                names: tuple[str, ...] = ERROR_PARTS
            case ast.Name(id=kind) | ast.Attribute(attr=("lose" as kind)) if kind in _PROBLEMS and (
                kind == "Problem" or "/lineage/" in function.module.path
            ):
                names = _PROBLEMS[kind]
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__") if (
                function in self._own.values()
            ):
                kind, names = str(function.owner), ERROR_PARTS
            case _:
                return
        given = dict(zip(names, call.args, strict=False))
        given |= {k.arg: k.value for k in call.keywords if k.arg}
        writer = Writer(self._sources, function)
        wanted = PROBLEM_PARTS if kind in _PROBLEMS else ERROR_PARTS
        if kind in _PROBLEMS and not any(
            is_text(v) or isinstance(v, ast.Name) for v in given.values()
        ):
            return
        parts = tuple((name, writer.text(given[name])) for name in wanted if name in given)
        if wanted is PROBLEM_PARTS and re.fullmatch(r"\{.*\}", dict(parts).get("code", "")):
            return  # made of a loss, which is a message of its own
        yield Message(kind, parts, (_place(function, call),))

    def _expanded(self, function: Function, made: Message, depth: int) -> Iterator[Message]:
        """One message for each caller that fills in some of its text."""
        open_ = {mark for _, text in made.parts for mark in marks(text)}
        open_ &= set(function.parameters)
        if depth == _DEEPEST or _says_enough(made):
            open_ = set()
        callers = list(self._callers(function)) if open_ else []
        told = [(caller, call, function.bind(call)) for caller, call in callers]
        if not any(self._tells(caller, bound, open_) for caller, _, bound in told):
            yield made
            return
        for caller, call, bound in told:
            writer = Writer(self._sources, caller)
            values = {name: writer.text(bound[name]) for name in open_ if name in bound}
            parts = tuple((name, filled(text, values)) for name, text in made.parts)
            fuller = replace(made, parts=parts, places=(*made.places, _place(caller, call)))
            yield from self._expanded(caller, fuller, depth + 1)

    def _tells(self, caller: Function, bound: dict[str, ast.expr], open_: set[str]) -> bool:
        """Whether a call says part of the message itself, or may pass it on."""
        for name in open_ & set(bound):
            value = bound[name]
            if is_text(value) and " " in Writer(self._sources, caller).text(value):
                return True
            if name in ("fact", "code", "what", "why", "reason", "message") and (
                isinstance(value, ast.Name) and value.id in (*caller.parameters, *caller.assigned)
            ):
                return True
        return False

    def _callers(self, function: Function) -> Iterator[tuple[Function, ast.Call]]:
        called = function.owner if function.name == "__init__" else function.name
        for caller, call in self._by_name.get(called or "", ()):
            if self._calls(caller, call, function):
                yield caller, call

    def _calls(self, caller: Function, call: ast.Call, function: Function) -> bool:
        match call.func:
            case ast.Name(id=name):
                if function.name == "__init__":
                    return name == function.owner and function in self._own.values()
                if name != function.name and name not in caller.module.imports:
                    return False
                if function.outer is not None and function.outer.node is not None:
                    return caller is function.outer and name == function.name
                found = self._sources.origin(caller.module, name)
                return found == (function.module, function.qualname)
            case ast.Attribute(value=value, attr=attr) if (
                attr == function.name and function.owner and attr != "__init__"
            ):
                if isinstance(value, ast.Name) and value.id in ("self", "cls"):
                    return caller.module is function.module and _owner(caller) == function.owner
                near = caller.module is function.module or any(
                    source == function.module.name for source, _ in caller.module.imports.values()
                )
                return near and set(function.bind(call)) >= set(function.parameters)
        return False


def _called(function: Function, call: ast.Call) -> str:
    """The name of what is called, as it was made and not as it was imported."""
    match call.func:
        case ast.Name(id=name):
            return function.module.imports.get(name, ("", name))[1]
        case ast.Attribute(attr=attr):
            return attr
    return ""


def _says_enough(made: Message) -> bool:
    """Whether the text is a sentence without what its parameters add."""
    if any(marks(text) and not bare(text).strip() for _, text in made.parts):
        return False
    return len(re.findall(r"[A-Za-z]{2,}", bare(made["fact"] or made["message"]))) >= 3


def _owner(function: Function) -> str | None:
    here: Function | None = function
    while here is not None and here.owner is None:
        here = here.outer
    return here.owner if here else None


def _place(function: Function, call: ast.Call) -> Place:
    last = call.end_lineno or call.lineno
    return Place(function.module.path, function.qualname, call.lineno, last)
