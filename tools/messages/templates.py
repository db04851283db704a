"""An expression of the code as the text that it gives, with ``{names}`` for what is not fixed."""

import ast
import re

from tools.messages.sources import Function, Sources

# What stands for a parameter until the calls of its function are looked at.
OPEN, CLOSE = "\x01", "\x02"
# What stands there if the parameter is empty.
IF, ELSE, END = "\x03", "\x04", "\x05"
_CHOICE = re.compile(f"{IF}([^{IF}{ELSE}{END}]*){ELSE}([^{IF}{ELSE}{END}]*){END}")
_MARK = re.compile(f"{OPEN}(.*?){CLOSE}")
# Calls that are named after what they are given.
_PLAIN = frozenset({
    "Path", "casefold", "dict", "dotted", "enumerate", "format", "get", "iter", "len", "list",
    "listed", "lower", "lstrip", "map", "mask", "max", "min", "next", "relative", "relative_to",
    "removeprefix", "removesuffix", "replace", "repr", "rstrip", "set", "shown_path", "sorted",
    "split", "splitlines", "str", "strip", "tuple", "type", "values",
})  # fmt: skip


def marks(text: str) -> set[str]:
    """Parameters that a text still waits for."""
    return set(_MARK.findall(text))


def filled(text: str, values: dict[str, str]) -> str:
    """The text with these parameters filled in."""
    return _MARK.sub(lambda m: values.get(m[1], m[0]), text)


def closed(text: str) -> str:
    """The text as it is shown: parameters that nobody fills in are placeholders."""
    while IF in text:
        text = _CHOICE.sub(_chosen, text)
    text = _MARK.sub(lambda m: "{" + m[1].strip("_") + "}", text)
    return re.sub(r"[ \t]+", " ", text).strip()


def _chosen(match: re.Match[str]) -> str:
    first, second = match[1], match[2]
    if marks(first) and not bare(first).strip():
        return f"[{first} / {second}]"
    return first or second


