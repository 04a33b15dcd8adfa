"""Actions of an operator of a server whose documents and ledger are in Cosmos DB."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
from azure.cosmos.aio import ContainerProxy, CosmosClient

from tests.fakes.cosmos_server import KEY
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.llmproxy_server import LLMProxy

MESSAGES = [{"role": "user", "content": "hi"}]


def variables(cosmos: FaultProxy) -> dict[str, str]:
    return {
        "COSMOS_URL": f"https://127.0.0.1:{cosmos.port}",
        "COSMOS_KEY": KEY,
        "LLMPROXY_COSMOS_VERIFY_TLS": "false",
    }


def call(proxy: LLMProxy, model: str = "first", **members: object) -> httpx.Response:
    body = {"model": model, "messages": MESSAGES} | members
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers={"api-key": proxy.key}, timeout=30)


def edit(cosmos: FaultProxy, work: Callable[[ContainerProxy], Any], container: str = "models") -> Any:
    """Write directly into the container, as with the portal's Data Explorer."""

    async def run() -> Any:
        url = f"https://127.0.0.1:{cosmos.port}"
        async with CosmosClient(url, KEY, connection_verify=False) as client:
            return await work(client.get_database_client("llm-proxy").get_container_client(container))

    return asyncio.run(run())


def ledger(cosmos: FaultProxy) -> Counter[str]:
    """Count the lines of each request in the container."""

    async def read(container: ContainerProxy) -> list[str]:
        return [
            item["request_id"]
            async for item in container.query_items("SELECT c.request_id FROM c WHERE c.time_ms >= 0")
        ]

    return Counter(edit(cosmos, read, "usage"))
