"""One request to an Airbyte server and what came of it: signing in, retries, errors.

The official client builds and sends the requests of the public API. Its reading of the
replies is not used: it refuses what real servers send. Its exceptions are never shown, nor
chained: they quote the reply, and with it what a source's configuration holds.
"""

import threading
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.remote.address import address_of
from toolkit.integrations.airbyte.remote.clock import Clock
from toolkit.integrations.airbyte.remote.replies import text
from toolkit.integrations.airbyte.yamltext import Json
from toolkit.masking import Masker
from toolkit.settings import AirbyteTarget

if TYPE_CHECKING:
    import httpx
    from airbyte_api.models import Security

REQUEST_SECONDS = 60.0
PATIENCE_SECONDS = 300.0
"""How long requests are repeated while the server is away or overloaded."""
_MAX_WAIT = 300.0
_FIRST_WAIT = 1.0
_SHOWN = 300
_NOT_ASKED = "What it should do cannot be told to it."
_NOT_KNOWN = "Whether it has done what it was asked is not known."
_NOT_DONE = "What it was asked for is not done."
NO_USE = "What came back cannot be used."
_TRANSIENT = frozenset({429, 500, 502, 503, 504})


class ServerError(ConnectorError):
    """The server did not do what it was asked.

    Attributes:
        status: of its reply; ``None`` when there was none.
        sent: whether the request may have reached it.
        retry_after: seconds that it asked us to wait.
        said: the server's own words, masked and shortened.
    """

    def __init__(
        self,
        fact: str,
        consequence: str = "",
        next_step: str = "",
        *,
        status: int | None = None,
        sent: bool = True,
        retry_after: float | None = None,
        said: str = "",
        repeatable: bool = False,
    ) -> None:
        super().__init__(fact, consequence, next_step)
        self.status = status
        self.sent = sent
        self.retry_after = retry_after
        self.said = said
        self.repeatable = repeatable

    @property
    def transient(self) -> bool:
        """Whether the same request may do better later."""
        return self.repeatable or self.status in _TRANSIENT


