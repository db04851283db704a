"""Terraform that is nested, repeated or doubled without end: an answer at once, with the place."""

import time
from pathlib import Path

import pytest

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.readers import read_connections

DEEP = 200_000
LARGE = "9" * 4_000

# Refused: the expression of a prefix -> the words of the error.
REFUSED = {
    "texts in texts": ('"${' * DEEP, "main.tf:5 is not valid Terraform: this is nested too deeply"),
    "texts in texts that end": ('"${' * 2_000 + "1" + '}"' * 2_000, "main.tf:5"),
    "parentheses": ("(" * DEEP + ")" * DEEP, "main.tf:5"),
    "calls": ("f(" * DEEP + ")" * DEEP, "main.tf:5"),
    "objects": ("{a=" * DEEP, "main.tf:5"),
    "a heredoc": ("<<EOT\n" + "${" * DEEP + "\nEOT", "main.tf:6"),
    "one line": ('"x" a ' * DEEP, "main.tf:5 is not valid Terraform: this line is unreasonably"),
    "a text doubled again": ("local.t30", "`local.t2"),
    "a list doubled again": ("jsonencode(local.l30)", "`local.l1"),
    "aliases of aliases": (
        'jsonencode(yamldecode(join("\\n", concat(["a0: &a0 [1,1]"], [for i in range(1, 40) : '
        '"a${i}: &a${i} [*a${i - 1}, *a${i - 1}]"]))))',
        "`airbyte_connection.a.prefix` would take minutes",
    ),
}

# Unknown, with the reason: the expression of a prefix -> the reason.
UNKNOWN = {
    "1 / 0": "a division by zero",
    f"{LARGE} / 7": "a number that is too large",
    f"{LARGE} % 7": "a number that is too large",
    f'"x${{{LARGE} * {LARGE}}}"': "a number that is too large",
    'format("%1000000000d", 1)': "`format` of a template with a width of more than 10000",
    'indent(1000000000, "a\\nb")': "`indent` of more than 10000 spaces",
    f'regex("(a+)+$", "{"a" * 40}b")': "`regex` of a regular expression",
    f'replace("{"a" * 40}b", "/(a|aa)+$/", "")': "`replace` of a regular expression",
    'join("", [for x in setproduct(range(900), range(900), range(900)) : "x"])': "`setproduct` of",
    'yamldecode("!!timestamp x")': "`yamldecode` of a text that is not YAML",
    'yamldecode("!!bool x")': "`yamldecode` of a text that is not YAML",
    'join("", fileset(".", "/a*"))': "`fileset` of a pattern that is not relative",
    f'file("{"x" * 5_000}")': "`file` of a file that cannot be read",
}


def read(folder: Path, prefix: str) -> tuple[str, list[str]]:
    doubled = "".join(
        f'  t{i} = "${{local.t{i - 1}}}${{local.t{i - 1}}}"\n'
        f"  l{i} = [local.l{i - 1}, local.l{i - 1}]\n"
        for i in range(1, 31)
    )
    (folder / "main.tf").write_text(
        'resource "airbyte_connection" "a" {\n  name = "a"\n  source_id = "s"\n'
        f'  destination_id = "d"\n  prefix = {prefix}\n'
        '  configurations = { streams = [{ name = "users" }] }\n}\n'
        f'locals {{\n  t0 = "0123456789abcdef"\n  l0 = [1, 2]\n{doubled}}}\n'
    )
    found = read_connections([folder])
    (connection,) = found.connections
    return connection.prefix, [p.message for p in found.problems if "prefix" in p.message]


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    expression, words = REFUSED[case]
    began = time.process_time()
    with pytest.raises(ArtifactError) as caught:
        read(tmp_path, expression)
    assert words in caught.value.fact
    assert str(tmp_path) in caught.value.fact
    assert time.process_time() - began < 5


@pytest.mark.slow
def test_a_loop_in_loops_ends(tmp_path: Path) -> None:
    loop = "".join(f"[for v{i} in range(1000) : " for i in range(4)) + '"x"' + "]" * 4
    with pytest.raises(ArtifactError, match=r"`airbyte_connection[.]a[.]prefix` would take"):
        read(tmp_path, f'join("", flatten({loop}))')


@pytest.mark.parametrize("expression", UNKNOWN, ids=[text[:40] for text in UNKNOWN])
def test_unknown(tmp_path: Path, expression: str) -> None:
    prefix, (message,) = read(tmp_path, expression)
    assert prefix == ""
    assert UNKNOWN[expression] in message


@pytest.mark.parametrize(
    ("expression", "prefix"),
    [
        (f'fileexists("{"x" * 5_000}") ? "yes_" : "no_"', "no_"),
        ('fileexists("a\\u0000b") ? "yes_" : "no_"', "no_"),
        ('join("_", fileset(".", "**"))', "main.tf_sub/users.json"),
        ('replace("a-b-c", "/[^a-z]+/", "_")', "a_b_c"),
        ('regex("^(?:v([0-9]+)_)?(?P<name>[(a-z)+]+)$", "v12_users").name', "users"),
        ("2000 + 26", "2026"),
        ("(" * 40 + '"deep_"' + ")" * 40, "deep_"),
    ],
)
def test_what_is_meant_still_works(tmp_path: Path, expression: str, prefix: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "users.json").write_text("{}")
    assert read(tmp_path, expression) == (prefix, [])


@pytest.mark.parametrize("source", ["./" + "m" * 5_000, "./a\\u0000b", "./circle"])
def test_a_module_that_is_at_no_path(tmp_path: Path, source: str) -> None:
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "main.tf").write_text(f'module "airbyte" {{\n  source = "{source}"\n}}\n')
    found = read_connections([tmp_path])
    assert found.connections == []
    assert [p.code for p in found.problems] == ["terraform-unknown"]
    assert "its source is no folder here" in found.problems[0].message
