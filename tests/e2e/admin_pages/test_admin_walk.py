"""A new operator, with only the page: from an empty store to a call whose cost is explained, a price rolled back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import openai
import pytest
from playwright.sync_api import Browser, expect

from tests.fakes.browser import AdminBrowser, chromium
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.processes import wait_until


class EmptyProxy(LLMProxy):
    """A server whose store has nothing."""

    def create_key(self, *_arguments: str) -> str:
        return ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[LLMProxy]:
    del browser  # without one there is nothing to start a server for
    made = EmptyProxy(tmp_path_factory.mktemp("empty"), variables={"LLMPROXY_CHAOS": "on"})
    yield made
    made.stop()


def _add_model(admin: AdminBrowser) -> None:
    page = admin.page
    expect(page.get_by_text("No models yet")).to_be_visible()
    page.get_by_role("link", name="Add a model").first.click()
    page.get_by_label("Document id").fill("sim-1")
    page.get_by_label("Model", exact=True).fill("sim")
    page.get_by_label("Type").select_option("Simulator")
    page.get_by_label("Provider").fill("Simulator")
    page.get_by_label("Input, 1M tokens", exact=True).fill("cheap")
    page.get_by_label("Output, 1M tokens").fill("10")
    page.get_by_role("button", name="Save as version 1").click()
    expect(page.get_by_label("Input, 1M tokens", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Document id")).to_have_value("sim-1")
    page.get_by_label("Input, 1M tokens", exact=True).fill("2.5")
    page.get_by_label("Weight").focus()
    expect(page.locator("#plan")).to_contain_text("Gains access")
    page.get_by_role("button", name="Save as version 1").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")


def _add_project(admin: AdminBrowser) -> str:
    page = admin.page
    page.get_by_role("link", name="Projects").click()
    page.get_by_label("Project id").fill("billing")
    page.get_by_role("button", name="Create the project").click()
    page.get_by_label("Amount").fill("100")
    page.get_by_role("button", name="Set the budget").click()
    expect(page.get_by_role("heading", name="USD 100.00, month")).to_be_visible()
    page.get_by_label("Name for people").fill("first")
    page.get_by_role("button", name="Create a key").click()
    secret = page.locator("#secret").text_content() or ""
    page.get_by_role("link", name="Projects").first.click()
    page.get_by_role("link", name="billing").click()
    assert secret not in page.content()
    return secret


def _call(proxy: LLMProxy, key: str) -> tuple[str, int, int]:
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=key, max_retries=0)

    def known() -> bool:
        try:
            return any(model.id == "sim" for model in client.models.list())
        except openai.AuthenticationError:
            return False

    wait_until(known, what="the model and the key")
    raw = client.chat.completions.with_raw_response.create(model="sim", messages=[{"role": "user", "content": "hello"}])
    usage = raw.parse().usage
    assert usage is not None
    return str(raw.headers["x-request-id"]), usage.prompt_tokens, usage.completion_tokens


def test_from_an_empty_store_to_an_explained_cost_and_back(browser: Browser, proxy: LLMProxy) -> None:
    admin = AdminBrowser(browser, proxy)
    page = admin.page
    _add_model(admin)
    key = _add_project(admin)
    request_id, read, written = _call(proxy, key)

    def listed() -> bool:
        admin.open(f"/admin/calls?q={request_id}")
        return page.locator("tbody tr").count() == 1

    wait_until(listed, what="the ledger line")
    page.get_by_role("link", name=request_id).click()
    cost = (Decimal(read) * Decimal("2.5") + Decimal(written) * 10) / 1_000_000
    expect(page.locator("table.sum tfoot")).to_contain_text(f"{cost:.6f}")
    expect(page.locator("table.sum tbody tr").first).to_contain_text(re.compile(rf"{read}\W+2\.50"))

    page.get_by_role("link", name="sim-1").click()
    page.get_by_label("Input, 1M tokens", exact=True).fill("5")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#plan tbody")).to_contain_text("+100.0 %")
    expect(page.locator("#plan tfoot")).to_contain_text("Calls of the last 30 days")
    page.get_by_role("button", name="Save as version 2").click()
    expect(page.get_by_label("Input, 1M tokens", exact=True)).to_have_value("5")
    page.get_by_label("Versions").get_by_role("link").last.click()
    page.get_by_role("button", name="Roll back to version 1").click()
    expect(page.get_by_role("status")).to_contain_text("Rolled back")
    expect(page.get_by_label("Input, 1M tokens", exact=True)).to_have_value("2.5")
    admin.open("/admin/audit?actor=administrator")
    assert page.locator("tbody tr").count() == 6  # model, project, budget, key, price, roll-back
    assert admin.refused == []
    admin.close()


def test_two_administrators_one_document(browser: Browser, proxy: LLMProxy) -> None:
    one, other = AdminBrowser(browser, proxy), AdminBrowser(browser, proxy)
    for admin in (one, other):
        admin.open("/admin/models/document?id=sim-1")
    one.page.get_by_label("Name for people").fill("of the one")
    one.page.get_by_role("button", name="Save as version").click()
    expect(one.page.get_by_role("status")).to_contain_text("Saved.")
    other.page.get_by_label("Provider").fill("of the other")
    other.page.get_by_role("button", name="Save as version").click()
    expect(other.page.get_by_role("alert")).to_contain_text("administrator changed this document")
    expect(other.page.get_by_label("Provider")).to_have_value("of the other")
    other.close()
    one.close()


def test_without_javascript(browser: Browser, proxy: LLMProxy) -> None:
    admin = AdminBrowser(browser, proxy, java_script_enabled=False)
    page = admin.page
    admin.open("/admin/models")
    page.get_by_label("Search").fill("sim")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="sim").first.click()
    page.get_by_label("Name for people").fill("plain forms")
    page.get_by_role("button", name="Save as version").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    admin.close()


def test_signing_out_and_going_back(browser: Browser, proxy: LLMProxy) -> None:
    admin, other = AdminBrowser(browser, proxy), AdminBrowser(browser, proxy)
    admin.open("/admin/settings")
    admin.page.get_by_role("button", name="Sign out everywhere").click()
    admin.page.wait_for_url("**/admin/login")
    admin.page.go_back()
    expect(admin.page.get_by_label("Administrator key")).to_be_visible()
    other.open("/admin/models")
    expect(other.page.get_by_label("Administrator key")).to_be_visible()
    other.close()
    admin.close()


def test_an_experiment_is_started_and_stopped(browser: Browser, proxy: LLMProxy) -> None:
    admin, other = AdminBrowser(browser, proxy), AdminBrowser(browser, proxy, locale="pt-BR")
    page = admin.page
    admin.open("/admin/chaos")
    page.get_by_label("Target").fill("nothing")
    page.get_by_label("Share").fill("5")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("faults[0].probability")
    page.get_by_label("Share").fill("0,5")
    page.get_by_label("Fault").select_option("delay")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#chaos tbody")).to_contain_text("50.0 %")
    assert admin.violations() == []
    other.open("/admin/chaos")
    other.page.get_by_role("button", name="Parar").click()
    expect(other.page.locator("#chaos")).to_contain_text("Parado")
    expect(page.get_by_role("button", name="Start")).to_be_visible()  # the page follows by itself
    assert [*admin.refused, *other.refused] == []
    wait_until(lambda: proxy.command("audit", "list").count("chaos unnamed") == 2, what="the entries in the audit log")
    other.close()
    admin.close()


def test_a_load_test_is_started_and_stopped(browser: Browser, proxy: LLMProxy) -> None:
    proxy.apply(simulated("tested"))
    proxy.follow()
    admin = AdminBrowser(browser, proxy)
    page = admin.page

    def start(model: str, minutes: str) -> None:
        admin.open("/admin/load-test")
        page.get_by_label("Models").fill(model)
        page.get_by_label("Minutes").fill(minutes)
        page.get_by_label("Calls per second").fill("5")
        page.get_by_role("button", name="Start").click()

    row = page.locator("#tests tbody tr").first

    start("tested", "0.02")
    expect(row).to_contain_text("Finished")
    start("tested", "9")
    expect(row).to_contain_text("Running")
    assert admin.violations() == []
    row.get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("Stopped")
    start("unknown-model", "9")
    expect(page.get_by_role("alert")).to_contain_text("unknown-model")
    expect(page.get_by_label("Models")).to_have_value("unknown-model")
    assert admin.refused == []
    admin.close()
