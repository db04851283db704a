"""How much may be worked out for one folder: its expressions are programs, and some never end."""

from collections.abc import Mapping

from toolkit.integrations.airbyte.readers.terraform.values import TooMuch, Value

# A folder with thousands of streams needs some hundred thousand; a million takes some 2 s.
_MOST_STEPS = 2_000_000

# Values in one value, 16 characters of a text counted as one more.
_MOST_VALUES = 2_000_000


class Budget:
    """What is left for the expressions of one folder and its modules."""

    def __init__(self) -> None:
        self._steps = 0
        # With the value itself, so that its id stays its own.
        self._weights: dict[int, tuple[Value, int]] = {}

    def step(self) -> None:
        """One more expression.

        Raises:
            TooMuch: there were too many.
        """
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TooMuch

    def weigh(self, value: Value) -> None:
        """Look at how large a value is, all that it holds written out.

        Raises:
            TooMuch: it is too large.
        """
        if self._weight(value) > _MOST_VALUES:
            raise TooMuch

    def _weight(self, value: Value) -> int:
        if isinstance(value, str):
            return 1 + len(value) // 16
        if not isinstance(value, list | Mapping):
            return 1
        known = self._weights.get(id(value))
        if known is not None:
            return known[1]
        inner = value.values() if isinstance(value, Mapping) else value
        weight = 1 + sum(map(self._weight, inner))
        self._weights[id(value)] = (value, weight)
        return weight
