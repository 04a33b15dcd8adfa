"""Stored responses: retrieve, delete or cancel them, or list their input, for the project that made them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from application.ports.providers import Answer, Provider, StoredAction, StoredCall
from application.serving.accounting import CallAccount
from application.serving.ledger import Ledger
from application.serving.meter import counted
from application.serving.response_affinity import ResponseAffinity
from application.serving.use_case import UseCase
from domain.access import may_use
from domain.call import Call
from domain.catalog import Catalog
from domain.errors import ResponseNotFoundError, UpstreamRefusedError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.project import Caller
from domain.usage import Usage

_NOT_FOUND = 404
_BACKGROUND = re.compile(rb'"background"\s*:\s*true')
_COUNTED = frozenset({StoredAction.RETRIEVE, StoredAction.CANCEL})
_UNDER_WAY = frozenset({"queued", "in_progress"})
_FETCHED = UseCase(Endpoint.RESPONSES, estimate_input=lambda _call: Usage())


class StoredResponses:
    """Calls the deployment that keeps a response.

    Args:
        provider: reaches the upstreams.
        affinity: reads and rewrites ids.
        ledger: records a response that was made in the background, once its usage is known.
    """

    def __init__(self, provider: Provider, affinity: ResponseAffinity, ledger: Ledger) -> None:
        self._provider = provider
        self._affinity = affinity
        self._ledger = ledger

    async def __call__(
        self, caller: Caller, catalog: Catalog, action: StoredAction, public_id: str, query: str, request_id: str
    ) -> Answer:
        """Carry out one action on a stored response.

        Raises:
            ResponseNotFoundError: the project has no such response, or may no longer use its deployment.
            GatewayError: the call failed.
        """
        project_id = caller.project.id
        kept = self._affinity.find(project_id, public_id)
        document = None if kept is None else catalog.by_id.get(kept.document_id)
        if kept is None or document is None or not may_use(project_id, document):
            raise ResponseNotFoundError(public_id)
        try:
            answer = await self._provider.stored(StoredCall(action, kept.upstream_id, query, request_id), document)
        except UpstreamRefusedError as refusal:
            if refusal.status == _NOT_FOUND:
                raise ResponseNotFoundError(public_id) from None
            raise
        if action in _COUNTED and answer.usage is not None and _BACKGROUND.search(answer.body):
            await self._count(caller, document, answer, public_id, request_id)
        return replace(answer, body=self._affinity.rewrite_stored(answer.body, project_id, kept, public_id))

    async def _count(
        self, caller: Caller, document: ModelDocument, answer: Answer, public_id: str, request_id: str
    ) -> None:
        """Charge what was made in the background once it is there. However often it is fetched: one line."""
        response = _object(answer.body)
        if response.get("background") is not True or response.get("status") in _UNDER_WAY or not counted(answer.usage):
            return  # the first line of a response is the one that is kept
        call = Call(Endpoint.RESPONSES, document.code, {}, request_id=request_id, background=True)
        account = CallAccount(self._ledger, _FETCHED, call, caller, [document])
        account.attempt(document)
        account.share_line(public_id, response.get("created_at"))
        await account.completed(answer.usage)


def _object(body: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
