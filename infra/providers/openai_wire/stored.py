"""Requests about responses that an upstream keeps."""

from __future__ import annotations

import json
from urllib.parse import quote

from application.ports.providers import StoredAction, StoredCall
from infra.providers.openai_wire.deployment import ResolvedDeployment

_WAYS = {
    StoredAction.RETRIEVE: ("GET", ""),
    StoredAction.DELETE: ("DELETE", ""),
    StoredAction.CANCEL: ("POST", "/cancel"),
    StoredAction.INPUT_ITEMS: ("GET", "/input_items"),
}
_QUERY_SAFE = "!$&'()*+,;=:@/?%-._~[]"


def stored_head(call: StoredCall, target: ResolvedDeployment) -> bytes:
    """Request line and headers, up to the ones that differ from call to call."""
    method, ending = _WAYS[call.action]
    path, own_query = target.stored
    query = "&".join(filter(None, (own_query, call.query)))
    path = f"{path}/{quote(call.response_id, safe='')}{ending}"
    line = f"{method} {path}{'?' if query else ''}{quote(query, safe=_QUERY_SAFE)} HTTP/1.1\r\n"
    length = b"content-length: 0\r\n" if method == "POST" else b""
    return line.encode("ascii") + target.headers + length


def deleted(call: StoredCall) -> bytes:
    """What OpenAI says of a response that was deleted, for upstreams that answer without a body."""
    return json.dumps({"id": call.response_id, "object": "response", "deleted": True}).encode()
