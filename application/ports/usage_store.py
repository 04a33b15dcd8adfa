"""Port: the ledger. Adapters: ``cosmos``, ``sqlite`` and ``memory`` in ``infra/usage_store``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.ledger import LedgerLine


class Dimension(StrEnum):
    """A dimension that a report can be grouped by."""

    PROJECT = "project"
    MODEL = "model"
    DAY = "day"
    MONTH = "month"
    KEY = "key"
    PROVIDER = "provider"
    OPERATION = "operation"
    END_USER = "user"


TAG_PREFIX = "tag:"


@dataclass(frozen=True, slots=True)
class TagDimension:
    """A tag of projects as a dimension: lines without it belong to the group with the empty name.

    Args:
        name: of the tag, ``cost_centre``.
    """

    name: str

    def __str__(self) -> str:
        """Return the name of the column: ``tag:cost_centre``."""
        return f"{TAG_PREFIX}{self.name}"


Grouping = Dimension | TagDimension


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Selection and grouping of a report.

    Args:
        by: the grouping, in the order of the columns.
        from_ms: first millisecond (since 1970-01-01 UTC); None for no lower limit.
        to_ms: first millisecond that is no longer included; None for no upper limit.
        project: only this project.
        timezone: IANA zone whose calendar makes the days and months.
        uncounted_in: only lines that do not name this budget account (``LedgerLine.accounts``).
        only: only lines with these values of dimensions other than day and month; the empty text selects lines without
            the value.
        currency: only lines in this currency.
    """

    by: tuple[Grouping, ...]
    from_ms: int | None = None
    to_ms: int | None = None
    project: str | None = None
    timezone: str = "UTC"
    uncounted_in: str | None = None
    only: tuple[tuple[Grouping, str], ...] = ()
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One row of a report: sums over the lines that share ``group`` and ``currency``.

    Args:
        group: a value for each dimension asked for, in that order. Days as ``2026-11-21``, months as ``2026-11``.
        currency: ISO 4217 code; different currencies are different rows.
        calls: number of lines.
        failed: those of them that the caller saw fail (status 400 and above).
        inexact: those of them whose usage was estimated or partial.
        unpriced: those of them that used something without a price.
        cost_units: cost in 10^-12 of a currency unit.
        exposure_units: the most that the upstreams may charge, in 10^-12 of a currency unit; never less than the cost.
        used: sums of the quantities of ``domain.billing_units.REPORTED``, by their names in ``Usage``.
        implausible: number of lines with a quantity beyond ``domain.usage.LARGEST_PLAUSIBLE``.
    """

    group: tuple[str, ...]
    currency: str
    calls: int
    failed: int
    inexact: int
    unpriced: int
    cost_units: int
    exposure_units: int
    used: Mapping[str, int]
    implausible: int = 0


@dataclass(frozen=True, slots=True)
class UnpricedRow:
    """Usage of one model without a price.

    Args:
        group: a value for each dimension asked for, as in ``UsageRow``.
        currency: ISO 4217 code of the lines.
        model: its code.
        quantity: the price that was missing, as in a ledger line's ``unpriced``: ``input``, ``minute``, ``image``, ...
        calls: number of lines.
        amount: what they used of it, in the quantity of its row in ``domain/billing_units.py``.
    """

    group: tuple[str, ...]
    currency: str
    model: str
    quantity: str
    calls: int
    amount: int


@dataclass(frozen=True, slots=True)
class LedgerWriter:
    """Progress of a process that writes ledger lines.

    Args:
        id: unique name of the process.
        host: name of its machine.
        started_ms: when it started. All times are milliseconds since 1970-01-01 UTC.
        updated_ms: when it published this.
        complete_ms: every line of a call that arrived at it before this time is in the store, except lost ones.
        waiting: number of lines not in the store.
        lost: number of lines that will never be.
        lost_ms: arrival time of the latest lost line.
        rejected: number of lines put aside because the store can never take them.
        ended: the process ended, and every line that is not lost is in the store.
    """

    id: str
    host: str
    started_ms: int
    updated_ms: int
    complete_ms: int
    waiting: int = 0
    lost: int = 0
    lost_ms: int = 0
    rejected: int = 0
    ended: bool = False


class UsageStore(Protocol):
    """Keeps ledger lines and adds them up.

    When the store is unavailable every method raises ``application.errors.StoreUnavailableError``; lines then wait in
    the journal.
    """

    async def prepare(self) -> None:
        """Create what is missing (tables, containers). Safe to repeat."""

    async def open(self) -> None:
        """Open the store with no more rights than serving has.

        An embedded store creates what is missing, as ``prepare`` does. A shared one checks that everything exists and
        fits, and raises an error that names what is missing.
        """

    async def add(self, lines: Sequence[LedgerLine]) -> None:
        """Store these lines. A line whose id exists already is left as it is.

        Stores with transactions keep all of them or none. Others may have kept some when this raises: add the same
        lines again.
        """

    async def report(self, query: UsageQuery) -> Sequence[UsageRow]:
        """Add up the lines, ordered by group, then currency."""

    async def unpriced(self, query: UsageQuery) -> Sequence[UnpricedRow]:
        """Add up usage without a price, ordered by group, currency, model, then quantity."""

    async def roll_up(self, up_to_ms: int) -> bool:
        """Bring some of the sums that reports over long periods are made of up to date; return False if all are.

        Reports equal the lines at any time: what is not up to date is read from lines. Calling it twice, or from
        several processes, changes nothing.

        Args:
            up_to_ms: only lines of calls that arrived before; see ``application.admin.completeness``.
        """

    async def lines(self, *, request_id: str | None = None, limit: int = 100) -> Sequence[LedgerLine]:
        """Read lines, latest first: all, or those of one request."""

    def pages(self) -> AsyncIterator[Sequence[LedgerLine]]:
        """Yield every line that the store has when this is called, each once, in any order.

        Lines that are added meanwhile may be among them.
        """

    async def inexact(self, query: UsageQuery) -> Sequence[LedgerLine]:
        """Read the lines whose usage is estimated or partial, latest first, whatever the query's grouping."""

    async def lines_of(self, end_user: str) -> Sequence[LedgerLine]:
        """Read every line that names this end user, latest first."""

    async def rename_end_user(self, end_user: str, replacement: str) -> int:
        """Put another name in place of an end user's in every line, and return how many lines had it.

        Nothing else about a line changes. Stores without transactions may have changed some when this raises: rename
        again.
        """

    async def publish_writer(self, writer: LedgerWriter) -> None:
        """Store the progress of a process in place of what it published before."""

    async def writers(self) -> Sequence[LedgerWriter]:
        """Read the progress of every process that has not been removed, ordered by id."""

    async def remove_writer(self, writer_id: str) -> None:
        """Remove the progress of a process, if any."""

    async def close(self) -> None:
        """Release connections and threads. Safe to repeat."""
