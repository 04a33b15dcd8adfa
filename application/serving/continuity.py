"""Calls that go on with an earlier answer: back to the deployment that keeps it, and under ids that say where that is.

Two things belong to the deployment that made them: a stored response (``previous_response_id``), and reasoning that
only its maker can read (``encrypted_content``). Both carry a mark on their way to the caller, which is taken off again
on the way back. Nothing else of a body changes.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import replace

from application.serving.exchange import Exchange
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.response_id import KeptResponse, ResponseIds

_PREVIOUS = "previous_response_id"
_ID = re.compile(rb'"id"\s*:\s*"([^"\\]{1,1000})"')
_LIKELY_ID = re.compile(rb'"id"\s*:\s*"(resp_[^"\\]{1,1000})"')
_STORED_PREVIOUS = re.compile(rb'("previous_response_id"\s*:\s*")([^"\\]{1,1000})"')
_ENCRYPTED = b'"encrypted_content"'
_UNMARKED = re.compile(rb'("encrypted_content"\s*:\s*")(?=[^"])')
_MARKED = re.compile(rb'("encrypted_content"\s*:\s*")llmproxy\.([\w-]+)\.')


class Continuity:
    """Binds calls to deployments and puts marks on answers.

    Args:
        ids: makes and reads ids.
    """

    def __init__(self, ids: ResponseIds) -> None:
        self._ids = ids

    def bind(self, call: Call, project_id: str) -> Call:
        """The call as its deployment must see it.

        Raises:
            InvalidRequestError: it goes on with a response that this project does not have.
        """
        fields = dict(call.fields)
        deployment: str | None = None
        content = bytes(fields.get("input", b""))
        if _ENCRYPTED in content:
            marks = {mark.group(2) for mark in _MARKED.finditer(content)}
            if marks:
                fields["input"] = _MARKED.sub(rb"\1", content)
                deployment = _document(marks.pop())
        previous = _text(fields.get(_PREVIOUS))
        if previous is not None:
            kept = self._ids.read(project_id, previous)
            if kept is None:
                raise not_found(previous)
            fields[_PREVIOUS] = json.dumps(kept.upstream_id).encode()
            deployment = kept.document_id
        return call if deployment is None else replace(call, fields=fields, deployment=deployment)

    def find(self, project_id: str, public_id: str) -> KeptResponse | None:
        """Where a response is; ``None`` = this project has none of this id."""
        return self._ids.read(project_id, public_id)

    def dresser(self, exchange: Exchange, previous: str | None) -> Callable[[bytes], bytes]:
        """What turns blocks of one answer into what the caller is to see.

        Args:
            exchange: the call; learns the id of its ledger line where the answer can be fetched again.
            previous: the id of the earlier response as the caller knows it.
        """
        swaps: list[tuple[bytes, bytes]] = []
        if previous is not None:
            swaps.append((bytes(exchange.call.fields[_PREVIOUS]), json.dumps(previous).encode()))
        learned = False

        def dress(block: bytes) -> bytes:
            nonlocal learned
            document = exchange.document
            if document is None:
                return block
            if not learned:
                found = _LIKELY_ID.search(block) or _ID.search(block)
                if found is not None:
                    learned = True
                    upstream_id = found.group(1).decode("utf-8", "replace")
                    public = self._ids.public(exchange.caller.project.id, KeptResponse(document.id, upstream_id))
                    swaps.append((b'"%b"' % found.group(1), b'"%b"' % public.encode()))
                    if exchange.call.background:
                        exchange.line_id = line_id(public)
            for old, new in swaps:
                block = block.replace(old, new)
            return self._marked(block, document.id) if _ENCRYPTED in block else block

        return dress

    def dress_stored(self, body: bytes, project_id: str, document_id: str, kept: KeptResponse, public_id: str) -> bytes:
        """A stored response, or what belongs to one, as the project may see it."""

        def previous(found: re.Match[bytes]) -> bytes:
            earlier = KeptResponse(document_id, found.group(2).decode("utf-8", "replace"))
            return found.group(1) + self._ids.public(project_id, earlier).encode() + b'"'

        body = _STORED_PREVIOUS.sub(previous, body)
        body = body.replace(json.dumps(kept.upstream_id).encode(), b'"%b"' % public_id.encode())
        return self._marked(body, document_id) if _ENCRYPTED in body else body

    def _marked(self, body: bytes, document_id: str) -> bytes:
        mark = urlsafe_b64encode(document_id.encode()).rstrip(b"=")
        return _UNMARKED.sub(rb"\g<1>llmproxy." + mark + b".", body)

    def previous_of(self, call: Call) -> str | None:
        """The id of the earlier response as the caller sent it."""
        return _text(call.fields.get(_PREVIOUS))


def line_id(public_id: str) -> str:
    """The id of the ledger line of a response made in the background: however often it is fetched, one is kept."""
    return "response-" + hashlib.sha256(public_id.encode()).hexdigest()[:40]


def not_found(public_id: str) -> InvalidRequestError:
    """The error for a call that goes on with nothing."""
    shown = public_id[:200]
    return InvalidRequestError(
        f"Previous response with id '{shown}' not found.", param=_PREVIOUS, code="previous_response_not_found"
    )


def _text(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    value = json.loads(bytes(raw))
    return value if isinstance(value, str) and value else None


def _document(mark: bytes) -> str | None:
    try:
        return urlsafe_b64decode(mark + b"=" * (-len(mark) % 4)).decode()
    except (Base64Error, ValueError):
        return None
