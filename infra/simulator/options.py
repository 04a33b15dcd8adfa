"""What the stand-alone simulator is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field

from infra.simulator.faults import Faults

_FAILS_WITH = 500


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """Options of the server; a request's ``simulator`` member goes before them.

    Args:
        ttft: seconds until the first byte.
        tps: tokens per second after it; ``None`` = as fast as possible.
        error_rate: share of the calls, 0 to 1, that fail with ``status`` (500 if none is given), spread evenly and not
            by chance; ``None`` = all of them if ``status`` is given, else none.
        status: error status, 400 to 599.
        retry_after: seconds for ``Retry-After`` of failing calls.
        cut_after: close each connection after so many chunks.
        stall_after: fall silent after so many chunks.
        malformed: answer broken JSON.
        html: answer an HTML error page.
        no_usage: leave the usage out.
        gzip: compress answers, asked or not.
        api_key: the only key that opens the server; ``None`` = any, or none.
    """

    ttft: float = 0.0
    tps: float | None = None
    error_rate: float | None = None
    status: int | None = None
    retry_after: float | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    malformed: bool = False
    html: bool = False
    no_usage: bool = False
    gzip: bool = False
    api_key: str | None = field(default=None, repr=False)

    def faults(self, number: int) -> Faults:
        """What holds for a call whose request orders nothing.

        Args:
            number: counts the calls from 1.
        """
        rate = (1.0 if self.status else 0.0) if self.error_rate is None else self.error_rate
        # The small addend keeps 3 * (1/3) from ending up below 1.
        fails = int(number * rate + 1e-9) > int((number - 1) * rate + 1e-9)
        return Faults(
            ttft=self.ttft,
            tps=self.tps,
            status=(self.status or _FAILS_WITH) if fails else None,
            retry_after=self.retry_after,
            cut_after=self.cut_after,
            stall_after=self.stall_after,
            malformed=self.malformed,
            html=self.html,
            no_usage=self.no_usage,
            gzip=self.gzip,
        )
