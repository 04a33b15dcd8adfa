"""What the stand-alone simulator counts of what it served, to compare usage reports with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from domain.usage import Usage

_KEPT_ON_RESET = frozenset({"open", "operations"})


@dataclass(slots=True)
class Counters:
    """Sums since the start or the last reset.

    Args:
        calls: calls that were answered, at least in part, and those whose client left before that.
        aborted: the part of them whose client left before the end.
        failed: calls that were answered with an error or with nothing usable; nothing else is counted for them.
        input_tokens: of ``calls``.
        output_tokens: of ``calls``; of streams that ended early, what was handed to the connection until then.
        cached_tokens: of ``calls``, contained in the input.
        reasoning_tokens: of ``calls``, contained in the output.
        audio_input_tokens: of ``calls``, contained in the input.
        audio_output_tokens: of ``calls``, contained in the output.
        image_input_tokens: of ``calls``, contained in the input.
        image_output_tokens: of ``calls``, contained in the output.
        characters: made into speech, also where the client left.
        audio_milliseconds: length of audio that was transcribed, also where the client left.
        images: made, also where the client left.
        open: calls that are being answered now.
        operations: how many of ``calls`` each operation had, by its path below ``/v1/``.
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
        """Count a call, and what counts of it from its beginning."""
        self.calls += 1
        self.operations[operation] = self.operations.get(operation, 0) + 1
        self.add(begun)

    def add(self, usage: Usage, sign: int = 1) -> None:
        """Add quantities; with ``sign=-1`` take them back."""
        self.input_tokens += sign * usage.input_tokens
        self.output_tokens += sign * usage.output_tokens
        self.cached_tokens += sign * usage.cached_input_tokens
        self.reasoning_tokens += sign * usage.reasoning_tokens
        self.audio_input_tokens += sign * usage.audio_input_tokens
        self.audio_output_tokens += sign * usage.audio_output_tokens
        self.image_input_tokens += sign * usage.image_input_tokens
        self.image_output_tokens += sign * usage.image_output_tokens
        self.characters += sign * usage.characters
        self.audio_milliseconds += sign * usage.audio_milliseconds
        self.images += sign * usage.images

    def reset(self) -> None:
        """Begin anew; what is running stays counted as open."""
        for each in fields(self):
            if each.name not in _KEPT_ON_RESET:
                setattr(self, each.name, 0)
        self.operations.clear()
