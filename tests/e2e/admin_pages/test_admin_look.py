"""Every page: what axe finds, what its content security policy refuses, its width on a phone, in both languages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from playwright.sync_api import Browser, expect

from application.ports.catalog_store import Kind
from infra.catalog_store.sqlite import SqliteCatalogStore
from infra.controllers.admin_pages.rendering import TEMPLATES
from tests.fakes.admin_client import signed_in, token_of
from tests.fakes.browser import PHONE, AdminBrowser, chromium
from tests.fakes.chat_upstream import chunk, event
from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, simulated, upstream
from tests.fakes.processes import wait_until
from tests.fakes.upstream_script import ScriptedUpstream

LONG = "a-model-with-a-name-of-sixty-characters-that-no-column-expects"
STRANGE = "<script>alert(1)</script> \u202eright to left\u202c \N{GRINNING FACE} 'quoted\""
PAGES = [
    "/admin",
    "/admin/models",
    "/admin/models?q=nothing",
    "/admin/models/document",
    f"/admin/models/document?id={LONG}",
    f"/admin/models/document?id={LONG}&edit=json",
    f"/admin/models/try?id={LONG}",
    "/admin/projects",
    "/admin/projects?new=1",
    "/admin/projects/project?id=tests",
    "/admin/usage",
    "/admin/usage?by=day&compare=off",
    "/admin/usage?period=days&first=2020-01-01&last=2020-01-02",
    "/admin/calls",
    "CALL",
    "/admin/health",
    f"/admin/explain?model={LONG}&project=tests",
    "/admin/chaos",
    "/admin/load-test",
    "/admin/audit?verify=on",
    "/admin/settings",
    "/admin/models/document?id=missing",
]


STATIC = sum(path.stat().st_size for path in (TEMPLATES.parent / "static").glob("*.[cj]s*"))
HEAVIEST = 150 * 1024
"""Bytes of a page with everything that it loads."""
DARK = {"/admin", f"/admin/models/document?id={LONG}", "/admin/projects/project?id=tests", "/admin/usage", "CALL"}
"""Pages that have every part and colour between them: axe looks at these in the dark theme, too."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[LLMProxy]:
    del browser
    unpriced = simulated("unpriced", name=STRANGE, costs={"currency": "BRL"})
    made = LLMProxy(
        tmp_path_factory.mktemp("look"),
        simulated(LONG),
        unpriced,
        simulated("other"),
        variables={"LLMPROXY_CHAOS": "on"},
    )
    made.command("projects", "set-budget", "tests", "0.01", "--alert-at", "0.1", "--soft")
    made.command("projects", "set-limits", "tests", "--rpm", "600", "--tpm", "100000")
    made.follow()
    client = openai.OpenAI(base_url=f"{made.url}/v1", api_key=made.key, max_retries=0)
    for model in (LONG, LONG, "other"):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hello"}], user=STRANGE)
    wait_until(lambda: sum(row["calls"] for row in made.usage()) == 3, what="the ledger lines")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def english(browser: Browser, proxy: LLMProxy) -> Iterator[AdminBrowser]:
    made = AdminBrowser(browser, proxy)
    yield made
    made.close()


@pytest.fixture(scope="module")
def portuguese(browser: Browser, proxy: LLMProxy) -> Iterator[AdminBrowser]:
    made = AdminBrowser(browser, proxy, locale="pt-BR", color_scheme="dark", viewport=PHONE)
    yield made
    made.close()


def _open(admin: AdminBrowser, path: str) -> None:
    if path == "CALL":
        admin.open("/admin/calls")
        path = admin.page.locator("tbody th a").first.get_attribute("href") or ""
    admin.open(path)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_and_fits(english: AdminBrowser, portuguese: AdminBrowser, path: str) -> None:
    for admin, language in ((english, "en"), (portuguese, "pt-BR")):
        _open(admin, path)
        assert admin.page.locator("html").get_attribute("lang") == language
        assert admin.page.locator("h1").count() == 1
        assert admin.overflow() <= 0
        assert len(admin.page.content()) + STATIC < HEAVIEST
        assert admin.refused == []
        if admin is english or path in DARK:
            assert admin.violations() == []


def test_axe_finds_faults(english: AdminBrowser) -> None:
    english.open("/admin/settings")
    english.page.evaluate("document.querySelector('label').remove()")
    assert english.violations()


def test_the_sign_in_page(browser: Browser, proxy: LLMProxy) -> None:
    admin = AdminBrowser(browser, proxy, key=None)
    admin.sign_in("wrong")
    assert "4 tries are left" in admin.page.content()
    assert admin.violations() == []
    assert admin.refused == []
    admin.close()


