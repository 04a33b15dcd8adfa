"""Signing in at an issuer of OpenID Connect, with a real browser and a real issuer on another site."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.fakes.browser import AdminBrowser, chromium
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.oidc_issuer import OidcIssuer, oidc_issuer

CLIENT = "llmproxy-pages"
ROLES: dict[str, Any] = {"roles": ["llmproxy.viewer"]}


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with oidc_issuer() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, issuer: OidcIssuer) -> Iterator[LLMProxy]:
    address = issuer.set_people(**ROLES)
    variables = {
        "LLMPROXY_OIDC_ISSUERS": json.dumps([{"issuer": address, "audiences": [CLIENT]}]),
        "LLMPROXY_SIGN_IN_CLIENT_ID": CLIENT,
    }
    made = LLMProxy(tmp_path_factory.mktemp("single-sign-on"), simulated("sim"), variables=variables)
    yield made
    assert "internal error" not in made.logs()
    made.stop()


def test_a_browser_signs_in_at_the_issuer_and_returns_to_where_it_was(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    issuer.set_people(**ROLES)
    with chromium() as browser:
        admin = AdminBrowser(browser, proxy, key=None)
        admin.open("/admin/models")
        assert admin.violations() == []
        admin.page.click("a.button")
        admin.page.wait_for_url("**/admin/models")
        assert "sim" in admin.page.inner_text("main")
        cookies = {cookie["name"]: cookie for cookie in admin.context.cookies()}
        assert cookies["llmproxy_admin"]["sameSite"] == "Strict"
        assert "llmproxy_admin_sign_in" not in cookies
        assert [one for one in admin.refused if "/authorize" not in one] == []


def begun(proxy: LLMProxy, issuer: OidcIssuer, **claims: Any) -> tuple[httpx.Client, str]:
    """Begin a sign-in; return the browser's client and the address that the issuer sends it to."""
    issuer.set_people(**claims)
    client = httpx.Client(base_url=proxy.url, trust_env=False)
    sent = client.get("/admin/login/issuer", params={"next": "https://evil.example/"})
    assert sent.status_code == 303
    cookie = sent.headers["set-cookie"].lower()
    assert "samesite=lax" in cookie
    assert "httponly" in cookie
    query = parse_qs(urlsplit(sent.headers["location"]).query)
    assert (query["client_id"], query["code_challenge_method"]) == ([CLIENT], ["S256"])
    assert query["redirect_uri"] == [f"{proxy.url}/admin/login/callback"]
    returned = httpx.get(sent.headers["location"], trust_env=False).headers["location"]
    return client, returned.removeprefix(proxy.url)


def test_an_account_without_a_role_is_not_signed_in(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    for claims in ({}, {"roles": ["billing.call"]}, {"roles": ["llmproxy.owner"]}):
        client, callback = begun(proxy, issuer, **claims)
        answer = client.get(callback)
        assert answer.status_code == 401
        assert "llmproxy_admin" not in client.cookies
        assert client.get("/admin/models").status_code == 303


def test_what_the_browser_returns_with_must_be_what_it_left_with(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    client, callback = begun(proxy, issuer, **ROLES)
    other, _ = begun(proxy, issuer, **ROLES)
    assert other.get(callback).status_code == 401, "the state of another browser"
    assert httpx.get(f"{proxy.url}{callback}").status_code == 401, "no cookie"
    path, _, query = callback.partition("?")
    for wrong in (f"{path}?code=made-up&{query.partition('&')[2]}", path, f"{path}?error=access_denied"):
        fresh, _ = begun(proxy, issuer, **ROLES)
        assert fresh.get(wrong).status_code == 401
    done = client.get(callback)
    assert done.status_code == 200
    assert "evil.example" not in done.text
    assert 'url=/admin"' in done.text
    assert client.get("/admin/models").status_code == 200
    assert client.get(callback).status_code == 401, "a code serves once"


def test_the_actor_is_in_the_audit_log_and_no_token_is_in_a_log(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    client, callback = begun(proxy, issuer, **ROLES)
    assert client.get(callback).status_code == 200
    assert "eyJ" not in proxy.logs()
    assert "eyJ" not in Path(proxy.env["DATA_DIR"], "audit.sqlite3").read_bytes().decode("latin-1")
