"""Terraform folders: which are read, what settles a value, what is said of what cannot be."""

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import ArtifactError, Problem
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.naming import place_of
from toolkit.integrations.airbyte.readers import read_connections
from toolkit.integrations.airbyte.readers.terraform import folder as terraform_folder
from toolkit.integrations.airbyte.readers.terraform.folder import Folder
from toolkit.integrations.airbyte.readers.terraform.module import Module
from toolkit.integrations.airbyte.readers.terraform.state import read_state

PIPELINE = """
variable "schema" {}
variable "prefix" { default = "" }
resource "airbyte_source_faker" "faker" {
  name = "Faker"
  configuration = { seed = "planted-secret" }
}
resource "airbyte_destination_postgres" "dwh" {
  name          = "Warehouse"
  configuration = { schema = var.schema, database = "dwh", password = "planted-secret" }
}
resource "airbyte_connection" "faker" {
  name           = "Faker"
  source_id      = airbyte_source_faker.faker.source_id
  destination_id = airbyte_destination_postgres.dwh.destination_id
  prefix         = var.prefix
  configurations = { streams = [{ name = "users" }] }
}
"""

# file, line that the error names
BROKEN: dict[str, tuple[str, int]] = {
    "a brace that is not closed": ('locals {\n  a = 1\n}\nresource "a" "b" {\n  c = {\n', 4),
    "a string that does not end": ('\n\nlocals {\n  a = "planted-secret\n}\n', 4),
    "a comment that does not end": ("locals {}\n/* planted-secret\n", 2),
    "a heredoc without its end": ("locals {\n  a = <<EOT\n  planted-secret\n}\n", 2),
    "no block": ('locals {}\n"planted-secret"\n', 2),
    "an expression that is none": ('locals {\n  b = 1\n  a = "planted-secret" + * 2\n}\n', 3),
    "a missing bracket": ('locals {\n  b = [1\n  a = "planted-secret"\n}\n', 3),
    "a directive without an end": ('locals {\n  a = "planted-secret %{ if true }"\n}\n', 1),
    "a placeholder in a heredoc": ("locals {\n  a = <<E\nx\n${planted-secret +}\nE\n}\n", 4),
}


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        stem, _, ending = name.rpartition("__")
        (folder / f"{stem}.{ending.replace('_', '.')}").write_text(textwrap.dedent(text))
    return folder


def only(*paths: Path) -> Connection:
    (connection,) = read_connections(paths).connections
    return connection


def problems(*paths: Path) -> list[Problem]:
    return read_connections(paths).problems


def relation(connection: Connection) -> Any:
    return place_of(connection, connection.streams[0], destinations={}, database="shop").relation


@pytest.mark.parametrize("name", BROKEN)
def test_broken_hcl_names_its_line_and_no_content(name: str, tmp_path: Path) -> None:
    text, line = BROKEN[name]
    write(tmp_path, main__tf=PIPELINE.replace("var.schema", "local.a"), locals__tf=text)
    with pytest.raises(ArtifactError) as caught:
        read_connections([tmp_path])
    assert f"locals.tf:{line} is not valid Terraform" in str(caught.value)
    assert "planted" not in f"{caught.value}{caught.value!r}{caught.value.__dict__}"
    assert caught.value.__context__ is None or "planted" not in repr(caught.value.__context__)


def test_what_nobody_asks_for_is_not_parsed(tmp_path: Path) -> None:
    other = 'resource "aws_instance" "x" {\n  a = %%% no expression at all\n}\n'
    write(tmp_path, main__tf=PIPELINE, other__tf=other, a__auto_tfvars='schema = "raw"')
    assert only(tmp_path).destination.schema == "raw"


# What is written beside it, and the schema; `None` is not known.
SETTLED: dict[str, tuple[dict[str, str], str | None]] = {
    "nothing": ({}, None),
    "terraform.tfvars": ({"terraform__tfvars": 'schema = "a"'}, "a"),
    "tfvars.json after tfvars": (
        {"terraform__tfvars": 'schema = "a"', "terraform__tfvars_json": '{"schema": "b"}'},
        "b",
    ),
    "auto after terraform.tfvars": (
        {"terraform__tfvars_json": '{"schema": "b"}', "c__auto_tfvars": 'schema = "c"'},
        "c",
    ),
    "auto files by name": (
        {"z__auto_tfvars": 'schema = "z"', "y__auto_tfvars_json": '{"schema": "y"}'},
        "z",
    ),
    "others are for -var-file": ({"prod__tfvars": 'schema = "p"'}, None),
    "an override": (
        {"x_override__tf": 'variable "schema" { default = "o" }'},
        "o",
    ),
    "text of a tfvars.json is no template": (
        {"terraform__tfvars_json": '{"schema": "${var.x}"}'},
        "${var.x}",
    ),
}


