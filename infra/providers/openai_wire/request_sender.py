"""Putting requests on the wire: head, body, the token where one is needed, and the time that it may all take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from application.ports.providers import StoredCall
from domain.call import Call
from domain.errors import DeploymentUnusableError
from infra.clients.azure_identity import NoIdentityError
from infra.clients.http.body import Body
from infra.clients.http.errors import HttpError
from infra.clients.http.pool import HttpPool
from infra.clients.http.response import HttpResponse
from infra.providers.openai_wire.body import request_body
from infra.providers.openai_wire.content_types import JSON
from infra.providers.openai_wire.deployment import ResolvedDeployment
from infra.providers.openai_wire.endpoints import ROWS
from infra.providers.openai_wire.form import FormBody, form_body
from infra.providers.openai_wire.stored import stored_head
from infra.providers.openai_wire.transport_errors import failed


class Sender:
    """Sends calls to targets.

    Args:
        pool: connections.
        silence_timeout: seconds an upstream may stay silent, where the document names no ``timeout``.
        total_timeout: seconds for a whole call; never less than the silence that a document allows.
        identity: gives tokens of the machine's identity; raises ``NoIdentityError``.
    """

    def __init__(
        self, pool: HttpPool, silence_timeout: float, total_timeout: float, identity: Callable[[], Awaitable[str]]
    ) -> None:
        self._pool = pool
        self._silence_timeout = silence_timeout
        self._total_timeout = total_timeout
        self._identity = identity

    async def send(self, call: Call, target: ResolvedDeployment, *, ask_usage: bool) -> HttpResponse:
        """The answer to a call, as soon as its head is there.

        Args:
            call: what the caller sent.
            target: the deployment.
            ask_usage: have the upstream report usage in a stream.

        Raises:
            DeploymentUnusableError: it needs a token of the machine's identity, and there is none.
            UpstreamError: there is no answer.
        """
        body: bytes | FormBody
        if call.form is None:
            body, content_type = request_body(call, target, ask_usage=ask_usage), JSON
        else:
            body = form_body(call.form, target, ROWS[call.endpoint])
            content_type = body.content_type
        head = b"%bcontent-type: %b\r\ncontent-length: %d\r\n" % (target.heads[call.endpoint], content_type, len(body))
        return await self._request(target, head, call.request_id, body)

    async def send_stored(self, call: StoredCall, target: ResolvedDeployment) -> HttpResponse:
        """The same for a call about a response that the upstream keeps.

        Raises:
            DeploymentUnusableError, UpstreamError: see :meth:`send`.
        """
        return await self._request(target, stored_head(call, target), call.request_id, b"")

    async def _request(self, target: ResolvedDeployment, head: bytes, request_id: str, body: Body) -> HttpResponse:
        head += _request_id_header(request_id)
        if target.identity:
            head += b"authorization: Bearer %b\r\n" % await self._token()
        try:
            return await self._pool.request(
                target.origin,
                head + b"\r\n",
                body,
                silence_timeout=target.silence_timeout or self._silence_timeout,
                total_timeout=max(target.silence_timeout or 0, self._total_timeout),
            )
        except HttpError as error:
            raise failed(error) from None

    async def _token(self) -> bytes:
        try:
            return (await self._identity()).encode("ascii")
        except NoIdentityError as error:
            raise DeploymentUnusableError(
                f"no credential in parameters.secret_name, and the machine has no identity that gives a token ({error})"
            ) from None


def _request_id_header(request_id: str) -> bytes:
    if request_id and request_id.isascii() and request_id.isprintable():
        return b"x-request-id: %b\r\n" % request_id.encode("ascii")
    return b""
