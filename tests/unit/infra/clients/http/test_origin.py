from __future__ import annotations

import pytest

from infra.clients.http.origin import Origin


@pytest.mark.parametrize(
    ("url", "origin", "prefix", "authority"),
    [
        ("https://API.example.com", Origin("https", "api.example.com", 443), "", "api.example.com"),
        ("https://api.example.com/v1/", Origin("https", "api.example.com", 443), "/v1", "api.example.com"),
        ("http://10.0.0.1:8000/a/b", Origin("http", "10.0.0.1", 8000), "/a/b", "10.0.0.1:8000"),
        ("http://[::1]:8000", Origin("http", "::1", 8000), "", "[::1]:8000"),
        ("HTTPS://[2001:db8::1]", Origin("https", "2001:db8::1", 443), "", "[2001:db8::1]"),
        ("http://x:443", Origin("http", "x", 443), "", "x:443"),
    ],
)
def test_parse(url: str, origin: Origin, prefix: str, authority: str) -> None:
    assert Origin.parse(url) == (origin, prefix)
    assert origin.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "//api.example.com",
        "ftp://api.example.com",
        "https://",
        "https:///v1",
        "https://:443",
        "https://user@host",
        "https://user:secret@host",
        "https://@host",
        "https://host:port",
        "https://host:0",
        "https://host:65536",
        "https://host/?api-version=1",
        "https://host/#x",
        "https://host/a b",
        "https://ho st",
        "https://host\r\nX-Injected: 1",
        "https://host/\tx",
        "https://hôst",
        "https://host\\evil",
        "https://[::1",
        "https://[::1%25eth0]",
    ],
)
def test_nonsense_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        Origin.parse(url)
    assert "secret" not in str(caught.value)
    assert "host\r" not in str(caught.value)
