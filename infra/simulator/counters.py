"""Counters of the standalone server, to compare usage reports with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from domain.usage import Usage

_KEPT_ON_RESET = frozenset({"open", "operations"})
_OTHER_NAMES = {"cached_tokens": "cached_input_tokens"}


@dataclass(slots=True)
class Counters:
    """Sums since the start or the last reset. Quantities are named as in ``Usage`` but for ``cached_tokens``.

    Args:
        calls: answered, at least in part, or abandoned by the client before that.
        aborted: calls whose client disconnected before the end.
        failed: not in ``calls``: answered with an error or an invalid answer; nothing else is counted for them.
        output_tokens: of streams that ended early only those sent until then.
        open: calls in progress.
        operations: ``calls`` by operation, the path below ``/v1/``.
    """

    calls: int = 0
    aborted: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0
    characters: int = 0
    audio_milliseconds: int = 0
    images: int = 0
    open: int = 0
    operations: dict[str, int] = field(default_factory=dict)

    def begin(self, operation: str, begun: Usage) -> None:
        """Count a call and the usage that counts from its begin on."""
        self.calls += 1
        self.operations[operation] = self.operations.get(operation, 0) + 1
        self.add(begun)

    def add(self, usage: Usage, sign: int = 1) -> None:
        """Add quantities, or subtract them with ``sign=-1``."""
        for each in fields(self):
            quantity = getattr(usage, _OTHER_NAMES.get(each.name, each.name), 0)
            if quantity:
                setattr(self, each.name, getattr(self, each.name) + sign * quantity)

    def reset(self) -> None:
        """Set everything to 0 but calls in progress."""
        for each in fields(self):
            if each.name not in _KEPT_ON_RESET:
                setattr(self, each.name, 0)
        self.operations.clear()
