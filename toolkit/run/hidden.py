"""Events without secrets: nobody hears of a value that must not be printed."""

from collections.abc import Callable, Iterable

import msgspec

from toolkit.integrations.base import StepEvent, StepFinished, StepProgress
from toolkit.masking import Masker


def hiding(
    emit: Callable[[StepEvent], None], secrets: Iterable[str]
) -> Callable[[StepEvent], None]:
    """``emit`` for events whose words are masked first: what dbt or an asset says is theirs."""
    masker = Masker(secrets)
    if not masker.values:
        return emit

    def hidden(event: StepEvent) -> None:
        if isinstance(event, StepProgress | StepFinished):
            event = msgspec.structs.replace(event, message=masker.mask(event.message))
        if isinstance(event, StepFinished):
            response = masker.mask_strings(msgspec.to_builtins(event.adapter_response))
            assert isinstance(response, dict)
            event = msgspec.structs.replace(event, adapter_response=response)
        emit(event)

    return hidden
