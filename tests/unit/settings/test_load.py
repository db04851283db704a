"""Finding the project and the profile, and what the settings then say."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from toolkit.errors import ArtifactError, ProjectNotFoundError, SettingsError
from toolkit.settings import artifact_settings, load_settings

Write = Callable[[Mapping[str, str]], Path]


def profiles(**outputs: str) -> str:
    """A profiles.yml with one profile, its targets as flow mappings."""
    lines = "".join(f"    {name}: {output}\n" for name, output in outputs.items())
    return f"shop:\n  target: {next(iter(outputs))}\n  outputs:\n{lines}"


# --- the project ---


def test_defaults(write: Write, env: dict[str, str]) -> None:
    folder = write({})
    settings = load_settings(environ=env)
    assert settings.project_name == "shop"
    assert settings.project_dir == folder
    assert settings.target_path == folder / "target"
    assert settings.output_dir == folder / "target" / "toolkit"
    assert settings.state_dir == folder / ".toolkit"
    assert settings.packages_path == folder / "dbt_packages"
    assert settings.project_paths == (
        "models",
        "seeds",
        "snapshots",
        "tests",
        "macros",
        "analyses",
        "functions",
    )
    assert (settings.target, settings.targets, settings.adapter) == ("dev", ("dev",), "duckdb")
    assert (settings.profile_name, settings.profiles_dir) == ("shop", folder)
    assert settings.threads == 1


def test_parents_are_searched(
    write: Write, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write({"models/staging/a.sql": ""})
    monkeypatch.chdir(folder / "models" / "staging")
    settings = load_settings(environ=env)
    assert settings.project_dir == folder
    assert settings.profile is not None
    assert settings.profile.path == str(folder / "shop.duckdb")


def test_symbolic_link_is_followed(write: Write, env: dict[str, str]) -> None:
    folder = write({})
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert load_settings(project_dir=link, environ=env).project_dir == folder


@pytest.mark.parametrize("variable", ["DBT_PROJECT_DIR", "DBT_ENGINE_PROJECT_DIR"])
def test_project_dir_variable(
    variable: str, write: Write, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write({})
    monkeypatch.chdir(folder.parent)
    assert load_settings(environ={**env, variable: "project"}).project_dir == folder
    other = {**env, "DBT_PROJECT_DIR": "nowhere", "DBT_ENGINE_PROJECT_DIR": "project"}
    assert load_settings(environ=other).project_dir == folder


def test_no_project_names_the_only_one_below(
    write: Write, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write({}).parent)
    with pytest.raises(ProjectNotFoundError) as raised:
        load_settings(environ=env)
    assert raised.value.fact.startswith("There is no dbt_project.yml in ")
    assert raised.value.next_step.endswith(": --project-dir project.")
    (Path.cwd() / "second").mkdir()
    (Path.cwd() / "second" / "dbt_project.yml").touch()
    with pytest.raises(ProjectNotFoundError) as raised:
        load_settings(environ=env)
    assert raised.value.next_step.endswith(" with --project-dir DIR.")


def test_given_folder_is_no_project(write: Write, env: dict[str, str]) -> None:
    folder = write({})
    with pytest.raises(ProjectNotFoundError, match=r"\(--project-dir\) is not there"):
        load_settings(project_dir=Path("nowhere"), environ=env)
    with pytest.raises(ProjectNotFoundError, match=r"\(DBT_PROJECT_DIR\) holds no dbt_project"):
        load_settings(environ={**env, "DBT_PROJECT_DIR": str(folder.parent)})


PROJECT = """\
name: "{{ env_var('NAME', 'shop') }}"
profile: "{{ env_var('WHICH', 'shop') }}"
target-path: "target/{{ target.name }}"
packages-install-path: ../packages
model-paths: [models, more/, models]
data-paths: [data]
"""


def test_project_file_is_rendered(write: Write, env: dict[str, str]) -> None:
    folder = write({"dbt_project.yml": PROJECT})
    settings = load_settings(environ={**env, "NAME": "other"})
    assert settings.project_name == "other"
    assert settings.target_path == folder / "target" / "dev"
    assert settings.packages_path == folder.parent / "packages"
    assert settings.project_paths[:3] == ("models", "more", "data")


def test_target_path_in_dbts_order(write: Write, env: dict[str, str]) -> None:
    folder = write({"dbt_project.yml": PROJECT})
    variable = {**env, "DBT_TARGET_PATH": "out"}
    assert load_settings(environ=variable).target_path == folder / "out"
    given = load_settings(environ=variable, target_path=Path("/given"))
    assert given.target_path == Path("/given")


PROJECT_MISTAKES = {
    "": "dbt_project.yml: the file is empty.",
    "profile: shop\n": "dbt_project.yml: the file has no `name`.",
    "name: shop\n": "dbt_project.yml names no profile.",
    "name: shop\nprofile: [x]\n": "dbt_project.yml:2: `profile` must be text, not a list.",
    "name: 1\nprofile: shop\n": "dbt_project.yml:1: `name` must be text, not a number.",
    "name: s\nprofile: shop\nseed-paths: data\n": "dbt_project.yml:3: `seed-paths` must be a list "
    "of folders, not text.",
    "name: \"{{ env_var('DBT_ENV_SECRET_X') }}\"\nprofile: shop\n": "dbt_project.yml:1: `name` "
    "uses DBT_ENV_SECRET_X;",
    "name: \"{{ env_var('X') }}\"\nprofile: shop\n": "dbt_project.yml:1: `name` needs the "
    "environment variable X, which is not set.",
    "name: shop\nprofile: shop\ntarget-path: \"{{ env_var('X' }}\"\n": "dbt_project.yml:3: "
    "`target-path` cannot be rendered: ",
}


@pytest.mark.parametrize("text", PROJECT_MISTAKES)
def test_project_mistake(text: str, write: Write, env: dict[str, str]) -> None:
    write({"dbt_project.yml": text})
    with pytest.raises(SettingsError) as raised:
        load_settings(environ={**env, "DBT_ENV_SECRET_X": "x"})
    assert raised.value.fact.startswith(PROJECT_MISTAKES[text])
    assert raised.value.next_step


# --- profiles.yml ---


def test_profiles_are_searched_in_dbts_order(
    write: Write, env: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Option, variable, working folder, home; where dbt gives up, the project."""
    folder = write({})
    places = {}
    for name in ("option", "variable", "cwd", "home/.dbt"):
        place = folder.parent / name
        place.mkdir(parents=True)
        (place / "profiles.yml").write_text(profiles(dev="{type: duckdb}"), encoding="utf-8")
        places[name] = place
    monkeypatch.chdir(places["cwd"])
    variable = {**env, "DBT_PROFILES_DIR": str(places["variable"])}

    def found(environ: Mapping[str, str], option: Path | None = None) -> Path | None:
        return load_settings(project_dir=folder, profiles_dir=option, environ=environ).profiles_dir

    assert found(variable, places["option"]) == places["option"]
    assert found(variable) == places["variable"]
    assert found(env) == places["cwd"]
    (places["cwd"] / "profiles.yml").unlink()
    assert found(env) == home / ".dbt"
    (home / ".dbt" / "profiles.yml").unlink()
    assert found(env) == folder
    (folder / "profiles.yml").unlink()
    with pytest.raises(SettingsError, match=r"There is no profiles\.yml \(looked in ") as raised:
        found(env)
    for place in (places["cwd"], home / ".dbt", folder):
        assert str(place) in raised.value.fact
    (places["variable"] / "profiles.yml").unlink()
    with pytest.raises(SettingsError, match=r"looked in .*variable\)"):
        found(variable)


