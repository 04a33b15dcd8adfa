"""The address, and the report of checks: shared by all programs."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

BASE_URL = os.environ["BASE_URL"]
"""Of the server, with ``/v1``."""
KEY = os.environ["KEY"]
MODEL = "simulated-chat"
EMBEDDINGS = "simulated-embeddings"
QUESTION = "What is the weather in Paris?"


def weather(city: str) -> str:
    """Return the weather in a city."""
    return f"It is sunny in {city}."


def report(**checks: Callable[[], Any]) -> None:
    """Run each check, and print what they found as one line of JSON: empty if it passed, otherwise the fault."""
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            outcome = check()
            if inspect.isawaitable(outcome):
                asyncio.run(_finished(outcome))
        except Exception as error:  # noqa: BLE001 - whatever a client raises is what is to be reported
            traceback.print_exc(file=sys.stderr)
            found[name] = f"{type(error).__name__}: {error}"[:300]
        else:
            found[name] = ""
    print(json.dumps(found))  # noqa: T201 - the report


async def _finished(outcome: Any) -> None:
    await outcome
