"""The FastAPI application: model list, health, the API's description, and OpenAI-shaped errors."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from application.admin.messages import CommandError, DuplicateObjectError, UnknownObjectError
from application.errors import ConflictError, DocumentRefusedError, StoreUnavailableError
from application.serving.serve import Serving
from application.use_cases.list_models import Known
from domain.errors import (
    GatewayError,
    InvalidRequestError,
    MethodNotAllowedError,
    ObjectExistsError,
    ObjectNotFoundError,
    PreconditionFailedError,
    UnavailableError,
    UnknownRouteError,
)
from infra.controllers.description import describe
from infra.controllers.docs_page import docs_router
from infra.controllers.errors import body_of, headers_of, status_of
from infra.controllers.models import models_router
from infra.controllers.ops import Health, ops_router
from infra.controllers.request_log import RequestRecord
from infra.controllers.unknown_url import unknown_url

_TITLE = "LLM Proxy"
_NOT_FOUND, _NOT_ALLOWED = 404, 405


def create_pages(serving: Serving, health: Health, version: str, known: Known, *routers: APIRouter) -> FastAPI:
    """Build everything except the model calls.

    Args:
        serving: authenticates callers and holds the catalogue.
        health: source of the health page.
        version: of the product.
        known: sizes of models whose documents do not state them.
        routers: further routes.
    """
    pages = routed_pages(version, models_router(serving, known), ops_router(health), *routers)
    describe(pages)
    return pages


def routed_pages(version: str, *routers: APIRouter) -> FastAPI:
    """Build an application of some routes and ``/docs``, with errors in OpenAI's format.

    Args:
        version: of the product.
        routers: the routes.
    """
    # A redirect would lead to whatever host the caller's Host header names.
    pages = FastAPI(title=_TITLE, version=version, docs_url=None, redoc_url=None, redirect_slashes=False)
    for router in routers:
        pages.include_router(router)
    pages.include_router(docs_router(_TITLE))
    pages.add_exception_handler(GatewayError, _gateway_error)
    pages.add_exception_handler(HTTPException, _http_error)
    for kind in (CommandError, ConflictError, StoreUnavailableError, DocumentRefusedError):
        pages.add_exception_handler(kind, _command_error)
    pages.add_exception_handler(RequestValidationError, _validation_error)
    return pages


def _answer(request: Request, error: GatewayError) -> Response:
    record: RequestRecord | None = getattr(request.state, "record", None)
    if record is not None:
        record.failed(error)
    headers = {name.decode("ascii"): value.decode("ascii") for name, value in headers_of(error)}
    return Response(body_of(error), status_of(error), headers, "application/json")


async def _gateway_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, GatewayError):
        raise error
    return _answer(request, error)


async def _http_error(request: Request, error: Exception) -> Response:
    """Convert Starlette's errors: unknown route, wrong method."""
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error.__cause__, GatewayError):  # FastAPI's own error for a body that could not be read
        return _answer(request, error.__cause__)
    path, method = request.url.path, request.method
    if error.status_code == _NOT_FOUND:
        return _answer(request, UnknownRouteError(unknown_url(method, path)))
    if error.status_code == _NOT_ALLOWED:
        allowed = f"{(error.headers or {}).get('Allow', 'GET')}, HEAD, OPTIONS"
        if method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed})
        return _answer(request, MethodNotAllowedError(f"{method} is not allowed at {path}.", allowed=allowed))
    return _answer(request, InvalidRequestError(str(error.detail)))


async def _command_error(request: Request, error: Exception) -> Response:
    """Convert errors of the use cases for administrators."""
    text = str(error)
    message = f"{text[:1].upper()}{text[1:]}."
    if isinstance(error, StoreUnavailableError):
        return _answer(request, UnavailableError(message))
    if isinstance(error, UnknownObjectError):
        return _answer(request, ObjectNotFoundError(message))
    if isinstance(error, DuplicateObjectError):
        return _answer(request, ObjectExistsError(message))
    if isinstance(error, ConflictError):
        return _answer(request, PreconditionFailedError(message))
    return _answer(request, InvalidRequestError(message))


async def _validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first: dict[str, Any] = next(iter(error.errors()), {})
    where = ".".join(str(part) for part in first.get("loc", ())[1:])
    return _answer(request, InvalidRequestError(f"{first.get('msg', 'Invalid value')}.", param=where or None))
