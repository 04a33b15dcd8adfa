"""Adapter of the port ``providers`` for upstreams that speak OpenAI's format: bytes in, bytes out."""

from __future__ import annotations

from contextlib import suppress
from weakref import WeakKeyDictionary, WeakSet

from application.ports.providers import Answer, StoredAction, StoredCall, Stream
from domain.attempt import Attempt
from domain.call import Call
from domain.errors import DeploymentUnusableError, UpstreamOperationError, UpstreamRefusedError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.timeouts import Timeouts
from infra.clients.http.errors import HttpError
from infra.clients.http.pool import HttpPool
from infra.clients.http.response import HttpResponse
from infra.providers.destinations import Destinations
from infra.providers.openai_wire.endpoints import ENDPOINTS
from infra.providers.openai_wire.request.address import UrlStyle
from infra.providers.openai_wire.request.deployment import ResolvedDeployment, resolve_deployment
from infra.providers.openai_wire.request.sender import Identities, RequestSender, deleted, transport_error
from infra.providers.openai_wire.response.answers import (
    JSON,
    is_event_stream,
    is_html,
    is_json,
    is_text_transcript,
    read_answer,
    text_type,
)
from infra.providers.openai_wire.response.collected import collect, is_stream
from infra.providers.openai_wire.response.errors import error_body, read_error, upstream_error
from infra.providers.openai_wire.stream.audio_stream import open_audio_stream
from infra.providers.openai_wire.stream.event_stream import open_event_stream
from infra.providers.openai_wire.stream.single_block import single_block
from infra.providers.reported_usage import UnknownMembers
from infra.providers.resolve import ANYWHERE, Secrets

_OK, _MULTIPLE_CHOICES = 200, 300
_NO_IDENTITIES = Identities()
_UNKNOWN_MEMBER = frozenset({400, 422})
_UNAVAILABLE, _SERVER_ERRORS = frozenset({401, 403, 408, 429}), 500


