"""The evaluator, expression by expression; `terraform console` says the same where it is there."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.integrations.airbyte.readers.terraform import functions
from toolkit.integrations.airbyte.readers.terraform.evaluate import Environment, evaluate
from toolkit.integrations.airbyte.readers.terraform.hcl import parse_expression
from toolkit.integrations.airbyte.readers.terraform.operators import binary
from toolkit.integrations.airbyte.readers.terraform.values import (
    EvaluationError,
    SetValue,
    Unknown,
    Value,
    unknown,
)

# Expressions without references, and what Terraform gives as JSON.
KNOWN: list[tuple[str, Any]] = [
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("7 / 2", 3.5),
    ("8 / 2", 4),
    ("-7 % 3", -1),
    ("10 - 3 - 2", 5),
    ("2 > 1 && 1 >= 1 || false", True),
    ("!(1 < 2)", False),
    ("1 <= 0", False),
    ('1 == "1"', False),
    ("[1, 2] == [1, 2]", True),
    ('{a = 1} == {"a" = 1}', True),
    ("null == null", True),
    ('"a" != "b"', True),
    ('"3" + 4', 7),
    ('true ? "yes" : "no"', "yes"),
    ('false ? 1 : "two"', "two"),
    ('true ? 1 : "two"', "1"),
    ("true ? null : 1", None),
    ('"a-${1 + 1}-${true}-${2.50}"', "a-2-true-2.5"),
    ('"${[1, 2]}"', [1, 2]),
    ('"is ${true}${1}"', "is true1"),
    ('"$${SOURCE_NAMESPACE}"', "${SOURCE_NAMESPACE}"),
    ('"x_$${SOURCE_NAMESPACE}_${upper("y")}"', "x_${SOURCE_NAMESPACE}_Y"),
    ('"100%% %%{if}"', "100%% %{if}"),
    (r'"tab\t quote\" back\\ \u00e9"', 'tab\t quote" back\\ é'),
    ('"%{ if 1 > 2 }a%{ else }b%{ endif }"', "b"),
    ('"%{ for x in ["a", "b"] ~}  ${x},%{ endfor }"', "a,b,"),
    ('"%{ for i, x in ["a", "b"] }${i}${x}%{ endfor }"', "0a1b"),
    ("[for x in [1, 2, 3] : x * 2 if x > 1]", [4, 6]),
    ("[for i, x in [7, 8] : i + x]", [7, 9]),
    ("[for k, v in {b = 1, a = 2} : k]", ["a", "b"]),
    ('{for x in ["a", "b"] : x => upper(x)}', {"a": "A", "b": "B"}),
    ('{for x in ["ab", "ac", "b"] : substr(x, 0, 1) => x...}', {"a": ["ab", "ac"], "b": ["b"]}),
    ("{for k, v in {a = 1, b = 2} : k => v if v > 1}", {"b": 2}),
    ("[{n = 1}, {n = 2}][*].n", [1, 2]),
    ("[{n = 1}, {n = 2}].*.n", [1, 2]),
    ("[{n = [1, 2]}, {n = [3]}][*].n[0]", [1, 3]),
    ("[{n = [1, 2]}, {n = [3]}].*.n[0]", [1, 2]),
    ("{n = 5}[*].n", [5]),
    ("null[*]", []),
    ("[1, 2, 3][1]", 2),
    ('["a", "b"]["1"]', "b"),
    ('{a = {b = 1}}.a["b"]', 1),
    ('{(upper("k")) = 1, "${"x"}y" = 2}', {"K": 1, "xy": 2}),
    ('{if = 1, "a b" : 2}', {"if": 1, "a b": 2}),
    ('jsonencode({b = [1, true, null], a = "<é>"})', '{"a":"\\u003cé\\u003e","b":[1,true,null]}'),
    ('jsondecode("{\\"a\\": [1.5, {}]}")', {"a": [1.5, {}]}),
    ('yamldecode("a: [1, x]\\nb: 2020-01-01\\n")', {"a": [1, "x"], "b": "2020-01-01T00:00:00Z"}),
    ('csvdecode("a,b\\n1,2\\n3,4")', [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
    ('lower("ABC")', "abc"),
    ('title("hello big world")', "Hello Big World"),
    ('trimspace("  x ")', "x"),
    ('trim("?!x?!", "!?")', "x"),
    ('trimprefix("dev_x", "dev_")', "x"),
    ('trimsuffix("x.sql", ".sql")', "x"),
    ('join("-", ["a", "b"])', "a-b"),
    ('join(",", [1, 2], ["x"])', "1,2,x"),
    ('split(",", "a,b,,c")', ["a", "b", "", "c"]),
    ('split(",", "")', [""]),
    ('replace("a.b.c", ".", "_")', "a_b_c"),
    ('replace("abc123", "/[0-9]+/", "#")', "abc#"),
    ('replace("x=1", "/(\\\\w)=(\\\\d)/", "$2=$1")', "1=x"),
    ('regex("([a-z]+)_(\\\\d+)", "ab_12")', ["ab", "12"]),
    ('regex("(?P<k>[a-z]+)", "ab1")', {"k": "ab"}),
    ('regexall("[a-z]", "a1b")', ["a", "b"]),
    ('substr("hello", 1, 3)', "ell"),
    ('substr("hello", -3, -1)', "llo"),
    ('startswith("abc", "ab") && endswith("abc", "c") && strcontains("abc", "b")', True),
    (
        'format("%s has %d of %03d (%.2f%%) %v %q", "x", 1, 7, 2.5, [1], "q")',
        'x has 1 of 007 (2.50%) [1] "q"',
    ),
    ('format("%-5s|%5s|%t|%x", "a", "b", true, 255)', "a    |    b|true|ff"),
    ('formatlist("%s-%s", "a", ["x", "y"])', ["a-x", "a-y"]),
    ('indent(2, "a\\nb")', "a\n  b"),
    ('strrev("abc")', "cba"),
    ("merge({a = 1, b = 1}, {b = 2}, {})", {"a": 1, "b": 2}),
    ("concat([1], [], [2, 3])", [1, 2, 3]),
    ('lookup({a = "x"}, "b", "none")', "none"),
    ('lookup({a = "x"}, "a")', "x"),
    ('coalesce(null, "", "x")', "x"),
    ("coalescelist([], [1])", [1]),
    ('length([1, 2]) + length({a = 1}) + length("é!")', 5),
    ("keys({b = 1, a = 2})", ["a", "b"]),
    ("values({b = 1, a = 2})", [2, 1]),
    ('contains(["a"], "a")', True),
    ('contains(toset(["a"]), "b")', False),
    ('toset(["b", "a", "b"])', ["a", "b"]),
    ('tolist([1, "a"])', ["1", "a"]),
    ('tomap({a = 1, b = "x"})', {"a": "1", "b": "x"}),
    ("tostring(true)", "true"),
    ('tonumber("1.50")', 1.5),
    ('tobool("true")', True),
    ("flatten([[1, [2]], [], [3]])", [1, 2, 3]),
    ("distinct([1, 1, 2])", [1, 2]),
    ('compact(["a", "", "b"])', ["a", "b"]),
    ("reverse([1, 2])", [2, 1]),
    ('sort(["b", "a"])', ["a", "b"]),
    ("slice([1, 2, 3], 1, 3)", [2, 3]),
    ("element([1, 2, 3], 4)", 2),
    ('index(["a", "b"], "b")', 1),
    ("range(3)", [0, 1, 2]),
    ("range(1, 8, 3)", [1, 4, 7]),
    ("range(3, 0)", [3, 2, 1]),
    ("chunklist([1, 2, 3], 2)", [[1, 2], [3]]),
    ('zipmap(["a", "b"], [1, 2])', {"a": 1, "b": 2}),
    ('setproduct(["a", "b"], ["x"])', [["a", "x"], ["b", "x"]]),
    ('setunion(["b"], ["a"])', ["a", "b"]),
    ('setintersection(["b", "a"], ["a"])', ["a"]),
    ('setsubtract(["b", "a"], ["a"])', ["b"]),
    ("one([])", None),
    ("sum([1, 2.5])", 3.5),
    ("max(1, 3, 2) - min([4, 2]...)", 1),
    ("ceil(1.2) + floor(1.8) + abs(-1) + signum(-9)", 3),
    ("pow(2, 10)", 1024),
    ('parseint("ff", 16)', 255),
    ('alltrue([true, "true"]) && anytrue([false, true])', True),
    ('try({}.a, [][0], "fallback")', "fallback"),
    ("can({}.a)", False),
    ("can(1 / 1)", True),
    ('base64decode(base64encode("é"))', "é"),
    ('md5("a")', "0cc175b9c0f1b6a831c399e269772661"),
    ('urlencode("a b&c")', "a+b%26c"),
    ('basename("a/b.tf") == "b.tf" && dirname("a/b.tf") == "a"', True),
    ('nonsensitive(sensitive("x"))', "x"),
    ("<<EOT\na ${1 + 1}\n  b\nEOT\n", "a 2\n  b\n"),
    (
        "<<-EOT\n    a\n      b %{ if true }c%{ endif }\n\n    $${d}\n    EOT\n",
        "a\n  b c\n\n${d}\n",
    ),
    ('<<EOT\n%{ for x in ["a", "b"] ~}\n- ${x}\n%{ endfor ~}\nEOT\n', "- a\n- b\n"),
    ("[\n1, # one\n2, // two\n/* three */ 3,\n]", [1, 2, 3]),
    ("true ?\n1 :\n2", 1),
]

# Terraform refuses these.
ERRORS = [
    "{}.a",
    "[1][1]",
    '"a" + 1',
    '"a${null}"',
    "upper([])",
    'lookup({}, "a")',
    "merge([])",
    'jsondecode("{")',
    "one([1, 2])",
    'zipmap(["a"], [])',
    'format("%d", "x")',
    'format("%s")',
    'regex("a", "b")',
    "{for x in [1, 1] : x => x}",
    "try({}.a)",
    'tonumber("x")',
    "coalesce(null, null)",
    "[for x in 5 : x]",
    "!5",
]


# What is not known: with these symbols, the value, or the names of what is missing.
SYMBOLS: dict[str, Value] = {
    "u": unknown("var.u"),
    "w": unknown("data.w.x"),
    "part": {"known": 1, "open": unknown("var.u")},
}

UNKNOWN: list[tuple[str, Any]] = [
    ("u", ["var.u"]),
    ("u.a.b", ["var.u.a.b"]),
    ("u[0]", ["var.u"]),
    ("u[*].id", ["var.u"]),
    ("u + 1", ["var.u"]),
    ("u == w", ["var.u", "data.w.x"]),
    ("!u", ["var.u"]),
    ("-u", ["var.u"]),
    ('"${u}_raw"', ["var.u"]),
    ('"${u}${w}${u}"', ["var.u", "data.w.x"]),
    ("u ? 1 : 2", ["var.u"]),
    ("u ? 1 : 1", 1),
    ("u && false", False),
    ("false || u", ["var.u"]),
    ("true || u", True),
    ("part.known", 1),
    ("part.open", ["var.u"]),
    ("part == null", False),
    ('part["known"] + 1', 2),
    ("[for x in u : x]", ["var.u"]),
    ("[for x in [1, 2] : x if u]", ["var.u"]),
    ("length([for x in [1, u] : x])", 2),
    ("{for x in [u] : x => 1}", ["var.u"]),
    ("{(u) = 1}", ["var.u"]),
    ("[1, u][0]", 1),
    ("[1][u]", ["var.u"]),
    ("upper(u)", ["var.u"]),
    ("merge({a = 1}, u)", ["var.u"]),
    ("merge({a = 1}, {b = u}).a", 1),
    ("merge({a = 1}, {b = u}).b", ["var.u"]),
    ("concat([1], [u])[0]", 1),
    ("length([u, u])", 2),
    ("keys({a = u})", ["a"]),
    ('lookup({a = u}, "b", 3)', 3),
    ("contains([1, u], 1)", True),
    ("contains([1, u], 2)", ["var.u"]),
    ('join("-", ["a", u])', ["var.u"]),
    ("toset([u])", ["var.u"]),
    ("flatten([[1], u])", ["var.u"]),
    ("try(u, 1)", ["var.u"]),
    ("can(u)", ["var.u"]),
    ("coalesce(null, 1, u)", 1),
    ("coalesce(null, u, 1)", ["var.u"]),
    ("jsonencode({a = 1, b = u})", ["var.u"]),
    ("jsondecode(jsonencode({a = 1, b = u})).a", 1),
    ("jsondecode(jsonencode({a = 1, b = u})).b", ["var.u"]),
    ('jsondecode("{\\"a\\": ${u}, \\"b\\": \\"x${u}\\", \\"c\\": 1}").c', 1),
    ('jsondecode("{\\"a\\": ${u}, \\"b\\": \\"x${w}\\", \\"c\\": 1}").b', ["data.w.x"]),
    ("uuid()", ["uuid()"]),
    ("provider::x::f(1)", ["provider::x::f()"]),
    ('timestamp() == ""', ["timestamp()"]),
    ("nothing.declared", ["nothing.declared"]),
]


def value_of(text: str, symbols: dict[str, Value] | None = None) -> Value:
    env = Environment(unknown, Path("."), symbols or {})
    return evaluate(parse_expression(text, Path("x.tf")), env)


@pytest.mark.parametrize(("text", "expected"), KNOWN, ids=[text for text, _ in KNOWN])
def test_known(text: str, expected: Any) -> None:
    value = value_of(text)
    assert json.loads(json.dumps(value)) == expected
    assert isinstance(value, bool) == isinstance(expected, bool)


@pytest.mark.parametrize(("text", "expected"), UNKNOWN, ids=[text for text, _ in UNKNOWN])
def test_unknown(text: str, expected: Any) -> None:
    value = value_of(text, SYMBOLS)
    names = [*value.names] if isinstance(value, Unknown) else value
    assert names == expected
    assert isinstance(names, bool) == isinstance(expected, bool)


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text: str) -> None:
    with pytest.raises(EvaluationError):
        value_of(text)


_FUNCTIONS = sorted(
    {*functions._ANY, *functions._SHALLOW, *functions._DEEP, *functions.files.FUNCTIONS}
)
_SIGNS = ["&&", "||", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"]
_SIMPLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-20, 20),
    st.floats(-9, 9, allow_nan=False),
    st.sampled_from(["", "a", "%s", "%d", "/a+/", "(", "[1]", "{", "3", "true", "..", "a,b\n"]),
    st.just(unknown("var.u")),
)
_VALUES = st.recursive(
    _SIMPLE,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(SetValue)
        | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=5,
)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(_FUNCTIONS), arguments=st.lists(_VALUES, max_size=4))
def test_functions_refuse_or_answer(name: str, arguments: list[Value]) -> None:
    """Whatever they are given: a value, an unknown one, or Terraform's kind of error."""
    with contextlib.suppress(EvaluationError):
        value = functions.call(name, arguments, Path("/nowhere"))
        assert isinstance(value, bool | int | float | str | list | dict | Unknown | None)


