"""The provider adapter: one call of LiteLLM per call of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from application.ports.providers import Answer, StoredCall, Stream
from domain.attempt import Attempt
from domain.call import Call
from domain.errors import DeploymentUnusableError, GatewayError, InvalidRequestError, UpstreamRefusedError
from domain.model import ModelDocument
from domain.operation import Endpoint
from domain.timeouts import Timeouts
from domain.vendor import Credential
from domain.vendors import VENDORS
from infra.providers.destinations import Connect, Destinations, reached
from infra.providers.forwarded_headers import ForwardedHeaders
from infra.providers.litellm.chat import CHAT
from infra.providers.litellm.completion import COMPLETION
from infra.providers.litellm.embeddings import EMBEDDINGS
from infra.providers.litellm.errors import answer_headers, error_headers, translate
from infra.providers.litellm.images import IMAGE_EDIT, IMAGE_GENERATION
from infra.providers.litellm.loader import Library, Loader
from infra.providers.litellm.models import target_of
from infra.providers.litellm.operation import EndpointAdapter, ProviderRequest, StreamLimits
from infra.providers.litellm.responses import RESPONSES
from infra.providers.litellm.speech import SPEECH
from infra.providers.litellm.transcription import TRANSCRIPTION
from infra.providers.resolve import ANYWHERE, GOOGLE_ADDRESS, ResolvedParameters, Secrets, resolve

OPERATIONS: Mapping[Endpoint, EndpointAdapter] = MappingProxyType(
    {
        Endpoint.CHAT_COMPLETIONS: CHAT,
        Endpoint.COMPLETIONS: COMPLETION,
        Endpoint.EMBEDDINGS: EMBEDDINGS,
        Endpoint.IMAGE_EDITS: IMAGE_EDIT,
        Endpoint.IMAGE_GENERATIONS: IMAGE_GENERATION,
        Endpoint.RESPONSES: RESPONSES,
        Endpoint.SPEECH: SPEECH,
        Endpoint.TRANSCRIPTIONS: TRANSCRIPTION,
    }
)
"""The endpoints that are served through LiteLLM."""

_FIXED = {
    "num_retries": 0,  # retries and failover are the proxy's
    "max_retries": 0,
}


class LiteLLMProvider:
    """Calls upstreams that do not speak OpenAI's format; implements the port ``Provider``.

    Args:
        secrets: looks up the secrets that documents name.
        silence_timeout: seconds an upstream may be silent, for documents that set no limit.
        total_timeout: seconds a call may take as a whole.
        first_byte_timeout: seconds until the first piece of an answer; None for those of silence.
        destinations: hosts that secrets and tokens may be sent to.
        connect: opens a connection and closes it; None if checks are not possible.
    """

    def __init__(
        self,
        secrets: Secrets,
        *,
        silence_timeout: float,
        total_timeout: float,
        first_byte_timeout: float | None = None,
        destinations: Destinations = ANYWHERE,
        connect: Connect | None = None,
    ) -> None:
        self._connect = connect
        self._secrets = secrets
        self._destinations = destinations
        self._timeouts = Timeouts(first_byte_timeout or silence_timeout, silence_timeout, total_timeout)
        self._loader = Loader()

    @property
    def state(self) -> str:
        """For the health page: ``not loaded``, ``loading``, ``ready`` or ``failed: ...``."""
        return self._loader.state

    def warm_up(self) -> None:
        """Import LiteLLM in the background because some document needs it. Safe to repeat."""
        self._loader.warm_up()

    async def loaded(self) -> None:
        """Wait until LiteLLM is imported.

        Raises:
            DeploymentUnusableError: it cannot be imported.
        """
        await self._loader.ready()

    async def answer(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Answer:
        """See the port."""
        library = await self._loader.ready()
        operation, request, arguments = await self._prepared(library, call, document)
        timeouts = self._timeouts.of(document)
        function = library.functions[operation.function(request.target)]
        try:
            async with asyncio.timeout(timeouts.total):
                # LiteLLM has one limit for every wait; the longest one for a whole answer is that for its first byte.
                response = await function(**arguments, timeout=timeouts.first_byte)
                _note(attempt, answer_headers(response))
                return operation.answer(response, request)
        except Exception as error:  # noqa: BLE001  # LiteLLM raises any kind; each becomes one of ours
            _note(attempt, error_headers(error))
            raise _translator(operation, request)(error) from None

    async def stream(self, call: Call, document: ModelDocument, attempt: Attempt | None = None) -> Stream:
        """See the port."""
        library = await self._loader.ready()
        operation, request, arguments = await self._prepared(library, call, document)
        if operation.stream is None:
            message = "This model does not stream such answers: omit 'stream'."
            raise InvalidRequestError(message, param="stream", code="unsupported_parameter")
        timeouts, now = self._timeouts.of(document), asyncio.get_running_loop().time()
        limits = StreamLimits(
            now + timeouts.first_byte, timeouts.idle, now + timeouts.total, _translator(operation, request)
        )
        function = library.functions[operation.function(request.target)]
        try:
            async with asyncio.timeout_at(min(limits.first, limits.deadline)):
                response = await function(**arguments, timeout=max(timeouts.first_byte, timeouts.idle))
        except Exception as error:  # noqa: BLE001  # the same
            _note(attempt, error_headers(error))
            raise limits.translate(error) from None
        _note(attempt, answer_headers(response))
        stream = operation.stream(response, request, limits)
        await stream.start()
        return stream

    async def stored(self, call: StoredCall, document: ModelDocument) -> Answer:  # noqa: ARG002 - the port's signature
        """Refuse: nothing is stored here; see the port."""
        raise UpstreamRefusedError(404, f"Response with id '{call.response_id}' not found.")

    async def resume(self, call: StoredCall, document: ModelDocument) -> Stream:  # noqa: ARG002 - the port's signature
        """Refuse: nothing is stored here; see the port."""
        raise UpstreamRefusedError(404, f"Response with id '{call.response_id}' not found.")

    async def check(self, document: ModelDocument, *, connect_only: bool = False) -> bool:  # noqa: ARG002 - it has no list of models
        """Connect to the upstream where its address is known; see the port."""
        address = self._resolved(document).endpoint or VENDORS[document.model_type].address
        return await reached(address, self._connect)

    def upstream_model(self, document: ModelDocument) -> str:
        """See the port."""
        return VENDORS[document.model_type].upstream_name(document.parameters, document.code)

    def unusable_because(self, document: ModelDocument) -> str | None:
        """See the port."""
        try:
            target_of(document, self._resolved(document))
        except DeploymentUnusableError as error:
            return error.reason
        if self._loader.state.startswith("failed"):
            return f"LiteLLM {self._loader.state}"
        return None

    def _resolved(self, document: ModelDocument) -> ResolvedParameters:
        vendor = VENDORS[document.model_type]
        google = vendor.credential is Credential.SERVICE_ACCOUNT_OR_IDENTITY
        address = GOOGLE_ADDRESS if google else vendor.address
        parameters = resolve(
            document.parameters,
            self._secrets,
            self._destinations,
            default_address=address,
            headers=document.headers,
        )
        for name, value in parameters.headers.items():
            if not value.isascii():
                raise DeploymentUnusableError(f"headers.{name} has characters that LiteLLM cannot send in a header")
        google = google or (parameters.model or "").startswith(("vertex_ai/", "vertex_ai_beta/"))
        if google and parameters.credential is None and parameters.endpoint is not None:
            self._destinations.check_identity(parameters.endpoint)
        return parameters

    async def _prepared(
        self, library: Library, call: Call, document: ModelDocument
    ) -> tuple[EndpointAdapter, ProviderRequest, dict[str, Any]]:
        operation = OPERATIONS[call.endpoint]
        parameters = self._resolved(document)
        target = target_of(document, parameters, call.endpoint)
        request = ProviderRequest(call, target, parameters.defaults, library.controls)
        # Forms may be large: they are read in a thread.
        make = operation.arguments
        arguments = make(request) if call.form is None else await asyncio.to_thread(make, request)
        arguments |= target.connection
        arguments |= _FIXED
        if document.headers or document.forward_headers or call.trace is not None:
            given = arguments.get("extra_headers")
            arguments["extra_headers"] = _headers(given or {}, call, document, parameters)
        arguments["model"] = target.model
        arguments["litellm_call_id"] = call.request_id
        arguments["litellm_logging_obj"] = library.call_logging(
            model=target.model,
            messages=arguments.get("messages") or arguments.get("input") or [],
            stream=call.stream,
            call_type=operation.function(target),
            start_time=datetime.now(UTC),
            litellm_call_id=call.request_id,
            function_id="",
        )
        return operation, request, arguments


def _note(attempt: Attempt | None, headers: Mapping[bytes, bytes]) -> None:
    if attempt is not None and headers:
        attempt.headers = headers


def _headers(
    given: Mapping[str, str], call: Call, document: ModelDocument, parameters: ResolvedParameters
) -> dict[str, str]:
    """Combine the headers among the document's request defaults, its own, and those of the caller that it passes on."""
    own = {**given, **parameters.headers, **(call.trace or {})}
    forwarded: dict[str, str] = {}
    for name, value in ForwardedHeaders(document.forward_headers, own).select(call.headers, call.trace or ()):
        if value.isascii():
            key, text = name.decode("ascii"), value.decode("ascii")
            forwarded[key] = f"{forwarded[key]}, {text}" if key in forwarded else text
    return forwarded | own


def _translator(operation: EndpointAdapter, request: ProviderRequest) -> Callable[[BaseException], GatewayError]:
    def translator(error: BaseException) -> GatewayError:
        translated = translate(error, request.target.secrets)
        name = operation.names.get(translated.param or "") if isinstance(translated, InvalidRequestError) else None
        if name is not None:
            message = translated.message.replace(f"'{translated.param}'", f"'{name}'")
            return InvalidRequestError(message, param=name, code=translated.code)
        return translated

    return translator
