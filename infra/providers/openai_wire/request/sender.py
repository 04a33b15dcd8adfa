"""Send requests: head, body, an identity token where one is needed, and time limits."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from application.ports.providers import StoredAction, StoredCall
from domain.attempt import Attempt
from domain.call import Call
from domain.errors import (
    DeploymentBusyError,
    DeploymentUnusableError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from infra.clients.azure_identity import no_identity
from infra.clients.background_token import NoIdentityError
from infra.clients.google_account import no_google_account
from infra.clients.http.body import Body
from infra.clients.http.errors import ConnectError, HttpError, PoolBusyError, SilenceTimeoutError, TotalTimeoutError
from infra.clients.http.pool import HttpPool
from infra.clients.http.response import HttpResponse
from infra.providers.openai_wire.endpoints import ENDPOINTS
from infra.providers.openai_wire.request.body import FormBody, JsonBody, form_body, request_body
from infra.providers.openai_wire.request.deployment import ResolvedDeployment

_STORED = {
    StoredAction.RETRIEVE: ("GET", ""),
    StoredAction.DELETE: ("DELETE", ""),
    StoredAction.CANCEL: ("POST", "/cancel"),
    StoredAction.INPUT_ITEMS: ("GET", "/input_items"),
}
_UUID = re.compile(r"[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}", re.ASCII)
_QUERY_SAFE = "!$&'()*+,;=:@/?%-._~[]"


@dataclass(frozen=True, slots=True)
class Identities:
    """Tokens in place of keys. Each raises ``NoIdentityError`` if there is none.

    Args:
        azure: returns a token of the machine's identity.
        google: returns a token of a Google account, given its JSON, or None for the machine's identity.
    """

    azure: Callable[[], Awaitable[str]] = no_identity
    google: Callable[[str | None], Awaitable[str]] = no_google_account


class RequestSender:
    """Sends calls to deployments.

    Args:
        pool: connections.
        identities: tokens for deployments without a key.
    """

    def __init__(self, pool: HttpPool, identities: Identities) -> None:
        self._pool = pool
        self._identities = identities
        self._preparing: set[asyncio.Task[None]] = set()

    async def send(
        self, call: Call, deployment: ResolvedDeployment, attempt: Attempt | None, *, ask_usage: bool
    ) -> HttpResponse:
        """Send a call and return the answer once its head has arrived.

        Args:
            call: the caller's request.
            deployment: the deployment.
            attempt: counts what is sent and received.
            ask_usage: request usage in a stream.

        Raises:
            DeploymentUnusableError: the machine's identity has no token for it.
            UpstreamError: no answer arrived.
        """
        body: bytes | JsonBody | FormBody
        if call.form is None:
            body, content_type = request_body(call, deployment, ask_usage=ask_usage), b"application/json"
        else:
            body = form_body(call.form, deployment, ENDPOINTS[call.endpoint])
            content_type = body.content_type
        head = b"%bcontent-type: %b\r\ncontent-length: %d\r\n" % (
            deployment.heads[call.endpoint],
            content_type,
            len(body),
        )
        if call.trace is not None:
            head += b"".join(f"{name}: {value}\r\n".encode("ascii") for name, value in call.trace.items())
        if deployment.forwarded is not None:
            head += deployment.forwarded.lines(call.headers, call.trace or ())
        if attempt is not None:
            attempt.track()
        return await self._request(deployment, head, call.request_id, body, attempt)

    async def send_stored(self, call: StoredCall, deployment: ResolvedDeployment) -> HttpResponse:
        """Send a call about a response that the upstream stores.

        Raises:
            DeploymentUnusableError, UpstreamError: see :meth:`send`.
        """
        head = stored_head(call, deployment)
        head += b"".join(f"{name}: {value}\r\n".encode("ascii") for name, value in call.trace.items())
        if deployment.forwarded is not None:
            head += deployment.forwarded.lines(call.headers, call.trace)
        return await self._request(deployment, head, call.request_id, b"")

    async def list_models(self, deployment: ResolvedDeployment) -> HttpResponse:
        """Request the upstream's list of models.

        Raises:
            DeploymentUnusableError, UpstreamError: see :meth:`send`.
        """
        path, query = deployment.stored
        target = f"{path.rpartition('/')[0]}/models{'?' if query else ''}{query}"
        return await self._request(
            deployment, f"GET {target} HTTP/1.1\r\n".encode("ascii") + deployment.headers, "", b""
        )

    async def connect(self, deployment: ResolvedDeployment) -> None:
        """Open a connection, which is closed at once.

        Raises:
            UpstreamError: it failed.
        """
        try:
            await self._pool.connect(deployment.origin)
        except HttpError as error:
            raise transport_error(error) from None

    async def _request(
        self,
        deployment: ResolvedDeployment,
        head: bytes,
        request_id: str,
        body: Body,
        attempt: Attempt | None = None,
    ) -> HttpResponse:
        head += _request_id_header(request_id)
        if deployment.identity or deployment.wire_format.google:
            head += b"authorization: Bearer %b\r\n" % await self._token(deployment)
        timeouts = deployment.timeouts
        try:
            return await self._pool.request(
                deployment.origin,
                head + b"\r\n",
                body,
                silence_timeout=timeouts.idle,
                total_timeout=timeouts.total,
                first_byte_timeout=timeouts.first_byte,
                connect_timeout=timeouts.connect,
                transfer=attempt,
            )
        except HttpError as error:
            raise transport_error(error) from None

    def prepare(self, deployment: ResolvedDeployment) -> None:
        """Fetch the token of a deployment that needs one, in the background; a failure shows in its calls."""
        if deployment.identity or deployment.wire_format.google:
            task = asyncio.create_task(self._prepare(deployment), name="first token")
            self._preparing.add(task)
            task.add_done_callback(self._preparing.discard)

    async def _prepare(self, deployment: ResolvedDeployment) -> None:
        with suppress(DeploymentUnusableError):
            await self._token(deployment)

    async def _token(self, deployment: ResolvedDeployment) -> bytes:
        try:
            google = deployment.wire_format.google
            token = await (self._identities.google(deployment.credential) if google else self._identities.azure())
            return token.encode("ascii")
        except NoIdentityError as error:
            missing = "parameters.secret_name is missing, and the machine has no identity to get a token with"
            reason = missing if deployment.credential is None else "the Google account gets no token"
            raise DeploymentUnusableError(f"{reason} ({error})", temporary=True) from None


def _request_id_header(request_id: str) -> bytes:
    """Pass the caller's request id on if it is a UUID: some servers reject calls with any other."""
    return b"x-request-id: %b\r\n" % request_id.encode("ascii") if _UUID.fullmatch(request_id) else b""


