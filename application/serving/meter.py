"""From the usage that an upstream reported, or did not, to the quantities of the ledger line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from application.serving.use_case import UseCase, no_output_estimate
from domain.attempt import Attempt
from domain.call import Call
from domain.estimates import REASONING_TOKENS_PER_SECOND, audio_input_tokens, may_reason, output_ceiling
from domain.operation import Endpoint
from domain.usage import AudioLength, MeasureAudio, Usage, UsageSource

_TEXTS = frozenset({Endpoint.CHAT_COMPLETIONS, Endpoint.COMPLETIONS, Endpoint.RESPONSES})
"""Endpoints whose output is limited by the request or by the model."""


def counted(reported: Usage | None) -> bool:
    """Return whether an upstream counted tokens: zeros on both sides of a call do not count anything."""
    return reported is not None and bool(reported.input_tokens or reported.output_tokens)


class Meter:
    """Measures one call, when it ends.

    Args:
        use_case: what was asked for.
        call: the call.
        attempt: the request to the upstream.
        length_ms: measures uploaded audio.
    """

    __slots__ = ("_attempt", "_call", "_document", "_length", "_length_ms", "_use_case")

    def __init__(self, use_case: UseCase, call: Call, attempt: Attempt, length_ms: MeasureAudio) -> None:
        self._length_ms = length_ms
        self._use_case = use_case
        self._call = call
        self._attempt = attempt
        self._document = attempt.document
        self._length: AudioLength | None = None

    async def measure(self, reported: Usage | None) -> None:
        """Take the length of uploaded audio in a thread, unless the upstream reported it.

        Only for use cases that measure. If the caller disconnects meanwhile the length is taken all the same, so that
        the call can be settled; if even that is cancelled, the length is the one estimated from the size.

        Raises:
            asyncio.CancelledError: the caller disconnected.
        """
        use_case, call = self._use_case, self._call
        if reported is not None and reported.audio_milliseconds:
            return
        if use_case.measure is None or use_case.estimate_duration is None:
            return
        self._length = use_case.estimate_duration(call)
        work = asyncio.ensure_future(asyncio.to_thread(use_case.measure, call, self._length_ms))
        try:
            self._length = await asyncio.shield(work)
        except asyncio.CancelledError:
            self._length = await asyncio.shield(work)
            raise

    def complete(
        self, reported: Usage | None, body: bytes, delivered: Callable[[], int] | None
    ) -> tuple[Usage, UsageSource]:
        """Return the quantities of a complete answer, and how they came about.

        Args:
            reported: by the upstream.
            body: of an answer that is not streamed.
            delivered: counts the tokens of a streamed answer, by rule of thumb.
        """
        source = UsageSource.MEASURED if self._is_exact(reported) else UsageSource.ESTIMATED
        usage = reported or Usage()
        if self._tokens_matter():
            usage = self._filled_in(usage, body, delivered)
            if usage != reported:
                source = UsageSource.ESTIMATED
        return self._adjusted(usage, complete=reported is not None), source

    def cut_short(self, reported: Usage | None, delivered: Callable[[], int] | None) -> Usage:
        """Return what an upstream did for a call that was interrupted.

        Nothing if the request was not sent as a whole, or refused. The prompt, if the caller did not wait for the
        response to begin: whether the upstream did more is not known, and part of the exposure (:meth:`most`). What it
        made, if it had begun to answer or had all the time it may take: speech and images in full, and of a model that
        reasons as many hidden tokens as it had time for.

        Args:
            reported: by the upstream so far.
            delivered: counts the tokens that arrived, by rule of thumb.
        """
        attempt = self._attempt
        if not attempt.may_have_worked or (self._call.background and not counted(reported)):
            return Usage()
        if not attempt.answered and not attempt.timed_out:
            if not self._tokens_matter():
                return Usage()
            return replace(self._filled_in(Usage(), None, None), output_tokens=0, audio_output_tokens=0)
        usage = reported or Usage()
        if self._tokens_matter():
            usage = self._filled_in(usage, None, delivered)
            if reported is None or not reported.output_tokens:
                hidden = self._hidden() - usage.output_tokens
                if hidden > 0:
                    usage = usage.plus(Usage(output_tokens=hidden, reasoning_tokens=hidden))
        return self._adjusted(usage, complete=False)

    def _hidden(self) -> int:
        """Return the tokens that a model can have written in the time of the attempt; 0 if it does not reason."""
        attempt, parameters = self._attempt, self._document.parameters
        if not attempt.answered:
            return 0
        names = (self._document.code, parameters.model or "", parameters.deployment_name or "")
        if attempt.ended is None or self._call.endpoint not in _TEXTS or not may_reason(names, self._call.fields):
            return 0
        return min(round((attempt.ended - attempt.started) * REASONING_TOKENS_PER_SECOND), self._ceiling())

    def most(self, usage: Usage) -> Usage:
        """Return the most that an upstream may charge for an answer that did not arrive completely.

        Args:
            usage: what it did for certain.
        """
        if self._length is None and self._use_case.estimate_duration is not None:
            self._length = self._use_case.estimate_duration(self._call)
        if not self._tokens_matter():
            return self._adjusted(usage, complete=False)
        if not usage.input_tokens:
            usage = usage.plus(self._filled_in(Usage(output_tokens=usage.output_tokens), None, None))
        if self._call.endpoint in _TEXTS:
            usage = replace(usage, output_tokens=max(usage.output_tokens, self._ceiling()))
        return self._adjusted(usage, complete=False)

    def _ceiling(self) -> int:
        document = self._document
        return output_ceiling(self._call.fields, document.parameters.defaults, document.max_output_tokens)

    def _filled_in(self, usage: Usage, body: bytes | None, delivered: Callable[[], int] | None) -> Usage:
        """Add an estimate of either side of the call of which the upstream counted no token."""
        use_case, call = self._use_case, self._call
        sent, received = bool(usage.input_tokens), bool(usage.output_tokens)
        if not received and delivered is not None:
            usage = usage.plus(Usage(output_tokens=delivered()))
        if not received and body is not None and use_case.estimate_output is not no_output_estimate:
            usage = usage.plus(use_case.estimate_output(call, body))
        if not sent:
            estimate = use_case.estimate_input(call).plus(self._audio_input(usage))
            usage = usage.plus(replace(estimate, output_tokens=0, audio_output_tokens=0) if received else estimate)
        return usage

    def _adjusted(self, usage: Usage, *, complete: bool) -> Usage:
        if self._length is not None and not usage.audio_milliseconds:
            usage = replace(usage, audio_milliseconds=self._length.milliseconds)
        adjust = self._use_case.adjust_usage
        return usage if adjust is None else adjust(self._call, usage, complete)

    def _audio_input(self, reported: Usage) -> Usage:
        """Estimate the tokens of uploaded audio."""
        measured = 0 if self._length is None else self._length.milliseconds
        tokens = audio_input_tokens(reported.audio_milliseconds or measured)
        return Usage(input_tokens=tokens, audio_input_tokens=tokens)

    def _is_exact(self, reported: Usage | None) -> bool:
        """Return whether what is charged, as far as it is audio, was measured: by its tokens, or by its length."""
        if self._length is None or self._length.exact:
            return True
        return counted(reported) and not self._unit_has_price()

    def _unit_has_price(self) -> bool:
        unit = self._use_case.unit
        return unit is not None and self._document.prices[unit] is not None

    def _tokens_matter(self) -> bool:
        """Return whether tokens that the upstream did not report must be estimated.

        Not where the unit is charged; nor where nothing is priced: then the unit must be named as unpriced.
        """
        if self._use_case.unit is None:
            return True
        return not self._unit_has_price() and bool(self._document.prices.per_token)
