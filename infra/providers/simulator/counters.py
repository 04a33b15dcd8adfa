"""What the stand-alone simulator counts of what it served, to compare usage reports with."""

from __future__ import annotations

from dataclasses import dataclass

from domain.usage import Usage


@dataclass(slots=True)
class Counters:
    """Sums since the start or the last reset.

    Args:
        calls: calls that were answered, at least in part, and those whose client left before that.
        aborted: the part of them whose client left before the end.
        failed: calls that were answered with an error or with nothing usable; no tokens are counted for them.
        input_tokens: of ``calls``.
        output_tokens: of ``calls``; of streams that ended early, what was handed to the connection until then.
        cached_tokens: of ``calls``, contained in the input.
        open: calls that are being answered now.
    """

    calls: int = 0
    aborted: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    open: int = 0

    def serve(self, usage: Usage) -> None:
        """Count a call and its input; its output is added as it leaves."""
        self.calls += 1
        self.input_tokens += usage.input_tokens
        self.cached_tokens += usage.cached_input_tokens

    def reset(self) -> None:
        """Begin anew; what is running stays counted as open."""
        self.calls = self.aborted = self.failed = 0
        self.input_tokens = self.output_tokens = self.cached_tokens = 0
