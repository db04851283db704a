"""A connector as an object: ``spec``, ``check``, ``discover`` and ``read`` over the protocol."""

import contextlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.source.configuration import render_config
from toolkit.integrations.airbyte.source.docker import Image
from toolkit.integrations.airbyte.source.environment import MANIFEST_KEY, package_of
from toolkit.integrations.airbyte.source.overlay import Change, ConfigOverlay
from toolkit.integrations.airbyte.source.passing import may_pass
from toolkit.integrations.airbyte.source.process import ConnectorProcess
from toolkit.integrations.airbyte.source.protocol import Catalog, Control, Message
from toolkit.integrations.airbyte.source.specification import SpecCache, mistakes_in, secrets_by
from toolkit.integrations.airbyte.yamltext import Json, parse, read_text
from toolkit.masking import Masker, is_secret_key, secret_values

_NO_LOG: Callable[[str], None] = lambda _: None  # noqa: E731 - a named default

# A line that begins like one of these must be readable: dropping it would lose data.
_CONTROL = re.compile(rb'"type"\s*:\s*"CONTROL"|"control"\s*:')
_MUST_DECODE = re.compile(rb'\s*\{.{0,40}?"type"\s*:\s*"(RECORD|STATE)"|\s*\{\s*"(record|state)"')


