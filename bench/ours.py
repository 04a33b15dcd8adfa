"""LLM Proxy itself as one of the gateways: its documents, its keys, its ledger; nothing switched off."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from application.ports.catalog_store import Kind
from application.ports.usage_store import Dimension, UsageQuery
from bench.gateways import Gateway, Launch
from bench.processes import free_port
from bench.scenarios import PACED_MODEL, PLAIN_MODEL
from domain.api_key import fingerprint
from infra.catalog_store.sqlite import SqliteCatalogStore
from infra.usage_store.sqlite import SqliteUsageStore

KEY = "sk-bench-0123456789abcdef0123456789abcdef"
KEYS_PER_PROJECT = 100

Body = dict[str, object]


def model(document_id: str, upstream: int, *, code: str = "", model_type: str = "OpenAICompatible") -> Body:
    """Return a model document for the mock upstream."""
    name = code or document_id
    parameters = {"endpoint": f"http://127.0.0.1:{upstream}/v1", "api_key": "sk-upstream"}
    if model_type == "LiteLLM":
        parameters["model"] = f"openai/{name}"
    return {
        "id": document_id,
        "code": name,
        "name": name,
        "provider": "Bench",
        "model_type": model_type,
        "private": False,
        "projects": [],
        "parameters": parameters,
        "costs": {
            "currency": "USD",
            "cost_input_1Mtokens": 2.5,
            "cost_output_1Mtokens": 10,
            "cost_1Mcharacters": 15,
            "cost_minute": 0.006,
            "cost_image": {"high/1024x1024": 0.167, "auto": 0.042},
        },
        "operations": ["ChatCompletion", "embeddings", "images", "audio_tts", "audio_stt"],
    }


def project(project_id: str, keys: Iterable[str]) -> Body:
    """Return a project document with these keys."""
    entries = [
        {
            "id": f"{project_id}-{number}",
            "name": "bench",
            "prefix": key[:7],
            "sha256": fingerprint(key),
            "created_at": "2026-01-01T00:00:00+00:00",
            "expires_at": "2099-01-01T00:00:00+00:00",
        }
        for number, key in enumerate(keys)
    ]
    return {"id": project_id, "name": project_id, "enabled": True, "keys": entries, "tags": {"cost_centre": "4711"}}


def documents(upstream: int, models: int = 2, keys: int = 1) -> tuple[list[Body], list[Body]]:
    """So many model documents, the ones that are called among them, and projects with so many keys in all."""
    bodies = [model(PLAIN_MODEL, upstream), model(PACED_MODEL, upstream)]
    bodies += [model(f"other-{number}", upstream) for number in range(models - len(bodies))]
    others = [f"sk-other-{number:032d}" for number in range(keys - 1)]
    shares = range(0, len(others), KEYS_PER_PROJECT)
    projects = [project(f"other-{start}", others[start : start + KEYS_PER_PROJECT]) for start in shares]
    return bodies, [project("bench", [KEY]), *projects]


def fill(data: Path, models: Iterable[Mapping[str, object]], projects: Iterable[Mapping[str, object]]) -> None:
    """Write documents into the embedded store of a server that is not running yet."""

    async def write() -> None:
        store = SqliteCatalogStore(data / "catalog.sqlite3")
        try:
            await store.prepare()
            for body in models:
                await store.put(Kind.MODEL, body)
            for body in projects:
                await store.put(Kind.PROJECT, body)
        finally:
            await store.close()

    data.mkdir(parents=True, exist_ok=True)
    asyncio.run(write())


def launch(work: Path) -> Launch:
    """Return the launch of the server on ``work/data``, with default settings but for 100 uploads of one key."""
    port = free_port()
    argv = (sys.executable, "-m", "llmproxy", "serve", "--port", str(port))
    env = {"DATA_DIR": str(work / "data"), "ENVIRONMENT": "production", "LLMPROXY_MAX_UPLOADS_PER_KEY": "100"}
    return Launch(argv, port, key=KEY, env=env)


def prepare(work: Path, upstream: int) -> Launch:
    fill(work / "data", *documents(upstream))
    return launch(work)


def check_ledger(work: Path, calls: int) -> str:
    """Compare the ledger with the number of answered calls.

    Raises:
        ValueError: they differ.
    """

    async def count() -> int:
        store = SqliteUsageStore(work / "data" / "usage.sqlite3")
        try:
            await store.prepare()
            rows = await store.report(UsageQuery(by=(Dimension.PROJECT,)))
        finally:
            await store.close()
        return sum(row.calls for row in rows)

    lines = asyncio.run(count())
    if lines != calls:
        message = f"the ledger has {lines} lines for {calls} answered calls"
        raise ValueError(message)
    return f"the ledger has a line for each of its {calls:,} answered calls"


def _version() -> str:
    try:
        return version("llmproxy")
    except PackageNotFoundError:
        return "working tree"


OURS = Gateway(
    "llmproxy",
    "LLM Proxy",
    "hashed keys with expiry, permissions, routing, exact cost, journaled ledger line for every call, access log, "
    "request ids, time-outs; all of it at its default settings, but for the number of uploads of one key",
    _version,
    prepare,
    check_ledger,
)
