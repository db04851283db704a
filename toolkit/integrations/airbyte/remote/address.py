"""Where an Airbyte server is: its two APIs and its pages for people."""

from urllib.parse import urlsplit

import msgspec

from toolkit.errors import SettingsError

CLOUD = "https://api.airbyte.com/v1"
_CLOUD_HOST = "api.airbyte.com"
_CLOUD_PAGES = "https://cloud.airbyte.com"
_PUBLIC = "/api/public/v1"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a server; no URL ends in a slash.

    Attributes:
        api: the public API.
        configuration_api: the older API that says why a job failed; ``None`` where it cannot
            be told from the public API's address.
        pages: what a browser opens; likewise.
    """

    api: str
    configuration_api: str | None
    pages: str | None

    @property
    def token(self) -> str:
        """Where client credentials are exchanged for a token."""
        return f"{self.api}/applications/token"

    def connection_page(self, workspace_id: str | None, connection_id: str) -> str | None:
        """The page with a connection's jobs and their logs."""
        if self.pages is None or workspace_id is None:
            return None
        return f"{self.pages}/workspaces/{workspace_id}/connections/{connection_id}/timeline"


def address_of(url: str | None) -> Address:
    """The server that ``airbyte.<target>.url`` means; Airbyte Cloud where nothing is said.

    Raises:
        SettingsError: it is no address of a server.
    """
    if not url:
        return Address(api=CLOUD, configuration_api=f"{_CLOUD_PAGES}/api/v1", pages=_CLOUD_PAGES)
    try:
        parts = urlsplit(url)
        host, with_user = parts.hostname, "@" in parts.netloc
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise _wrong(f"is no URL ({error})") from None
    if with_user:
        raise _wrong("holds a user name or password: they have keys of their own")
    if parts.scheme not in ("http", "https") or not host:
        raise _wrong(f"is {url!r}, which does not begin with http:// or https:// and a host")
    if parts.query or parts.fragment:
        raise _wrong("has a `?` or `#`, which no address of an API has")
    if host == _CLOUD_HOST:
        return address_of(None)
    root = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"
    path = parts.path.rstrip("/")
    if path in ("", "/api", "/api/v1"):
        path = _PUBLIC
    api = root + path
    if not path.endswith(_PUBLIC):
        return Address(api=api, configuration_api=None, pages=None)
    pages = api.removesuffix(_PUBLIC)
    return Address(api=api, configuration_api=f"{pages}/api/v1", pages=pages)


def _wrong(what: str) -> SettingsError:
    return SettingsError(
        f"`airbyte.<target>.url` in toolkit.yml {what}.",
        "The Airbyte server cannot be reached, so nothing was asked of it.",
        "Write the server's address, as https://airbyte.example.com; leave `url` out for "
        "Airbyte Cloud.",
    )
