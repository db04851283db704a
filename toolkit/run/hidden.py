"""Events without secrets: nobody hears of a value that must not be printed."""

from collections.abc import Callable, Iterable

import msgspec

from toolkit.integrations.base import Made, StepEvent, StepFinished, StepProgress
from toolkit.masking import Masker


def hiding(
    emit: Callable[[StepEvent], None], secrets: Iterable[str]
) -> Callable[[StepEvent], None]:
    """``emit`` for events whose words are masked first: what dbt or an asset says is theirs."""
    masker = Masker(secrets)

    def hidden(event: StepEvent) -> None:
        if not masker.values:  # a function may tell one at any time
            emit(event)
            return
        if isinstance(event, StepProgress | StepFinished):
            event = msgspec.structs.replace(event, message=masker.mask(event.message))
        if isinstance(event, StepFinished):
            response = masker.mask_strings(msgspec.to_builtins(event.adapter_response))
            assert isinstance(response, dict)
            made = tuple(_without(masker, item) for item in event.made)
            event = msgspec.structs.replace(event, adapter_response=response, made=made)
        emit(event)

    return hidden


def _without(masker: Masker, made: Made) -> Made:
    metadata = masker.mask_strings(msgspec.to_builtins(made.metadata))
    assert isinstance(metadata, dict)
    return msgspec.structs.replace(made, metadata=metadata)
