"""One request of a signed-in administrator: their permissions, their language, what they sent, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from application.admin.audit_trail import AuditedCatalogStore, AuditTrail
from domain.administrators import Administrator, Permission
from domain.documents.values import is_timezone
from infra.controllers.admin_pages.formats import Formats
from infra.controllers.admin_pages.rendering import render
from infra.controllers.admin_pages.services import AdminServices
from infra.controllers.admin_pages.sessions import Session
from infra.controllers.admin_pages.translations import preferred, translations_of

PREFERENCES = "llmproxy_admin_view"
"""Cookie with the language and the time zone that were chosen: no secret."""


class PageError(Exception):
    """A request that cannot be served as asked.

    Args:
        status: HTTP status.
        title: what failed, translated.
        text: where and what to do, translated.
    """

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text


@dataclass
class PageRequest:
    """A request to a page.

    Args:
        request: as it arrived.
        services: what pages use.
        administrator: who sent it; None before they have signed in.
        session: theirs.
        form: fields of a form that was sent; several values of one field are kept in ``lists``.
        lists: the same with all values.
    """

    request: Request
    services: AdminServices
    administrator: Administrator | None = None
    session: Session | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The members of the query string."""
        found = parse_qs(self.request.url.query, keep_blank_values=False)
        return {name: values[-1] for name, values in found.items()}

    @cached_property
    def formats(self) -> Formats:
        """The language and the time zone of the reader."""
        language, _, zone = self.request.cookies.get(PREFERENCES, "").partition("|")
        locale = preferred(language or None, self.request.headers.get("accept-language", ""))
        return Formats(locale, ZoneInfo(zone if zone and is_timezone(zone) else self.services.timezone))

    def text(self, source: str, **values: object) -> str:
        """Translate a text, and insert values."""
        translated = translations_of(self.formats.locale).gettext(source)
        return translated % values if values else translated

    @property
    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return self.services.sessions.now_ms()

    @property
    def who(self) -> Administrator:
        """The administrator."""
        if self.administrator is None:
            raise PageError(401, self.text("Not signed in"), self.text("Sign in first."))
        return self.administrator

    def may(self, permission: Permission, project: str | None = None) -> bool:
        """Tell whether the administrator has a permission."""
        return self.administrator is not None and self.administrator.may(permission, project)

    def require(self, permission: Permission, project: str | None = None) -> None:
        """Refuse what the administrator may not do.

        Raises:
            PageError: they may not.
        """
        if not self.may(permission, project):
            self.refused(f"lacks {permission}")
            needed = self.text("Your role %(role)s lacks the permission %(permission)s.")
            text = needed % {"role": self.who.role.value, "permission": permission.value}
            raise PageError(403, self.text("Not permitted"), text)

    def in_scope(self, project: str) -> bool:
        """Tell whether the administrator may see anything of a project."""
        scope = self.who.scope
        return scope is None or project in scope

    @property
    def action(self) -> str:
        """Method and path, for the audit log."""
        return f"{self.request.method} {self.request.url.path}"

    @property
    def address(self) -> str:
        """The client's address."""
        record = getattr(self.request.state, "record", None)
        return getattr(record, "address", None) or "unknown"

    def refused(self, reason: str) -> None:
        """Record that this request was refused."""
        actor = "unknown" if self.administrator is None else self.administrator.id
        self.services.refused(actor, self.address, self.action, reason)

    @property
    def catalog(self) -> AuditedCatalogStore:
        """The documents, for changes: each is recorded before it is made."""
        trail = AuditTrail(self.services.audit, self.who.id, self.address, self.action, self.services.sessions.now_ms)
        return AuditedCatalogStore(self.services.catalog, trail)

    def unknown(self, what: str) -> PageError:
        """Return the error of something that does not exist."""
        return PageError(404, self.text("Not found"), self.text("%(what)s does not exist.", what=what))

    def link(self, **changes: object) -> str:
        """Return the address of this page with some members of its query replaced; None removes one."""
        members = {**self.query, **{name: value for name, value in changes.items() if value is not None}}
        kept = {name: str(value) for name, value in members.items() if changes.get(name, "") is not None}
        kept.pop("notice", None)
        path = self.request.url.path
        return f"{path}?{urlencode(kept)}" if kept else path

    def render(self, template: str, status: int = 200, **values: object) -> Response:
        """Return the page made of a template."""
        context = {
            "page": self,
            "f": self.formats,
            "lang": self.formats.locale.tag,
            "path": self.request.url.path,
            "services": self.services,
            "notice": "",
            **values,
        }
        return HTMLResponse(render(self.formats.locale, template, context), status)

    def redirect(self, path: str, **query: object) -> Response:
        """Return a redirect to a page of ours, which a browser follows with GET."""
        members = {name: str(value) for name, value in query.items() if value not in (None, "")}
        return RedirectResponse(f"{path}?{urlencode(members)}" if members else path, 303)

    def back(self, text: str | None) -> str:
        """Return an address of ours from what a browser sent, else the first page."""
        parts = urlsplit(text or "")
        inside = not parts.scheme and not parts.netloc and (parts.path == "/admin" or parts.path.startswith("/admin/"))
        return text or "" if inside and text and "\\" not in text and text.isprintable() else "/admin"