def test_missing_profile_hints_at_the_projects_own_file(
    write: Write, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write({"../elsewhere/profiles.yml": "shap: {}\nconfig: {}\n"})
    monkeypatch.chdir(folder.parent / "elsewhere")
    with pytest.raises(SettingsError) as raised:
        load_settings(project_dir=folder, environ=env)
    assert raised.value.fact == "profiles.yml has no profile 'shop'; it has shap."
    assert raised.value.next_step.startswith("The project has a profiles.yml too: --profiles-dir ")


def test_profile_by_option_and_variable(write: Write, env: dict[str, str]) -> None:
    two = profiles(dev="{type: duckdb}") + profiles(qa="{type: duckdb}").replace("shop", "other")
    write({"profiles.yml": two})
    assert load_settings(environ={**env, "DBT_PROFILE": "other"}).target == "qa"
    assert load_settings(environ={**env, "DBT_PROFILE": "other"}, profile="shop").target == "dev"


TWO = profiles(
    dev="{type: duckdb, schema: a, threads: 3}",
    prod="{type: postgres, dbname: \"{{ env_var('DB') }}\", schema: b, password: x}",
)


def test_target_by_option_and_variable(write: Write, env: dict[str, str]) -> None:
    write({"profiles.yml": TWO})
    env["DB"] = "wh"
    assert load_settings(environ=env).target == "dev"
    prod = load_settings(environ={**env, "DBT_TARGET": "prod"})
    assert (prod.target, prod.adapter, prod.targets) == ("prod", "postgres", ("dev", "prod"))
    assert load_settings(environ={**env, "DBT_TARGET": "prod"}, target="dev").target == "dev"
    assert load_settings(environ={**env, "DBT_TARGET": ""}).target == "dev"


def test_another_targets_unset_variable_does_not_matter(write: Write, env: dict[str, str]) -> None:
    write({"profiles.yml": TWO})
    assert load_settings(environ=env).threads == 3
    with pytest.raises(SettingsError) as raised:
        load_settings(environ=env, target="prod")
    assert raised.value.fact == (
        "profiles.yml:5: `shop.outputs.prod.dbname` needs the environment variable DB, "
        "which is not set."
    )


def test_target_is_rendered_and_defaults_to_default(write: Write, env: dict[str, str]) -> None:
    rendered = TWO.replace("target: dev", "target: \"{{ env_var('T', 'dev') }}\"")
    write({"profiles.yml": rendered})
    assert load_settings(environ=env).target == "dev"
    write({"profiles.yml": "shop: {outputs: {default: {type: duckdb}}}\n"})
    assert load_settings(environ=env).target == "default"


def test_threads_option_wins(write: Write, env: dict[str, str]) -> None:
    write({"profiles.yml": TWO})
    settings = load_settings(environ=env, threads=7)
    assert settings.profile is not None
    assert (settings.threads, settings.profile.threads) == (7, 7)


def test_vars_reach_the_profile(write: Write, env: dict[str, str]) -> None:
    write({"profiles.yml": profiles(dev="{type: duckdb, schema: \"{{ var('s') }}\"}")})
    settings = load_settings(environ=env, vars={"s": "mine"})
    assert settings.profile is not None
    assert (settings.profile.schema, settings.vars) == ("mine", {"s": "mine"})


PROFILE_MISTAKES = {
    "": "profiles.yml: the file is empty.",
    "shop: 1\n": "profiles.yml:1: `shop` must be a mapping, not a number.",
    "shop: {target: dev}\n": "profiles.yml:1: `shop.outputs` must be a mapping, not nothing.",
    "shop: {target: dev, outputs: {dev: x}}\n": "profiles.yml:1: `shop.outputs.dev` must be a "
    "mapping, not text.",
    "shop: {target: dev, outputs: {dev: {}}}\n": "profiles.yml:1: `shop.outputs.dev` has no `type`",
    "shop:\n  outputs:\n    dev: {}\n    qa: {}\n  target: deev\n": "profiles.yml:2: "
    "`shop.outputs` has no target 'deev'; it has dev, qa.",
    profiles(dev="{type: duckdb, threads: '4'}"): "profiles.yml:4: `shop.outputs.dev.threads` must "
    "be a whole number above 0, not '4'.",
    profiles(dev="{type: duckdb, path: [x]}"): "profiles.yml:4: `shop.outputs.dev.path` must be "
    "text, not a list.",
    profiles(dev="{type: duckdb, path: data/}"): "profiles.yml:4: `shop.outputs.dev.path` 'data/' "
    "names no database file.",
    profiles(dev="{type: duckdb, settings: [x]}"): "profiles.yml:4: `shop.outputs.dev.settings` "
    "must be a mapping, not a list.",
}


@pytest.mark.parametrize("text", PROFILE_MISTAKES)
def test_profile_mistake(text: str, write: Write, env: dict[str, str]) -> None:
    write({"profiles.yml": text})
    with pytest.raises(SettingsError) as raised:
        load_settings(environ=env)
    assert raised.value.fact.startswith(PROFILE_MISTAKES[text])
    assert raised.value.next_step


ADAPTERS = {
    "{type: postgres, dbname: wh, schema: s}": ("wh", "s"),
    "{type: postgres, database: wh, schema: s}": ("wh", "s"),
    "{type: redshift, dbname: wh, schema: s}": ("wh", "s"),
    "{type: snowflake, database: WH, schema: S}": ("WH", "S"),
    "{type: bigquery, project: p, dataset: d}": ("p", "d"),
    "{type: bigquery, database: p, schema: d}": ("p", "d"),
    "{type: databricks, catalog: c, schema: s}": ("c", "s"),
    "{type: databricks, schema: s}": ("hive_metastore", "s"),
    "{type: trino, database: c, schema: s}": ("c", "s"),
    "{type: athena, schema: s}": ("awsdatacatalog", "s"),
    "{type: spark, schema: s}": (None, "s"),
    "{type: sqlserver, database: d, schema: s}": ("d", "s"),
    "{type: unknown}": (None, None),
}


@pytest.mark.parametrize("output", ADAPTERS)
def test_database_and_schema(output: str, write: Write, env: dict[str, str]) -> None:
    write({"profiles.yml": profiles(dev=output)})
    profile = load_settings(environ=env).profile
    assert profile is not None
    assert (profile.database, profile.schema) == ADAPTERS[output]
    assert profile.path is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x.duckdb", "{project}/x.duckdb"),
        ("./data/x.duckdb", "{project}/data/x.duckdb"),
        ("../x.duckdb", "{parent}/x.duckdb"),
        ("/data/x.duckdb", "/data/x.duckdb"),
        (":memory:", ":memory:"),
        ("md:shop", "md:shop"),
        ("ducklake:meta.ducklake", "ducklake:meta.ducklake"),
    ],
)
def test_duckdb_path(path: str, expected: str, write: Write, env: dict[str, str]) -> None:
    folder = write({"profiles.yml": profiles(dev=f'{{type: duckdb, path: "{path}"}}')})
    profile = load_settings(environ=env).profile
    assert profile is not None
    assert profile.path == expected.format(project=folder, parent=folder.parent)