class Transport:
    """Requests to one server, by as many threads as like.

    Args:
        target: where it is and how to sign in.
        clock: tests put another in its place.
        cancel: set when the run must stop; waiting ends then.
        secrets: values that no message may hold.
        patience: seconds for which a reading request is repeated while the server is away.
        log: takes a line about each wait.

    Raises:
        SettingsError: the address is none.
    """

    def __init__(
        self,
        target: AirbyteTarget,
        *,
        clock: Clock | None = None,
        cancel: threading.Event | None = None,
        secrets: frozenset[str] = frozenset(),
        patience: float = PATIENCE_SECONDS,
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        import airbyte_api
        import httpx
        from airbyte_api import models

        self._target = target
        self.address = address_of(target.url)
        self._clock = clock or Clock()
        self._cancel = cancel or threading.Event()
        self._patience = patience
        self._log = log
        self._masker = Masker([*secrets, *target.secrets])
        self._http = httpx.Client(follow_redirects=False, timeout=REQUEST_SECONDS)
        self._lock = threading.Lock()
        self._token: str | None = None
        self._token_until = 0.0
        self._ahead = 0.0  # of the server's clock, seconds
        self._security = models.Security
        self._basic = models.SchemeBasicAuth
        self.sdk = airbyte_api.AirbyteAPI(
            security=self._sign_in, server_url=self.address.api, client=self._http
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def server_now(self) -> float:
        """The server's time, as far as its replies tell; seconds since the epoch."""
        return self._clock.now() + self._ahead

    def mask(self, words: str) -> str:
        """``words`` without secrets, tokens that the server gave us among them."""
        return self._masker.mask(words)

    # ---- requests ----

    def read(self, what: str, request: Callable[[], Any], *, again: bool = True) -> Json:
        """The JSON that a request gives which changes nothing; repeated while that may help.

        Args:
            what: is read, for messages.
            again: repeat it whatever goes wrong; else only when there were too many requests.

        Raises:
            ServerError: it cannot be had. Stopped: the run was interrupted.
        """
        began, attempt = self._clock.now(), 0
        while True:
            try:
                return self.once(what, request)
            except ServerError as error:
                useful = error.transient if again else error.status == HTTPStatus.TOO_MANY_REQUESTS
                if not useful or self._clock.now() - began > self._patience:
                    raise
                wait = self.pause(error, attempt)
                self._log(f"{error.fact} Asking again in {wait:.0f} s.")
                self._clock.wait(wait, self._cancel)
                attempt += 1

    def pause(self, error: ServerError, attempt: int, first: float = _FIRST_WAIT) -> float:
        """Seconds to wait after ``error``: what the server asks for, else more each time."""
        if error.retry_after is not None:
            return min(max(error.retry_after, 0.1), _MAX_WAIT)
        return float(min(first * 2.0**attempt, 30.0)) * self._clock.jitter()

    def once(self, what: str, request: Callable[[], Any]) -> Json:
        """The JSON that one request gives; a token that has expired is renewed once.

        Raises:
            ServerError: whatever else comes than JSON.
        """
        used = self._token
        try:
            return self._reply(what, self._send(what, request))
        except ServerError as error:
            if error.status != HTTPStatus.UNAUTHORIZED or self._target.client_id is None:
                raise
            with self._lock:
                if self._token == used or used is None:
                    self._token = None
        return self._reply(what, self._send(what, request))

    def configuration(self, path: str, body: Mapping[str, Any], *, seconds: float) -> Json:
        """Ask the configuration API, which the official client does not know.

        Raises:
            ServerError: it is not there, not allowed, or did not answer.
        """
        base = self.address.configuration_api
        if base is None:
            raise ServerError(
                f"The address of the configuration API of {self.host} is not known.",
                _NOT_ASKED,
                "Give `airbyte.<target>.url` in toolkit.yml as your own server has it: it ends in "
                "/api/public/v1.",
            )

        def ask() -> "httpx.Response":
            headers = {"Accept": "application/json", "Authorization": self._header()}
            if not headers["Authorization"]:
                del headers["Authorization"]
            url = f"{base}/{path}"
            return self._http.post(url, json=dict(body), headers=headers, timeout=seconds)

        return self.once(path, ask)

    @property
    def host(self) -> str:
        """The server as people call it."""
        return urlsplit(self.address.api).netloc

    def _send(self, what: str, request: Callable[[], Any]) -> "httpx.Response":
        """What one request brought back, whatever the official client thinks of it."""
        import httpx
        from airbyte_api.errors import AirbyteAPIError, NoResponseError

        try:
            given = request()
            reply: httpx.Response = getattr(given, "raw_response", given)
        except AirbyteAPIError as error:
            reply = error.raw_response
        except NoResponseError:
            raise self._lost(what, "it sent no reply", sent=True) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._lost(what, str(error) or "no connection", sent=False) from None
        except httpx.TimeoutException:
            raise self._lost(what, "it did not answer in time", sent=True) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._lost(what, str(error) or type(error).__name__, sent=True) from None
        self._note_time(reply)
        return reply

    def _lost(self, what: str, why: str, *, sent: bool) -> ServerError:
        certificate = "certificate" in why.casefold() or "ssl" in why.casefold()
        return ServerError(
            f"Airbyte at {self.host} cannot be reached ({what}): {self.mask(why)}.",
            _NOT_KNOWN if sent else _NOT_ASKED,
            "Set SSL_CERT_FILE to the certificates that sign this server's."
            if certificate
            else "Check `airbyte.<target>.url` in toolkit.yml and that the server is up.",
            sent=sent,
            repeatable=not certificate,
        )

    def _note_time(self, reply: "httpx.Response") -> None:
        try:
            at = parsedate_to_datetime(reply.headers.get("date", ""))
        except (TypeError, ValueError):
            return
        self._ahead = at.timestamp() - self._clock.now()

    def _reply(self, what: str, reply: "httpx.Response") -> Json:
        status = reply.status_code
        if not 200 <= status < 300:
            raise self._refusal(what, reply)
        if not reply.content.strip():
            return None
        try:
            return msgspec.json.decode(reply.content)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise self._no_api(what, "what came back is no JSON", status) from None

    def _refusal(self, what: str, reply: "httpx.Response") -> ServerError:
        status = reply.status_code
        if 300 <= status < 400:
            target = urlsplit(reply.headers.get("location", ""))
            place = f"{target.netloc}{target.path}" or "somewhere else"
            return self._no_api(what, f"it redirects to {self.mask(place)}", status)
        said = self._said(reply)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return self._not_allowed(what, status, said)
        return ServerError(
            f"Airbyte at {self.host} answered {status}{_phrase(status)} ({what})"
            + (f": {said}" if said else "."),
            _NOT_DONE,
            "Try again; if that is what it answers then, too, look into the server's log.",
            status=status,
            retry_after=self._retry_after(reply),
            said=said,
        )

    def _not_allowed(self, what: str, status: int, said: str) -> ServerError:
        words = f": {said}" if said else "."
        if status == HTTPStatus.FORBIDDEN:
            fact = f"Airbyte at {self.host} does not allow us to ask for this ({what}){words}"
            step = "Give the application (or user) the rights it needs in its workspaces."
        elif self._target.secrets:
            keys = "`client_id` and `client_secret`"
            if self._target.token:
                keys = "`token`"
            elif self._target.password:
                keys = "`username` and `password`"
            fact = f"Airbyte at {self.host} does not accept {keys}{words}"
            step = "Check their variables; an application may have been deleted, a token expired."
        else:
            fact = f"Airbyte at {self.host} wants us to sign in{words}"
            step = (
                "Create an application in its settings, and give `client_id` and `client_secret`."
            )
        return ServerError(fact, _NOT_DONE, step, status=status, said=said)

    def _no_api(self, what: str, why: str, status: int) -> ServerError:
        return ServerError(
            f"{self.address.api} is not Airbyte's API ({what}): {why}.",
            NO_USE,
            "Check `airbyte.<target>.url` in toolkit.yml: it ends in /api/public/v1 for "
            "a server of your own, and a sign-in page may stand before it.",
            status=status,
        )

    def _said(self, reply: "httpx.Response") -> str:
        """The server's own words, if they are words."""
        try:
            document = msgspec.json.decode(reply.content)
        except (msgspec.DecodeError, RecursionError):
            return ""
        words = (
            text(document, "detail") or text(document, "message") or text(document, "title") or ""
        )
        data = text(document, "data", "message")
        words = self.mask(" ".join(dict.fromkeys(part for part in (words, data or "") if part)))
        words = " ".join(words.split())
        return words if len(words) <= _SHOWN else words[:_SHOWN] + "..."

    def _retry_after(self, reply: "httpx.Response") -> float | None:
        value = reply.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return float(value[:9])
        try:
            at = parsedate_to_datetime(value).timestamp()
        except (TypeError, ValueError):
            return None
        return float(max(0.0, at - self.server_now()))

    # ---- signing in ----

    def _sign_in(self) -> "Security":
        """What the official client signs a request with; asked before each."""
        target = self._target
        if target.username is not None:
            basic = self._basic(username=target.username, password=target.password or "")
            return self._security(basic_auth=basic)
        token = self._bearer()
        return self._security(bearer_auth=token) if token else self._security()

    def _header(self) -> str:
        if self._target.username is not None:
            import httpx

            auth = httpx.BasicAuth(self._target.username, self._target.password or "")
            request = next(auth.auth_flow(httpx.Request("GET", self.address.api)))
            return str(request.headers["Authorization"])
        token = self._bearer()
        return f"Bearer {token}" if token else ""

    def _bearer(self) -> str | None:
        """The token in use; with client credentials one that is good for a while."""
        if self._target.client_id is None:
            return self._target.token
        with self._lock:
            if self._token is None or self._clock.now() > self._token_until - 30:
                self._token = self._new_token()
            return self._token

    def _new_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._target.client_id,
            "client_secret": self._target.client_secret,
        }
        what = "signing in"
        url = self.address.token
        headers = {"Accept": "application/json"}
        began, attempt = self._clock.now(), 0
        while True:
            try:
                given = self._send(what, lambda: self._http.post(url, data=form, headers=headers))
                reply = self._reply(what, given)
                break
            except ServerError as error:
                if error.status in (400, 401, 403):  # OAuth says 400 for unknown clients too
                    refused = self._not_allowed(what, 401, error.said)
                    refused.status = None  # it was no token that expired
                    raise refused from None
                if error.status == HTTPStatus.NOT_FOUND:
                    raise self._no_api(what, f"there is no {url}", error.status) from None
                if not error.transient or self._clock.now() - began > self._patience:
                    raise
                self._clock.wait(self.pause(error, attempt), self._cancel)
                attempt += 1
        token = text(reply, "access_token")
        if token is None:
            raise self._no_api(what, "its reply has no access_token", 200)
        seconds = reply.get("expires_in")
        good_for = float(seconds) if isinstance(seconds, int | float) else 180.0
        self._token_until = self._clock.now() + max(good_for, 60.0)
        self._masker = self._masker.with_values([token])
        return token


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
