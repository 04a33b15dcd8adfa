"""One call of a caller: which endpoint, which model, and the body, whose members stay opaque."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.form import Form
from domain.operation import Endpoint

LARGE_MEMBER = 128 * 1024
"""Bytes of a member that are read at once; larger ones in steps."""


_PROMPT_BYTES = 1024
"""Length of the beginning of a prompt that decides the deployment; upstreams cache prompts from about 4,000 bytes."""
_EMPTY = frozenset({b"null", b'""'})


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read only as far as serving it needs.

    Args:
        endpoint: the path of OpenAI's API that was called.
        model: the public model name or document id that the caller sent.
        fields: the members of the JSON body in the caller's order, each value as the raw JSON text that arrived
            (any bytes-like object). Its use case reads a few of them; who translates for an upstream reads the rest.
            Empty where the body is a form.
        stream: the answer is relayed in pieces as they arrive: server-sent events, or audio while it is made.
        wants_usage: the caller asked for the usage chunk of a stream (``stream_options.include_usage``).
        end_user: the ``user`` field of the body, for the ledger.
        request_id: identifies the call in answers, logs and the ledger.
        background: the upstream continues after the caller disconnects; the call is counted when its result is fetched.
        form: the body where it is a multipart form.
        references: objects of the vendor's account that it refers to, by kind with the member for a message; None
            before they were searched for.
        deployment: id of the one document that can serve the call, because it holds the response to continue.
        trace: headers that continue the trace of the call at the upstream; None if it is not traced.
        headers: the caller's, as they arrived, credentials included; a document may pass some of them on.
    """

    endpoint: Endpoint
    model: str
    fields: Mapping[str, bytes]
    stream: bool = False
    wants_usage: bool = False
    end_user: str | None = None
    request_id: str = ""
    background: bool = False
    form: Form | None = None
    deployment: str | None = None
    references: Mapping[str, str] | None = None
    trace: Mapping[str, str] | None = field(default=None, repr=False, compare=False)
    headers: Iterable[tuple[bytes, bytes]] = field(default=(), repr=False, compare=False)

    def arrived_with(self, headers: Iterable[tuple[bytes, bytes]]) -> Call:
        """Set the caller's headers on a new call, and return it."""
        # Copying every call would cost more than reading it.
        object.__setattr__(self, "headers", headers)
        return self


def prompt_key(call: Call) -> bytes | None:
    """Return the affinity key of a call: equal for calls whose prompts begin alike. None without a prompt.

    ``prompt_cache_key`` where the caller sends one, else ``user``, else the beginning of the prompt itself: a
    conversation grows at its end.
    """
    for name in ("prompt_cache_key", "user"):
        value = call.fields.get(name)
        if value is not None and bytes(value) not in _EMPTY:
            return bytes(value)
    parts = [call.fields[name] for name in ("instructions", "messages", "input", "prompt") if name in call.fields]
    return b"".join(bytes(memoryview(part)[:_PROMPT_BYTES]) for part in parts)[:_PROMPT_BYTES] or None