@pytest.mark.parametrize("name", SETTLED)
def test_what_settles_a_variable(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_VAR_schema", "from_the_environment")
    files, schema = SETTLED[name]
    connection = only(write(tmp_path, main__tf=PIPELINE, **files))
    assert connection.destination.schema == schema
    assert dict(connection.unknown) == ({} if schema else {"destination.schema": "var.schema"})


def test_an_unknown_schema_is_no_default(tmp_path: Path) -> None:
    """Postgres has a default schema; that a variable has no value here does not mean it."""
    connection = only(write(tmp_path, main__tf=PIPELINE, prod__tfvars='schema = "p"'))
    found = relation(connection)
    assert (found.database, found.schema, found.identifier) == ("dwh", None, "users")
    (problem,) = problems(tmp_path)
    assert (problem.code, problem.line) == ("terraform-unknown", 8)
    assert "var.schema" in problem.message
    assert "prod.tfvars is read with -var-file only" in problem.message
    assert "TF_VAR_" in problem.message


def test_an_unknown_prefix_leaves_the_table_open(tmp_path: Path) -> None:
    text = PIPELINE.replace('{ default = "" }', "{}")
    connection = only(write(tmp_path, main__tf=text, a__auto_tfvars='schema = "raw"'))
    assert dict(connection.unknown) == {"prefix": "var.prefix"}
    assert "prefix of the tables" in problems(tmp_path)[0].message


def test_a_name_that_stands_alone_is_unknown(tmp_path: Path) -> None:
    """The provider's own example has `namespace_format = SOURCE_NAMESPACE`."""
    text = 'namespace_definition = "custom_format"\n  namespace_format = SOURCE_NAMESPACE'
    text = PIPELINE.replace("prefix         = var.prefix", text)
    connection = only(write(tmp_path, main__tf=text, a__auto_tfvars='schema = "raw"'))
    assert dict(connection.unknown) == {"namespace": "SOURCE_NAMESPACE"}
    assert relation(connection).schema is None


def test_a_file_stands_for_its_folder(tmp_path: Path) -> None:
    write(tmp_path, main__tf=PIPELINE, a__auto_tfvars='schema = "raw"')
    assert only(tmp_path / "main.tf") == only(tmp_path)
    assert only(tmp_path / "main.tf", tmp_path / "a.auto.tfvars") == only(tmp_path)


def test_a_module_is_read_where_it_is_called(tmp_path: Path) -> None:
    write(tmp_path / "modules" / "pipe", main__tf=PIPELINE)
    write(
        tmp_path / "live",
        main__tf='module "pipe" {\n  source = "../modules/pipe"\n  schema = "from_the_root"\n}\n',
    )
    connection = only(tmp_path)
    assert connection.destination.schema == "from_the_root"
    assert connection.where().endswith("modules/pipe/main.tf:12")
    # The module's folder alone is a root of its own.
    assert only(tmp_path / "modules").destination.schema is None


def test_modules_that_call_each_other_end(tmp_path: Path) -> None:
    write(tmp_path / "a", main__tf='module "b" { source = "../b" }\n' + PIPELINE)
    write(tmp_path / "b", main__tf='module "a" { source = "../a" }\n')
    assert only(tmp_path / "a").name == "Faker"
    assert any("calls itself" in problem.message for problem in problems(tmp_path / "a"))


@pytest.mark.parametrize(
    ("count", "names"),
    [
        ("2", ["faker[0]", "faker[1]"]),
        ('"1"', ["Faker"]),
        ("0", []),
        ("-1", []),
        ('"many"', []),
        ("[1]", []),
        ("1000000000", []),
        ("var.none", []),
    ],
)
def test_counts(count: str, names: list[str], tmp_path: Path) -> None:
    text = PIPELINE.replace("prefix         = var.prefix", f"count = {count}")
    write(tmp_path, main__tf=text, a__auto_tfvars='schema = "raw"')
    read = read_connections([tmp_path])
    assert [connection.name for connection in read.connections] == names
    said = [problem.line for problem in read.problems if problem.severity == "error"]
    assert said == ([] if names or count in ("0", "-1") else [12])


def test_two_environments_of_one_name(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        write(tmp_path / name, main__tf=PIPELINE)
    with pytest.raises(ArtifactError, match="Two Terraform folders make a connection 'Faker'"):
        read_connections([tmp_path])
    assert only(tmp_path / "prod").name == "Faker"


def _state(schema: str, version: int = 4) -> str:
    def resource(kind: str, label: str, **attributes: Any) -> dict[str, Any]:
        instance = {"attributes": attributes}
        return {"mode": "managed", "type": kind, "name": label, "instances": [instance]}

    return json.dumps(
        {
            "version": version,
            "outputs": {"x": {"value": "planted-secret"}},
            "resources": [
                resource(
                    "airbyte_destination_postgres",
                    "dwh",
                    destination_id="d",
                    configuration={"schema": schema, "password": "planted-secret"},
                ),
                resource(
                    "airbyte_connection",
                    "faker",
                    name="Faker",
                    destination_id="d",
                    configurations={"streams": [{"name": "users"}]},
                ),
            ],
        }
    )


def test_the_chosen_workspace_has_the_state(tmp_path: Path) -> None:
    write(tmp_path, main__tf=PIPELINE)
    for name in ("dev", "prod"):
        write(tmp_path / "terraform.tfstate.d" / name, terraform__tfstate=_state(f"{name}_raw"))
    assert only(tmp_path).format == "Terraform"
    (tmp_path / ".terraform").mkdir()
    (tmp_path / ".terraform" / "environment").write_text("prod")
    connection = only(tmp_path)
    assert (connection.format, connection.destination.schema) == ("Terraform state", "prod_raw")
    assert connection.where().endswith("main.tf:12")


def test_a_state_alone(tmp_path: Path) -> None:
    write(tmp_path, any__tfstate=_state("raw"))
    connection = only(tmp_path / "any.tfstate")
    assert connection == only(tmp_path)
    assert (connection.path.name, connection.destination.schema) == ("any.tfstate", "raw")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"version": 4, "x": "planted-secret"', "is not valid JSON"),
        (_state("raw", version=3), "is a state of version 3"),
        ('{"resources": "planted-secret"}', "has something unexpected"),
        (
            _state("raw").replace('"users"', '["planted-secret"]'),
            "has something unexpected in airbyte_connection.faker",
        ),
    ],
)
def test_a_state_that_cannot_be_read(text: str, says: str, tmp_path: Path) -> None:
    write(tmp_path, terraform__tfstate=text)
    with pytest.raises(ArtifactError) as caught:
        read_connections([tmp_path])
    assert f"terraform.tfstate {says}" in str(caught.value)
    error: BaseException | None = caught.value
    while error is not None:
        assert "planted" not in f"{error}{error!r}"
        error = error.__context__


