"""Recording of content while the server runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from application.serving.content_recorder import ContentRecorder
from application.serving.ledger import Clock
from infra.telemetry.prometheus import Gauge
from llmproxy.stores import Stores


@asynccontextmanager
async def recording_content(stores: Stores, clock: Clock) -> AsyncIterator[ContentRecorder | None]:
    """Yield what records content, and write what is recorded; None where nothing is kept beyond the process."""
    if stores.content is None:
        yield None
        return
    recorder = ContentRecorder(stores.content, clock.time)
    writer = asyncio.create_task(recorder.run())
    yield recorder
    writer.cancel()
    with suppress(asyncio.CancelledError):
        await writer
    await recorder.close()


def content_gauges(recorder: ContentRecorder | None) -> list[Gauge]:
    """Return the metric of records that were dropped."""
    if recorder is None:
        return []
    text = "Records of content that were dropped, because the store did not take them, since the start."
    return [Gauge("llm_proxy_content_records_dropped", text, (), lambda: [((), float(recorder.dropped))])]
