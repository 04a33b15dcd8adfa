"""Pages beside the model calls: the methods of HTTP, final slashes, the documentation page, and what health shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, simulated

EVIL = {"host": "evil.example"}


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLMProxy]:
    broken = simulated("broken", model_type="OpenAI", parameters={"secret_name": "NO_SUCH_SECRET"})
    made = LLMProxy(tmp_path_factory.mktemp("pages"), simulated("sim"), broken)
    yield made
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, headers={"api-key": proxy.key}, trust_env=False) as made:
        yield made


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/v1/models/sim", "/openai/models", "/openapi.json"])
def test_pages_take_head_and_options(client: httpx.Client, path: str) -> None:
    body = client.get(path)
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == body.headers["content-length"]
    options = client.options(path)
    assert options.status_code == 204
    assert set(options.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/openai/v1/models"])
def test_a_final_slash_is_served_without_a_redirect(client: httpx.Client, path: str) -> None:
    answer = client.get(f"{path}/", headers=EVIL)
    assert answer.status_code == 200
    assert answer.text == client.get(path).text


def test_no_page_repeats_the_host_of_the_request(client: httpx.Client) -> None:
    for path in ("/", "/docs", "/docs/", "/openapi.json", "/health//", "//evil.example", "/v1", "/v1/"):
        answer = client.get(path, headers=EVIL)
        assert answer.status_code < 300 or answer.status_code >= 400
        assert "evil.example" not in answer.text.replace("GET //evil.example", "") + str(answer.headers)


def test_the_documentation_page_loads_only_files_of_this_server(client: httpx.Client) -> None:
    page = client.get("/docs", headers=EVIL)
    loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
    assert sorted(loaded) == ["/docs/start.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "data:,"]
    assert "http:" not in page.text
    assert "https:" not in page.text
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'" in page.headers["content-security-policy"]
    assert client.get("/docs/LICENSE.txt").status_code == 404
    for path, kind in (("/docs/swagger-ui-bundle.js", "text/javascript"), ("/docs/swagger-ui.css", "text/css")):
        file = client.get(path)
        assert file.status_code == 200
        assert file.headers["content-type"].startswith(kind)
        assert len(file.content) > 50_000


def test_only_the_admin_key_shows_ids_and_reasons(proxy: LLMProxy, client: httpx.Client) -> None:
    def health(key: str) -> httpx.Response:
        return client.get("/health", params={"detailed": "true"}, headers={"api-key": key})

    for key in ("", proxy.key, ADMIN_KEY[:-1], f"{ADMIN_KEY}x"):
        seen = health(key)
        assert seen.status_code == 200
        assert seen.json()["status"] == "ok"
        assert seen.json()["catalogue"]["left_out"] == 1
        assert "broken" not in seen.text
        assert "NO_SUCH_SECRET" not in seen.text
    assert "NO_SUCH_SECRET" in health(ADMIN_KEY).text


def test_a_short_admin_key_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="LLMPROXY_ADMIN_KEY"):
        LLMProxy(tmp_path, variables={"LLMPROXY_ADMIN_KEY": "x" * 31})
