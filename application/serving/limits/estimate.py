"""Estimate what a call will use and cost, before it is made, by rule of thumb."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from application.serving.use_case import UseCase
from domain.call import Call
from domain.estimates import audio_input_tokens
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.pricing import PriceList, cost_of
from domain.usage import Usage

SHORT_BODY = 32 * 1024
"""Bytes of a body up to which a token is taken for four of them, the quotation marks and names of JSON included."""
LONG_BODY = 256 * 1024
"""Bytes from which on a body is not looked at for an estimate: that would hold up other calls."""
USUAL_OUTPUT = 4096
"""Output tokens reserved where neither the request, nor calls before, nor the document tell."""
USUAL_WINDOW = 200_000
IMAGE_OUTPUT = 6240
"""Tokens reserved for an image that is priced by tokens: what OpenAI's guide gives for the largest of high quality."""

TEXTS = frozenset({Endpoint.CHAT_COMPLETIONS, Endpoint.COMPLETIONS, Endpoint.RESPONSES, Endpoint.EMBEDDINGS})
_CEILINGS = ("max_completion_tokens", "max_tokens", "max_output_tokens")


@dataclass(slots=True)
class Estimate:
    """Expected use and cost of a call.

    Args:
        input_tokens: of all that goes in.
        output_tokens: of all that comes out.
        costs: by currency, in 10^-12 currency units: the dearest of the deployments that may serve it.
    """

    input_tokens: int
    output_tokens: int
    costs: dict[str, int]

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.input_tokens + self.output_tokens


class HighestPrices:
    """The highest price of a token in and out, by document, worked out once for each."""

    def __init__(self) -> None:
        self._known: dict[ModelDocument, tuple[int | Fraction, int | Fraction]] = {}

    def __call__(self, document: ModelDocument) -> tuple[int | Fraction, int | Fraction]:
        """Return what a token costs at most, in and out, in 10^-12 currency units."""
        found = self._known.get(document)
        if found is None:
            if len(self._known) > 10_000:  # noqa: PLR2004 - documents that were replaced are forgotten
                self._known.clear()
            prices = document.prices.per_token
            names = ("input", "cached_input", "cache_write", "audio_input", "image_input")
            sent = max((prices[name] for name in names if name in prices), default=0)
            received = max(
                (prices[name] for name in ("output", "audio_output", "image_output") if name in prices), default=0
            )
            found = self._known[document] = (sent, received)
        return found


def likely(
    use_case: UseCase,
    call: Call,
    candidates: Sequence[ModelDocument],
    usual: Callable[[], int | None],
    highest: HighestPrices,
) -> Estimate:
    """Estimate a call.

    Args:
        use_case: what is asked for.
        call: the call.
        candidates: the deployments that may serve it.
        usual: returns the output tokens that such calls rarely exceed; None if too few were made.
        highest: prices.
    """
    if call.endpoint not in TEXTS:
        return _other(use_case, call, candidates, usual())
    sent = _likely_input(use_case, call, candidates)
    received = 0
    if call.endpoint is not Endpoint.EMBEDDINGS:
        received = ceiling_of(call, candidates[0])
        if received:
            received *= choices_of(call)
        else:
            received = usual() or candidates[0].max_output_tokens or USUAL_OUTPUT
    return Estimate(sent, received, costs_of(sent, received, candidates, highest))


def costs_of(sent: int, received: int, candidates: Sequence[ModelDocument], highest: HighestPrices) -> dict[str, int]:
    """Return the cost of tokens by currency, at the dearest deployment of each."""
    costs: dict[str, int] = {}
    for document in candidates:
        price_in, price_out = highest(document)
        cost = sent * price_in + received * price_out
        if not isinstance(cost, int):
            cost = -(-cost.numerator // cost.denominator)
        currency = document.prices.currency
        if cost > costs.get(currency, -1):
            costs[currency] = cost
    return costs


def _likely_input(use_case: UseCase, call: Call, candidates: Sequence[ModelDocument]) -> int:
    size = sum(map(len, call.fields.values()))
    if size <= SHORT_BODY:
        return size // 4
    if size <= LONG_BODY:
        return use_case.estimate_input(call).input_tokens
    windows = [document.context_window or USUAL_WINDOW for document in candidates]
    return min(size // 4, max(windows))


def ceiling_of(call: Call, document: ModelDocument) -> int:
    """Return the most output tokens that the request, or else the document's defaults, ask for; 0 if none is named."""
    fields = call.fields
    ceiling = 0
    for name in _CEILINGS:
        raw = fields.get(name)
        if raw is not None:
            text = bytes(raw)
            if text.isdigit() and len(text) < 16:  # noqa: PLR2004 - beyond it no model writes
                ceiling = max(ceiling, int(text))
    if not ceiling and document.parameters.defaults:
        found = [document.parameters.defaults.get(name) for name in _CEILINGS]
        ceiling = max((number for number in found if isinstance(number, int)), default=0)
    return ceiling


def choices_of(call: Call) -> int:
    """Return how many answers are made."""
    found = 1
    for name in ("n", "best_of"):
        raw = call.fields.get(name)
        if raw is not None:
            text = bytes(raw)
            if text.isdigit() and len(text) < 6:  # noqa: PLR2004 - no API makes as many
                found = max(found, int(text))
    return found


def _other(use_case: UseCase, call: Call, candidates: Sequence[ModelDocument], usual: int | None) -> Estimate:
    """Estimate speech, transcripts and images."""
    usage = use_case.estimate_input(call)
    if use_case.estimate_duration is not None:
        milliseconds = use_case.estimate_duration(call).milliseconds
        heard = audio_input_tokens(milliseconds)
        usage = usage.plus(
            Usage(
                input_tokens=heard,
                output_tokens=usual or heard,
                audio_milliseconds=milliseconds,
                audio_input_tokens=heard,
            )
        )
    if use_case.adjust_usage is not None:
        usage = use_case.adjust_usage(call, usage, False)  # noqa: FBT003 - see UseCase
    if usage.images and not usage.output_tokens:
        made = usual or usage.images * IMAGE_OUTPUT
        usage = replace(usage, output_tokens=made, image_output_tokens=made)
    return _dearest(usage, candidates)


def _dearest(usage: Usage, candidates: Sequence[ModelDocument]) -> Estimate:
    costs: dict[str, int] = {}
    for document in candidates:
        prices = document.prices
        cost = highest_cost(usage, prices)
        costs[prices.currency] = max(cost, costs.get(prices.currency, 0))
    return Estimate(usage.input_tokens, usage.output_tokens, costs)


def highest_cost(usage: Usage, prices: PriceList) -> int:
    """Return the cost of quantities; images, whose size may not be known yet, at the highest price of the table."""
    table = prices["image"]
    if usage.images and isinstance(table, tuple):
        dearest = max(price for _, price in table)
        prices = PriceList(prices.currency, **{**prices.amounts, "image": dearest})
    made = replace(usage, image_output_tokens=min(usage.image_output_tokens, usage.output_tokens))
    return cost_of(made, prices).units