# --- secrets ---

SECRET_OUTPUT = """\
      type: snowflake
      user: anna
      password: "{{ env_var('DBT_ENV_SECRET_PW') }}"
      private_key_path: /keys/a.p8
      private_key_passphrase: phrase
      token: 12345678
      use_credential_provider: aws
      url: https://anna:inurl@example.com/?motherduck_token=inquery&x=1
      keyfile_json: {type: service_account, private_key: PEM, token_uri: "https://x"}
      secrets:
        - {type: s3, key_id: AKIA, secret: sss, region: eu}
"""


def test_secrets(write: Write, env: dict[str, str]) -> None:
    write({"profiles.yml": f"shop:\n  target: dev\n  outputs:\n    dev:\n{SECRET_OUTPUT}"})
    env |= {"DBT_ENV_SECRET_PW": "s3cret", "DBT_ENV_SECRET_OTHER": "more", "PLAIN": "plain"}
    assert load_settings(environ=env).secrets == {
        "s3cret",
        "more",
        "phrase",
        "12345678",
        "inurl",
        "inquery",
        "PEM",
        "AKIA",
        "sss",
    }


def test_a_password_that_is_a_name_is_no_secret(write: Write, env: dict[str, str]) -> None:
    write(
        {
            "profiles.yml": profiles(
                dev="{type: postgres, user: postgres, dbname: shop, schema: dev, "
                "password: postgres, ssh: {password: other}}"
            )
        }
    )
    assert load_settings(environ=env | {"PGPASSWORD": "shop"}).secrets == {"other"}


