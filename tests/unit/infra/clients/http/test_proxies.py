from __future__ import annotations

from base64 import b64encode

import pytest

from infra.clients.http.origin import Origin
from infra.clients.http.proxies import Proxies, Proxy
from infra.clients.http.tunnel import through_proxy

HTTPS = Origin("https", "api.example.com", 443)
HTTP = Origin("http", "api.example.com", 80)


def test_nothing_set() -> None:
    assert Proxies.from_environment({}) == Proxies()
    assert Proxies().for_origin(HTTPS) is None


def test_each_scheme_has_its_own() -> None:
    proxies = Proxies.from_environment({"HTTP_PROXY": "http://one:3128", "HTTPS_PROXY": "http://two:3128/"})
    assert proxies.for_origin(HTTP) == Proxy(Origin("http", "one", 3128))
    assert proxies.for_origin(HTTPS) == Proxy(Origin("http", "two", 3128))


def test_lower_case_wins_and_all_proxy_comes_last() -> None:
    environ = {"https_proxy": "low:1", "HTTPS_PROXY": "up:2", "ALL_PROXY": "all:3", "HTTP_PROXY": " "}
    proxies = Proxies.from_environment(environ)
    assert proxies.for_origin(HTTPS) == Proxy(Origin("http", "low", 1))
    assert proxies.for_origin(HTTP) == Proxy(Origin("http", "all", 3))


def test_credentials_are_decoded_and_never_shown() -> None:
    proxy = Proxy.parse("http://us%40er:p%3Aw%2F@proxy.example:8080")
    assert proxy == Proxy(Origin("http", "proxy.example", 8080), b"Basic " + b64encode(b"us@er:p:w/"))
    assert repr(proxy) == "Proxy()"
    assert repr(Proxies(https=proxy)).count("proxy.example") == 0


@pytest.mark.parametrize("value", ["http://", "socks5://u:secret@host:1", "http://u:secret@host:x", "http://a b"])
def test_a_wrong_proxy_names_its_variable_and_nothing_else(value: str) -> None:
    with pytest.raises(ValueError, match=r"^HTTPS_PROXY: ") as caught:
        Proxies.from_environment({"https_proxy": value})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "host", "port", "direct"),
    [
        ("*", "x", 1, True),
        ("example.com", "example.com", 443, True),
        ("example.com", "api.example.com", 443, True),
        (".example.com", "api.example.com", 443, True),
        ("*.example.com", "api.example.com", 443, True),
        ("Example.COM", "api.example.com", 443, True),
        ("example.com", "badexample.com", 443, False),
        ("example.com:8080", "example.com", 8080, True),
        ("example.com:8080", "example.com", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, False),
        ("10.1.2.3", "10.1.2.3", 80, True),
        ("10.1.2.3:80", "10.1.2.3", 80, True),
        ("10.1.2.3:80", "10.1.2.3", 81, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("fd00::/8", "fd12::1", 80, True),
        ("10.0.0.0/8", "ten.example", 80, False),
        ("a.example, ,b.example", "b.example", 80, True),
        (".", "b.example", 80, False),
    ],
)
def test_no_proxy(rule: str, host: str, port: int, *, direct: bool) -> None:
    proxies = Proxies.from_environment({"ALL_PROXY": "proxy:1", "NO_PROXY": rule})
    assert (proxies.for_origin(Origin("https", host, port)) is None) is direct


def test_plain_requests_name_their_target_in_full() -> None:
    proxy = Proxy(Origin("http", "proxy", 1), b"Basic eA==")
    head = b"POST /v1/x?y=z HTTP/1.1\r\nHost: h:8080\r\n\r\n"
    assert through_proxy(head, Origin("http", "h", 8080), proxy) == (
        b"POST http://h:8080/v1/x?y=z HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\nHost: h:8080\r\n\r\n"
    )
    with pytest.raises(ValueError, match="request line"):
        through_proxy(b"nonsense", HTTP, proxy)
