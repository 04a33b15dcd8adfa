"""Headers that documents set and pass on."""

from __future__ import annotations

import pytest

from domain.documents.fault import Severity
from domain.documents.headers import FORBIDDEN_HEADERS
from domain.documents.model import read_model
from domain.documents.values import MASK
from tests.fakes.llmproxy_server import simulated

LONG = "x" * 4097
NAMES = [row.replace("*", "length") for row in FORBIDDEN_HEADERS]


def faults(**members: object) -> list[tuple[str, Severity]]:
    _, found = read_model(simulated() | members)
    assert not [fault for fault in found if "value-in-clear" in str(fault)]
    return [(fault.field, fault.severity) for fault in found]


def test_headers_of_a_document() -> None:
    headers = {" ": None, "HTTP-Referer": " https://app.example ", "X-Title": "café", "X-Secret": "GATEWAY_KEY"}
    del headers[" "]
    document, found = read_model(
        simulated(headers={**headers, "X-None": None}, forward_headers=["OpenAI-Beta", "X-MS-*", "openai-beta"])
    )
    assert found == ()
    assert document is not None
    assert document.headers == headers | {"HTTP-Referer": "https://app.example"}
    assert document.forward_headers == ("openai-beta", "x-ms-*")
    assert "café" not in repr(document)


def test_a_document_without_them() -> None:
    document, found = read_model(simulated())
    assert found == ()
    assert document is not None
    assert (document.headers, document.forward_headers) == ({}, ())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spelt", [str.lower, str.upper, str.title, lambda name: name.replace("-", "_")])
def test_forbidden_headers_are_named(name: str, spelt: type[str]) -> None:
    assert faults(headers={spelt(name): "value-in-clear"}) == [(f"headers.{spelt(name)}", Severity.ERROR)]
    (fault,) = read_model(simulated(forward_headers=[spelt(name)]))[1]
    assert (fault.field, fault.severity) == ("forward_headers", Severity.ERROR)
    assert spelt(name) in fault.wrong


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "value-in-clear\r\nx-evil: 1"),
        ("X-A", "value-in-clear\n"),
        ("X-A", "value-in-clear\0"),
        ("X-A", "value-in-clear €"),
        ("X-A", "value-in-clear\ud83d"),
        ("X-A", LONG),
        ("X-A", ""),
        ("X-A", 7),
        ("X-A", ["value-in-clear"]),
        ("X-A", MASK),
        ("X-A", "LLMPROXY_ADMIN_KEY"),
        ("X-A", "COSMOS_KEY"),
        ("X A", "value-in-clear"),
        ("X-A:", "value-in-clear"),
        ("é", "value-in-clear"),
    ],
)
def test_faulty_headers(name: str, value: object) -> None:
    assert faults(headers={name: value}) == [(f"headers.{name}", Severity.ERROR)]


def test_one_header_in_two_spellings() -> None:
    assert faults(headers={"X-A": "1", "x_a": "2"}) == [("headers.x_a", Severity.ERROR)]


def test_secrets_in_the_document_are_warned_of() -> None:
    assert faults(headers={"X-Goog-Api-Key": "value-in-clear"}) == [("headers.X-Goog-Api-Key", Severity.WARNING)]
    assert faults(headers={"X-Goog-Api-Key": "GOOGLE_API_KEY"}) == []


def test_other_types_and_too_many() -> None:
    assert faults(headers=["value-in-clear"]) == [("headers", Severity.ERROR)]
    assert faults(headers={f"X-{number}": "1" for number in range(51)}) == [("headers", Severity.ERROR)]
    assert faults(forward_headers="openai-beta") == [("forward_headers", Severity.ERROR)]
    assert faults(forward_headers=[7]) == [("forward_headers[0]", Severity.ERROR)]


@pytest.mark.parametrize("listed", ["*", "x-ms*", "x-*-id", "a b", "x-goog-api-key", "x-ms-token-*", "proxy-*"])
def test_what_is_never_passed_on(listed: str) -> None:
    assert faults(forward_headers=[listed]) == [("forward_headers", Severity.ERROR)]


def test_a_prefix_that_covers_forbidden_headers() -> None:
    (fault,) = read_model(simulated(forward_headers=["x-*"]))[1]
    assert fault.severity is Severity.WARNING
    assert "x-api-key" in fault.wrong
