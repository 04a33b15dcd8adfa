"""``POST /v1/chat/completions``."""

from __future__ import annotations

from domain.usage import Usage
from infra.simulator.chat import complete
from infra.simulator.render import events, whole
from infra.simulator.reply import Pieces, Reply, Request, Whole


def plan(request: Request) -> Reply:
    """The answer to a chat.

    Raises:
        SimulatedError: 400, see :func:`complete`.
    """
    completion = complete(request.members, request.tokens)
    options = request.members.get("stream_options") or {}
    with_usage = request.with_usage and options.get("include_usage") is True
    used = completion.usage
    return Reply(
        answer=Pieces(events(completion, request.created, with_usage=with_usage))
        if request.stream
        else Whole(lambda: whole(completion, request.created, with_usage=request.with_usage)),
        usage=used,
        begun=Usage(
            input_tokens=used.input_tokens,
            cached_input_tokens=used.cached_input_tokens,
            audio_input_tokens=used.audio_input_tokens,
        ),
        reported=used if request.with_usage else None,
    )
