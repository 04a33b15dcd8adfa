"""Google and Azure AI Foundry in front of aimock: a token endpoint, and APIs that aimock does not support."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

from aiohttp import ClientSession, web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.vertex_media import media_answer

_EXCHANGED = {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}
TOKEN = "ya29.made-up-token"
_CLAUDE = re.compile(r".*/publishers/anthropic/models/(?P<model>[^:]+):(?:streamR|r)awPredict$")


@dataclass
class Vertex:
    """The running server and what it received: paths, ``Authorization`` and body of each call, and tokens."""

    url: str
    upstream: str
    paths: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0
    exchanged: list[str] = field(default_factory=list)

    def service_account(self) -> str:
        """Return the JSON of a service account whose tokens come from this server."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "made-up-project",
                "private_key_id": "0123456789",
                "private_key": pem.decode(),
                "client_email": "robot@made-up-project.iam.gserviceaccount.com",
                "client_id": "1",
                "token_uri": f"{self.url}/token",
            }
        )

    def federated_account(self, folder: Path) -> str:
        """Return the JSON of a workload whose tokens of another cloud are exchanged at this server."""
        (folder / "subject-token").write_text("token of the other cloud", "utf-8")
        return json.dumps(
            {
                "type": "external_account",
                "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/azure",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": f"{self.url}/token",
                "credential_source": {"file": str(folder / "subject-token")},
            }
        )


@asynccontextmanager
async def vertex(upstream: str) -> AsyncIterator[Vertex]:
    """Serve on a free port until the block ends; calls go on to ``upstream``, an aimock."""
    state = Vertex("", upstream)

    async def token(request: web.Request) -> web.Response:
        state.tokens += 1
        state.exchanged.append(str((await request.post()).get("subject_token", "")))
        return web.json_response({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer", **_EXCHANGED})

    async def forward(request: web.Request) -> web.StreamResponse:
        state.paths.append(request.path)
        state.authorizations.append(request.headers.get("Authorization", ""))
        body: dict[str, Any] = await request.json()
        state.bodies.append(body)
        media = media_answer(request.path, body)
        if media is not None:
            return web.json_response(media)
        path, body = _translated(request.path_qs, body)
        async with ClientSession() as session, session.post(state.upstream + path, json=body) as answer:
            headers = {"Content-Type": answer.headers["Content-Type"]}
            relayed = web.StreamResponse(status=answer.status, headers=headers)
            await relayed.prepare(request)
            async for block in answer.content.iter_any():
                await relayed.write(block)
            return relayed

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/token", token)
    app.router.add_post("/{path:.*}", forward)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    state.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield state
    finally:
        await runner.cleanup()


@contextmanager
def vertex_beside(upstream: str) -> Iterator[Vertex]:
    """Run it on a thread of its own, for tests that share it."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = vertex(upstream)
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _translated(path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the path at which aimock answers the same request."""
    claude = _CLAUDE.match(path.partition("?")[0])
    if claude is not None:
        return "/v1/messages", {"model": claude["model"], "max_tokens": 100} | body
    if path.endswith("/endpoints/openapi/chat/completions"):
        return "/v1/chat/completions", body
    if path.partition("?")[0].lower().endswith("rawpredict"):
        # Mistral and AI21 report the usage of a stream without being asked for it.
        return "/v1/chat/completions", body | (
            {"stream_options": {"include_usage": True}} if body.get("stream") else {}
        )
    # Claude on Azure AI Foundry, and its images.
    return path.removeprefix("/anthropic").removeprefix("/openai"), body