@settings(max_examples=1500, deadline=None)
@given(
    sign=st.sampled_from(["&&", "||", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"]),
    left=_VALUES,
    right=_VALUES,
)
def test_operators_refuse_or_answer(sign: str, left: Value, right: Value) -> None:
    with contextlib.suppress(EvaluationError):
        assert isinstance(binary(sign, left, right), bool | int | float | Unknown)


@pytest.mark.skipif(
    shutil.which("terraform") is None and "CI" not in os.environ, reason="no terraform here"
)
def test_terraform_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        "locals {\n"
        + "".join(f"  k{i} = ({text.strip()}\n)\n" for i, (text, _) in enumerate(KNOWN))
        + "".join(f"  e{i} = can({text})\n" for i, text in enumerate(ERRORS))
        + "}\n"
    )
    # A console that reads from a pipe shows the last value only.
    known = ", ".join(f"local.k{place}" for place in range(len(KNOWN)))
    errors = ", ".join(f"local.e{place}" for place in range(len(ERRORS)))
    done = subprocess.run(
        ["terraform", f"-chdir={tmp_path}", "console"],
        input=f"base64encode(jsonencode([[{known}], [{errors}]]))\n",
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1"},
    )
    assert done.stdout.strip(), done.stderr
    theirs, possible = json.loads(base64.b64decode(json.loads(done.stdout)))
    wrong = {
        text: {"here": expected, "terraform": their}
        for (text, expected), their in zip(KNOWN, theirs, strict=True)
        if their != expected or isinstance(their, bool) != isinstance(expected, bool)
    }
    assert not wrong
    assert not [text for text, can in zip(ERRORS, possible, strict=True) if can]
