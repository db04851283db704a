"""Which values of the settings must never be printed."""

import re
from collections.abc import Iterator, Mapping

from toolkit.masking import url_secrets
from toolkit.settings.render import SECRET_PREFIX

_CONFIDENTIAL = re.compile(
    r"pass$|passwd|password|passphrase|pwd$|token|secret|private_?key|api_?key|access_?key"
    r"|account_?key|key_?id$|authorization|credential|connection_string|keyfile_json|sas$",
    re.IGNORECASE,
)
# Names and places of secrets are none: `private_key_path`, `token_uri`, `access_token_name`.
_HARMLESS = re.compile(
    r"(path|dir|uri|url|name|file|type|provider|endpoint|host|expiry|expires_in|chain|lifetime)$",
    re.IGNORECASE,
)

# A shell's folders: hidden, no message could name a file where one stands.
_FOLDERS = frozenset({"PWD", "OLDPWD"})


def secret_environment(environ: Mapping[str, str]) -> frozenset[str]:
    """Values of ``DBT_ENV_SECRET_*``, and of variables whose names sound like a secret."""
    return frozenset(
        value
        for name, value in environ.items()
        if value
        and name not in _FOLDERS
        and (name.startswith(SECRET_PREFIX) or _sounds_secret(name, value))
    )


def secret_values(value: object, *, confidential: bool = False) -> Iterator[str]:
    """Values under keys that sound like a secret, and credentials inside of URLs.

    Args:
        value: a rendered output of profiles.yml, or the like.
        confidential: the key of ``value`` itself sounds like a secret.
    """
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from secret_values(entry, confidential=_sounds_secret(str(key), entry))
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from secret_values(entry, confidential=confidential)
    elif isinstance(value, bool) or value is None or value == "":
        return
    elif confidential:
        yield str(value)
    elif isinstance(value, str):
        yield from url_secrets(value)


def open_values(output: Mapping[str, object]) -> frozenset[str]:
    """What an output says in the open: user, database, schema.

    A password that is one of them (``postgres``, five times over) is no secret, and hiding it
    would blank the names of relations in every report.
    """
    return frozenset(
        value
        for key, value in output.items()
        if isinstance(value, str) and key in ("user", "username", "database", "dbname", "schema")
    )


def sounds_secret(name: str) -> bool:
    """Whether what has this name is likely to be a secret: a password, a token, a key."""
    return _sounds_secret(name, "")


def _sounds_secret(key: str, value: object) -> bool:
    """A mapping is no secret as a whole: its own keys say which of its values are."""
    if isinstance(value, Mapping):
        return False
    return bool(_CONFIDENTIAL.search(key)) and not _HARMLESS.search(key)
