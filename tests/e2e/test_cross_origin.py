"""Pages of other sites that call the API: the official client in a real browser, and what browsers go by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.web_site import opened_page, web_site
from tests.tools import NODE_PACKAGES, require_node_package

CALLS = """\
async ([baseURL, apiKey]) => {
    const { default: OpenAI } = await import("/openai/index.mjs");
    const client = new OpenAI({ baseURL, apiKey, dangerouslyAllowBrowser: true, maxRetries: 0 });
    const messages = [{ role: "user", content: "hi" }];
    const found = {};
    try {
        const { data, response } = await client.chat.completions.create({ model: "sim", messages }).withResponse();
        found.text = data.choices[0].message.content;
        found.cost = response.headers.get("x-llmproxy-cost");
        found.streamed = "";
        for await (const chunk of await client.chat.completions.create({ model: "sim", messages, stream: true }))
            found.streamed += chunk.choices[0]?.delta?.content ?? "";
        found.models = (await client.models.list()).data.map((model) => model.id);
        await client.chat.completions.create({ model: "unknown", messages });
    } catch (error) {
        found.error = [error.constructor.name, error.status ?? null, error.requestID ?? null];
    }
    return found;
}
"""
PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-stainless-lang,x-stainless-timeout",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve an empty page and the files of the official client."""
    require_node_package("openai")
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html><title>A page</title>", "utf-8")
    (folder / "openai").symlink_to(NODE_PACKAGES / "openai")
    with web_site(folder) as port:
        yield port


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, site: int) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("cors"),
        simulated("sim"),
        variables={"LLMPROXY_CORS_ORIGINS": f"https://other.example,http://127.0.0.1:{site}"},
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with opened_page() as opened:
        yield opened


def called(page: Page, site: str, proxy: LLMProxy) -> Any:
    page.goto(site)
    return page.evaluate(CALLS, [f"{proxy.url}/v1", proxy.key])


def test_the_official_client_works_in_a_page_of_an_allowed_origin(page: Page, site: int, proxy: LLMProxy) -> None:
    found = called(page, f"http://127.0.0.1:{site}/", proxy)
    assert found["text"]
    assert found["streamed"]
    assert found["cost"].endswith(" USD")
    assert found["models"] == ["sim"]
    name, status, request_id = found["error"]
    assert (name, status) == ("NotFoundError", 404)
    assert request_id.startswith("req_")


def test_a_page_of_another_origin_can_call_nothing(page: Page, site: int, proxy: LLMProxy) -> None:
    found = called(page, f"http://localhost:{site}/", proxy)
    assert found == {"error": ["APIConnectionError", None, None]}


def test_preflights_are_answered_for_allowed_origins_and_api_paths_only(site: int, proxy: LLMProxy) -> None:
    origin = f"http://127.0.0.1:{site}"
    granted = httpx.options(f"{proxy.url}/v1/chat/completions", headers=PREFLIGHT | {"origin": origin})
    assert granted.status_code == 204
    assert granted.headers["access-control-allow-origin"] == origin
    assert granted.headers["access-control-allow-headers"] == PREFLIGHT["access-control-request-headers"]
    assert "POST" in granted.headers["access-control-allow-methods"]
    assert granted.headers["vary"] == "origin"
    assert "access-control-allow-credentials" not in granted.headers
    for path, other in (("/v1/chat/completions", "https://evil.example"), ("/health", origin), ("/metrics", origin)):
        refused = httpx.options(f"{proxy.url}{path}", headers=PREFLIGHT | {"origin": other})
        assert "access-control-allow-origin" not in refused.headers, path
    hostile = PREFLIGHT | {"origin": origin, "access-control-request-headers": "a\tb;c"}
    assert "access-control-allow-headers" not in httpx.options(f"{proxy.url}/v1/models", headers=hostile).headers


def test_responses_to_callers_without_a_page_have_no_grant(proxy: LLMProxy) -> None:
    response = httpx.get(f"{proxy.url}/v1/models", headers={"api-key": proxy.key})
    assert (response.status_code, response.headers["vary"]) == (200, "origin")
    assert "access-control-allow-origin" not in response.headers


def test_without_the_setting_there_is_nothing_of_it(server: LLMProxy) -> None:
    headers = {"origin": "https://app.example", "api-key": server.key}
    for response in (
        httpx.options(f"{server.url}/v1/chat/completions", headers=headers | PREFLIGHT),
        httpx.get(f"{server.url}/v1/models", headers=headers),
    ):
        assert not [name for name in response.headers if name.startswith("access-control") or name == "vary"]


@pytest.mark.parametrize("origins", ["app.example", "https://app.example/", "https://*.example", "null"])
def test_wrong_origins_stop_the_start(tmp_path: Path, origins: str) -> None:
    with pytest.raises(AssertionError, match="LLMPROXY_CORS_ORIGINS is invalid"):
        LLMProxy(tmp_path, variables={"LLMPROXY_CORS_ORIGINS": origins})
