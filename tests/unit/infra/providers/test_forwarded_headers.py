"""Headers of callers that reach an upstream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents.headers import FORBIDDEN_HEADERS, not_forwarded_because
from domain.errors import DeploymentUnusableError
from domain.model import Parameters
from infra.providers.destinations import Destinations
from infra.providers.forwarded_headers import ForwardedHeaders
from infra.providers.resolve import ANYWHERE, resolve

FORBIDDEN = [row.replace("*", "ending") for row in FORBIDDEN_HEADERS]
SECRET_LIKE = ["x-goog-api-key", "x-ms-token-aad-access-token", "x-amz-security-token", "x-ms-client-principal"]
SPELLINGS = (str.lower, str.upper, str.title, lambda name: name.replace("-", "_"))
NAMES = st.one_of(
    st.builds(lambda spelt, name: spelt(name), st.sampled_from(SPELLINGS), st.sampled_from(FORBIDDEN + SECRET_LIKE)),
    st.text("abcxms-_: \r\n\0é", max_size=12),
)
VALUES = st.text(st.characters(max_codepoint=255), max_size=12)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12), st.lists(NAMES, max_size=6))
def test_nothing_forbidden_passes_whatever_is_listed(pairs: list[tuple[str, str]], own: list[str]) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    listed = [*(name.lower() for name, _ in pairs), *"abcdefghijklmnopqrstuvwxyz", "x-*", "p*", "a*", "c*", "*"]
    lines = ForwardedHeaders(listed, own).lines(headers)
    assert not lines or lines.endswith(b"\r\n")
    for line in lines.split(b"\r\n")[:-1]:
        name, separator, value = line.partition(b": ")
        assert separator
        assert (name, value) in [(each.lower(), found) for each, found in headers]
        assert not_forwarded_because(name.decode("latin-1")) is None
        assert name.decode("latin-1").replace("_", "-") not in [each.lower().replace("_", "-") for each in own]
        assert b"\r" not in value
        assert b"\n" not in value


@pytest.mark.parametrize("name", FORBIDDEN + SECRET_LIKE)
@pytest.mark.parametrize("spelt", SPELLINGS)
def test_forbidden_headers_in_every_spelling(name: str, spelt: type[str]) -> None:
    raw = spelt(name).encode()
    assert ForwardedHeaders([spelt(name).lower(), f"{name[:1]}*"], ()).lines([(raw, b"1")]) == b""


def test_listed_headers_in_order_and_as_often_as_they_came() -> None:
    headers = [
        (b"OpenAI-Beta", b"a"),
        (b"x-ms-b", b"caf\xe9\tx"),
        (b"x-other", b"1"),
        (b"openai-beta", b"b"),
        (b"x-ms-own", b"caller"),
        (b"connection", b"close, X-MS-Hop"),
        (b"x-ms-hop", b"1"),
        (b"x-ms-evil", b"1\nx: 1"),
    ]
    forwarded = ForwardedHeaders(["openai-beta", "x-ms-*", "connection"], ["X-MS_Own"])
    assert forwarded.lines(headers) == b"openai-beta: a\r\nx-ms-b: caf\xe9\tx\r\nopenai-beta: b\r\n"


SECRETS = {"THE_HEADER": " secret-value\n", "BAD_HEADER": "a\r\nx-evil: 1", "WIDE_HEADER": "€", "EMPTY_HEADER": " "}


def resolved(value: str, rules: Destinations = ANYWHERE) -> dict[str, str]:
    parameters = Parameters(endpoint="https://api.example", defaults={"x-a": "default"})
    found = resolve(parameters, SECRETS.get, rules, headers={"x-a": value})
    assert "secret-value" not in repr(found)
    assert found.defaults == {"x-a": "default"}
    assert found.header_secrets == (("secret-value",) if value == "THE_HEADER" else ())
    return dict(found.headers)


def test_variables_that_headers_name() -> None:
    assert resolved("THE_HEADER") == {"x-a": "secret-value"}
    assert resolved("NOT_SET") == {"x-a": "NOT_SET"}
    assert resolved("plain") == {"x-a": "plain"}
    assert resolved("THE_HEADER", Destinations.from_settings("*", "THE_HEADER=api.example")) == {"x-a": "secret-value"}


@pytest.mark.parametrize("value", ["BAD_HEADER", "WIDE_HEADER", "EMPTY_HEADER"])
def test_variables_that_no_header_can_carry(value: str) -> None:
    with pytest.raises(DeploymentUnusableError) as caught:
        resolved(value)
    assert "headers.x-a" in caught.value.reason
    assert SECRETS[value] not in caught.value.reason or value == "EMPTY_HEADER"


@pytest.mark.parametrize("rules", ["THE_HEADER=other.example", "*="])
def test_variables_of_headers_go_to_their_own_hosts(rules: str) -> None:
    with pytest.raises(DeploymentUnusableError) as caught:
        resolved("THE_HEADER", Destinations.from_settings("*", rules))
    assert "headers.x-a" in caught.value.reason
    assert "LLMPROXY_SECRET_HOSTS" in caught.value.reason
