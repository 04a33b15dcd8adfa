"""LiteLLM's exceptions as ours; the exceptions here only have the names and members of LiteLLM's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.errors import (
    GatewayError,
    InvalidRequestError,
    UpstreamCredentialError,
    UpstreamProtocolError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from infra.providers.litellm.errors import translate

SECRET = "sk-live-0123456789"
ADVICE = (
    "litellm.BadRequestError: AnthropicException - the thing is wrong at https://api.vendor.com/v1/messages\n"
    "Traceback (most recent call last):\n  File x.py\n    LiteLLM Retried: 3 times"
)


def raised(name: str, message: str = "", **members: Any) -> Exception:
    """Return an exception with the class name and the members of one of LiteLLM's."""
    error: Exception = type(name, (Exception,), {"message": message, **members})(message)
    return error


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (raised("AuthenticationError", status_code=401), UpstreamCredentialError),
        (raised("PermissionDeniedError", status_code=403), UpstreamCredentialError),
        (caused(raised("APIConnectionError", status_code=500), raised("GoogleAuthError")), UpstreamCredentialError),
        (raised("Timeout", status_code=408), UpstreamTimeoutError),
        (TimeoutError(), UpstreamTimeoutError),
        (caused(raised("InternalServerError", status_code=500), raised("ConnectError")), UpstreamUnreachableError),
        (caused(raised("APIConnectionError", status_code=500), raised("ReadTimeout")), UpstreamTimeoutError),
        (caused(raised("InternalServerError", status_code=500), raised("JSONDecodeError")), UpstreamProtocolError),
        (caused(raised("APIConnectionError", status_code=500), KeyError("choices")), UpstreamProtocolError),
        (ValueError("anything"), UpstreamProtocolError),
        (raised("UnsupportedParamsError", "no seed", status_code=400), InvalidRequestError),
        (raised("ImageFetchError", "no http://10.0.0.1/x", status_code=400), InvalidRequestError),
    ],
)
def test_kinds(error: Exception, kind: type[GatewayError]) -> None:
    assert type(translate(error)) is kind


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (raised("RateLimitError", status_code=429), 429, None),
        (raised("BadRequestError", status_code=400), 400, None),
        (raised("NotFoundError", status_code=404), 404, None),
        (raised("UnprocessableEntityError", status_code=422), 422, None),
        (raised("ContextWindowExceededError", status_code=400), 400, "context_length_exceeded"),
        (raised("ContentPolicyViolationError", status_code=400), 400, "content_filter"),
        (raised("InternalServerError", status_code=500), 500, None),
        (raised("ServiceUnavailableError", status_code=503), 503, None),
        (raised("APIError", status_code=529), 529, None),
    ],
)
def test_refusals_keep_their_status(error: Exception, status: int, code: str | None) -> None:
    ours = translate(error)
    assert isinstance(ours, UpstreamRefusedError)
    assert (ours.status, ours.code) == (status, code)
    assert ours.message


def test_what_the_upstream_said_comes_through() -> None:
    text = (
        "litellm.RateLimitError: AnthropicException - "
        'b\'{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}\''
    )
    ours = translate(raised("RateLimitError", text, status_code=429, litellm_response_headers={"retry-after": "7"}))
    assert isinstance(ours, UpstreamRefusedError)
    assert (ours.message, ours.kind, ours.retry_after) == ("Slow down.", "rate_limit_error", 7.0)


def test_google_repeats_the_status_as_code_which_is_none() -> None:
    text = 'VertexAIException - [{"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}}]'
    ours = translate(raised("BadRequestError", text, status_code=400))
    assert isinstance(ours, UpstreamRefusedError)
    assert (ours.message, ours.kind, ours.code) == ("No.", "INVALID_ARGUMENT", None)


