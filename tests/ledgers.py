"""Ledgers for tests of reports: many different lines, always the same ones."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from domain.ledger import LedgerLine
from domain.pricing import PriceList, cost_of
from domain.usage import Usage, UsageSource
from tests.builders import ledger_line

_MONTHS_END = 1_798_761_600_000  # 2027-01-01 00:00 UTC


def many_lines(number: int) -> list[LedgerLine]:
    """Lines around the end of a month, of several projects, models, keys and currencies, priced and not."""
    random = Random(7)
    return [_line(number, random) for number in range(number)]


def _line(number: int, random: Random) -> LedgerLine:
    usage, prices = _usage(random), _prices(random)
    cost = cost_of(usage, prices)
    return ledger_line(
        id=f"line-{number}",
        time_ms=_MONTHS_END + random.randint(-50 * 3_600_000, 50 * 3_600_000),
        project=random.choice(["billing", "other"]),
        code=random.choice(["chat", "speech", "images"]),
        key_id=random.choice(["k1", "k2"]),
        provider=random.choice(["Azure", "xAI"]),
        operation=random.choice(["ChatCompletion", "images"]),
        end_user=random.choice([None, "ann", "bob, the second", 'c"d']),
        tags=random.choice([{}, {"cost centre's \"ü": "4711"}, {"cost centre's \"ü": "=A1", "team": "x"}]),
        status=random.choice([200, 200, 200, 429, 499]),
        usage=usage,
        usage_source=random.choice(list(UsageSource)),
        prices=prices.described,
        cost_units=cost.units,
        exposure_units=random.choice([None, cost.units + random.randint(1, 10**13)]),
        currency=cost.currency,
        unpriced=cost.unpriced,
    )


def _usage(random: Random) -> Usage:
    kind = random.choice(["text", "text", "speech", "audio", "images"])
    sent, received = random.randint(0, 5000), random.randint(0, 900)
    if kind == "speech":
        return Usage(characters=random.randint(1, 4096))
    if kind == "audio":
        heard = random.randint(0, sent)
        return Usage(sent, received, audio_input_tokens=heard, audio_milliseconds=random.randint(1, 10**6))
    if kind == "images":
        return Usage(sent, 900, image_input_tokens=sent // 3, image_output_tokens=900, images=2, image_size="1x1")
    return Usage(
        sent,
        received,
        cached_input_tokens=sent // 4,
        cache_write_tokens=sent // 8,
        audio_input_tokens=sent // 5,
        image_input_tokens=sent // 6,
        audio_output_tokens=received // 2,
    )


def _prices(random: Random) -> PriceList:
    def price() -> Decimal | None:
        return random.choice([None, Decimal("2.5"), Decimal("0.000123456789"), Decimal(0)])

    return PriceList(
        random.choice(["USD", "EUR"]),
        **{name: price() for name in ("input", "output", "cached_input", "cache_write", "audio_input")},
        **{name: price() for name in ("audio_output", "image_input", "image_output", "characters", "minute", "image")},
    )