def test_a_model_is_tried(english: AdminBrowser) -> None:
    english.open(f"/admin/models/try?id={LONG}")
    page = english.page
    page.get_by_label("Message").fill("hello")
    page.get_by_role("button", name="Send").click()
    page.locator("#answer .answer").wait_for()
    request_id = page.locator("#answer a").inner_text()

    def listed() -> bool:
        english.open(f"/admin/calls?q={request_id}")
        return page.locator("tbody tr").count() == 1

    wait_until(listed, what="the ledger line")
    page.get_by_role("link", name=request_id).click()
    assert "administrator administrator" in page.content()
    assert english.refused == []


def test_an_answer_is_shown_as_it_arrives(english: AdminBrowser, proxy: LLMProxy) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    with ScriptedUpstream() as server:
        proxy.apply(upstream("slow", server.url))
        proxy.follow()
        english.open("/admin/models/try?id=slow")
        answer = english.page.locator("#answer[aria-live=polite] .answer")
        with server.answering(head, event(chunk("<b>one")), event(chunk(" two")), then="wait"):
            english.page.get_by_label("Message").fill("hello")
            english.page.get_by_role("button", name="Send").click()
            expect(answer).to_have_text("<b>one two")
            assert english.page.locator("#answer .facts, #answer .notice").count() == 0
        expect(english.page.locator("#answer .notice")).to_contain_text("upstream_protocol")
        expect(answer).to_have_text("<b>one two")
        expect(english.page.get_by_role("button", name="Send")).to_be_enabled()
    assert english.refused == []


def test_a_list_is_searched_as_one_types(english: AdminBrowser) -> None:
    english.open("/admin/models")
    english.page.get_by_label("Search").press_sequentially("unpr")
    english.page.wait_for_url("**/admin/models?q=unpr*")
    assert english.page.locator("tbody tr").count() == 1
    english.page.keyboard.press("Escape")
    assert english.refused == []


def test_a_fault_appears_beside_its_field_and_nothing_typed_is_lost(english: AdminBrowser) -> None:
    english.open(f"/admin/models/document?id={LONG}")
    page = english.page
    page.get_by_label("Timeout, seconds").fill("5 min")
    page.get_by_label("Provider").focus()
    page.locator("#m-parameters-timeout .fault").wait_for()
    page.get_by_label("Provider").press_sequentially("typed meanwhile")
    page.get_by_label("Timeout, seconds").fill("300")
    page.get_by_label("Provider").focus()
    page.locator("#m-parameters-timeout .fault").wait_for(state="detached")
    assert page.get_by_label("Provider").input_value() == "typed meanwhileSimulator"


def test_the_documentation_page_runs_under_its_policy(english: AdminBrowser) -> None:
    english.open("/docs")
    english.page.locator(".opblock").first.wait_for()
    assert english.refused == []


def test_no_page_shows_a_secret_and_saving_keeps_it(proxy: LLMProxy) -> None:
    with signed_in(proxy, ADMIN_KEY) as client:
        _check_secrets(client, proxy)


def _check_secrets(client: httpx.Client, proxy: LLMProxy) -> None:
    secret = "sk-inline-secret-of-a-document"
    parameters = {"endpoint": "https://example.test/v1", "api_key": secret}
    document = simulated(
        "inline", model_type="OpenAICompatible", parameters=parameters, headers={"x-auth-token": "hush"}
    )
    proxy.apply(document)
    page = client.get("/admin/models/document", params={"id": "inline"}).text
    version = re.search(r'name="version" value="([^"]*)"', page)
    assert version
    fields = dict(re.findall(r'<input id="f-[^"]+" name="([^"]+)" type="text" value="([^"]*)"', page))
    sent = {**fields, "csrf": token_of(client), "document": "inline", "version": version[1], "action": "save"}
    sent |= {"model_type": "OpenAICompatible", "operations": "ChatCompletion", "name": "renamed", "enabled": "on"}
    saved = client.post("/admin/models/document", data=sent)
    assert saved.status_code == 303, saved.text
    with ThreadPoolExecutor(1) as thread:  # Playwright runs a loop in this one
        stored = thread.submit(asyncio.run, _stored(proxy, "inline")).result()
    assert (stored["name"], stored["parameters"]["api_key"]) == ("renamed", secret)
    assert stored["headers"] == {"x-auth-token": "hush"}
    for path in ("document?id=inline", "document?id=inline&edit=json", "document?id=inline&v=1", "?q=inline"):
        text = client.get(f"/admin/models/{path}" if path[0] == "d" else f"/admin/models{path}").text
        assert "inline" in text
        assert secret not in text
        assert "hush" not in text
    for path in ("/admin/settings", "/admin/audit", "/admin/health", "/admin/explain?model=inline&project=tests"):
        text = client.get(path).text
        assert secret not in text
        assert ADMIN_KEY not in text


async def _stored(proxy: LLMProxy, document_id: str) -> dict[str, Any]:
    store = SqliteCatalogStore(Path(proxy.env["DATA_DIR"]) / "catalog.sqlite3")
    found = await store.get(Kind.MODEL, document_id)
    await store.close()
    assert found is not None
    assert isinstance(found.body, dict)
    return found.body