def test_the_body_of_an_exception_is_believed_first() -> None:
    body = {"message": "Too long", "type": "t", "param": "p", "code": "c"}
    ours = translate(raised("BadRequestError", "noise", status_code=400, body=body))
    assert isinstance(ours, UpstreamRefusedError)
    assert (ours.message, ours.kind, ours.param, ours.code) == ("Too long", "t", "p", "c")


@pytest.mark.parametrize(
    "text",
    [
        ADVICE,
        f"BadRequestError: key {SECRET} at http://10.1.2.3:8080/x was rejected",
        f'x - {{"error": {{"message": "bad key {SECRET} for vendor.internal:443/v1, litellm.turn_on_debug()"}}}}',
        "litellm.UnsupportedParamsError: no. To drop these, set `litellm.drop_params=True` or for proxy",
    ],
)
def test_nothing_leaks_and_nobody_advertises(text: str) -> None:
    for name in ("BadRequestError", "UnsupportedParamsError", "AuthenticationError", "APIConnectionError"):
        ours = translate(raised(name, text, status_code=400), (SECRET,))
        shown = f"{ours.message} {getattr(ours, 'reason', '')}".lower()
        for word in (SECRET, "litellm", "traceback", "://", "10.1.2.3", "vendor", "x.py", "drop_params"):
            assert word not in shown, (name, shown)


def test_what_names_an_error_leaks_nothing_either() -> None:
    told = f"{SECRET} at http://10.1.2.3:8080/x"
    body = {"message": "No.", "type": f"t {told}", "param": f"p {told}", "code": f"c {told}"}
    ours = translate(raised("BadRequestError", "noise", status_code=400, body=body), (SECRET,))
    assert isinstance(ours, UpstreamRefusedError)
    assert (ours.kind, ours.param, ours.code) == ("t *** at [address]", "p *** at [address]", "c *** at [address]")


@pytest.mark.parametrize("page", ["<html><body>Busy</body></html>", "<!DOCTYPE html>\n<p>", "<HEAD>"])
def test_a_page_is_not_passed_on(page: str) -> None:
    text = f"litellm.InternalServerError: OpenAIException - {page}"
    ours = translate(raised("InternalServerError", text, status_code=502))
    assert isinstance(ours, UpstreamRefusedError)
    assert (ours.status, ours.message) == (502, "The model's provider refused the request.")


def test_an_error_inside_a_stream_is_the_error_that_broke_it() -> None:
    inner = raised("RateLimitError", status_code=429)
    ours = translate(raised("MidStreamFallbackError", status_code=503, original_exception=inner))
    assert isinstance(ours, UpstreamRefusedError)
    assert ours.status == 429


def test_ours_pass_unchanged() -> None:
    ours = UpstreamProtocolError(reason="x")
    assert translate(ours) is ours


@pytest.mark.parametrize(
    "text",
    [
        "litellm.RateLimitError: AzureException RateLimitError - Not like this.",
        "litellm.APIError: Error code: 429 - {'error': {'message': 'Not like this.', 'type': None, 'code': 429}}",
        "litellm.RateLimitError: RateLimitError: OpenAIException - Not like this.",
    ],
)
def test_each_of_litellms_wrappings_is_taken_off(text: str) -> None:
    ours = translate(raised("RateLimitError", text, status_code=429))
    assert (ours.message, ours.code) == ("Not like this.", None)


def test_further_members_of_an_error_are_passed_on_without_secrets() -> None:
    inner = {"code": "Policy", "filter": {"hate": {"filtered": True}}, "at": f"https://api.vendor.com/?k={SECRET}"}
    deep: Any = "x"
    for _ in range(20):
        deep = [deep]
    body = {"message": "No.", "code": "c", "innererror": inner, "deep": deep}
    error = translate(raised("BadRequestError", json.dumps({"error": body}), status_code=400), [SECRET])
    assert isinstance(error, UpstreamRefusedError)
    assert (error.message, error.code) == ("No.", "c")
    assert error.members["innererror"] == inner | {"at": "[address]"}
    assert error.members.keys() == {"innererror", "deep"}
