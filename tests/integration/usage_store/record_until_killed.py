"""Run by a test: records lines as fast as it can and prints each id once ``record`` has returned."""

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from infra.usage_store.journal import Journal
from infra.usage_store.sqlite import SqliteUsageStore
from tests.builders import ledger_line


async def main(folder: Path, name: str) -> None:
    store = SqliteUsageStore(folder / "usage.sqlite3")
    await store.prepare()
    journal = Journal(folder / "journal", store, flush_interval=0.01, batch=50)
    await journal.start()
    for number in count():
        line_id = f"{name}-{number}"
        journal.record(ledger_line(id=line_id, cost_units=1))
        os.write(1, f"{line_id}\n".encode())
        if number % 20 == 0:
            await asyncio.sleep(0)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