def stored_head(call: StoredCall, deployment: ResolvedDeployment) -> bytes:
    """Build request line and constant headers of a call about a stored response."""
    method, ending = _STORED[call.action]
    path, own_query = deployment.stored
    query = "&".join(filter(None, (own_query, call.query)))
    path = f"{path}/{quote(call.response_id, safe='')}{ending}"
    line = f"{method} {path}{'?' if query else ''}{quote(query, safe=_QUERY_SAFE)} HTTP/1.1\r\n"
    length = b"content-length: 0\r\n" if method == "POST" else b""
    return line.encode("ascii") + deployment.headers + length


def deleted(call: StoredCall) -> bytes:
    """Build OpenAI's answer to a deletion, for upstreams that answer without a body."""
    return json.dumps({"id": call.response_id, "object": "response", "deleted": True}).encode()


def transport_error(error: HttpError) -> UpstreamError | DeploymentBusyError:
    """Convert a failure of the HTTP client. Its reasons name neither host nor credential."""
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, PoolBusyError):
        return DeploymentBusyError(reason)
    if isinstance(error, ConnectError):
        return UpstreamUnreachableError(reason=reason)
    if isinstance(error, SilenceTimeoutError | TotalTimeoutError):
        return UpstreamTimeoutError(reason=reason)
    return UpstreamProtocolError(reason=reason)