class Connector:
    """One connection's source, installed and configured.

    Args:
        connection: with a local source.
        log: takes each line for the run's log, already masked.
        cancel: set when the run must stop.
        masker: hides what must not be printed; the source's own secrets are added.
        overlay: where a configuration that the connector changes itself is kept; without one
            the change is lost, and :attr:`warnings` say so.

    Attributes:
        warnings: what a person should know although it worked.
        errors: last lines of standard error.

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
        overlay: ConfigOverlay | None = None,
    ) -> None:
        self.connection = connection
        self._package = package_of(connection)
        self._package.launch("spec", (), Path())  # fails early where it is not installed
        rendered = render_config(connection)
        self.masker = (masker or Masker()).with_values(rendered.secrets)
        self._given, self._config = rendered.config, rendered.config
        self._overlay = overlay
        self._schema: dict[str, Any] = {}
        self.warnings: list[str] = []
        if overlay is not None:
            self._config, changes = overlay.apply(rendered.config)
            self._hide(changes)
        self._write_log = log
        self._cancel = cancel or threading.Event()
        self.exit_code: int | None = None
        self.errors: list[str] = []

    def specify(self, cache: SpecCache) -> list[str]:
        """Learn from the connector's specification what of its configuration is secret.

        Asks the connector itself once for each version.

        Returns:
            What in the configuration does not fit it, for people, masked.

        Raises:
            ConnectorError: the connector gives none.
        """
        schema = cache.get(self.connection)
        if self.connection.source.manifest is not None:
            spec = manifest_of(self.connection.source.manifest).get("spec") or {}
            schema = spec.get("connection_specification") or {}
        elif schema is None:
            schema = self._ask_specification()
            cache.put(self.connection, schema)
        self._schema = schema
        self.masker = self.masker.with_values(
            [*secrets_by(schema, self._given), *secrets_by(schema, self._config)]
        )
        found = mistakes_in(self._config, schema, self.connection)
        return [self.masker.mask(text) for text in dict.fromkeys(found)]

    def _ask_specification(self) -> dict[str, Any]:
        with contextlib.closing(self._messages("spec", {})) as messages:
            found = next((m.spec for m in messages if m.spec is not None), None)
        if found is None:
            raise self._failed("it ended without a specification")
        return found.connection_specification

    def check(self) -> None:
        """Ask the connector whether it can reach its source with this configuration.

        Raises:
            ConnectorError: it cannot; with its own words, masked.
        """
        with contextlib.closing(self._messages("check", {"config": self._full()})) as messages:
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
        with contextlib.closing(self._messages("discover", {"config": self._full()})) as messages:
            found = next((m.catalog for m in messages if m.catalog is not None), None)
        if found is None:
            raise self._failed("it ended without a catalog")
        return found

    def read(self, catalog: Mapping[str, Any], state: Json) -> Generator[Message, None, None]:
        """Messages of one sync; :attr:`exit_code` is set when they end.

        Traced errors are given and not raised: a stream that was complete before stays so.
        """
        files: dict[str, Json] = {"config": self._full(), "catalog": catalog}
        if state:
            files["state"] = state
        yield from self._messages("read", files, raise_traces=False)

    def log(self, text: str) -> None:
        """Write a line to the run's log, masked."""
        self._write_log(self.masker.mask(text))

    def _full(self) -> dict[str, Json]:
        manifest = self.connection.source.manifest
        injected = {} if manifest is None else {MANIFEST_KEY: manifest_of(manifest)}
        return {**self._config, **injected}

    def _messages(
        self, verb: str, files: Mapping[str, Any], *, raise_traces: bool = True
    ) -> Generator[Message, None, None]:
        decoder = msgspec.json.Decoder(Message)
        trace: str | None = None
        passes = False
        mode = 0o644 if isinstance(self._package, Image) else 0o600
        with _private_files(files, mode=mode) as folder:
            launch = self._package.launch(verb, list(files), folder)
            process = ConnectorProcess(
                launch.command,
                stop=launch.stop,
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
                        passes = may_pass(trace, message.trace.error.failure_type)
                    if message.log is not None:
                        self.log(f"{message.log.level} {message.log.message}")
                    elif message.control is not None:
                        self._control(message.control)
                    else:
                        yield message
                self.exit_code = process.wait()
            if raise_traces and trace is not None:
                raise self._failed(trace, passes=passes)
            if raise_traces and self.exit_code:
                said = "\n".join(process.last_errors)
                reason = self.exit_reason(process.last_errors)
                raise self._failed(reason, passes=may_pass(said))
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
                if _CONTROL.search(line):
                    text = "a CONTROL message that cannot be read (not shown: it may hold secrets)"
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

    def _control(self, control: Control) -> None:
        """Keep a configuration that the connector has changed (a rotated token)."""
        if control.connector_config is None:
            self.log(f"CONTROL {control.type}")
            return
        wanted = {k: v for k, v in control.connector_config.config.items() if k != MANIFEST_KEY}
        self.masker = self.masker.with_values(
            [*secret_values(wanted), *secrets_by(self._schema, wanted)]
        )
        self._config = wanted
        trouble = "this is not a sync of a project's target"
        if self._overlay is not None:
            try:
                changes = self._overlay.keep(self._given, wanted)
            except OSError as error:
                trouble = f"{self._overlay.path} cannot be written: {error.strerror}"
            else:
                self._hide(changes)
                names = ", ".join(change.name for change in changes) or "nothing"
                self.log(f"CONTROL the connector changed its configuration ({names}); it is kept")
                return
        self.warnings.append(
            "the connector gave a new configuration (a rotated token, perhaps), which is not kept "
            f"({trouble}): renew the secret by hand if the next sync cannot sign in"
        )

    def _hide(self, changes: Iterable[Change]) -> None:
        """Mask what took the place of a secret, whatever its key is called."""
        values = set()
        for change in changes:
            inside = any(map(is_secret_key, change.path))
            values |= set(secret_values({"": change.value}, inside=inside))
            old: Json = self._given
            for key in change.path:
                old = old.get(key) if isinstance(old, Mapping) else None
            if isinstance(old, str) and self.masker.mask(old) != old:
                values |= set(secret_values({"": change.value}, inside=True))
        self.masker = self.masker.with_values(values)

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

    def _failed(self, reason: str, *, passes: bool = False) -> ConnectorError:
        error = ConnectorError(
            f"The connector of {self.connection.name!r} failed: "
            f"{self.masker.mask(reason).strip().rstrip('.')}.",
            f"Its configuration is in {self.connection.where('source')}.",
            f"Correct it, then run `toolkit connectors check {self.connection.name}` again.",
        )
        error.may_pass = passes
        return error


def manifest_of(path: Path) -> Json:
    """A low-code source's manifest as plain values.

    Raises:
        ArtifactError: it cannot be read.
    """
    return parse(read_text(path), path).value


@contextlib.contextmanager
def _private_files(files: Mapping[str, Any], *, mode: int) -> Iterator[Path]:
    """Write each as JSON into a folder below one that only we can read; gone afterwards.

    Args:
        mode: of the files. A container's user is another one, to whom the *inner* folder is
            mounted; the outer one keeps everybody else out.
    """
    outer = Path(tempfile.mkdtemp(prefix="toolkit-"))  # mode 0700
    try:
        folder = outer / "files"
        folder.mkdir()
        folder.chmod(0o755)
        for name, value in files.items():
            path = folder / f"{name}.json"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            os.fchmod(descriptor, mode)  # whatever the umask is
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(value, file)
        yield folder
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def _repaired(line: bytes) -> bytes:
    """A line with what is no JSON, but is met, mended: half surrogate pairs, NaN, Infinity."""
    value = json.loads(line.decode("utf-8", "replace"), parse_constant=lambda _: None)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _short(line: bytes) -> str:
    """How the line begins, without a record's values: mappers may have to hide them."""
    head = line.partition(b'"data"')[0][:160]
    text = head.decode("utf-8", "replace")
    return f"{text}..." if len(line) > len(head) else text
