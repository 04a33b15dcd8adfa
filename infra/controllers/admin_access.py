"""Access to the routes for administrators: who sends a request, whether it is permitted, and the record of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from application.admin.identities import Identify
from domain.administrators import Administrator, Permission
from domain.errors import InvalidApiKeyError, NotPermittedError
from infra.controllers.headers import Headers, key_of
from infra.controllers.permissions import ROUTE_PERMISSIONS

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """Checks who may use a route, by the table of permissions.

    Args:
        identify: finds the administrator of a credential.
        refresh: reads the administrators of the store again; may raise ``StoreUnavailableError``.
        on_change: receives who made a change, the client's address, method and path, the subject, and its fields.
        on_refusal: receives who was refused, the client's address, method and path, and the reason.
    """

    identify: Identify
    refresh: Callable[[], Awaitable[None]]
    on_change: Callable[[str, str, str, str, Sequence[dict[str, object]]], None]
    on_refusal: Callable[[str, str, str, str], None]

    async def check(self, request: Request) -> Administrator:
        """Return the administrator who sends a request, if the route's permission is theirs: a FastAPI dependency.

        Raises:
            InvalidApiKeyError: the request presents no key of an administrator.
            NotPermittedError: the administrator's role does not include it, or not for this project.
        """
        administrator = await self.administrator_of(request.scope["headers"])
        if administrator is None:
            self.on_refusal(UNKNOWN, address_of(request), action_of(request), "not an administrator's key")
            raise InvalidApiKeyError("This path needs an administrator's key.")
        self.permit(request, administrator)
        return administrator

    def permit(self, request: Request, administrator: Administrator) -> None:
        """Check the permission of a route's request by an administrator who is known already.

        Raises:
            NotPermittedError: the administrator's role does not include it, or not for this project.
        """
        request.state.administrator = administrator
        permission = ROUTE_PERMISSIONS.get(f"{request.method} {request.scope['route'].path}")
        if permission is None or not administrator.may(permission, request.path_params.get("project")):
            self.on_refusal(administrator.id, address_of(request), action_of(request), f"lacks {permission}")
            raise NotPermittedError(administrator.role, permission or "a permission that no role has")

    async def administrator_of(self, headers: Headers) -> Administrator | None:
        """Return the administrator whose credential a request presents; None if there is none."""
        credential = key_of(headers)
        return None if credential is None else await self.identify(credential)

    async def has(self, headers: Headers, permission: Permission) -> bool:
        """Tell whether a request presents the credential of an administrator with a permission."""
        administrator = await self.administrator_of(headers)
        return administrator is not None and administrator.may(permission)

    def changed(self, request: Request, subject: str, changes: Sequence[dict[str, object]]) -> None:
        """Record a change that a request made."""
        actor = request.state.administrator.id
        self.on_change(actor, address_of(request), action_of(request), subject, changes)


def action_of(request: Request) -> str:
    """Return method and path of a request, for the audit log."""
    return f"{request.method} {request.url.path}"


def address_of(request: Request) -> str:
    """Return the address of the client."""
    record = getattr(request.state, "record", None)
    return getattr(record, "address", None) or UNKNOWN
