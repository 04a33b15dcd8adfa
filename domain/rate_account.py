"""Rates and concurrency, shared by many processes.

What a process (a *holder*) reports is cumulative, so that a report that arrives twice changes nothing. Unlike money,
slices of both end by the clock: a process that dies must not block callers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.rate_limit import Rate

RATE_SLICE_MS = 2000
"""Time for which a holder may use what it took out of a bucket."""
SLOT_MS = 30_000
"""Time for which a holder's slots stay its own unless renewed."""


@dataclass(slots=True)
class RateSlice:
    """The part of a bucket that one holder took.

    Args:
        granted: all that it ever took, less what it put back.
        used: all that it has used.
        expires_ms: when the holder stops using the rest, which it may still put back.
    """

    granted: int = 0
    used: int = 0
    expires_ms: int = 0


@dataclass(slots=True)
class RateAccount:
    """A token bucket. Its level is exact: it counts in units times milliseconds of the rate's period.

    Args:
        level: what is in the bucket.
        level_at_ms: as of when; never moves back, whatever the clocks of holders say.
        slices: by holder.
    """

    level: int
    level_at_ms: int
    slices: dict[str, RateSlice] = field(default_factory=dict)

    @classmethod
    def full(cls, rate: Rate, now_ms: int) -> RateAccount:
        """Return a bucket from which nothing has been taken."""
        return cls(rate.capacity * rate.seconds * 1000, now_ms)

    def refill(self, rate: Rate, now_ms: int) -> None:
        """Add what has refilled until now."""
        if now_ms > self.level_at_ms:
            self.level += rate.count * (now_ms - self.level_at_ms)
            self.level_at_ms = now_ms
        self.level = min(self.level, rate.capacity * rate.seconds * 1000)

    def take(self, holder: str, rate: Rate, ask: RateAsk, live: int, now_ms: int) -> bool:
        """Put back what a holder did not use, and take out more.

        Tokens that it used beyond what it had taken are paid first, so that the level may fall below zero.

        Returns:
            Whether ``need`` could be taken.
        """
        unit = rate.seconds * 1000
        self.refill(rate, now_ms)
        for name in [name for name, one in self.slices.items() if one.expires_ms + SLOT_MS < now_ms]:
            del self.slices[name]
        own = self.slices.setdefault(holder, RateSlice(ask.granted, ask.granted))
        # What has expired is not used any more, so that a late holder can still put it back.
        kept = min(max(0, own.granted - ask.used), ask.keep)
        self.level = min(self.level + (own.granted - ask.used - kept) * unit, rate.capacity * unit)
        own.used = max(own.used, ask.used)
        own.granted = ask.used + kept
        own.expires_ms = max(own.expires_ms, now_ms + RATE_SLICE_MS)  # a clock that is set back ends nothing early
        available = self.level // unit
        need = max(0, min(ask.need, rate.capacity) - kept)
        if need > available:
            return False
        # What refills a bucket that is nearly full is lost: then each holder may take more at once.
        shares = max(live, 1) * (1 if 2 * available > rate.capacity else 2)
        more = max(need, min(ask.want - kept, available // shares))
        if more > 0:
            own.granted += more
            self.level -= more * unit
        return True


@dataclass(frozen=True, slots=True)
class RateAsk:
    """A holder's request to a bucket.

    Args:
        used: all that it has used, cumulative.
        keep: how much of what it has it wants to keep at most.
        want: what it expects to use within the next moments.
        need: what the call that waits needs; 0 if none waits.
        granted: all that the holder knows to have taken: counts where its slice has been removed meanwhile.
    """

    used: int
    keep: int
    want: int
    need: int
    granted: int = 0


@dataclass(slots=True)
class Slots:
    """Calls that one holder may have under way."""

    count: int
    expires_ms: int


@dataclass(slots=True)
class SlotAccount:
    """Concurrency: slots that end by the clock unless they are renewed."""

    slots: dict[str, Slots] = field(default_factory=dict)

    def taken(self, now_ms: int) -> int:
        """Return the number of slots that somebody has."""
        return sum(one.count for one in self.slots.values() if one.expires_ms > now_ms)

    def renew(self, holder: str, capacity: int, need: int, spare: int, live: int, now_ms: int) -> int:
        """Set the slots of a holder, and return their number.

        Args:
            holder: who asks.
            capacity: of all holders together.
            need: calls that it has under way or waiting.
            spare: slots that it would like to have beside.
            live: number of holders that are alive.
            now_ms: the time.
        """
        for name in [name for name, one in self.slots.items() if one.expires_ms <= now_ms]:
            del self.slots[name]
        own = self.slots.pop(holder, None)
        free = max(0, capacity - self.taken(now_ms))
        # Calls under way cannot be taken back, also where the capacity has been lowered meanwhile.
        count = min(need, max(free, 0 if own is None else min(own.count, need)))
        count += min(spare, max(0, free - count) // (2 * max(live, 1)))
        if count:
            self.slots[holder] = Slots(count, now_ms + SLOT_MS)
        return count
