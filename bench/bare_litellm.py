"""A call with nothing but LiteLLM's SDK, the measure for our calls through it. Prints CPU milliseconds per call."""

from __future__ import annotations

import argparse
import asyncio
import os
import time

import uvloop

CONNECTIONS = 32


async def main(port: int, seconds: float) -> float:
    """CPU milliseconds for one call, import and warm-up left out."""
    import litellm  # noqa: PLC0415 - after the variables that it reads when it is imported

    messages = [{"role": "user", "content": "All work and no play makes a dull test. " * 15}]
    address = f"http://127.0.0.1:{port}/v1"

    async def calls(until: float) -> int:
        made = 0
        while time.monotonic() < until:
            answer = await litellm.acompletion(
                model="openai/bench",
                messages=messages,
                api_base=address,
                api_key="sk-upstream",
                temperature=0.2,
                max_tokens=200,
                user="bench",
            )
            if not answer.usage.total_tokens:
                message = "an answer without usage"
                raise ValueError(message)
            made += 1
        return made

    async def many(duration: float) -> int:
        until = time.monotonic() + duration
        return sum(await asyncio.gather(*(calls(until) for _ in range(CONNECTIONS))))

    await many(min(1.0, seconds))
    before = time.process_time()
    made = await many(seconds)
    return (time.process_time() - before) / made * 1000


if __name__ == "__main__":
    os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    print(uvloop.run(main(options.port, options.seconds)))
