"""The application with a scripted provider, alone or behind a real HTTP server in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

from application.ports.catalog_store import Kind
from application.ports.providers import Answer
from application.serving.catalog_view import CatalogView
from application.serving.deployment_states import DeploymentStates
from application.serving.ledger import Clock, Ledger
from application.serving.response_affinity import ResponseAffinity
from application.serving.serve import Serving
from application.use_cases.list_models import Sizes
from domain.call import Call
from domain.ledger import LedgerLine
from domain.model import ModelDocument
from domain.response_id import ResponseIds
from infra.audio.length import length_ms
from infra.catalog_store.memory import MemoryCatalogStore
from infra.controllers.app import create_pages
from infra.controllers.asgi_app import AsgiApp
from infra.controllers.errors import status_of
from infra.controllers.openai.handler import BodyLimits, Handler
from infra.controllers.openai.upload_file import Uploads
from infra.controllers.ops import Health
from infra.controllers.uvicorn_compat import GuardedProtocol
from tests.builders import model_body
from tests.fakes.http_calls import until
from tests.fakes.provider import FakeProvider

EVERYTHING = ["ChatCompletion", "Responses", "embeddings", "images", "audio_tts", "audio_stt"]
IDS = ResponseIds(b"k" * 32)
LIMITS = BodyLimits(size=8 << 20, seconds=10, file=1 << 20)


class FormProvider(FakeProvider):
    """Notes the contents of forms, too, while they can be read."""

    def __init__(self, **by_id: object) -> None:
        super().__init__(**by_id)
        self.parts: list[tuple[str, str | None, bytes]] = []

    async def answer(self, call: Call, document: ModelDocument) -> Answer:
        if call.form is not None:
            self.parts = [(part.name, part.filename, b"".join(part.content.blocks())) for part in call.form.parts]
        return await super().answer(call, document)


@dataclass
class Served:
    """Models whose answers are scripted, and what became of calls to them.

    Args:
        app: serves them, to everybody.
        provider: reaches the models, whose documents have its ids.
        lines: of the ledger.
        visits: what the access log got.
    """

    app: AsgiApp
    provider: FormProvider
    lines: list[LedgerLine]
    visits: list[Mapping[str, object]]

    def client(self) -> httpx.AsyncClient:
        """A client that needs no server."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test")


@dataclass
class DoorServer(Served):
    """The same behind a server.

    Args:
        port: on the loopback address.
    """

    port: int

    def client(self) -> httpx.AsyncClient:
        """A client of this server."""
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False)


async def make_door(uploads: Path | None = None, limits: BodyLimits = LIMITS, /, **by_id: object) -> Served:
    """The app in front of scripted models.

    Args:
        uploads: the folder for forms.
        limits: bounds of a body.
        by_id: see ``FakeProvider``.
    """
    provider = FormProvider(**by_id)
    store = MemoryCatalogStore()
    for name in by_id:
        await store.put(Kind.MODEL, model_body(id=name, code=f"vendor/{name}", operations=EVERYTHING))
    clock = Clock(lambda: 0.0, lambda: 0.0)
    view = CatalogView(store, provider.unusable_because, clock.time)
    await view.refresh()
    lines: list[LedgerLine] = []
    visits: list[Mapping[str, object]] = []
    ledger = Ledger(lines.append, provider.upstream_model, clock, lambda: "1", status_of, length_ms)
    serving = Serving(
        view, provider, ledger, DeploymentStates(lambda: 0.0, lambda: 0.5), ResponseAffinity(IDS), authentication=False
    )
    health = Health(view, dict, dict, clock.time, "0", dict, admin_key=None)
    pages = create_pages(serving, health, "0", lambda _document: Sizes(), None)
    return Served(AsgiApp(Handler(serving, limits, Uploads(uploads)), pages, visits.append), provider, lines, visits)


@asynccontextmanager
async def app_server(uploads: Path | None = None, **by_id: object) -> AsyncIterator[DoorServer]:
    """The same on a free loopback port."""
    made = await make_door(uploads, **by_id)
    config = uvicorn.Config(made.app, port=0, http=GuardedProtocol, ws="none", lifespan="off", log_config=None)
    listener = config.bind_socket()
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    try:
        yield DoorServer(made.app, made.provider, made.lines, made.visits, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await running
