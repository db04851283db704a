"""A connector as an object: ``check``, ``discover`` and ``read`` over the Airbyte protocol."""

import contextlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.source.configuration import render_config
from toolkit.integrations.airbyte.source.environment import MANIFEST_KEY, package_of
from toolkit.integrations.airbyte.source.process import ConnectorProcess
from toolkit.integrations.airbyte.source.protocol import Catalog, Message
from toolkit.integrations.airbyte.yamltext import Json, parse, read_text
from toolkit.masking import Masker

_NO_LOG: Callable[[str], None] = lambda _: None  # noqa: E731 - a named default

# A line that begins like one of these must be readable: dropping it would lose data.
_MUST_DECODE = re.compile(rb'\s*\{.{0,40}?"type"\s*:\s*"(RECORD|STATE)"|\s*\{\s*"(record|state)"')


class Connector:
    """One connection's source, installed and configured.

    Args:
        connection: with a local source.
        log: takes each line for the run's log, already masked.
        cancel: set when the run must stop.
        masker: hides what must not be printed; the source's own secrets are added.
        command: how to start it; default: from its installed package.

    Raises:
        SettingsError: the configuration cannot be rendered.
        ConnectorError: the connector is not installed.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        log: Callable[[str], None] = _NO_LOG,
        cancel: threading.Event | None = None,
        masker: Masker | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self.connection = connection
        self._command = list(command) if command is not None else package_of(connection).command()
        rendered = render_config(connection)
        self.masker = (masker or Masker()).with_values(rendered.secrets)
        self._config = rendered.config
        if connection.source.manifest is not None:
            self._config[MANIFEST_KEY] = manifest_of(connection.source.manifest)
        self._write_log = log
        self._cancel = cancel or threading.Event()
        self.exit_code: int | None = None
        self.errors: list[str] = []

    def check(self) -> None:
        """Ask the connector whether it can reach its source with this configuration.

        Raises:
            ConnectorError: it cannot; with its own words, masked.
        """
        with contextlib.closing(self._messages("check", {"config": self._config})) as messages:
            answers = (message.connection_status for message in messages)
            status = next((answer for answer in answers if answer is not None), None)
        if status is None:
            raise self._failed("it ended without an answer")
        if status.status != "SUCCEEDED":
            raise self._failed(status.message or "it gives no reason")

    def discover(self) -> Catalog:
        """Ask the connector what streams its source has.

        Raises:
            ConnectorError: it failed; with its own words, masked.
        """
        with contextlib.closing(self._messages("discover", {"config": self._config})) as messages:
            found = next((m.catalog for m in messages if m.catalog is not None), None)
        if found is None:
            raise self._failed("it ended without a catalog")
        return found

    def read(self, catalog: Mapping[str, Any], state: Json) -> Generator[Message, None, None]:
        """Messages of one sync; :attr:`exit_code` is set when they end.

        Traced errors are given and not raised: a stream that was complete before stays so.
        """
        files: dict[str, Json] = {"config": self._config, "catalog": catalog}
        if state:
            files["state"] = state
        yield from self._messages("read", files, raise_traces=False)

    def log(self, text: str) -> None:
        """Write a line to the run's log, masked."""
        self._write_log(self.masker.mask(text))

    def _messages(
        self, verb: str, files: Mapping[str, Any], *, raise_traces: bool = True
    ) -> Generator[Message, None, None]:
        decoder = msgspec.json.Decoder(Message)
        trace: str | None = None
        with _private_files(files) as arguments:
            process = ConnectorProcess(
                [*self._command, verb, *arguments],
                name=f"The connector of {self.connection.name!r}",
                log=self.log,
                timeout=self.connection.timeout,
                cancel=self._cancel,
            )
            with process:
                for line in process.lines():
                    message = self._decode(decoder, line)
                    if message is None:
                        continue
                    if message.trace is not None and message.trace.error is not None:
                        trace = self._describe(message)
                    if message.log is not None:
                        self.log(f"{message.log.level} {message.log.message}")
                    else:
                        yield message
                self.exit_code = process.wait()
            if raise_traces and trace is not None:
                raise self._failed(trace)
            if raise_traces and self.exit_code:
                raise self._failed(self.exit_reason(process.last_errors))
            self.errors = list(process.last_errors)

    def exit_reason(self, errors: Sequence[str] | None = None) -> str:
        """Why it ended as it did, in one line."""
        last = next((line for line in reversed(errors or self.errors) if line.strip()), "")
        return f"it ended with exit code {self.exit_code}" + (f": {last.strip()}" if last else "")

    def _decode(self, decoder: "msgspec.json.Decoder[Message]", line: bytes) -> Message | None:
        try:
            return decoder.decode(line)
        except msgspec.MsgspecError as error:
            if not _MUST_DECODE.match(line):
                text = line.decode("utf-8", "replace").strip()
                if text:
                    self.log(text)
                return None
            try:
                return decoder.decode(_repaired(line))
            except (msgspec.MsgspecError, ValueError, RecursionError):
                reason = self.masker.mask(str(error))
                raise ConnectorError(
                    f"The connector of {self.connection.name!r} printed a message that cannot be "
                    f"read ({reason}): {self.masker.mask(_short(line))}",
                    "Going on would lose rows, so the sync was stopped.",
                    "Update the connector, or report this to its maintainers.",
                ) from error

    def _describe(self, message: Message) -> str:
        assert message.trace is not None
        error = message.trace.error
        assert error is not None
        for detail in (error.internal_message, error.stack_trace):
            if detail:
                self.log(f"ERROR {detail}")
        return error.message or error.internal_message or "it gives no reason"

    def describe_error(self, message: Message) -> str:
        """A traced error's message for people, masked; details go to the log."""
        return self.masker.mask(self._describe(message)).strip()

    def _failed(self, reason: str) -> ConnectorError:
        return ConnectorError(
            f"The connector of {self.connection.name!r} failed: "
            f"{self.masker.mask(reason).strip().rstrip('.')}.",
            f"Its configuration is in {self.connection.where('source')}.",
            f"Correct it, then run `toolkit connectors check {self.connection.name}` again.",
        )


def manifest_of(path: Path) -> Json:
    """A low-code source's manifest as plain values.

    Raises:
        ArtifactError: it cannot be read.
    """
    return parse(read_text(path), path).value


@contextlib.contextmanager
def _private_files(files: Mapping[str, Any]) -> Iterator[list[str]]:
    """Write each as JSON into a folder that only we can read; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="toolkit-"))  # mode 0700
    try:
        arguments: list[str] = []
        for name, value in files.items():
            path = folder / f"{name}.json"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(value, file)
            arguments += [f"--{name}", str(path)]
        yield arguments
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _repaired(line: bytes) -> bytes:
    """A line with what is no JSON, but is met, mended: half surrogate pairs, NaN, Infinity."""
    value = json.loads(line.decode("utf-8", "replace"), parse_constant=lambda _: None)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _short(line: bytes) -> str:
    """How the line begins, without a record's values: mappers may have to hide them."""
    head = line.partition(b'"data"')[0][:160]
    text = head.decode("utf-8", "replace")
    return f"{text}..." if len(line) > len(head) else text
