"""YAML beside the functions: dbt's property format, joined with what decorators say."""

import textwrap

import pytest
from python_harness import PythonProject

from toolkit.errors import AssetError

HEAD = "from toolkit import asset, check\nimport pyarrow as pa\n"

FUNCTION = """
@asset(tags=['ml'], columns={'id': 'BIGINT'}, config={'least': 1})
def scores(orders, least: int, most: int = 9):
    return pa.table({'id': [least], 'kind': ['a'], 'most': [most]})
"""

YAML = """
version: 2
assets:
  - name: scores
    description: What each order scores.
    owner: growth@example.com
    config:
      schema: ml
      tags: [daily]
      group: growth
      meta: {tier: 2}
      retries: 2
      most: 5
    targets:
      prod: {schema: marts, most: 7}
    columns:
      - name: id
        description: The order.
        data_tests:
          - unique
          - relationships:
              arguments: {to: ref('orders'), field: id}
              config: {severity: warn, where: id < 5}
      - name: kind
        data_type: VARCHAR
        tests: [{accepted_values: {values: [a, b]}}]
        config: {meta: {pii: false}}
"""


@pytest.mark.usefixtures("orders")
def test_all_of_it(project: PythonProject) -> None:
    project.write(YAML, "ml/properties.yml")
    project.write("anything: [else]", "ml/other.yaml")
    ended = project.run(HEAD + FUNCTION)
    assert {key: step.status for key, step in ended.items()} == {
        "python.scores": "success",
        "check.scores.id_unique": "pass",
        "check.scores.id_relationships": "pass",
        "check.scores.kind_accepted_values": "pass",
    }
    assert project.rows("FROM ml.scores") == [(1, "a", 5)]
    loaded = project.load()
    asset = loaded.assets[0]
    assert (asset.description, asset.owner, asset.tags, asset.group, asset.meta) == (
        "What each order scores.", "growth@example.com", ("ml", "daily"), "growth", {"tier": 2}
    )  # fmt: skip
    assert (asset.path, asset.yaml_path) == ("ml/assets.py", "ml/properties.yml")
    assert asset.config["retries"] == 2
    assert {name: column.type for name, column in asset.columns.items()} == {
        "id": "BIGINT",
        "kind": "VARCHAR",
    }
    assert asset.columns["kind"].meta == {"pii": False}
    assert [c.severity for c in loaded.checks] == ["error", "warn", "error"]
    assert loaded.checks[1].assets == ("python.scores", "model.shop.orders")
    project.target = "prod"
    assert project.run()["python.scores"].relation == "shop.marts.scores"
    assert project.rows("SELECT most FROM marts.scores") == [(7,)]


@pytest.mark.usefixtures("orders")
def test_a_change_of_the_file_is_seen(project: PythonProject) -> None:
    project.write(HEAD + FUNCTION)
    project.write(YAML, "ml/properties.yml")
    assert project.load().assets[0].owner == "growth@example.com"
    project.write(YAML.replace("growth@", "people@"), "ml/properties.yml")
    assert project.load().assets[0].owner == "people@example.com"
    (project.folder / "ml" / "properties.yml").unlink()
    assert project.load().assets[0].owner is None


