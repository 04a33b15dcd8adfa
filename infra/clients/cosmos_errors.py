"""Errors of Cosmos DB in words that tell operators what to do.

No message of the service or its SDK is passed on: they name accounts, addresses and principals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from application.errors import ConflictError, DocumentRefusedError, StoreUnavailableError

ROLE = "Cosmos DB Built-in Data Contributor"
"""The data-plane role that serving needs, on the account or the database."""

_ACTION = re.compile(r"Microsoft\.DocumentDB/[A-Za-z/*]+")
_NOT_A_DATA_PLANE_ACTION = 5300
_RETRY_WITH = 449
_THROTTLED_SECONDS = 1.0


class MissingError(Exception):
    """The database, the container or the document is not there."""


class StoreThrottledError(StoreUnavailableError):
    """The service accepts no more requests for now.

    Args:
        message: for operators.
        retry_after: seconds until another attempt is worthwhile.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Turn whatever the SDK raises inside the block into our errors.

    Args:
        subject: what was tried, for the message: ``container models``.

    Raises:
        StoreUnavailableError: it cannot be done now.
        ConflictError: the document exists already, or is at another version.
        MissingError: 404.
        DocumentRefusedError: the document is larger than the service takes.
    """
    try:
        yield
    except (StoreUnavailableError, ConflictError, MissingError):
        raise
    except Exception as error:  # noqa: BLE001 - the SDK raises what it likes, KeyError on an odd answer included
        # The cause is left out on purpose: its text and its traceback quote addresses and request headers.
        raise _ours(error, subject) from None


def _ours(error: Exception, subject: str) -> Exception:
    # Imported late: only a process that talks to Cosmos DB pays for the SDK.
    from azure.core.exceptions import (  # noqa: PLC0415
        ClientAuthenticationError,
        DecodeError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    status = getattr(error, "status_code", None) if isinstance(error, HttpResponseError) else None
    if isinstance(error, DecodeError):
        text = "the answer is not JSON: is COSMOS_URL the address of a Cosmos DB account?"
    elif status:
        return _by_status(int(status), error, subject)
    elif isinstance(error, ClientAuthenticationError):
        text = "COSMOS_KEY is empty and no managed identity or other Azure credential could be used"
    elif isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        text = "no answer in time"
    elif isinstance(error, ServiceRequestError):
        text = _not_connected(error)
    elif isinstance(error, ServiceResponseError):
        timeout = isinstance(error.inner_exception, TimeoutError)
        text = "no answer in time" if timeout else "the connection was cut"
    else:
        text = f"unexpected answer ({type(error).__name__})"
    return StoreUnavailableError(f"Cosmos DB, {subject}: {text}")


def _by_status(status: int, error: Exception, subject: str) -> Exception:
    if status in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}:
        return ConflictError("the document was changed concurrently")
    if status == HTTPStatus.NOT_FOUND:
        return MissingError(subject)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return DocumentRefusedError("a document larger than the 2 MB that Cosmos DB takes")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _throttled(error, subject)
    texts = {
        HTTPStatus.BAD_REQUEST: "the request is refused (400)",
        HTTPStatus.UNAUTHORIZED: _unauthorized(error),
        HTTPStatus.FORBIDDEN: _forbidden(error),
        HTTPStatus.REQUEST_TIMEOUT: "no answer in time (408)",
        _RETRY_WITH: "busy with other writes to the same document (449)",
        HTTPStatus.SERVICE_UNAVAILABLE: "the service is unavailable (503)",
    }
    return StoreUnavailableError(f"Cosmos DB, {subject}: {texts.get(status, f'answers with status {status}')}")


def _unauthorized(error: Exception) -> str:
    if "local authorization is disabled" in str(error).lower():
        return "keys are switched off for this account (401): leave COSMOS_KEY empty and use a managed identity"
    return "COSMOS_KEY, or the token of the identity, is not valid for this account (401)"


def _forbidden(error: Exception) -> str:
    text = str(error)
    action = _ACTION.search(text)
    if getattr(error, "sub_status", None) == _NOT_A_DATA_PLANE_ACTION:
        return (
            "data-plane roles do not allow to create databases and containers (403): run `llmproxy init` with the "
            "account's key, or create them with Bicep or the Azure CLI"
        )
    if action is not None or "rbac" in text.lower():
        what = f"the right {action.group()}" if action is not None else "a right"
        return f"the identity lacks {what} (403): it needs the role {ROLE}"
    if "firewall" in text.lower() or "virtual network" in text.lower():
        return "the account's firewall does not let this address in (403)"
    return f"forbidden (403): the account's firewall, or the role {ROLE} is missing"


def _throttled(error: Exception, subject: str) -> StoreThrottledError:
    headers = getattr(error, "headers", None) or {}
    asked = str(headers.get("x-ms-retry-after-ms", ""))
    after = f", retry after {asked} ms" if asked.isdecimal() else ""
    text = f"Cosmos DB, {subject}: throttled, more request units are needed than it has (429){after}"
    return StoreThrottledError(text, int(asked) / 1000 if asked.isdecimal() else _THROTTLED_SECONDS)


def _not_connected(error: Exception) -> str:
    name = type(getattr(error, "inner_exception", None)).__name__
    if "DNS" in name:
        return "the host name of COSMOS_URL cannot be resolved"
    if "Certificate" in name or "SSL" in name:
        return "the server's TLS certificate is not trusted"
    if "Timeout" in name:
        return "no connection in time"
    return "no connection"
