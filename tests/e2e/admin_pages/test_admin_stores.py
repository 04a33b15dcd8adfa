"""The pages on Cosmos DB, and the same sums on the page, in its CSV, and by the command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from infra.controllers.admin_pages.router import ADMIN_PAGES
from tests.fakes.admin_client import signed_in, token_of
from tests.fakes.cosmos_operator import variables
from tests.fakes.cosmos_server import cosmos_server
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.llmproxy_server import ADMIN_KEY, LLMProxy, simulated
from tests.fakes.processes import wait_until

REAL = {"currency": "BRL", "cost_input_1Mtokens": 15, "cost_output_1Mtokens": 60}
SELECTIONS = [
    ("model", {}),
    ("key", {"project": "tests", "timezone": "America/Sao_Paulo"}),
    ("user", {"model": "real"}),
]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLMProxy]:
    folder = tmp_path_factory.mktemp("stores")
    with cosmos_server() as port:
        (folder / "tls").mkdir()
        cosmos = FaultProxy(folder / "tls", port)
        documents = simulated("sim"), simulated("real", costs=REAL)
        made = LLMProxy(folder, *documents, variables=variables(cosmos), prepare=("init",))
        yield made
        made.stop()
        cosmos.close()


@pytest.fixture(scope="module")
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with signed_in(proxy, ADMIN_KEY) as made:
        yield made


def test_a_document_is_changed_and_rolled_back(client: httpx.Client) -> None:
    page = client.get("/admin/models/document", params={"id": "sim", "edit": "json"}).text
    version = re.search(r'name="version" value="([^"]*)"', page)
    assert version
    body = {"csrf": token_of(client), "document": "sim", "version": version[1], "action": "save"}
    changed = (
        '{"id": "sim", "code": "sim", "model_type": "Simulator", "provider": "x", "operations": ["ChatCompletion"]}'
    )
    assert client.post("/admin/models/document", data={**body, "json": changed}).status_code == 303
    assert client.post("/admin/models/document", data={**body, "json": changed}).status_code == 409
    rolled = client.post("/admin/models/rollback", data={"csrf": body["csrf"], "document": "sim", "version": "1"})
    assert "rolled-back" in rolled.headers["location"]
    assert "cost_input_1Mtokens" in client.get("/admin/models/document", params={"id": "sim"}).text


def test_the_same_sums_on_the_page_in_its_csv_and_by_the_command(proxy: LLMProxy, client: httpx.Client) -> None:
    for model, user in (("sim", "=1+1"), ("sim", "a"), ("real", "-b"), ("real", "a")):
        body = {"model": model, "user": user, "messages": [{"role": "user", "content": "hello"}]}
        wait_until(
            lambda body=body: (
                httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers={"api-key": proxy.key}).is_success
            ),
            what="the model",
        )
    wait_until(lambda: sum(row["calls"] for row in proxy.usage()) >= 4, what="the ledger lines")
    for by, chosen in SELECTIONS:
        zone = chosen.get("timezone", "UTC")
        client.get("/admin/preferences", params={"timezone": zone})
        only = {name: value for name, value in chosen.items() if name != "timezone"}
        query = {"by": by, "period": "days", "first": "2020-01-01", "last": "2035-01-01", **only}
        filters = [part for name, value in only.items() for part in ("--filter", f"{name}={value}")]
        days = ("--from", "2020-01-01", "--to", "2035-01-01", "--timezone", zone)
        by_command = proxy.command("usage", "report", "--by", by, *days, *filters, "--csv")
        in_csv = client.get("/admin/usage.csv", params=query).text
        rows = [row.split(",") for row in in_csv.splitlines()]
        expected = [row.split(",") for row in by_command.splitlines()]
        assert _column(rows, "cost") == _column(expected, "cost")
        assert _column(rows, "calls") == _column(expected, "calls")
        page = client.get("/admin/usage", params=query).text
        foot = re.findall(r'<td class="n">([\d,.]+)</td><td>[A-Z]{3}</td>', page)
        totals: dict[str, Decimal] = {}
        for cost, currency in zip(_column(rows, "cost"), _column(rows, "currency"), strict=True):
            totals[currency] = totals.get(currency, Decimal()) + Decimal(cost)
        assert sorted(foot) == sorted(f"{round(total, 2)}" for total in totals.values())


def _column(rows: list[list[str]], name: str) -> list[str]:
    place = rows[0].index(name)
    return [row[place] for row in rows[1:]]


def test_every_page_answers(client: httpx.Client) -> None:
    for page in ADMIN_PAGES:
        if page.method == "GET" and not page.open:
            which = "tests" if "project" in page.path else "sim"
            answer = client.get(page.path, params={"id": which})
            assert answer.status_code == (404 if "/calls/call" in page.path else 200), page.path
