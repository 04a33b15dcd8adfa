"""Callers with tokens of Entra ID, or of another issuer, in place of keys: the official clients, a real issuer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from application.ports.catalog_store import Kind
from infra.catalog_store.sqlite import SqliteCatalogStore
from tests.e2e.test_self_service import recorded
from tests.fakes.bad_tokens import BAD, claims_of, encoded
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.oidc_issuer import AUDIENCE, TENANT, OidcIssuer, oidc_issuer
from tests.fakes.processes import wait_until

CHAT: dict[str, Any] = {"model": "sim", "messages": [{"role": "user", "content": "Who am I?"}]}


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with oidc_issuer() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, issuer: OidcIssuer) -> Iterator[LLMProxy]:
    row = {"issuer": issuer.url, "audiences": ["llmproxy"], "algorithms": ["RS256", "ES256"]}
    made = LLMProxy(
        tmp_path_factory.mktemp("tokens"),
        simulated("sim"),
        simulated("hidden", private=True, projects=["somebody-else"]),
        variables={**issuer.settings(), "LLMPROXY_OIDC_ISSUERS": json.dumps([row])},
    )
    asyncio.run(_write_projects(Path(made.env["DATA_DIR"]), issuer.url))
    made.follow()
    yield made
    assert "internal error" not in made.logs()
    made.stop()


async def _write_projects(data: Path, other_issuer: str, *, readers: bool = True) -> None:
    entra = {"tenant": TENANT.upper()}
    listed: dict[str, list[dict[str, str]]] = {
        "billing": [
            entra | {"app_id": "app"},
            entra | {"role": "billing.call"},
            entra | {"object_id": "person"},
            entra | {"app_id": "both"},
        ],
        "reports": [
            entra | {"app_id": "both"},
            *([entra | {"group": "readers"}] if readers else []),
            {"issuer": other_issuer, "object_id": "robot"},
        ],
        "closed": [entra | {"app_id": "closed"}],
    }
    store = SqliteCatalogStore(data / "catalog.sqlite3")
    await store.open()
    for project, identities in listed.items():
        body = {"id": project, "name": project, "identities": identities, "enabled": project != "closed"}
        await store.put(Kind.PROJECT, body)
    await store.close()


def called(proxy: LLMProxy, token: str, request_id: str | None = None, **headers: str) -> httpx.Response:
    head = {"authorization": f"Bearer {token}", **({"x-request-id": request_id} if request_id else {}), **headers}
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=CHAT, headers=head, timeout=30)


def project_of(proxy: LLMProxy, token: str, **headers: str) -> str:
    """Return the project that a token's calls are charged to, as its owner sees it."""
    response = called(proxy, token, **headers)
    assert response.status_code == 200, response.text
    head = {"authorization": f"Bearer {token}", **headers}

    def rows() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{proxy.url}/v1/usage?by=project", headers=head).json()["rows"]
        return found

    wait_until(lambda: bool(rows()), what="the line of the call")
    return str(rows()[0]["project"])


def test_the_official_clients_call_with_tokens(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    asked: list[str] = []

    def provider() -> str:
        asked.append(issuer.token())
        return asked[-1]

    azure = openai.AzureOpenAI(
        azure_endpoint=proxy.url, azure_ad_token_provider=provider, api_version="2024-10-21", max_retries=0
    )
    plain = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=provider, max_retries=0)
    for client in (azure, plain):
        answer = client.chat.completions.create(**CHAT)
        assert answer.choices[0].message.content
    assert len(asked) == 2
    assert {model.id for model in plain.models.list()} == {"sim"}
    with pytest.raises(openai.NotFoundError):
        plain.chat.completions.create(**CHAT | {"model": "hidden"})


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"azp": None, "appid": "app", "aud": f"api://{AUDIENCE}", "iss": f"https://sts.windows.net/{TENANT}/"},
        {"azp": "unknown", "roles": ["other", "billing.call"]},
        {"azp": "some-desktop-application", "scp": "user_impersonation", "oid": "person"},
    ],
    ids=["version 2", "version 1", "role", "user"],
)
def test_a_token_belongs_to_the_project_that_lists_its_identity(
    proxy: LLMProxy, issuer: OidcIssuer, claims: dict[str, Any]
) -> None:
    assert project_of(proxy, issuer.token(**claims)) == "billing"


