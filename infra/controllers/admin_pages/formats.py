"""Numbers, money, dates and durations as people read them in English and in Brazilian Portuguese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

MINUS, MISSING = "−", "–"  # noqa: RUF001 - the signs that readers of numbers expect
_SMALLEST = Decimal("0.000001")
_MOST_DECIMALS = 6
_SCALES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_COMPACT_FROM = 1_000_000
_SECOND_MS = 1000
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, eq=False)
class Locale:
    """The conventions of one language.

    Args:
        tag: of HTML's ``lang``.
        name: of the language in itself.
        thousands: separator of thousands.
        decimal: separator of decimals.
        months: short names.
        long_months: whole names.
        weekdays: whole names, from Monday.
        day: format of a day; ``{d}``, ``{m}``, ``{y}``.
        long_day: format of a day with its weekday ``{w}``.
        ago: formats of a time that has passed: seconds, minutes, hours, days.
    """

    tag: str
    name: str
    thousands: str
    decimal: str
    months: Sequence[str]
    long_months: Sequence[str]
    weekdays: Sequence[str]
    day: str
    long_day: str
    ago: Sequence[str]


ENGLISH = Locale(
    "en",
    "English",
    ",",
    ".",
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "January February March April May June July August September October November December".split(),  # noqa: SIM905 - a list would not fit on a line
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "{d} {m} {y}",
    "{w}, {d} {m} {y}",
    ("{n} s ago", "{n} min ago", "{n} h ago", "{n} d ago"),
)
PORTUGUESE = Locale(
    "pt-BR",
    "Português",
    ".",
    ",",
    ["jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez."],
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split(),  # noqa: SIM905 - a list would not fit on a line
    ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"],
    "{d} {m} {y}",
    "{w}, {d} de {m} de {y}",
    ("há {n} s", "há {n} min", "há {n} h", "há {n} d"),
)
LOCALES = {locale.tag: locale for locale in (ENGLISH, PORTUGUESE)}


@dataclass(frozen=True, slots=True)
class Formats:
    """Formats values in one language and time zone.

    Args:
        locale: the language.
        zone: in which times are shown.
    """

    locale: Locale
    zone: ZoneInfo

    def number(self, value: Decimal | float | str | None, decimals: int | None = 0) -> str:
        """Format a number with so many decimals, rounded half-even; None for as many as it has."""
        if value is None or value == "":
            return MISSING
        exact = Decimal(str(value))
        if decimals is not None:
            exact = exact.quantize(Decimal(1).scaleb(-decimals), context=_EXACT)
        whole, _, fraction = f"{abs(exact):,f}".partition(".")
        text = whole.replace(",", self.locale.thousands) + (self.locale.decimal + fraction if fraction else "")
        return MINUS + text if exact < 0 else text

    def amount(self, value: Decimal | str | None, decimals: int = 2) -> str:
        """Format an amount of money without its currency: 2 decimals for sums, more for calls and prices."""
        if value is None or value == "":
            return MISSING
        exact = Decimal(str(value))
        if decimals == _MOST_DECIMALS and 0 < abs(exact) < _SMALLEST:
            return f"< {self.number(_SMALLEST, _MOST_DECIMALS)}"
        return self.number(exact, decimals)

    def price(self, value: Decimal | str | None) -> str:
        """Format a price with as many decimals as it needs, at least 2 and at most 6."""
        if value is None or value == "":
            return MISSING
        exact = Decimal(str(value)).normalize()
        exponent = exact.as_tuple().exponent
        needed = -exponent if isinstance(exponent, int) else 0
        return self.amount(exact, min(max(needed, 2), _MOST_DECIMALS))

    def compact(self, value: int) -> tuple[str, str]:
        """Return a large number to four digits, and its unit: ``412.6`` and ``M``."""
        if abs(value) < _COMPACT_FROM:
            return self.number(value), ""
        scale, unit = next((scale, unit) for scale, unit in _SCALES if abs(value) >= scale)
        scaled = Decimal(value) / scale
        return self.number(scaled, 2 if scaled < 100 else 1), unit  # noqa: PLR2004 - four digits

    def short(self, value: Decimal | float) -> str:
        """Format the label of an axis."""
        exact = Decimal(str(value)).normalize()
        scale, unit = next(((scale, unit) for scale, unit in _SCALES if abs(exact) >= 10 * scale), (1, ""))
        scaled = (exact / scale).normalize()
        exponent = scaled.as_tuple().exponent
        text = self.number(scaled, min(max(-exponent, 0), _MOST_DECIMALS) if isinstance(exponent, int) else 0)
        return f"{text} {unit}" if unit else text

    def percent(self, part: Decimal | float, whole: Decimal | float = 1, decimals: int = 1) -> str:
        """Format a share of a whole; missing if the whole is 0."""
        if not whole:
            return MISSING
        return self.number(Decimal(str(part)) * 100 / Decimal(str(whole)), decimals) + " %"

    def change(self, new: Decimal | float, old: Decimal | float) -> str:
        """Format how much a value changed, in per cent with its sign; missing if the old one is 0."""
        if not old:
            return MISSING
        difference = (Decimal(str(new)) - Decimal(str(old))) * 100 / abs(Decimal(str(old)))
        return self.signed(difference, 1) + " %"

    def signed(self, value: Decimal | float, decimals: int = 2) -> str:
        """Format a difference with its sign."""
        text = self.number(value, decimals)
        return text if text.startswith(MINUS) or not Decimal(str(value)) else f"+{text}"

    def duration(self, milliseconds: float | None) -> str:
        """Format a duration: up to 999 ms in ms, longer ones in seconds."""
        if milliseconds is None:
            return MISSING
        if round(milliseconds) < _SECOND_MS:
            return f"{self.number(milliseconds)} ms"
        return f"{self.number(milliseconds / 1000, 2)} s"

    def day(self, day: date) -> str:
        """Format a day: ``3 Mar 2026``."""
        return self.locale.day.format(d=day.day, m=self.locale.months[day.month - 1], y=day.year)

    def short_day(self, day: date) -> str:
        """Format a day without its year: ``3 Mar``."""
        return self.locale.day.format(d=day.day, m=self.locale.months[day.month - 1], y="").strip()

    def time(self, milliseconds: int | None) -> str:
        """Format a moment of milliseconds since 1970-01-01 UTC: ``3 Mar 2026 14:32:08``."""
        if milliseconds is None:
            return MISSING
        moment = self._moment(milliseconds)
        return f"{self.day(moment)} {moment:%H:%M:%S}"

    def clock(self, milliseconds: int) -> str:
        """Format the time of day of a moment."""
        return f"{self._moment(milliseconds):%H:%M:%S}"

    def now(self, milliseconds: int) -> str:
        """Format the moment of a page with its weekday and time zone."""
        moment = self._moment(milliseconds)
        day = self.locale.long_day.format(
            w=self.locale.weekdays[moment.weekday()].capitalize(),
            d=moment.day,
            m=self.locale.long_months[moment.month - 1],
            y=moment.year,
        )
        return f"{day}, {moment:%H:%M:%S}, {self.zone.key}"

    def ago(self, milliseconds: int, now_ms: int) -> str:
        """Format how long ago a moment was."""
        seconds = max(0, now_ms - milliseconds) // 1000
        for size, text in zip((86_400, 3600, 60), reversed(self.locale.ago), strict=False):
            if seconds >= size:
                return text.format(n=self.number(seconds // size))
        return self.locale.ago[0].format(n=seconds)

    def _moment(self, milliseconds: int) -> datetime:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(self.zone)
