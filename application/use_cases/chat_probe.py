"""A chat completion that finds out whether a deployment answers. Its vendor charges for it, so it has a ledger line."""

from __future__ import annotations

import asyncio
import json

from application.ports.providers import Provider
from application.serving.accounting import CallAccount
from application.serving.catalog_view import CatalogView
from application.serving.ledger import Ledger
from application.use_cases.chat_completion import CHAT_COMPLETION
from domain.call import Call
from domain.errors import GatewayError, UpstreamTimeoutError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.project import Caller, Project

PROBES = Project(id="health-probes", name="Health probes")
"""The project that pays for probes. A project document of this id may add tags; nobody has a key of it by default."""
_SECONDS = 60.0
_TOKENS = 256
"""Enough for models that reason before they write."""


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
        project = self._view.catalog.projects.get(PROBES.id, PROBES)
        call = _chat(document)
        account = CallAccount(self._ledger, CHAT_COMPLETION, call, Caller(project, key_id=""), [document])
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


def _chat(document: ModelDocument) -> Call:
    """Make a request that reasoning models accept, too: they refuse ``max_tokens`` and ``temperature``."""
    members = {
        "model": document.code,
        "messages": [{"role": "user", "content": "Reply with: ok"}],
        "max_completion_tokens": _TOKENS,
    }
    fields = {name: json.dumps(value).encode() for name, value in members.items()}
    return Call(Endpoint.CHAT_COMPLETIONS, document.code, fields, request_id=PROBES.id)
