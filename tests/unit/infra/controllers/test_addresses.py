"""Addresses of callers behind proxies."""

from __future__ import annotations

import pytest

from infra.controllers.addresses import Networks, caller_address

PROXIES = Networks.parse("10.0.0.0/8, 192.0.2.1 2001:db8::/32")


@pytest.mark.parametrize(
    ("client", "forwarded", "expected"),
    [
        ("198.51.100.1", [], "198.51.100.1"),
        ("198.51.100.1", ["203.0.113.1"], "198.51.100.1"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.1"], "203.0.113.1"),
        ("10.1.2.3", ["1.1.1.1, 203.0.113.1"], "203.0.113.1"),
        ("10.1.2.3", ["1.1.1.1", "203.0.113.1, 192.0.2.1"], "203.0.113.1"),
        ("10.1.2.3", ["10.9.9.9"], "10.9.9.9"),
        ("10.1.2.3", ["203.0.113.1, unknown"], "10.1.2.3"),
        ("10.1.2.3", ["203.0.113.1, 10.2.2.2, \xff"], "10.1.2.3"),
        ("2001:db8::1", ["2001:0DB9::1"], "2001:0DB9::1"),
        ("::ffff:10.1.2.3", ["203.0.113.1"], "203.0.113.1"),
        ("/run/socket", ["203.0.113.1"], "/run/socket"),
    ],
)
def test_the_last_address_that_is_not_a_trusted_proxy_is_the_caller(
    client: str, forwarded: list[str], expected: str
) -> None:
    headers = [(b"x-forwarded-for", entry.encode("latin-1")) for entry in forwarded]
    assert caller_address({"client": (client, 1), "headers": headers}, PROXIES) == expected


def test_without_trusted_proxies_the_header_means_nothing() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.1")]
    assert caller_address({"client": ("10.1.2.3", 1), "headers": headers}, Networks()) == "10.1.2.3"
    assert caller_address({"client": None, "headers": headers}, Networks()) is None