def test_the_ledger_names_the_identity_in_place_of_a_key(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    token = issuer.token()
    called(proxy, token)
    head = {"authorization": f"Bearer {token}"}

    def keys() -> set[str]:
        rows = httpx.get(f"{proxy.url}/v1/usage?by=key", headers=head).json()["rows"]
        return {row["key"] for row in rows}

    wait_until(lambda: "app:app" in keys(), what="the line of the call")


def test_another_issuer_has_identities_and_algorithms_of_its_own(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    issuer.rotate("ES256")
    robot = issuer.token(iss=issuer.url, aud="llmproxy", sub="robot")
    refused = called(proxy, issuer.token())
    issuer.rotate()
    assert project_of(proxy, robot) == "reports"
    assert (refused.status_code, "algorithm" in refused.text) == (401, True), "Entra ID signs with RS256 alone"


def test_an_identity_of_several_projects_names_one(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    token = issuer.token(azp="both")
    silent = called(proxy, token)
    assert (silent.status_code, "x-llmproxy-project" in silent.json()["error"]["message"]) == (401, True)
    for project in ("billing", "reports"):
        assert project_of(proxy, token, **{"x-llmproxy-project": project}) == project
    assert called(proxy, token, **{"x-llmproxy-project": "tests"}).status_code == 401


def test_a_removed_identity_is_refused_and_the_token_is_not_remembered_with_its_project(
    proxy: LLMProxy, issuer: OidcIssuer
) -> None:
    token = issuer.token(azp="unknown", groups=["readers"])
    assert project_of(proxy, token) == "reports"
    data = Path(proxy.env["DATA_DIR"])
    asyncio.run(_write_projects(data, issuer.url, readers=False))
    wait_until(lambda: called(proxy, token).status_code == 401, what="the refusal")
    asyncio.run(_write_projects(data, issuer.url))
    wait_until(lambda: called(proxy, token).status_code == 200, what="the permission")


def test_a_project_key_works_beside_tokens(proxy: LLMProxy) -> None:
    assert called(proxy, proxy.key, "with-a-key").status_code == 200
    assert recorded(proxy, "with-a-key")[0]["key_id"].startswith("key_")


def test_keys_rotate_and_stay_valid_while_the_issuer_is_unavailable(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    before = issuer.token()
    assert called(proxy, before).status_code == 200
    issuer.rotate()
    fetched, after = issuer.fetches(), issuer.token()
    with ThreadPoolExecutor(8) as callers:
        statuses = list(callers.map(lambda _: called(proxy, after).status_code, range(8)))
    assert (set(statuses), issuer.fetches() - fetched) == ({200}, 1), "one request for the keys, for all that wait"
    issuer.set_available(available=False)
    try:
        fresh = issuer.token(jti="not seen before")
        assert called(proxy, fresh).status_code == 200
    finally:
        issuer.set_available(available=True)


def test_an_application_role_gives_the_role_of_an_administrator(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    def asked(method: str, *roles: str, **claims: Any) -> int:
        token = issuer.token(azp="tool", roles=list(roles), **claims)
        head = {"authorization": f"Bearer {token}"}
        return httpx.request(
            method, f"{proxy.url}/debug/memory{'/gc' if method == 'POST' else ''}", headers=head
        ).status_code

    assert (asked("GET", "llmproxy.viewer"), asked("POST", "llmproxy.viewer")) == (200, 403)
    assert asked("POST", "billing.call", "llmproxy.viewer", "llmproxy.admin") == 200
    assert (asked("GET", "billing.call"), asked("GET", "llmproxy.owner")) == (401, 401)
    assert asked("GET", "llmproxy.admin", aud="another service") == 401


@pytest.mark.parametrize("case", BAD)
def test_a_bad_token_is_refused_with_its_reason(proxy: LLMProxy, issuer: OidcIssuer, case: str) -> None:
    make, reason = BAD[case]
    response = called(proxy, make(issuer))
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (401, "invalid_api_key"), error
    assert reason in error["message"]


def test_clocks_may_differ_by_a_minute(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    assert called(proxy, issuer.expiring(-5)).status_code == 200
    assert called(proxy, issuer.token(nbf=int(time.time()) + 30)).status_code == 200


def test_tokens_with_unknown_keys_do_not_load_the_issuer(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    before = issuer.fetches()
    claims = encoded(claims_of(issuer))
    for number in range(60):
        token = f"{encoded({'alg': 'RS256', 'kid': f'made-up-{number}'})}.{claims}.AAAA"
        response = called(proxy, token)
        assert (response.status_code, "does not publish" in response.text) == (401, True)
    assert issuer.fetches() - before <= 10


def test_without_an_application_nobody_signs_in_at_an_issuer(proxy: LLMProxy) -> None:
    assert httpx.get(f"{proxy.url}/admin/login/issuer").status_code == 404
    assert "/admin/login/issuer" not in httpx.get(f"{proxy.url}/admin/login").text


def test_no_token_is_in_the_logs(proxy: LLMProxy, issuer: OidcIssuer) -> None:
    token = issuer.token()
    called(proxy, token)
    called(proxy, token[:-4] + "AAAA")
    assert token.split(".")[1] not in proxy.logs()