def test_the_folder_of_a_shell_is_no_secret(write: Write, env: dict[str, str]) -> None:
    folder = write({"profiles.yml": profiles(dev="{type: duckdb, path: a.duckdb}")})
    env |= {"PWD": str(folder), "OLDPWD": "/tmp", "SHOP_DB_PWD": "s3cret"}
    assert load_settings(environ=env).secrets == {"s3cret"}


def test_password_that_looks_like_a_template(write: Write, env: dict[str, str]) -> None:
    write({"profiles.yml": profiles(dev="{type: postgres, password: 'a{{b%}'}")})
    assert "a{{b%}" in load_settings(environ=env).secrets


# --- artifacts only ---


def test_artifacts_without_a_project(env: dict[str, str], tmp_path: Path) -> None:
    manifest = tmp_path / "ci" / "manifest.json"
    manifest.parent.mkdir()
    manifest.write_text("{}", encoding="utf-8")
    settings = artifact_settings(manifest=manifest, connections=[tmp_path], environ=env)
    assert (settings.manifest, settings.catalog) == (manifest, None)
    assert settings.connections == (tmp_path,)
    assert settings.target_path == settings.project_dir == tmp_path / "ci"
    assert settings.profile is None
    assert (settings.project_name, settings.adapter) == ("", "")