def test_no_secret_stays_in_what_is_held(tmp_path: Path) -> None:
    write(tmp_path, terraform__tfstate=_state("raw"), main__tf=PIPELINE)
    assert "planted" not in repr(read_state([tmp_path / "terraform.tfstate"]))
    module = Module(Folder, tmp_path)
    source = module.resource("resource", "airbyte_source_faker", "faker")
    block = module.folder.block("resource", "airbyte_source_faker", "faker")
    assert "planted" not in f"{source!r}{block!r}"


def test_nothing_is_imported_before_it_is_needed(tmp_path: Path) -> None:
    """python-hcl2 costs more than a second; only folders with Airbyte's resources pay it."""
    write(tmp_path / "yaml", a__yml="name: a\nsource: {package: b, version: '1'}\nstreams: []\n")
    write(tmp_path / "aws", main__tf='resource "aws_instance" "x" {}\n')
    write(tmp_path / "state", x__tfstate=_state("raw"))
    code = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from toolkit.integrations.airbyte.readers import read_connections
        assert len(read_connections([Path("aws"), Path("state")]).connections) == 1
        assert not {"hcl2", "lark"} & sys.modules.keys()
        """
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)


def test_a_megabyte_of_other_resources_is_skipped(tmp_path: Path) -> None:
    other = 'resource "aws_instance" "x%d" {\n  tags = { a = "${var.b}", c = [1, 2, 3] }\n}\n'
    write(tmp_path, main__tf=PIPELINE + "".join(other % i for i in range(14_000)))
    assert (tmp_path / "main.tf").stat().st_size > 1_000_000
    started = time.process_time()
    assert only(tmp_path).name == "Faker"
    assert time.process_time() - started < 10


def test_more_than_can_be_parsed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terraform_folder, "LARGEST", 400)
    write(tmp_path, main__tf=PIPELINE)
    with pytest.raises(ArtifactError, match=r"main\.tf:\d+: up to here, the blocks"):
        read_connections([tmp_path])


GENERIC = '{"sourceType": "stripe", "client_secret": "planted-secret"}'


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ('jsonencode({ sourceType = "stripe", client_secret = "planted-secret" })', "stripe"),
        ('{ source_type = "stripe", client_secret = var.secret }', "stripe"),
        ("jsonencode({ client_secret = var.secret })", None),
        ("jsonencode({ sourceType = var.secret })", None),
        ("var.secret", None),
    ],
)
def test_the_connector_of_a_generic_source(written: str, type_: str | None, tmp_path: Path) -> None:
    text = PIPELINE.replace('{ seed = "planted-secret" }', written, 1)
    write(tmp_path, main__tf=text.replace("airbyte_source_faker", "airbyte_source_custom"))
    connection = only(tmp_path)
    assert connection.source.type == type_
    assert "planted-secret" not in repr(connection)


@pytest.mark.parametrize("configuration", [GENERIC, json.loads(GENERIC)])
def test_the_connector_of_a_generic_source_in_a_state(configuration: Any, tmp_path: Path) -> None:
    def one(type_: str, **attributes: Any) -> dict[str, Any]:
        return {
            "mode": "managed",
            "type": type_,
            "name": "x",
            "instances": [{"attributes": attributes}],
        }

    resources = [
        one("airbyte_source", source_id="s", name="S", configuration=configuration),
        one("airbyte_connection", name="c", source_id="s", destination_id="d",
            configurations={"streams": [{"name": "users"}]}),
    ]  # fmt: skip
    path = tmp_path / "terraform.tfstate"
    path.write_text(json.dumps({"version": 4, "resources": resources}))
    assert only(tmp_path).source.type == "stripe"
    assert "planted-secret" not in repr(read_state([path]))
