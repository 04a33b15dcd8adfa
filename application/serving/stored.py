"""Stored responses: retrieve, delete or cancel them, or list their input, for the project that made them."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import TypeVar

from application.ports.providers import Answer, Provider, StoredAction, StoredCall
from application.serving.accounting import CallAccount
from application.serving.ledger import Ledger
from application.serving.meter import counted
from application.serving.response_affinity import ResponseAffinity
from application.serving.resumed_stream import ResumedStream
from application.serving.use_case import UseCase
from domain.access import may_use
from domain.call import Call
from domain.catalog import Catalog
from domain.errors import ResponseNotFoundError, UpstreamRefusedError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.project import Caller
from domain.response_id import ResponseLocation
from domain.usage import Usage

_NOT_FOUND = 404
_CODE = re.compile(r"\w{1,64}", re.ASCII)
_BACKGROUND = re.compile(rb'"background"\s*:\s*true')
_COUNTED = frozenset({StoredAction.RETRIEVE, StoredAction.CANCEL})
_MOST_REMEMBERED = 10_000
_UNDER_WAY = frozenset({"queued", "in_progress"})
Found = TypeVar("Found")
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
        self._charged: dict[str, None] = {}

    async def __call__(self, caller: Caller, catalog: Catalog, call: StoredCall) -> Answer:
        """Carry out one action on a stored response.

        Raises:
            ResponseNotFoundError: the project has no such response, or may no longer use its deployment.
            GatewayError: the call failed.
        """
        project_id, public_id, request_id = caller.project.id, call.response_id, call.request_id
        kept, document = self._find(project_id, catalog, public_id)
        upstream_call = replace(call, response_id=kept.upstream_id)
        answer = await _found(self._provider.stored(upstream_call, document), public_id)
        if call.action in _COUNTED and _BACKGROUND.search(answer.body):
            await self._count(caller, document, _object(answer.body), answer.usage, public_id, request_id)
        return replace(answer, body=self._affinity.rewrite_stored(answer.body, project_id, kept, public_id))

    async def resume(self, use_case: UseCase, caller: Caller, catalog: Catalog, call: StoredCall) -> ResumedStream:
        """Stream a response that is made in the background.

        Raises:
            ResponseNotFoundError: the project has no such response, or may no longer use its deployment.
            GatewayError: the call failed.
        """
        project_id, public_id, request_id = caller.project.id, call.response_id, call.request_id
        kept, document = self._find(project_id, catalog, public_id)
        stream = await _found(self._provider.resume(replace(call, response_id=kept.upstream_id), document), public_id)

        async def completed(block: bytes, usage: Usage | None) -> None:
            await self._count(caller, document, _last_response(block), usage, public_id, request_id)

        def rewrite(block: bytes) -> bytes:
            return self._affinity.rewrite_stored(block, project_id, kept, public_id)

        return ResumedStream(use_case, stream, rewrite, completed)

    async def settle(self, caller: Caller, catalog: Catalog, public_id: str, request_id: str) -> bool:
        """Fetch a background response and charge it if it is complete; return whether nothing more is to come.

        Raises:
            ResponseNotFoundError: the project has no such response, or may no longer use its deployment.
            GatewayError: the call failed.
        """
        kept, document = self._find(caller.project.id, catalog, public_id)
        call = StoredCall(StoredAction.RETRIEVE, kept.upstream_id, request_id=request_id)
        answer = await _found(self._provider.stored(call, document), public_id)
        response = _object(answer.body)
        await self._count(caller, document, response, answer.usage, public_id, request_id)
        return response.get("status") not in _UNDER_WAY

    def _find(self, project_id: str, catalog: Catalog, public_id: str) -> tuple[ResponseLocation, ModelDocument]:
        kept = self._affinity.find(project_id, public_id)
        document = None if kept is None else catalog.by_id.get(kept.document_id)
        if kept is None or document is None or not may_use(project_id, document):
            raise ResponseNotFoundError(public_id)
        return kept, document

    async def _count(
        self,
        caller: Caller,
        document: ModelDocument,
        response: Mapping[str, object],
        usage: Usage | None,
        public_id: str,
        request_id: str,
    ) -> None:
        """Charge what was made in the background once it is there, and note if it failed.

        However often it is fetched: one line, the first one.
        """
        failure = _failure(response)
        if response.get("background") is not True or response.get("status") in _UNDER_WAY:
            return
        if failure is None and not counted(usage):
            return
        if public_id in self._charged:
            return
        self._charged[public_id] = None
        if len(self._charged) > _MOST_REMEMBERED:
            del self._charged[next(iter(self._charged))]
        call = Call(Endpoint.RESPONSES, document.code, {}, request_id=request_id)
        use_case = replace(_FETCHED, failed_code=lambda _answer: failure)
        account = CallAccount(self._ledger, use_case, call, caller, [document])
        account.attempt(document).status = 200
        account.share_line(public_id, response.get("created_at"))
        await account.completed(usage or Usage())


async def _found(answer: Awaitable[Found], public_id: str) -> Found:
    try:
        return await answer
    except UpstreamRefusedError as refusal:
        if refusal.status == _NOT_FOUND:
            raise ResponseNotFoundError(public_id) from None
        raise


def _failure(response: Mapping[str, object]) -> str | None:
    """Return the error code of a response that failed."""
    if response.get("status") != "failed":
        return None
    error = response.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else "server_error"


def _last_response(block: bytes) -> Mapping[str, object]:
    """Return the response object in the last event of a block."""
    for line in reversed(block.splitlines()):
        if line.startswith(b"data:") and b'"response"' in line:
            response = _object(line[5:]).get("response")
            return response if isinstance(response, dict) else {}
    return {}


def _object(body: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
