"""A load test: calls at a steady rate from inside of the server, below a ceiling of cost that is never passed."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

from application.serving.accounting import CallAccount
from application.serving.ledger import Clock
from application.serving.limits.estimate import HighestPrices
from application.serving.limits.strict_estimate import most_of_text
from application.serving.serve import Serving
from application.use_cases.chat_completion import CHAT_COMPLETION
from domain.errors import GatewayError
from domain.load_test import Durations, LoadPlan, Spending
from domain.money import plain_units
from domain.project import Caller

logger = logging.getLogger("llmproxy.load_test")

_TURN_SECONDS = 0.01
_MOST_AT_A_TIME = 2_000
_LAST_ANSWERS_SECONDS = 60.0
_WORDS = "Write one short sentence about the sea."


class LoadTest:
    """One test, and what came of it.

    Args:
        test_id: of the test.
        plan: what is asked for.
        models: codes or ids of documents, called in turn.
        currency: of the cost.
        serving: serves the calls.
        caller: pays for them.
        clock: time.
    """

    def __init__(
        self,
        test_id: str,
        plan: LoadPlan,
        models: Sequence[str],
        currency: str,
        serving: Serving,
        caller: Caller,
        clock: Clock,
    ) -> None:
        self.test_id = test_id
        self._plan = plan
        self._models = models
        self._currency = currency
        self._serving = serving
        self._caller = caller
        self._clock = clock
        self._spending = Spending(plan.max_cost_units)
        self._highest = HighestPrices()
        self._started = clock.monotonic()
        self._started_at = clock.now()
        self._ended: float | None = None
        self._total, self._first_byte = Durations(), Durations()
        self._errors: Counter[str] = Counter()
        self._begun = self._succeeded = self._skipped = self._tokens = 0
        self._calls: set[asyncio.Task[None]] = set()
        self.status = "running"
        """``running``, ``finished``, ``stopped`` or ``max_cost_reached``."""

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Begin calls at the planned rate and wait for their ends.

        Args:
            stopped: returns whether somebody stopped the test.
        """
        logger.info("a load test began", extra={"test_id": self.test_id, "target_rps": self._plan.target_rps})
        try:
            planned = self._plan.begun_by(math.inf)
            while self.status == "running" and self._begun + self._skipped < planned:
                for _ in range(self._plan.begun_by(self._elapsed()) - self._begun - self._skipped):
                    self._begin()
                if stopped():
                    self.status = "stopped"
                await asyncio.sleep(_TURN_SECONDS)
            if self._calls and self.status != "stopped":
                await asyncio.wait(self._calls, timeout=_LAST_ANSWERS_SECONDS)
        finally:
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)
            self._ended = self._clock.monotonic()
            if self.status == "running":
                self.status = "finished"
            logger.info("a load test ended", extra={"test_id": self.test_id, "result": self.status})

    def state(self) -> dict[str, Any]:
        """Describe the test and its results so far."""
        plan, elapsed = self._plan, self._elapsed()
        failed = self._errors.total()
        planned = plan.minutes * 60
        return {
            "test_id": self.test_id,
            "status": self.status,
            "tier": plan.tier.value,
            "models": list(self._models),
            "target_rps": plan.target_rps,
            "duration_minutes": plan.minutes,
            "started_at": self._started_at.isoformat(timespec="seconds"),
            "elapsed_seconds": round(elapsed, 1),
            "progress": round(min(elapsed / planned, 1.0), 3),
            "calls": self._begun,
            "succeeded": self._succeeded,
            "failed": failed,
            "skipped": self._skipped,
            "under_way": len(self._calls),
            "errors": dict(self._errors.most_common(20)),
            "rps": round((self._succeeded + failed) / max(min(elapsed, planned), 0.001), 2),
            "latency_ms": self._total.milliseconds(),
            "first_byte_ms": self._first_byte.milliseconds(),
            "output_tokens": self._tokens,
            "cost": plain_units(self._spending.spent),
            "max_cost": None if plan.max_cost_units is None else plain_units(plan.max_cost_units),
            "currency": self._currency,
        }

    def _elapsed(self) -> float:
        return (self._clock.monotonic() if self._ended is None else self._ended) - self._started

    def _begin(self) -> None:
        if len(self._calls) >= _MOST_AT_A_TIME:
            self._skipped += 1
            return
        number, self._begun = self._begun, self._begun + 1
        task = asyncio.create_task(self._call(number))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _call(self, number: int) -> None:
        account: CallAccount | None = None
        reserved: int | None = None
        try:
            account = self._admit(number)
            reserved = await self._reserve(account)
            if reserved is None:
                self._begun -= 1
                self.status = "max_cost_reached"
                return
            started = self._clock.monotonic()
            await self._serve(account, started)
            self._total.add(self._clock.monotonic() - started)
            self._succeeded += 1
        except GatewayError as error:
            self._errors[error.label] += 1
        finally:
            line = None if account is None else account.line
            if line is not None:
                self._tokens += line.usage.output_tokens
            if reserved is not None:
                cost = 0 if line is None else max(line.cost_units, line.exposure_units or 0)
                self._spending.settle(reserved, cost)

    def _admit(self, number: int) -> CallAccount:
        members = {
            "model": self._models[number % len(self._models)],
            "messages": [{"role": "user", "content": f"{_WORDS} ({number})"}],
            "max_completion_tokens": self._plan.max_tokens,
            "stream": self._plan.stream,
        }
        fields = {name: json.dumps(value).encode() for name, value in members.items()}
        call = CHAT_COMPLETION.read(fields, f"{self.test_id}-{number}")
        account = self._serving.admit(CHAT_COMPLETION, call, self._caller)
        account.fallbacks = None  # another model might cost more, and would not be what is tested
        return account

    async def _reserve(self, account: CallAccount) -> int | None:
        """Reserve the most that a call can cost; None if that does not fit below the ceiling any more."""
        estimate = most_of_text(account.call, account.candidates, self._highest)
        # Each of the deployments may be charged, if the one before it failed late.
        needed = sum(estimate.costs.values()) * len(account.candidates)
        if not self._spending.reserve(needed):
            return None
        return needed

    async def _serve(self, account: CallAccount, started: float) -> None:
        if not self._plan.stream:
            await self._serving.answer(account)
            self._first_byte.add(self._clock.monotonic() - started)
            return
        relay = await self._serving.stream(account)
        first = True
        async with aclosing(relay.blocks) as blocks:
            async for _ in blocks:
                if first:
                    self._first_byte.add(self._clock.monotonic() - started)
                    first = False