class Writer:
    """Texts of expressions in one function."""

    def __init__(self, sources: Sources, function: Function) -> None:
        self._sources = sources
        self._function = function
        self._resolving: set[str] = set()

    def text(self, node: ast.expr) -> str:
        """What the expression gives; ``[a / b]`` is one of them, ``[a]`` may stand there."""
        match node:
            case ast.Constant(value=str() as value):
                return value
            case ast.Constant(value=None):
                return ""
            case ast.JoinedStr(values=values):
                return "".join(self.text(value) for value in values)
            case ast.FormattedValue(value=value):
                return self.text(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.text(left) + self.text(right)
            case ast.IfExp(body=body, orelse=orelse):
                return self._either([body, orelse])
            case ast.BoolOp(op=ast.Or(), values=[ast.Name(id=name), other]) if (
                name in self._function.parameters and name not in self._function.assigned
            ):
                return f"{IF}{OPEN}{name}{CLOSE}{ELSE}{self.text(other)}{END}"
            case ast.BoolOp(op=ast.Or(), values=values):
                return self._either(values)
            case ast.Name(id=name):
                return self._name(name)
            case ast.Call(func=ast.Attribute(value=value, attr="rstrip")) if is_text(value):
                return self.text(value)
            case ast.Call():
                return self._call(node)
            case ast.Subscript(value=ast.Call() as call, slice=ast.Constant(value=int() as index)):
                return self._returned(call, index) or "{" + self._placeholder(node) + "}"
        return "{" + self._placeholder(node) + "}"

    def _either(self, nodes: list[ast.expr]) -> str:
        texts = list(dict.fromkeys(self.text(node) for node in nodes))
        said = [text for text in texts if text]
        if len(texts) == 1:
            return texts[0]
        if all(re.fullmatch(r"\{.*\}", text) for text in said):
            return said[0]  # one value or another: its name says enough
        return "[" + " / ".join(said) + "]"

    def _name(self, name: str) -> str:
        here: Function | None = self._function
        while here is not None:
            if name in here.parameters:
                plain = here is self._function and name not in here.assigned
                return f"{OPEN}{name}{CLOSE}" if plain else "{" + name + "}"
            if name in here.assigned and name not in self._resolving and here.node is not None:
                return self._local(name, here.assigned[name])
            here = here.outer
        found = self._sources.origin(self._function.module, name)
        if found and found[1] in found[0].constants:
            value = found[0].constants[found[1]]
            if is_text(value):
                return Writer(self._sources, found[0].functions[""]).text(value)
        return "{" + name.strip("_") + "}"

    def _local(self, name: str, values: list[ast.expr]) -> str:
        self._resolving.add(name)
        texts = list(dict.fromkeys(self.text(value) for value in values))
        self._resolving.discard(name)
        said = [text for text in texts if text]
        if not any(re.search(r"[A-Za-z]{2,}[ -][A-Za-z]", bare(text)) for text in said):
            return "{" + name.strip("_") + "}"
        return said[0] if len(texts) == 1 else "[" + " / ".join(said) + "]"

    def _call(self, node: ast.Call) -> str:
        if isinstance(node.func, ast.Name):
            found = self._sources.origin(self._function.module, node.func.id)
            made = found and found[0].functions.get(found[1])
            if made and made.node and len(made.returned) == 1 and is_text(made.returned[0]):
                inner = Writer(self._sources, made)
                bound = {key: self.text(value) for key, value in made.bind(node).items()}
                return filled(inner.text(made.returned[0]), bound)
        return "{" + self._placeholder(node) + "}"

    def _returned(self, node: ast.Call, index: int) -> str:
        """One of the values that a function returns together."""
        if not isinstance(node.func, ast.Name):
            return ""
        found = self._sources.origin(self._function.module, node.func.id)
        made = found and found[0].functions.get(found[1])
        if not made or not made.node:
            return ""
        inner = Writer(self._sources, made)
        bound = {key: self.text(value) for key, value in made.bind(node).items()}
        texts = [
            filled(inner.text(value.elts[index]), bound)
            for value in made.returned
            if isinstance(value, ast.Tuple) and len(value.elts) > index
        ]
        return texts[0] if len(texts) == 1 else "[" + " / ".join(texts) + "]" if texts else ""

    def _placeholder(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name):
                return name.strip("_")
            case ast.Attribute(value=ast.Name(id="self"), attr=attr):
                return attr.strip("_")
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                return f"{name}.{attr.strip('_')}"
            case ast.Attribute(attr=attr):
                return attr.strip("_")
            case ast.Call(func=ast.Attribute(attr="join"), args=[argument]):
                return self._placeholder(argument)
            case ast.Call(func=ast.Name(id=name), args=[argument, *_]) if name in _PLAIN:
                return self._placeholder(argument)
            case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _PLAIN:
                return self._placeholder(value)
            case ast.Call(func=ast.Name(id=name)):
                return name.strip("_")
            case ast.Call(func=ast.Attribute(attr=attr)):
                return attr.strip("_")
            case ast.Subscript(value=value):
                return self._placeholder(value)
            case ast.GeneratorExp(elt=elt) | ast.ListComp(elt=elt):
                return self._placeholder(elt)
            case ast.BinOp(left=left) | ast.Starred(value=left):
                return self._placeholder(left)
            case ast.JoinedStr(values=values):
                named = [v.value for v in values if isinstance(v, ast.FormattedValue)]
                return self._placeholder(named[0]) if named else "text"
            case ast.IfExp(body=body):
                return self._placeholder(body)
            case ast.BoolOp(values=[first, *_]):
                return self._placeholder(first)
        return "value"


def bare(text: str) -> str:
    """The text without what is not fixed."""
    return re.sub(r"\{[^}]*\}", " ", _MARK.sub(" ", text))


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a text that the code spells out, at least in part."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return is_text(left) or is_text(right)
        case ast.IfExp(body=body, orelse=orelse):
            return is_text(body) or is_text(orelse)
        case ast.Call(func=ast.Attribute(value=value, attr="rstrip")):
            return is_text(value)
        case ast.BoolOp(values=values):
            return any(is_text(value) for value in values)
    return False
