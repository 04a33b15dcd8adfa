"""An in-process proxy without authentication, alone or behind a real HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn

from application.ports.providers import Answer
from domain.attempt import Attempt
from domain.call import Call
from domain.model import ModelDocument
from infra.controllers.openai.handler import BodyLimits
from infra.controllers.uvicorn_compat import GuardedProtocol
from tests.fakes.http_calls import until
from tests.fakes.in_process_proxy import LIMITS, InProcessProxy, offering_everything
from tests.fakes.provider import FakeProvider


class FormProvider(FakeProvider):
    """Records the contents of forms, too, while they can be read."""

    def __init__(self, **by_id: object) -> None:
        super().__init__(**by_id)
        self.parts: list[tuple[str, str | None, bytes]] = []

    async def answer(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Answer:
        if call.form is not None:
            self.parts = [(part.name, part.filename, b"".join(part.content.blocks())) for part in call.form.parts]
        return await super().answer(call, document, attempt)


class OpenProxy(InProcessProxy):
    """A proxy without authentication.

    Args:
        provider: answers for the models.
        uploads: the folder for forms.
        limits: bounds of a body.
    """

    provider: FormProvider

    def __init__(self, provider: FormProvider, *, uploads: Path | None = None, limits: BodyLimits = LIMITS) -> None:
        super().__init__(provider, authentication=False, uploads=uploads, limits=limits)
        self.port = 0

    def client(self) -> httpx.AsyncClient:
        """Return a client of the server, if it runs behind one."""
        if not self.port:
            return super().client()
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False)


async def open_proxy(uploads: Path | None = None, limits: BodyLimits = LIMITS, /, **by_id: object) -> OpenProxy:
    """Build a proxy whose models ``vendor/ID`` answer as scripted; see ``FakeProvider``."""
    proxy = OpenProxy(FormProvider(**by_id), uploads=uploads, limits=limits)
    await proxy.load(*(offering_everything(id=name, code=f"vendor/{name}") for name in by_id))
    return proxy


@asynccontextmanager
async def app_server(uploads: Path | None = None, **by_id: object) -> AsyncIterator[OpenProxy]:
    """Run such a proxy on a free loopback port."""
    proxy = await open_proxy(uploads, **by_id)
    config = uvicorn.Config(proxy.app, port=0, http=GuardedProtocol, ws="none", lifespan="off", log_config=None)
    listener = config.bind_socket()
    proxy.port = listener.getsockname()[1]
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    try:
        yield proxy
    finally:
        server.should_exit = True
        await running