# name -> (what stands in the file, the message)
WRONG = {
    "unknown asset": (
        "assets: [{name: scorse}]",
        "ml/p.yml:1 describes 'scorse', which no function declares.\n"
        "The graph would be wrong, so nothing was done.\n"
        "Did you mean 'scores'? The Python assets are scores.",
    ),
    "unknown key": (
        "assets:\n  - name: scores\n    descripton: x",
        "ml/p.yml:3: 'descripton' is unknown.\n",
    ),
    "unknown option": (
        "assets:\n  - name: scores\n    config:\n      shema: x",
        "ml/p.yml:4: 'shema' is unknown in `config`.\n"
        "The graph would be wrong, so nothing was done.\nDid you mean 'schema'? Known are ",
    ),
    "unknown key of a column": (
        "assets:\n  - name: scores\n    columns:\n      - name: id\n        typ: INT",
        "ml/p.yml:5: 'typ' is unknown in `columns`.\n",
    ),
    "tests of the whole": (
        "assets:\n  - name: scores\n    tests: [unique]",
        "ml/p.yml:3: 'tests' is unknown.\nThe graph would be wrong, so nothing was done.\n"
        "Tests belong to a column; for others write a @check. ",
    ),
    "both say it": (
        "assets:\n  - name: scores\n    config: {least: 2}",
        "`config.least` of scores is 1 at ml/assets.py:4 and 2 at ml/p.yml:3.\n"
        "The graph would be wrong, so nothing was done.\nSay it in one of the two.",
    ),
    "both say a type": (
        "assets:\n  - name: scores\n    columns: [{name: id, data_type: INT}]",
        "`columns.id.type` of scores is 'BIGINT' at ml/assets.py:4 and 'INT' at ml/p.yml:3.\n",
    ),
    "twice": (
        "assets:\n  - name: scores\n  - name: scores",
        "ml/p.yml:3 and ml/p.yml:2 both describe 'scores'.\n",
    ),
    "jinja": (
        "assets:\n  - name: scores\n    owner: \"{{ env_var('X') }}\"",
        "ml/p.yml:3: \"{{ env_var('X') }}\" is Jinja, which is not read here.\n",
    ),
    "no yaml": ("assets: [", "ml/p.yml:2: not valid YAML"),
    "no list": ("assets: {scores: 1}", "ml/p.yml:1: `assets` is no list.\n"),
    "no name": ("assets:\n  - owner: me", "ml/p.yml:2: an entry of `assets` has no `name`.\n"),
    "a wrong value": (
        "assets:\n  - name: scores\n    config: {retries: many}",
        "python.scores (ml/assets.py:4): retries='many' is no number of times.\n",
    ),
    "a wrong test": (
        "assets:\n  - name: scores\n    columns: [{name: id, tests: [uniqe]}]",
        "python.scores (ml/assets.py:4): the column 'id' has a test 'uniqe', which is none of "
        "not_null, unique, accepted_values, relationships.\n"
        "The graph would be wrong, so nothing was done.\nDid you mean 'unique'? ",
    ),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", WRONG)
def test_wrong(project: PythonProject, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)
    source, message = WRONG[case]
    project.write(HEAD + FUNCTION)
    project.write(source, "ml/p.yml")
    with pytest.raises(AssetError) as raised:
        project.load()
    assert str(raised.value).startswith(message)
    assert len(str(raised.value).splitlines()) == 3, str(raised.value)


ROWS = (
    "SELECT * FROM (VALUES (1, 'a', 10), (2, 'b', 10), (2, 'x', 77), (NULL, NULL, NULL)) t(n, k, p)"
)

# test of a column -> (status, failures): what dbt says of the same
TESTED = [
    ("n", "'unique'", "fail", 1),
    ("n", "{'unique': {'where': \"k <> 'x'\"}}", "pass", 0),
    ("n", "'not_null'", "fail", 1),
    ("n", "{'not_null': {'severity': 'warn'}}", "warn", 1),
    ("n", "{'not_null': {'config': {'error_if': '> 1'}}}", "warn", 1),
    ("n", "{'not_null': {'error_if': '>1', 'warn_if': '>= 2'}}", "pass", 0),
    ("n", "{'not_null': {'severity': 'warn', 'error_if': '>= 1', 'warn_if': '> 3'}}", "pass", 0),
    ("k", "{'accepted_values': {'values': ['a', 'b']}}", "fail", 1),
    ("k", "{'accepted_values': {'arguments': {'values': ['a', 'b', 'x']}}}", "pass", 0),
    ("k", "{'accepted_values': {'values': [\"it's\"]}}", "fail", 3),
    ("n", "{'accepted_values': {'values': [1, 2]}}", "pass", 0),
    ("n", "{'accepted_values': {'values': [1], 'quote': False}}", "fail", 1),
    ("p", "{'relationships': {'to': \"ref('parents')\", 'field': 'id'}}", "fail", 1),
    ("p", "{'relationships': {'to': \"source('raw', 'parents')\", 'field': 'ID'}}", "fail", 1),
    ("p", "{'relationships': {'to': 'parents', 'field': 'id', 'where': 'p < 50'}}", "pass", 0),
    ("n", "{'test_name': 'not_null', 'name': 'there'}", "fail", 1),
]


@pytest.mark.parametrize(("column", "test", "status", "failures"), TESTED)
def test_column_tests(
    project: PythonProject, column: str, test: str, status: str, failures: int
) -> None:
    project.table("orders", ROWS)
    project.table("parents", "SELECT 10 AS id")
    project.add(
        "source.shop.raw.parents",
        "raw_parents",
        "source",
        source_name="raw",
        relation=project.known["model.shop.parents"].relation,
    )
    project.known["source.shop.raw.parents"] = project.add(
        "source.shop.raw.parents", "parents", "source", source_name="raw",
        relation=project.known["model.shop.parents"].relation,
    )  # fmt: skip
    ended = project.run(
        HEAD + f"@asset(columns={{{column!r}: {{'tests': [{test}]}}}})\n"
        "def out(orders):\n    return orders\n"
    )
    [(key, step)] = [(key, step) for key, step in ended.items() if key != "python.out"]
    assert (step.status, step.failures) == (status, failures), step.message
    assert key == ("check.out.there" if "there" in test else f"check.out.{column}_{_kind(test)}")


def _kind(test: str) -> str:
    kinds = ("unique", "not_null", "accepted_values", "relationships")
    return next(kind for kind in kinds if f"'{kind}'" in test)


WRONG_TESTS = {
    "no values": ("{'accepted_values': {}}", "lacks 'values'"),
    "values": ("{'accepted_values': {'values': 'a'}}", "values='a'"),
    "unknown argument": ("{'unique': {'wher': 'x'}}", "'wher'.*Did you mean 'where'"),
    "threshold": ("{'unique': {'warn_if': 'many'}}", "warn_if='many'"),
    "severity": ("{'unique': {'severity': 'fatal'}}", "severity 'fatal'"),
    "to": ("{'relationships': {'to': \"ref('parent')\", 'field': 'id'}}", "Nearest: parents"),
    "two of a kind": ("'unique', {'unique': {'where': 'true'}}", "both declare check.out.n_unique"),
}


@pytest.mark.parametrize("case", WRONG_TESTS)
def test_wrong_tests(project: PythonProject, case: str) -> None:
    test, part = WRONG_TESTS[case]
    project.table("parents", "SELECT 10 AS id")
    project.write(
        HEAD + textwrap.dedent(f"@asset(columns={{'n': {{'tests': [{test}]}}}})\ndef out(): ...\n")
    )
    with pytest.raises(AssetError, match="(?s)" + part):
        project.load()