class OpenAIWire:
    """Calls deployments over HTTP. Each document is resolved once and cached for its lifetime.

    If an upstream rejects ``stream_options`` (older Azure versions, some compatible servers), the request is repeated
    once without it, and later requests omit it: the usage of such streams is estimated.

    Args:
        pool: connections; the caller closes it.
        secrets: credentials by the names that documents use.
        silence_timeout: seconds without a byte from the upstream, for documents that set no limit.
        total_timeout: seconds for a whole call.
        first_byte_timeout: seconds until the first byte of a response; None for those of silence.
        answer_limit: maximum size of a complete answer in bytes.
        user_agent: value of the ``User-Agent`` header.
        identities: tokens for deployments without a key.
        destinations: hosts that secrets and tokens may be sent to.

    Attributes:
        unknown_usage: members of ``usage`` objects that hold tokens and are not read.
        forget: makes every document be resolved anew, because secrets changed.
    """

    def __init__(  # noqa: PLR0913 - each has a default or a setting
        self,
        pool: HttpPool,
        secrets: Secrets,
        *,
        silence_timeout: float,
        total_timeout: float,
        first_byte_timeout: float | None = None,
        answer_limit: int = 256 * 1024 * 1024,
        user_agent: str = "llmproxy",
        identities: Identities = _NO_IDENTITIES,
        destinations: Destinations = ANYWHERE,
    ) -> None:
        self._destinations = destinations
        self._timeouts = Timeouts(first_byte_timeout or silence_timeout, silence_timeout, total_timeout)
        self._sender = RequestSender(pool, identities)
        self._secrets = secrets
        self.unknown_usage = UnknownMembers()
        self._answer_limit = answer_limit
        self._user_agent = user_agent
        self._deployments: WeakKeyDictionary[ModelDocument, ResolvedDeployment] = WeakKeyDictionary()
        self.forget = self._deployments.clear
        self._without_usage: WeakSet[ModelDocument] = WeakSet()

    async def answer(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Answer:
        """Call the deployment and return its complete answer, byte for byte.

        Raises:
            DeploymentUnusableError: the document cannot be called, or the upstream does not know its model.
            UpstreamError: the call failed.
        """
        deployment = self._deployment(document)
        response = await self._sender.send(call, deployment, attempt, ask_usage=False)
        if response.status >= _MULTIPLE_CHOICES:
            raise await read_error(response, deployment)
        return await self._read(response, call, deployment)

    async def stream(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Stream:
        """Call the deployment and return once the first event, or the first bytes of audio, have arrived.

        Raises:
            DeploymentUnusableError: the document cannot be called, or the upstream does not know its model.
            UpstreamError: the call failed before the first event.
        """
        deployment = self._deployment(document)
        ask_usage = ENDPOINTS[call.endpoint].asks_usage and document not in self._without_usage
        response = await self._sender.send(call, deployment, attempt, ask_usage=ask_usage)
        if response.status in _UNKNOWN_MEMBER and ask_usage and "stream_options" not in call.fields:
            response = await self._repeat_without_usage(call, document, deployment, response, attempt)
        if response.status != _OK:
            raise await read_error(response, deployment)
        content_type = response.headers.get(b"content-type", b"")
        if not is_event_stream(content_type):
            if call.endpoint is Endpoint.SPEECH:
                return await open_audio_stream(response, deployment)
            if ENDPOINTS[call.endpoint].plain_text or is_json(content_type) or is_html(content_type):
                return single_block(await self._read(response, call, deployment), call)
        return await open_event_stream(response, call, deployment)

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:
        """Retrieve, delete or cancel a response that the deployment stores, or list its input.

        Raises:
            DeploymentUnusableError: the document cannot be called.
            UpstreamError: the call failed; status 404 if the upstream has no such response.
        """
        deployment = self._deployment(document)
        data = await self._body(await self._send_stored(call, deployment))
        data = deleted(call) if not data and call.action is StoredAction.DELETE else data
        data, usage = read_answer(data, deployment, ENDPOINTS[Endpoint.RESPONSES])
        return Answer(data, JSON, usage)

    async def resume(self, call: StoredCall, document: ModelDocument) -> Stream:
        """Stream a response that the deployment makes in the background.

        Raises:
            DeploymentUnusableError, UpstreamError: see :meth:`stored`.
        """
        deployment = self._deployment(document)
        response = await self._send_stored(call, deployment)
        streamed = Call(Endpoint.RESPONSES, document.code, {}, stream=True, request_id=call.request_id)
        content_type = response.headers.get(b"content-type", b"")
        if is_json(content_type) or is_html(content_type):
            return single_block(await self._read(response, streamed, deployment), streamed)
        return await open_event_stream(response, streamed, deployment)

    async def _send_stored(self, call: StoredCall, deployment: ResolvedDeployment) -> HttpResponse:
        response = await self._sender.send_stored(call, deployment)
        if response.status >= _MULTIPLE_CHOICES:
            error = await read_error(response, deployment)
            if isinstance(error, DeploymentUnusableError | UpstreamOperationError):  # only the response can be missing
                error = UpstreamRefusedError(404, f"Response with id '{call.response_id}' not found.")
            raise error
        return response

    async def check(self, document: ModelDocument, *, connect_only: bool = False) -> bool:
        """Request the list of models, or only connect; see the port."""
        deployment = self._deployment(document)
        if connect_only or deployment.wire_format.url_style is UrlStyle.VERTEX:
            await self._sender.connect(deployment)
            return True
        response = await self._sender.list_models(deployment)
        if response.status in _UNAVAILABLE or response.status >= _SERVER_ERRORS:
            raise await read_error(response, deployment)
        await response.close()  # also a refusal: not every upstream has such a list
        return True

    def upstream_model(self, document: ModelDocument) -> str:
        """Return the upstream's name for the model."""
        try:
            return self._deployment(document).upstream_model
        except DeploymentUnusableError:
            parameters = document.parameters
            return parameters.deployment_name or parameters.model or document.code

    def prepare(self, document: ModelDocument) -> None:
        """Fetch the token that calls of the document need, if they need one, in the background."""
        with suppress(DeploymentUnusableError):
            self._sender.prepare(self._deployment(document))

    def unusable_because(self, document: ModelDocument) -> str | None:
        """Return why the document cannot be called, for operators; None if it can. No network."""
        try:
            self._deployment(document)
        except DeploymentUnusableError as error:
            return error.reason
        return None

    def _deployment(self, document: ModelDocument) -> ResolvedDeployment:
        deployment = self._deployments.get(document)
        if deployment is None:
            deployment = self._deployments[document] = resolve_deployment(
                document, self._secrets, self._user_agent, self.unknown_usage, self._destinations, self._timeouts
            )
        return deployment

    async def _read(self, response: HttpResponse, call: Call, deployment: ResolvedDeployment) -> Answer:
        """Read a complete answer."""
        data, row = await self._body(response), ENDPOINTS[call.endpoint]
        content_type = response.headers.get(b"content-type", b"")
        if is_event_stream(content_type) or (not row.plain_text and is_stream(data)):
            data = collect(data, deployment, row)
        elif row.plain_text and is_text_transcript(data, content_type, call, deployment):
            return Answer(data, text_type(content_type), None)
        data, usage = read_answer(data, deployment, row, call)
        return Answer(data, JSON, usage)

    async def _body(self, response: HttpResponse) -> bytes:
        try:
            return await response.read(self._answer_limit)
        except HttpError as error:
            raise transport_error(error) from None

    async def _repeat_without_usage(
        self,
        call: Call,
        document: ModelDocument,
        deployment: ResolvedDeployment,
        response: HttpResponse,
        attempt: Attempt | None,
    ) -> HttpResponse:
        """Repeat the request without the ``stream_options`` that the proxy added, if those were rejected.

        Not for callers with stream options of their own: their mistakes must not cost other callers measured usage.
        """
        body = await error_body(response)
        if b"stream_options" not in body and b"include_usage" not in body:
            raise upstream_error(response.status, response.headers, body, deployment)
        if attempt is not None:
            attempt = attempt.repeated("stream_options")
        second = await self._sender.send(call, deployment, attempt, ask_usage=False)
        if second.status == _OK:
            self._without_usage.add(document)
        return second
