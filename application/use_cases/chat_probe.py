"""A chat completion that finds out whether a deployment answers. Its vendor charges for it, so it has a ledger line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from application.ports.providers import Provider
from application.serving.accounting import CallAccount
from application.serving.catalog_view import CatalogView
from application.serving.ledger import Ledger
from application.serving.use_case import UseCase
from application.use_cases.chat_completion import CHAT_COMPLETION
from application.use_cases.embeddings import EMBEDDINGS
from application.use_cases.responses import RESPONSES
from domain.call import Call
from domain.errors import GatewayError, UpstreamTimeoutError
from domain.model import ModelDocument
from domain.operation import Endpoint, Operation
from domain.project import Caller, Project

PROBES = Project(id="health-probes", name="Health probes")
"""The project that pays for probes. A project document of this id may add tags; nobody has a key of it by default."""
_SECONDS = 60.0
_TOKENS = 256
"""Enough for models that reason before they write."""
_PROMPT = "Reply with: ok"
_CHAT = {"messages": [{"role": "user", "content": _PROMPT}], "max_completion_tokens": _TOKENS}
"""A request that reasoning models accept, too: they refuse ``max_tokens`` and ``temperature``."""


class ChatProbe:
    """Probes deployments by a chat completion.

    Args:
        provider: reaches the upstreams.
        ledger: records each probe.
        view: the current catalogue.
    """

    def __init__(self, provider: Provider, ledger: Ledger, view: CatalogView) -> None:
        self._provider = provider
        self._ledger = ledger
        self._view = view

    async def __call__(self, document: ModelDocument) -> None:
        """Probe a deployment.

        Raises:
            GatewayError: the probe failed.
        """
        await self.call(document, CHAT_COMPLETION, _chat(document))

    async def call(self, document: ModelDocument, use_case: UseCase, call: Call) -> None:
        """Make any call of a deployment, as :func:`smallest_call` returns it.

        Raises:
            GatewayError: it failed.
        """
        project = self._view.catalog.projects.get(PROBES.id, PROBES)
        account = CallAccount(self._ledger, use_case, call, Caller(project, key_id=""), [document])
        attempt = account.attempt(document)
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await self._provider.answer(call, document, attempt)
        except TimeoutError:
            late = UpstreamTimeoutError()
            account.attempt_failed(late)
            await account.failed(late)
            raise late from None
        except GatewayError as error:
            account.attempt_failed(error)
            await account.failed(error)
            raise
        except BaseException as cause:
            await account.failed(cause)
            raise
        account.attempt_succeeded()
        account.answered()
        await account.completed(answer.usage, answer.body)


def smallest_call(document: ModelDocument) -> tuple[UseCase, Call] | None:
    """Return the cheapest call that shows that a deployment answers; None if it offers nothing that is cheap."""
    cheap: Mapping[Operation, tuple[UseCase, Mapping[str, object]]] = {
        Operation.CHAT_COMPLETION: (CHAT_COMPLETION, _CHAT),
        Operation.RESPONSES: (RESPONSES, {"input": _PROMPT, "max_output_tokens": _TOKENS, "store": False}),
        Operation.EMBEDDINGS: (EMBEDDINGS, {"input": "ok"}),
    }
    for operation, (use_case, members) in cheap.items():
        if operation in document.operations:
            return use_case, _call(document, use_case.endpoint, members)
    return None


def _chat(document: ModelDocument) -> Call:
    return _call(document, Endpoint.CHAT_COMPLETIONS, _CHAT)


def _call(document: ModelDocument, endpoint: Endpoint, members: Mapping[str, object]) -> Call:
    fields = {name: json.dumps(value).encode() for name, value in {"model": document.code, **members}.items()}
    return Call(endpoint, document.code, fields, request_id=PROBES.id)
