"""Whatever dbt 1.11 makes of a profile, we make of it: compared with dbt's own code."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from toolkit.settings.document import Document
from toolkit.settings.profiles import Output, database_name
from toolkit.settings.render import Renderer, RenderError

pytest.importorskip("dbt.adapters.duckdb", reason="dbt-duckdb is not installed")

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.config.profile import Profile as DbtProfile
from dbt.config.renderer import ProfileRenderer
from dbt_common.context import set_invocation_context

ENV = {
    "N": "2",
    "EMPTY": "",
    "QUOTED": "'x'",
    "PATHLIKE": "/data/x.duckdb",
    "YES": "True",
    "DBT_ENV_SECRET_PW": "s3cret",
    "WORDY": "a b",
}
VARS = {"day": "2026-01-01", "n": 3, "nested": "{{ env_var('N') }}"}

EXPRESSIONS = [
    "plain",
    "",
    "2",
    "True",
    "line\n",
    "two\nlines\n\n",
    "'quoted'",
    "{ not jinja }",
    "{{ env_var('N') }}",
    '{{ env_var("N") }}',
    "{{env_var('N')}}",
    "{{- env_var('N') -}}",
    " {{ env_var('N') }} ",
    "{{ env_var('N', '9') }}",
    "{{ env_var('MISSING', '9') }}",
    "{{ env_var('MISSING', 9) }}",
    "{{ env_var('MISSING', '') }}",
    "{{ env_var('EMPTY') }}",
    "{{ env_var('EMPTY', 'x') }}",
    "{{ env_var('QUOTED') }}",
    "{{ env_var('N') | int }}",
    "{{ env_var('N', '4') | int + 1 }}",
    "{{ env_var('N') | as_number }}",
    "{{ env_var('N') | as_native }}",
    "{{ env_var('N') | as_text }}",
    "{{ env_var('YES') | as_bool }}",
    "{{ env_var('YES') }}",
    "{{ env_var('WORDY').split(' ') }}",
    "{{ env_var('N') }}.duckdb",
    "{{ env_var('PATHLIKE') }}?x={{ env_var('N') }}",
    "{{ 1 + 1 }}",
    "{{ '5' }}",
    "{{ none }}",
    "{{ true }}",
    "{{ [1, 2] }}",
    "{% if env_var('N') == '2' %}two{% else %}other{% endif %}",
    "{% set x = 'a' %}{{ x }}",
    "{# nothing #}",
    "text {# nothing #}",
    "{{ var('day') }}",
    "{{ var('n') }}",
    "{{ var('nested') }}",
    "{{ var('absent', 'd') }}",
    "{{ absent }}x",
    "{{ env_var('DBT_ENV_SECRET_PW') }}",
    "pre-{{ env_var('DBT_ENV_SECRET_PW') }}-post",
    "{{ env_var('DBT_ENV_SECRET_PW', 'd') | lower }}",
    "{{ tojson({'a': 1}) }}",
    "{{ fromjson('[1]') }}",
]


def dbt_renderer() -> ProfileRenderer:
    set_invocation_context(ENV)
    return ProfileRenderer(VARS)


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_expression(source: str) -> None:
    expected = dbt_renderer().render_value(source)
    got = Renderer(ENV, VARS).value(source)
    assert (got, type(got)) == (expected, type(expected))


@pytest.mark.parametrize(
    "source",
    [
        "{{ env_var('MISSING') }}",
        "{{ env_var('WORDY') | as_number }}",
        "{{ env_var('N') | as_bool }}",
        "{{ var('absent') }}",
        "{{ env_var('N' }}",
        "{% if %}",
        "{{ undefined_function() }}",
        "{{ undefined.attribute }}",
        "{{ ''.__class__.__mro__ }}{{ ().__class__.__base__.__subclasses__() }}",
        "{{ 1 / 0 }}",
    ],
)
def test_refused_expression(source: str) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011  # dbt's errors have no common base
        dbt_renderer().render_value(source)
    with pytest.raises(RenderError):
        Renderer(ENV, VARS).value(source)


@given(st.text(alphabet="{}%#'()ab \n,|", max_size=30))
def test_any_text(source: str) -> None:
    try:
        expected = dbt_renderer().render_value(source)
    except Exception:  # noqa: BLE001  # whatever dbt says, we must say something too
        with pytest.raises(RenderError):
            Renderer(ENV, VARS).value(source)
        return
    if type(expected).__name__ == "Undefined":
        return  # dbt fails later, in the adapter; we say it here
    assert Renderer(ENV, VARS).value(source) == expected


NAMES = st.text(alphabet="ab.-_ é", min_size=1, max_size=8)


# dbt-duckdb 1.10 takes all before the last dot for the name of a database, DuckDB what is before
# the first.
OLD_NAMES = Version(version("dbt-duckdb")) < Version("1.11")


@pytest.mark.skipif(OLD_NAMES, reason="dbt-duckdb 1.10 names databases otherwise than DuckDB")
@given(
    st.one_of(
        st.just(":memory:"),
        NAMES.map(lambda name: f"{name}.duckdb"),
        NAMES.map(lambda name: f"/data/{name}.db"),
        NAMES.map(lambda name: f"../up/{name}"),
        NAMES.map(lambda name: f"md:{name}?motherduck_token=x"),
        NAMES.map(lambda name: f"motherduck:{name}"),
        st.just("md:"),
        NAMES.map(lambda name: f"s3://bucket/{name}.duckdb"),
        NAMES.map(lambda name: f"ducklake:{name}.ducklake"),
        NAMES.map(lambda name: f"ducklake:sqlite:{name}.sqlite"),
    )
)
def test_database_name(path: str) -> None:
    assert database_name(path) == DuckDBCredentials.path_derived_database_name(path)


PROFILES: dict[str, dict[str, Any]] = {
    "smallest": {"type": "duckdb"},
    "file": {"type": "duckdb", "path": "x.duckdb"},
    "dots": {"type": "duckdb", "path": "data/my.db.duckdb", "schema": "raw"},
    "memory": {"type": "duckdb", "path": ":memory:", "threads": 4},
    "named": {"type": "duckdb", "path": "x.duckdb", "database": "x"},
    "attached": {
        "type": "duckdb",
        "path": "x.duckdb",
        "database": "lake",
        "attach": [{"path": "y.duckdb", "alias": "lake"}],
    },
    "options": {
        "type": "duckdb",
        "path": "{{ env_var('PATHLIKE') }}",
        "threads": "{{ env_var('N') | int }}",
        "config_options": {"memory_limit": "1GB", "threads": "{{ env_var('N') | as_number }}"},
        "settings": {"TimeZone": "UTC", "preserve_insertion_order": False},
    },
}


@pytest.mark.parametrize("name", PROFILES)
def test_duckdb_profile(name: str, tmp_path: Path) -> None:
    if name == "dots" and OLD_NAMES:
        pytest.skip("dbt-duckdb 1.10 names databases otherwise than DuckDB")
    raw = {"target": "dev", "outputs": {"dev": PROFILES[name]}}
    path = tmp_path / "profiles.yml"
    path.write_text(yaml.safe_dump({"shop": raw}), encoding="utf-8")
    got = Output(Document(path), "shop", None, Renderer(ENV, VARS), tmp_path, None).profile

    target, data = DbtProfile.render_profile(raw, "shop", None, dbt_renderer())
    assert (target, got.raw) == ("dev", data)
    threads = data.pop("threads", 1)
    data.pop("type")
    credentials = DuckDBCredentials.from_dict(DuckDBCredentials.translate_aliases(data))
    assert got.database == credentials.database
    assert got.schema == credentials.schema
    assert got.threads == threads
    assert got.config_options == (credentials.config_options or {})
    assert got.settings == credentials.settings
    if credentials.path == ":memory:":
        assert got.path == ":memory:"
    else:
        assert got.path == str(tmp_path / credentials.path)