def test_artifacts_of_a_project_use_its_toolkit_yml(write: Write, env: dict[str, str]) -> None:
    folder = write(
        {
            "toolkit.yml": "version: 1\nconnections: [air]\n",
            "air/a.yml": "",
            "target/manifest.json": "{}",
        }
    )
    (folder / "profiles.yml").unlink()
    manifest = folder / "target" / "manifest.json"
    settings = artifact_settings(manifest=manifest, environ=env)
    assert settings.connections == (folder / "air",)
    assert (settings.project_dir, settings.state_dir) == (folder, folder / ".toolkit")
    given = artifact_settings(manifest=manifest, connections=[folder], environ=env)
    assert given.connections == (folder,)


def test_artifacts_that_are_not_there(env: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"\(--manifest\) is not there"):
        artifact_settings(manifest=tmp_path / "x.json", environ=env)
    with pytest.raises(ArtifactError, match=r"\(--catalog\) is not there"):
        artifact_settings(manifest=tmp_path, catalog=tmp_path / "x.json", environ=env)


# --- speed ---


def test_neither_dbt_nor_jinja_is_imported_without_need(write: Write, env: dict[str, str]) -> None:
    """A plain env_var() is the usual profile; jinja2 alone would double the time."""
    write({"profiles.yml": profiles(dev="{type: duckdb, path: \"{{ env_var('P', 'x.db') }}\"}")})
    code = (
        "import sys; from toolkit.settings import load_settings; load_settings();"
        "print(sorted({'dbt', 'jinja2', 'duckdb', 'sqlglot', 'networkx', 'click'} "
        "& sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
