"""Calls that continue an earlier answer: routed to the deployment that keeps it, which the public id names.

Two things belong to the deployment that made them: a stored response (``previous_response_id``), and reasoning that
only its maker can read (``encrypted_content``). Both are sealed on their way to the caller, and unsealed on the way
back, at the places where an upstream puts them. Nothing else of a body changes: whatever a caller wrote stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from application.serving.accounting import CallAccount
from application.serving.json_edit import Places, edit
from domain.call import Call
from domain.errors import InvalidRequestError
from domain.response_id import ResponseIds, ResponseLocation

_PREVIOUS = "previous_response_id"
_INPUT = "input"
_SHOWN = 200  # characters of an id in an error
_MOST_ENCRYPTED = 10_000
_ENCRYPTED = b'"encrypted_content"'
_MARK = "llmproxy."
_MARKED = re.compile(rb'("encrypted_content"\s*:\s*")llmproxy\.([\w-]{1,2000})\.')
_LARGE = 2 << 20
"""Bytes of an input from which on marks are found by pattern: they are authentic, and decoding would take too long."""
_RESPONSE = b'"response"'

Swaps = Mapping[str, str]
"""Upstream ids in an answer, each with the id that the caller knows."""


class ResponseAffinity:
    """Binds calls to deployments, and seals what belongs to a deployment.

    Args:
        ids: makes and reads ids and marks.
    """

    def __init__(self, ids: ResponseIds) -> None:
        self._ids = ids

    def bind(self, project_id: str, call: Call) -> tuple[Call, Swaps]:
        """Return the call as its deployment must see it, and the ids to replace in its answer.

        Raises:
            InvalidRequestError: it continues a response that this project does not have, or the id is not a string.
        """
        fields = dict(call.fields)
        deployment = self._unmark(fields, project_id)
        previous = previous_of(call)
        swaps: Swaps = {}
        if previous is not None:
            kept = self._ids.read(project_id, previous)
            if kept is None:
                raise not_found(previous)
            deployment = kept.document_id
            fields[_PREVIOUS] = json.dumps(kept.upstream_id, ensure_ascii=False).encode()
            swaps = {kept.upstream_id: previous}
        if deployment is not None:
            call = replace(call, fields=fields, deployment=deployment)
        return call, swaps

    def find(self, project_id: str, public_id: str) -> ResponseLocation | None:
        """Return where a response is; None if this project has no response of this id."""
        return self._ids.read(project_id, public_id)

    def rewrite_stored(self, body: bytes, project_id: str, kept: ResponseLocation, public_id: str) -> bytes:
        """Rewrite a stored response, whole or streamed, or its input items, for the project that made it."""

        def identify(value: object) -> str | None:
            return public_id if value == kept.upstream_id else None

        def previous(value: object) -> str | None:
            if not isinstance(value, str):
                return None
            return self._ids.public(project_id, ResponseLocation(kept.document_id, value))

        return _edited(body, {"id": identify, _PREVIOUS: previous}, self._marker(project_id, kept.document_id))

    def rewriter(self, account: CallAccount, swaps: Swaps) -> Callable[[bytes], bytes]:
        """Return what turns each block of the call's answer into what the caller must see.

        The account also learns the id of its ledger line where the answer can be fetched again.
        """
        project_id = account.caller.project.id

        def rewrite(block: bytes) -> bytes:
            document = account.document
            if document is None:
                return block
            learned: dict[str, object] = {}

            def identify(value: object) -> str | None:
                if not isinstance(value, str):
                    return None
                public = self._ids.public(project_id, ResponseLocation(document.id, value))
                learned["id"] = public
                return public

            def created(value: object) -> None:
                learned["created_at"] = value

            response: dict[str, Places] = {
                "id": identify,
                "created_at": created,
                _PREVIOUS: lambda value: swaps.get(value) if isinstance(value, str) else None,
            }
            block = _edited(block, response, self._marker(project_id, document.id))
            if account.call.background and "id" in learned and account.line_id is None and account.line is None:
                account.public_id = str(learned["id"])
                account.share_line(account.public_id, learned.get("created_at"))
            return block

        return rewrite

    def _marker(self, project_id: str, document_id: str) -> Callable[[object], str | None]:
        def mark(value: object) -> str | None:
            if not isinstance(value, str) or not value:
                return None
            return f"{_MARK}{self._ids.mark(project_id, document_id)}.{value}"

        return mark

    def _unmark(self, fields: dict[str, bytes], project_id: str) -> str | None:
        """Restore what upstreams encrypted; return the deployment that made the latest of it, None if absent."""
        content = bytes(fields.get(_INPUT, b""))
        if _ENCRYPTED not in content:
            return None
        if content.count(_ENCRYPTED) > _MOST_ENCRYPTED:
            raise InvalidRequestError(
                f"Invalid '{_INPUT}': expected at most {_MOST_ENCRYPTED} encrypted contents.", param=_INPUT
            )
        makers: list[str] = []

        def maker(mark: str) -> bool:
            found = self._ids.maker(project_id, mark)
            makers.append(found or "")  # a mark that was made up leads to no deployment
            return found is not None

        def restore(value: object) -> str | None:
            if not isinstance(value, str) or not value.startswith(_MARK):
                return None
            mark, _, rest = value.removeprefix(_MARK).partition(".")
            return rest if maker(mark) else None

        def replaced(found: re.Match[bytes]) -> bytes:
            return found.group(1) if maker(found.group(2).decode()) else found.group(0)

        if len(content) > _LARGE:
            fields[_INPUT] = _MARKED.sub(replaced, content)
        else:
            fields[_INPUT] = edit(content, [{"encrypted_content": restore}])
        return makers[-1] if makers else None


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


def _edited(body: bytes, response: Mapping[str, Places], mark: Callable[[object], str | None]) -> bytes:
    """Edit a response object or a list of input items, or the events of a block that hold a response or an item."""
    item: dict[str, Places] = {"encrypted_content": mark}
    places: dict[str, Places] = {**response, "output": [item]}
    if body.lstrip()[:1] == b"{":
        return edit(body, places | {"data": [item]})
    if _RESPONSE not in body and _ENCRYPTED not in body:
        return body
    lines = body.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith(b"data:") and (_RESPONSE in line or _ENCRYPTED in line):
            lines[number] = b"data:" + edit(line[5:], {"response": places, "item": item})
    return b"".join(lines)
