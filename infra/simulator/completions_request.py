"""Is a request for a legacy completion well formed? Unknown members pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.simulator.checks import check_model, check_stop, expect, number, wrong

_MOST_N = 128
_MOST_BEST_OF = 20
_MOST_LOGPROBS = 5


def validate(body: Mapping[str, Any], *, stream: bool) -> None:
    """Check everything but the prompt.

    Args:
        body: the request.
        stream: the answer is wanted piece by piece.

    Raises:
        SimulatedError: 400, with the first fault found.
    """
    check_model(body)
    number(body, "temperature", 0, 2)
    number(body, "top_p", 0, 1)
    number(body, "presence_penalty", -2, 2)
    number(body, "frequency_penalty", -2, 2)
    number(body, "n", 1, _MOST_N, whole=True)
    number(body, "best_of", 1, _MOST_BEST_OF, whole=True)
    number(body, "logprobs", 0, _MOST_LOGPROBS, whole=True)
    number(body, "max_tokens", 0, None, whole=True)
    number(body, "seed", None, None, whole=True)
    for name in ("echo", "stream"):
        if body.get(name) is not None:
            expect(body[name], bool, name, "a boolean")
    for name in ("suffix", "user"):
        if body.get(name) is not None:
            expect(body[name], str, name, "a string")
    for name in ("logit_bias", "stream_options"):
        if body.get(name) is not None:
            expect(body[name], dict, name, "an object")
    check_stop(body.get("stop"))
    _check_together(body, stream=stream)


def _check_together(body: Mapping[str, Any], *, stream: bool) -> None:
    if body.get("stream_options") is not None and not stream:
        said = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise wrong(said, "stream_options")
    best, count = body.get("best_of"), body.get("n") or 1
    if best is not None and best < count:
        raise wrong(f"Invalid 'best_of': expected a value >= 'n' ({count}), but got {best} instead.", "best_of")
    if best is not None and best > count and stream:
        raise wrong("Results of 'best_of' cannot be streamed.", "best_of")
