"""The garbage collector, kept out of the way while syntax trees are made.

Trees are full of cycles and short-lived; the collector walks everything that was loaded
before again and again to find none of it dead. Without it a pass takes 0.6 of the time. So
that memory does not grow with the project, young objects are collected now and then.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 16


@contextmanager
def quiet_collector() -> Iterator[Callable[[], None]]:
    """No collection inside, except when the yielded function has been called often enough."""
    was_enabled = gc.isenabled()
    freeze = was_enabled and gc.get_freeze_count() == 0
    calls = 0

    def breathe() -> None:
        nonlocal calls
        calls += 1
        if calls % EVERY == 0:
            gc.collect(1)

    gc.disable()
    if freeze:
        gc.freeze()
    try:
        yield breathe
    finally:
        if freeze:
            gc.unfreeze()
        if was_enabled:
            gc.enable()
