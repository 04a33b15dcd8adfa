"""The port ``providers`` for upstreams that speak OpenAI's format: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary, WeakSet

from application.ports.providers import Answer, StoredAction, StoredCall, Stream
from domain.call import Call
from domain.errors import DeploymentUnusableError, GatewayError, UpstreamProtocolError, UpstreamRefusedError
from domain.model import ModelDocument
from domain.operation import Endpoint
from infra.clients.azure_identity import no_identity
from infra.clients.http.errors import HttpError
from infra.clients.http.pool import HttpPool
from infra.clients.http.response import HttpResponse
from infra.providers.openai_wire.endpoints import ENDPOINTS
from infra.providers.openai_wire.request.deployment import ResolvedDeployment, resolve_deployment
from infra.providers.openai_wire.request.sender import RequestSender, deleted, transport_error
from infra.providers.openai_wire.response.answers import (
    JSON,
    check,
    is_events,
    is_json,
    is_page,
    is_text_transcript,
    read_answer,
    text_type,
)
from infra.providers.openai_wire.response.errors import upstream_error
from infra.providers.openai_wire.stream.audio_stream import open_audio_stream
from infra.providers.openai_wire.stream.event_stream import open_event_stream
from infra.providers.openai_wire.stream.single_block import SingleBlockStream
from infra.providers.resolve import Secrets

_OK = 200
_MULTIPLE_CHOICES = 300
_ERROR_LIMIT = 256 * 1024  # bytes of an error that are read
_UNKNOWN_MEMBER = frozenset({400, 422})


class OpenAIWire:
    """Calls deployments over HTTP. What a document says is worked out once and kept as long as the document lives.

    An upstream that refuses ``stream_options`` (older Azure versions, some compatible servers) is asked again without
    it, once, and not sent it any more: its streams are then counted by rule of thumb.

    Args:
        pool: connections; the caller closes it.
        secrets: credentials by the names that documents use.
        silence_timeout: seconds an upstream may stay silent, where the document names no ``timeout``.
        total_timeout: seconds for a whole call; never less than the silence that a document allows.
        answer_limit: most bytes of a whole answer.
        user_agent: how we introduce ourselves.
        identity: gives tokens of the machine's identity; raises ``NoIdentityError``.
    """

    def __init__(
        self,
        pool: HttpPool,
        secrets: Secrets,
        *,
        silence_timeout: float,
        total_timeout: float,
        answer_limit: int = 256 * 1024 * 1024,
        user_agent: str = "llmproxy",
        identity: Callable[[], Awaitable[str]] = no_identity,
    ) -> None:
        self._sender = RequestSender(pool, silence_timeout, total_timeout, identity)
        self._secrets = secrets
        self._answer_limit = answer_limit
        self._user_agent = user_agent
        self._deployments: WeakKeyDictionary[ModelDocument, ResolvedDeployment] = WeakKeyDictionary()
        self._never_tells_usage: WeakSet[ModelDocument] = WeakSet()

    async def answer(self, call: Call, document: ModelDocument) -> Answer:
        """Call the deployment and wait for its whole answer, which is handed over byte for byte.

        Raises:
            DeploymentUnusableError: the document cannot be called as it stands, or the upstream does not know the
                model that it names.
            UpstreamError: the upstream was called and it did not work out.
        """
        deployment = self._deployment(document)
        response = await self._sender.send(call, deployment, ask_usage=False)
        if response.status >= _MULTIPLE_CHOICES:
            raise await _refusal(response, deployment)
        return await self._read(response, call, deployment)

    async def stream(self, call: Call, document: ModelDocument) -> Stream:
        """Call the deployment and return once its first event is there, or its first bytes of audio.

        Raises:
            DeploymentUnusableError: the document cannot be called as it stands, or the upstream does not know the
                model that it names.
            UpstreamError: anything that goes wrong before the first event.
        """
        deployment = self._deployment(document)
        ask_usage = ENDPOINTS[call.endpoint].asks_usage and document not in self._never_tells_usage
        response = await self._sender.send(call, deployment, ask_usage=ask_usage)
        if response.status in _UNKNOWN_MEMBER and ask_usage and "stream_options" not in call.fields:
            response = await self._ask_again(call, document, deployment, response)
        if response.status != _OK:
            raise await _refusal(response, deployment)
        said = response.headers.get(b"content-type", b"")
        if ENDPOINTS[call.endpoint].prose and not is_events(said):
            return SingleBlockStream(await self._read(response, call, deployment))
        if is_json(said) or is_page(said):
            raise await _no_stream(response, deployment)
        if call.endpoint is Endpoint.SPEECH and not is_events(said):
            return await open_audio_stream(response, deployment)
        return await open_event_stream(response, call, deployment)

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """Ask the deployment about a response that it keeps.

        Raises:
            DeploymentUnusableError: the document cannot be called as it stands.
            UpstreamError: the upstream was called and it did not work out; with status 404 where it has no such
                response.
        """
        deployment = self._deployment(document)
        response = await self._sender.send_stored(call, deployment)
        if response.status >= _MULTIPLE_CHOICES:
            error = await _refusal(response, deployment)
            if isinstance(error, DeploymentUnusableError):  # all that it can be about is the response
                error = UpstreamRefusedError(404, f"Response with id '{call.response_id}' not found.")
            raise error
        data = await self._body(response)
        if not data and call.action is StoredAction.DELETE:
            data = deleted(call)
        data, usage = read_answer(data, deployment, ENDPOINTS[Endpoint.RESPONSES])
        return Answer(data, JSON, usage)

    def upstream_model(self, document: ModelDocument) -> str:
        """The name by which the upstream knows the model."""
        try:
            return self._deployment(document).upstream_model
        except DeploymentUnusableError:
            parameters = document.parameters
            return parameters.deployment_name or parameters.model or document.code

    def unusable_because(self, document: ModelDocument) -> str | None:
        """Why the document cannot be called as it stands, for operators; ``None`` = it can. No network."""
        try:
            self._deployment(document)
        except DeploymentUnusableError as error:
            return error.reason
        return None

    def _deployment(self, document: ModelDocument) -> ResolvedDeployment:
        deployment = self._deployments.get(document)
        if deployment is None:
            deployment = resolve_deployment(document, self._secrets, self._user_agent)
            self._deployments[document] = deployment
        return deployment

    async def _read(self, response: HttpResponse, call: Call, deployment: ResolvedDeployment) -> Answer:
        """What an answer is made of, whole."""
        data, row = await self._body(response), ENDPOINTS[call.endpoint]
        said = response.headers.get(b"content-type", b"")
        if row.prose and is_text_transcript(data, said, call, deployment):
            return Answer(data, text_type(said), None)
        data, usage = read_answer(data, deployment, row, call)
        return Answer(data, JSON, usage)

    async def _body(self, response: HttpResponse) -> bytes:
        try:
            return await response.read(self._answer_limit)
        except HttpError as error:
            raise transport_error(error) from None

    async def _ask_again(
        self, call: Call, document: ModelDocument, deployment: ResolvedDeployment, response: HttpResponse
    ) -> HttpResponse:
        """Where it was our own wish for usage that was refused: the answer to the same request without it.

        Callers with stream options of their own do not come here: what they send is theirs to answer for, and must
        not cost everybody else the measured usage.
        """
        refusal = await _error_body(response)
        if b"stream_options" not in refusal and b"include_usage" not in refusal:
            raise upstream_error(response.status, response.headers, refusal, deployment)
        second = await self._sender.send(call, deployment, ask_usage=False)
        if second.status == _OK:
            self._never_tells_usage.add(document)
        return second


async def _refusal(response: HttpResponse, deployment: ResolvedDeployment) -> GatewayError:
    """The error that an answer is."""
    return upstream_error(response.status, response.headers, await _error_body(response), deployment)


async def _no_stream(response: HttpResponse, deployment: ResolvedDeployment) -> GatewayError:
    """The error for an answer that is whole where a stream was asked for."""
    try:
        check(await _error_body(response), deployment)
    except GatewayError as error:
        return error
    return UpstreamProtocolError(reason="a whole answer where a stream was asked for")


async def _error_body(response: HttpResponse) -> bytes:
    """As much of an error as explains it; nothing where it does not arrive whole."""
    try:
        return await response.read(_ERROR_LIMIT)
    except HttpError:
        await response.close()
        return b""
