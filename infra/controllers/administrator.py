"""The administrator of a server, known by the key of ``LLMPROXY_ADMIN_KEY``, and the record of what they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from domain.errors import InvalidApiKeyError
from infra.controllers.headers import key_of


@dataclass(frozen=True, slots=True)
class Administrator:
    """Checks whether a request comes from the administrator.

    Args:
        has_key: decides by the presented key, None if absent.
        on_change: receives the client's address, method and path, what was changed, and its fields.
        on_refusal: receives the client's address, and method and path, of each request that is refused.
    """

    has_key: Callable[[str | None], bool]
    on_change: Callable[[str, str, str, Sequence[dict[str, object]]], None]
    on_refusal: Callable[[str, str], None]

    async def check(self, request: Request) -> None:
        """Refuse requests of others.

        Raises:
            InvalidApiKeyError: the request does not present the key.
        """
        if not self.has_key(key_of(request.scope["headers"])):
            self.on_refusal(_address(request), _action(request))
            raise InvalidApiKeyError("This path needs the administrator's key.")

    def changed(self, request: Request, subject: str, changes: Sequence[dict[str, object]]) -> None:
        """Record a change that a request made."""
        self.on_change(_address(request), _action(request), subject, changes)


def _action(request: Request) -> str:
    return f"{request.method} {request.url.path}"


def _address(request: Request) -> str:
    record = getattr(request.state, "record", None)
    return getattr(record, "address", None) or "unknown"
