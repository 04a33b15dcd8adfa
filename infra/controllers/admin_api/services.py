"""The services behind the administration's routes, and what the routes have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request, Response

from application.admin.audit_reading import AuditFilter, latest
from application.admin.audit_trail import AuditedCatalogStore, AuditTrail
from application.admin.conditional_store import ConditionalCatalogStore
from application.admin.deployments import Upstreams
from application.admin.document_index import DocumentIndex, ModelSummary, ProjectSummary
from application.admin.messages import CommandError
from application.admin.price_check import Find
from application.errors import ConflictError, DocumentRefusedError, StoreUnavailableError
from application.ports.audit_log import AuditLog
from application.ports.catalog_store import CatalogStore, Kind
from application.ports.lease_store import LeaseStore
from application.ports.usage_store import UsageStore
from application.serving.catalog_view import CatalogView
from domain.administrators import Administrator
from domain.documents import exact_json
from domain.documents.write import time_text
from domain.errors import InvalidRequestError, PreconditionFailedError
from domain.rate_limit import Limits
from infra.controllers.admin_access import AdminAccess, action_of, address_of
from infra.controllers.ops import Health
from infra.controllers.page_body import read_body

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AdminApi:
    """The services behind the routes.

    Args:
        access: checks who may use them.
        catalog: documents.
        view: the catalogue that this process serves.
        models: every model document, in short.
        projects: every project, in short.
        usage: the ledger.
        leases: what processes share about limits and budgets.
        audit: what administrators changed and were refused.
        health: of this process and of the deployments.
        upstreams: facts about reaching them.
        price_list: loads the price list: its source, and how to find an entry.
        defaults: limits of every project.
        settings: returns every setting in effect, secrets masked.
        reload: reads the settings again; returns what is going to happen.
        time: POSIX seconds.
        random_bytes: unguessable bytes, as many as asked for.
        authentication: whether callers need a key.
        timezone: of reports that name none.
    """

    access: AdminAccess
    catalog: CatalogStore
    view: CatalogView
    models: DocumentIndex[ModelSummary]
    projects: DocumentIndex[ProjectSummary]
    usage: UsageStore
    leases: LeaseStore
    audit: AuditLog
    health: Health
    upstreams: Upstreams
    price_list: Callable[[], tuple[str, Find]]
    defaults: Limits
    settings: Callable[[], Sequence[Json]]
    reload: Callable[[], Awaitable[str]]
    time: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    authentication: bool
    timezone: str

    def now(self) -> datetime:
        """Return the time, aware."""
        return datetime.fromtimestamp(self.time(), UTC)

    def now_ms(self) -> int:
        """Return milliseconds since 1970-01-01 UTC."""
        return int(self.time() * 1000)

    @asynccontextmanager
    async def changing(
        self, request: Request, kind: Kind, document_id: str, based_on: str | None = None
    ) -> AsyncIterator[CatalogStore]:
        """Yield the store for a change: audited, and on condition of ``If-Match`` or ``If-None-Match``.

        Refusals of the change are in the audit log, too. Afterwards this process serves from the changed documents.

        Args:
            request: the request.
            kind: of the document.
            document_id: the document; empty for several.
            based_on: the version that the change is based on, where the request names none.

        Raises:
            PreconditionFailedError: the document is at another version; the message says who changed it, and when.
        """
        subject = f"{kind} {document_id}" if document_id else f"{kind}s"
        trail = AuditTrail(self.audit, who(request).id, address_of(request), action_of(request), self.now_ms)
        expected = expected_version(request)
        expected = based_on if expected is None else expected
        store: CatalogStore = self.catalog
        if expected is not None:
            store = ConditionalCatalogStore(store, kind, document_id, expected)
        try:
            yield AuditedCatalogStore(store, trail)
        except (CommandError, ConflictError, DocumentRefusedError) as error:
            await trail.refused(subject, str(error))
            if isinstance(error, ConflictError):
                raise PreconditionFailedError(f"{error}; {await self._last_change(subject)}.") from None
            raise
        finally:
            with suppress(StoreUnavailableError):
                await (self.access.refresh() if kind is Kind.ADMINISTRATOR else self.view.refresh())

    async def _last_change(self, subject: str) -> str:
        found = await latest(self.audit, AuditFilter(subject=subject), 20)
        for members in reversed(found):
            if members.get("subject") == subject and members.get("outcome") == "changed":
                at_ms = members.get("at_ms")
                when = time_text(at_ms) if isinstance(at_ms, int) else "an unknown time"
                return f"the last change was made by {members.get('actor')} at {when} ({members.get('action')})"
        return "it was changed in the store directly"


def who(request: Request) -> Administrator:
    """Return the administrator who sends a request that was permitted."""
    found: Administrator = request.state.administrator
    return found


def answer(value: object, *, status: int = 200, version: str | None = None, secret: bool = False) -> Response:
    """Build a response in which numbers keep their digits.

    Args:
        value: JSON data.
        status: of the response.
        version: of the document, for the header ``ETag``.
        secret: it holds a key, and must not be kept anywhere.
    """
    headers = {"cache-control": "no-store"} if secret else {"cache-control": "no-cache"}
    if version is not None:
        headers["etag"] = f'"{quote(version, safe="")}"'
    return Response(exact_json.encode(value), status, headers, "application/json")


async def json_body(request: Request) -> object:
    """Read a body in which numbers keep their digits: a FastAPI dependency.

    Raises:
        InvalidRequestError: it is not JSON.
        BodyTooLargeError: it is larger than accepted.
    """
    try:
        return exact_json.decode(await read_body(request))
    except ValueError as error:
        raise InvalidRequestError(f"The body is not valid JSON: {error}.") from None


async def object_body(request: Request) -> Json:
    """Read a body that is a JSON object; errors as for :func:`json_body`."""
    body = await json_body(request)
    if not isinstance(body, Mapping):
        raise InvalidRequestError("Expected a JSON object.")
    return body


def raw_body(example: object, description: str = "") -> dict[str, Any]:
    """Describe a body that is read as it is, for the OpenAPI page."""
    kind = "array" if isinstance(example, list) else "object"
    content = {"application/json": {"schema": {"type": kind}, "example": example}}
    return {"requestBody": {"required": True, "description": description, "content": content}}


CONDITION: dict[str, Any] = {
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": text,
        }
        for name, text in (
            ("If-Match", "The `ETag` of the version that the change is based on; 412 if there is another one."),
            ("If-None-Match", "`*`: the document must not exist yet."),
        )
    ]
}
"""Description of the headers that make a change conditional."""


def expected_version(request: Request) -> str | None:
    """Return the version that a change is based on; empty if the document must not exist, None for any."""
    if request.headers.get("if-none-match", "").strip() == "*":
        return ""
    wanted = request.headers.get("if-match", "").strip()
    if not wanted or wanted == "*":
        return None
    text = wanted.removeprefix("W/")
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':  # noqa: PLR2004 - two quotation marks
        raise InvalidRequestError("If-Match is not an ETag of this API; expected a quoted text.", param="If-Match")
    return unquote(text[1:-1])
