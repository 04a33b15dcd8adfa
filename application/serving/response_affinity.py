"""Calls that continue an earlier answer: routed to the deployment that keeps it, which the public id names.

Two things belong to the deployment that made them: a stored response (``previous_response_id``), and reasoning that
only its maker can read (``encrypted_content``). Both carry a mark on their way to the caller, which is taken off again
on the way back. Nothing else of a body changes.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import replace

from application.serving.accounting import CallAccount
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.response_id import ResponseIds, ResponseLocation

_PREVIOUS = "previous_response_id"
_INPUT = "input"
_SHOWN = 200  # characters of an id in an error

# A quotation mark inside of a JSON text has a backslash before it, so none of these matches what merely quotes JSON.
_ID = re.compile(rb'"id"\s*:\s*"([^"\\]{1,1000})"')
_LIKELY_ID = re.compile(rb'"id"\s*:\s*"(resp_[^"\\]{1,1000})"')
_CREATED_AT = re.compile(rb'"created_at"\s*:\s*(\d{1,11}(?:\.\d{1,9})?)')
_STORED_PREVIOUS = re.compile(rb'("previous_response_id"\s*:\s*")([^"\\]{1,1000})"')
_MOST_ENCRYPTED = 10_000
_ENCRYPTED = b'"encrypted_content"'
_UNMARKED = re.compile(rb'("encrypted_content"\s*:\s*")(?=[^"])')
_MARKED = re.compile(rb'("encrypted_content"\s*:\s*")llmproxy\.([\w-]{0,2000})\.')


Swaps = list[tuple[bytes, bytes]]
"""Quoted ids to replace in an answer, each with its replacement."""


class ResponseAffinity:
    """Binds calls to deployments and puts marks on answers.

    Args:
        ids: makes and reads ids.
    """

    def __init__(self, ids: ResponseIds) -> None:
        self._ids = ids

    def bind(self, project_id: str, call: Call) -> tuple[Call, Swaps]:
        """Return the call as its deployment must see it, and the ids to replace in its answer.

        Raises:
            InvalidRequestError: it continues a response that this project does not have, or the id is not a string.
        """
        fields = dict(call.fields)
        deployment = _take_marks_off(fields)
        previous = previous_of(call)
        swaps: Swaps = []
        if previous is not None:
            kept = self._ids.read(project_id, previous)
            if kept is None:
                raise not_found(previous)
            deployment = kept.document_id
            fields[_PREVIOUS] = _quoted(kept.upstream_id)
            swaps.append((fields[_PREVIOUS], _quoted(previous)))
        if deployment is not None:
            call = replace(call, fields=fields, deployment=deployment)
        return call, swaps

    def find(self, project_id: str, public_id: str) -> ResponseLocation | None:
        """Return where a response is; None if this project has no response of this id."""
        return self._ids.read(project_id, public_id)

    def rewrite_stored(self, body: bytes, project_id: str, kept: ResponseLocation, public_id: str) -> bytes:
        """Rewrite a stored response, or its input items, for the project that made it."""
        document_id = kept.document_id

        def previous(found: re.Match[bytes]) -> bytes:
            earlier = ResponseLocation(document_id, found.group(2).decode("utf-8", "replace"))
            return found.group(1) + self._ids.public(project_id, earlier).encode() + b'"'

        body = _STORED_PREVIOUS.sub(previous, body)
        body = body.replace(_quoted(kept.upstream_id), _quoted(public_id))
        return _marked(body, document_id) if _ENCRYPTED in body else body

    def rewriter(self, account: CallAccount, swaps: Swaps) -> Callable[[bytes], bytes]:
        """Return what turns each block of the call's answer into what the caller must see.

        The account also learns the id of its ledger line where the answer can be fetched again.
        """
        learned = False

        def rewrite(block: bytes) -> bytes:
            nonlocal learned
            document = account.document
            if document is None:
                return block
            if not learned:
                found = _LIKELY_ID.search(block) or _ID.search(block)
                if found is not None:
                    learned = True
                    kept = ResponseLocation(document.id, found.group(1).decode("utf-8", "replace"))
                    public = self._ids.public(account.caller.project.id, kept)
                    swaps.append((b'"%b"' % found.group(1), _quoted(public)))
                    if account.call.background:
                        created = _CREATED_AT.search(block)
                        account.share_line(public, None if created is None else float(created.group(1)))
            for old, new in swaps:
                block = block.replace(old, new)
            return _marked(block, document.id) if _ENCRYPTED in block else block

        return rewrite


def previous_of(call: Call) -> str | None:
    """Return the id of the earlier response as the caller sent it; None if the call continues nothing.

    Raises:
        InvalidRequestError: it is not a string.
    """
    raw = call.fields.get(_PREVIOUS)
    if raw is None:
        return None
    try:
        value = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        value = raw
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidRequestError(f"Invalid type for '{_PREVIOUS}': expected a string.", param=_PREVIOUS)
    return value


def not_found(public_id: str) -> InvalidRequestError:
    """Return the error for an unknown earlier response."""
    shown = public_id[:_SHOWN]
    return InvalidRequestError(
        f"Previous response with id '{shown}' not found.", param=_PREVIOUS, code="previous_response_not_found"
    )


def _take_marks_off(fields: dict[str, bytes]) -> str | None:
    """Restore what upstreams encrypted; return the deployment that made the latest of it, None if absent."""
    content = bytes(fields.get(_INPUT, b""))
    if _ENCRYPTED not in content:
        return None
    if content.count(_ENCRYPTED) > _MOST_ENCRYPTED:
        raise InvalidRequestError(
            f"Invalid '{_INPUT}': expected at most {_MOST_ENCRYPTED} encrypted contents.", param=_INPUT
        )
    marks = _MARKED.findall(content)
    if not marks:
        return None
    fields[_INPUT] = _MARKED.sub(rb"\1", content)
    return _document(marks[-1][1])


def _marked(body: bytes, document_id: str) -> bytes:
    mark = urlsafe_b64encode(document_id.encode()).rstrip(b"=")
    return _UNMARKED.sub(rb"\g<1>llmproxy." + mark + b".", body)


def _document(mark: bytes) -> str:
    """Return the document of a mark; an unknown one for a mark that was made up."""
    try:
        return urlsafe_b64decode(mark + b"=" * (-len(mark) % 4)).decode()
    except (Base64Error, ValueError):
        return ""


def _quoted(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()
