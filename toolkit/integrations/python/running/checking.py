"""What a check gave: a bool, a CheckResult or failing rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.definitions import CheckResult
from toolkit.integrations.python.running.capture import TakesText
from toolkit.integrations.python.running.output import described, table_form

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE = 20
_MOST_METADATA = 20_000  # bytes


class Verdict(msgspec.Struct, frozen=True):
    """How a check ended: with ``failures`` rows (or 1, where none were counted).

    Attributes:
        only_warns: it did not pass, and is a warning whatever the check's severity.
        metadata: what the check found worth keeping; JSON.
    """

    passed: bool
    failures: int
    message: str
    only_warns: bool = False
    metadata: Mapping[str, Any] = {}

    @property
    def response(self) -> dict[str, Any]:
        """What results and ledger keep of it beside the message."""
        return {"metadata": dict(self.metadata)} if self.metadata else {}


def judge(value: object, log: TakesText) -> Verdict:
    """Understand what a check function returned; the first failing rows go to its log.

    Raises:
        AssetFailedError: it is nothing that a check may return.
    """
    if isinstance(value, CheckResult):
        if not _is_bool(value.passed):
            raise _no_verdict(f"a CheckResult whose passed is {value.passed!r}")
        passed = bool(value.passed)
        metadata = _kept(value.metadata)
        if metadata:
            log.write(f"metadata: {dict(value.metadata)!r}\n")
        failures = value.failures if value.failures is not None else int(not passed)
        return Verdict(passed, failures, value.message, metadata=metadata)
    if _is_bool(value):
        return Verdict(bool(value), int(not value), "")
    if _is_arrow_bool(value):
        return judge(value.as_py(), log)  # type: ignore[attr-defined]  # a pyarrow scalar
    form = table_form(value)
    if form is None or form == "path":
        raise _no_verdict(described(value))
    rows = _arrow(value, form)
    count = int(rows.num_rows)
    if count:
        log.write(f"{count} failing rows, of which the first:\n")
        for row in rows.slice(0, _SAMPLE).to_pylist():
            log.write(f"{row!r}\n")
    return Verdict(count == 0, count, f"{count} failing rows" if count else "")


def _is_bool(value: object) -> bool:
    # numpy.bool_ is what `(frame.x > 0).all()` gives; it is no subclass of bool.
    return isinstance(value, bool) or (
        type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_")
    )


def _is_arrow_bool(value: object) -> bool:
    """What ``pyarrow.compute.all(...)`` gives; of no rows at all it is null."""
    return type(value).__module__ == "pyarrow.lib" and type(value).__name__ == "BooleanScalar"


def _kept(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as JSON has it: numpy's numbers are numbers, what else it does not know is text."""
    if not isinstance(metadata, Mapping):
        raise _no_verdict(f"a CheckResult whose metadata is {described(metadata)}")
    found = msgspec.to_builtins(dict(metadata), str_keys=True, enc_hook=_as_json)
    size = len(msgspec.json.encode(found))
    if size > _MOST_METADATA:
        return {"left_out": f"{size:,} bytes of metadata; the log has them"}
    return dict(found)


def _as_json(value: Any) -> Any:  # noqa: ANN401  # whatever the user keeps
    item = getattr(value, "item", None)
    found = item() if callable(item) and getattr(value, "ndim", 0) == 0 else value
    return found if isinstance(found, bool | int | float | str) else str(found)


def _no_verdict(what: str) -> AssetFailedError:
    return AssetFailedError(
        f"It returned {what}, which says neither that it passed nor that it failed.",
        "The check counts as not run.",
        "Return a bool, a CheckResult, or a table of failing rows.",
    )


def _arrow(value: Any, form: str) -> "pa.Table":  # noqa: ANN401  # one of the forms
    import pyarrow as pa

    if form == "relation":
        return value.to_arrow_table()
    if form == "reader":
        return value.read_all()
    if form == "pandas":
        return pa.Table.from_pandas(value, preserve_index=False)
    if form == "polars":
        return value.to_arrow()
    return cast("pa.Table", value)
