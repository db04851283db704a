"""Secrets, by value, in every spelling that a log may give them."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.masking import Masker, is_secret_key, secret_values
from toolkit.report.files import write_json

PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END KEY-----"


@pytest.mark.parametrize(
    "text",
    [
        "plain p@ss/w rd+1",
        f"url {quote('p@ss/w rd+1', safe='')}",
        f"json {json.dumps('p@ss/w rd+1')}",
        f"basic {base64.b64encode(b'user:p@ss/w rd+1').decode()}",
        f"hex {b'p@ss/w rd+1'.hex()}",
        f"HEX {b'p@ss/w rd+1'.hex().upper()}",
        f"nested {json.dumps(json.dumps('p@ss/w rd+1'))}",
        f"safe {base64.urlsafe_b64encode(b'x:p@ss/w rd+1:y').decode()}",
    ],
)
def test_forms(text: str) -> None:
    masked = Masker(["p@ss/w rd+1"]).mask(text)
    assert "*****" in masked
    assert "p@ss" not in masked
    assert masked.split()[0] == text.split()[0]


def test_three_characters_are_masked_where_they_stand_alone() -> None:
    masked = Masker(["k9Z"]).mask('pin=k9Z, "k9Z", ak9Z k9Z_')
    assert masked == 'pin=*****, "*****", ak9Z k9Z_'


def test_json_stays_json_where_a_secret_is_a_number(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write_json(path, {"rows": 12345, "said": "pin 12345", "12345": [None]}, ["12345"])
    assert json.loads(path.read_text()) == {"rows": 12345, "said": "pin *****", "*****": [None]}


def test_values_in_urls() -> None:
    config = {"base": "https://u:p%40ss-word@h/x", "hook": "https://h/x?a=1&access_token=t0ken#f"}
    assert set(secret_values(config)) == {"p%40ss-word", "p@ss-word", "t0ken#f"}


def test_a_multi_line_secret_is_masked_line_by_line_and_escaped() -> None:
    masker = Masker([PEM])
    assert "MIIEvQ" not in masker.mask(f"key={PEM!r}")
    assert "MIIEvQ" not in masker.mask(json.dumps({"key": PEM}))
    assert "MIIEvQ" not in masker.mask("  MIIEvQIBADANBgkqhkiG9w0BAQ")


def test_short_and_common_values_are_left() -> None:
    assert Masker(["ab", "123", "true", ""]).mask("ab 123 true") == "ab 123 true"
    assert Masker().mask("text") == "text"


@given(st.text(min_size=4).filter(lambda s: len(s.strip()) >= 4), st.text(), st.text())
def test_the_value_never_stays(secret: str, before: str, after: str) -> None:
    masker = Masker([secret])
    if masker.values:
        masked = masker.mask(before + secret + after)
        assert secret not in masked or set(secret) <= set("*")


def test_values_under_secret_keys() -> None:
    config = {
        "host": "example.com",
        "password": "a-secret",
        "credentials": {"client": {"id": "an-id"}, "list": ["in-a-list"]},
        "count": 5,
    }
    assert set(secret_values(config)) == {"a-secret", "an-id", "in-a-list"}


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("password", True),
        ("api_key", True),
        ("aws_secret_access_key", True),
        ("refreshToken", True),
        ("private_key", True),
        ("db_pwd", True),
        ("host", False),
        ("primary_key", False),
        ("port", False),
    ],
)
def test_keys(key: str, secret: bool) -> None:
    assert is_secret_key(key) is secret
