"""The pages refuse what they must: cookies, tokens, origins, roles, and every kind of bad input."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from domain.administrators import PERMISSIONS, Permission, Role
from infra.controllers.admin_pages.guard import HEADERS
from infra.controllers.admin_pages.router import ADMIN_PAGES
from tests.fakes.admin_client import signed_in, token_of
from tests.fakes.administrators import create_administrators
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.processes import wait_until

BAD = {
    "script": "<script>alert(1)</script>",
    "right to left": "\u202e\u05e9\u05dc\u05d5\u05dd",
    "emoji": "\N{GRINNING FACE}" * 20,
    "control": "a\x00\x1b[31m\r\nset-cookie: x=y",
    "formula": "=cmd|' /C calc'!A0",
    "long": "x" * 500_000,
    "template": "{{ 7919 * 7907 }}{% raw %}",
}


class Administered(LLMProxy):
    """A server that knows an administrator of each role when it starts: no worker process has to be waited for."""

    def start(self) -> None:
        self.administrators = create_administrators(Path(self.env["DATA_DIR"]))
        super().start()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administered]:
    made = Administered(tmp_path_factory.mktemp("safety"), simulated("sim"), options=("--workers", "2"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def keys(proxy: Administered) -> dict[Role, str]:
    return proxy.administrators


@pytest.fixture(scope="module")
def client(proxy: LLMProxy, keys: dict[Role, str]) -> Iterator[httpx.Client]:
    with signed_in(proxy, keys[Role.ADMIN]) as made:
        yield made


def test_each_page_is_refused_or_served_by_role(proxy: LLMProxy, keys: dict[Role, str]) -> None:
    wrong: list[str] = []
    for role, key in keys.items():
        with signed_in(proxy, key) as client:
            pages = [page for page in ADMIN_PAGES if not page.open and page.path != "/admin/logout"]
            readable = client.get("/admin/calls" if role is Role.OWNER else "/admin/models").text
            csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', readable)
            assert csrf
            for page in pages:
                allowed = page.permission is None or page.permission in PERMISSIONS[role]
                if page.method == "GET":
                    which = "tests" if "project" in page.path else "sim"
                    status = client.get(page.path, params={"id": which}).status_code
                else:
                    status = client.post(page.path, data={"csrf": csrf[1], "project": "tests"}).status_code
                if (status == 403) is allowed or status >= 500:
                    wrong.append(f"{role} {page.method} {page.path}: {status}")
    assert wrong == []


def test_an_owner_sees_nothing_of_other_projects(proxy: LLMProxy, keys: dict[Role, str]) -> None:
    proxy.command("projects", "create", "foreign-project")
    with signed_in(proxy, keys[Role.OWNER]) as client:
        csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/admin/projects").text)
        assert csrf
        assert "foreign-project" not in client.get("/admin/projects").text
        assert client.get("/admin/projects/project", params={"id": "foreign-project"}).status_code == 403
        sent = client.post("/admin/projects/create-key", data={"csrf": csrf[1], "project": "foreign-project"})
        assert sent.status_code == 403
    assert "key_" not in proxy.command("keys", "list", "foreign-project")


def test_only_who_may_read_administrators_sees_the_owners_of_a_project(proxy: LLMProxy, keys: dict[Role, str]) -> None:
    seen = set()
    for role, key in keys.items():
        with signed_in(proxy, key) as client:
            shown = client.get("/admin/projects/project", params={"id": "tests"}).text
            section = shown.partition('id="h-owners"')[2].partition("</section>")[0]
            assert "<span>owner</span>" in section or not section
            seen |= {role} if section else set()
    assert seen == {role for role in keys if Permission.READ_ADMINISTRATORS in PERMISSIONS[role]}


@pytest.mark.parametrize("path", [page.path for page in ADMIN_PAGES if page.method == "POST" and not page.open])
def test_a_form_needs_a_session_a_token_and_our_origin(client: httpx.Client, proxy: LLMProxy, path: str) -> None:
    assert httpx.post(proxy.url + path, data={}).headers["location"] == "/admin/login"
    assert client.post(path, data={"project": "tests"}).status_code == 403
    good = {"csrf": token_of(client), "project": "tests"}
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert client.post(path, data=good, headers=headers).status_code == 403


def test_forged_cookies_are_no_session(client: httpx.Client, proxy: LLMProxy) -> None:
    [(name, value)] = [one for one in client.cookies.items() if one[0] == "llmproxy_admin"]
    middle = len(value) // 2
    changed = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    for forged in ("", "x", changed, value[:-8], "e30=", "\xff" * 3, value * 2):
        answer = httpx.get(f"{proxy.url}/admin/models", headers={b"cookie": f"{name}={forged}".encode("latin-1")})
        assert answer.headers["location"].startswith("/admin/login")


def test_headers_of_every_answer(client: httpx.Client) -> None:
    for path in (
        "/admin",
        "/admin/login",
        "/admin/models",
        "/admin/usage.csv",
        "/admin/calls/call?id=none",
        "/admin/models?after=x",
    ):
        headers = client.get(path).headers
        assert {name: headers.get(name) for name in HEADERS} == HEADERS, path


@pytest.mark.parametrize("kind", sorted(BAD))
def test_bad_input_is_a_message_and_never_runs(client: httpx.Client, kind: str) -> None:
    bad, csrf = BAD[kind], token_of(client)
    forms: list[tuple[str, dict[str, str]]] = [
        ("/admin/models/document", {"id": bad, "code": bad, "model_type": bad, "costs.cost_input_1Mtokens": bad}),
        ("/admin/models/document", {"json": bad}),
        ("/admin/models/document", {"document": bad}),
        ("/admin/projects", {"id": bad, "name": bad}),
        ("/admin/projects/budget", {"project": "tests", "amount": bad, "currency": bad, "alert": bad, "timezone": bad}),
        ("/admin/projects/limits", {"project": "tests", "rpm": bad, "concurrency": bad}),
        ("/admin/projects/create-key", {"project": "tests", "name": "x", "expires": bad}),
        ("/admin/projects/revoke-key", {"project": "tests", "key": bad}),
        ("/admin/models/rollback", {"document": "sim", "version": bad}),
        ("/admin/health/check", {"name": bad}),
    ]
    for path, form in forms:
        answer = client.post(path, data={"csrf": csrf, "action": "save", **form})
        assert 400 <= answer.status_code < 500, (path, answer.status_code)
        assert "<script>alert" not in answer.text
        assert "62615533" not in answer.text
    short = bad[:4000]
    for path in (
        "/admin/models",
        "/admin/projects",
        "/admin/calls",
        "/admin/audit",
        "/admin/settings",
        "/admin/health",
    ):
        answer = client.get(path, params={"q": short, "subject": short, "id": short, "project": short, "notice": short})
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text
    assert client.get("/admin/usage", params={"by": short}).status_code == 400
    assert client.get("/admin/models", params={"after": short}).status_code == 400
    assert client.get("/admin/usage", params={"model": short}).status_code == 200


def test_a_form_of_more_than_1_mb_is_refused(client: httpx.Client) -> None:
    sent = {"csrf": token_of(client), "json": "x" * (1 << 20)}
    assert client.post("/admin/models/document", data=sent).status_code == 413


def test_redirects_stay_on_this_server(client: httpx.Client, proxy: LLMProxy, keys: dict[Role, str]) -> None:
    for target in (
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/admin/../..//evil.example",
        "javascript:1",
    ):
        for answer in (
            client.get("/admin/preferences", params={"language": "en", "back": target}),
            httpx.post(f"{proxy.url}/admin/login", data={"key": keys[Role.VIEWER], "next": target}),
        ):
            assert answer.headers["location"].startswith("/admin")
            assert "evil" not in httpx.URL(answer.headers["location"]).host


def test_trying_a_model_needs_no_javascript(client: httpx.Client, proxy: LLMProxy) -> None:
    proxy.create_key("trials")  # a project of its own: other tests disable theirs
    fields = {"csrf": token_of(client), "document": "sim", "project": "trials", "message": "hello"}

    def answered() -> bool:
        whole = client.post("/admin/models/try", data=fields).text
        return all(part in whole for part in ('class="answer"', 'class="facts"', "/admin/calls/call?id=trial-"))

    wait_until(answered, what="the answer of a worker that knows the project")
    assert client.post("/admin/models/try", data=fields | {"project": "none"}).status_code == 400
    lines = {"accept": "application/x-ndjson"}
    assert client.post("/admin/models/try", data=fields | {"document": "none"}, headers=lines).status_code == 404
    refused = client.post("/admin/models/try", data=fields | {"project": "none"}, headers=lines).text
    assert "does not exist or is disabled" in json.loads(refused)["page"]


def test_csv_has_the_rows_of_the_page(client: httpx.Client) -> None:
    answer = client.get("/admin/usage.csv", params={"by": "model"})
    rows = list(csv.reader(answer.text.splitlines()))
    assert rows[0][:2] == ["model", "calls"]
    assert "attachment" in answer.headers["content-disposition"]


def test_an_ended_session_is_over_in_every_worker(proxy: LLMProxy, keys: dict[Role, str]) -> None:
    with signed_in(proxy, keys[Role.FINANCE]) as client, signed_in(proxy, keys[Role.FINANCE]) as other:
        kept = dict(client.cookies)
        csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/admin/models").text)
        assert csrf
        client.post("/admin/logout", data={"csrf": csrf[1]})
        for _ in range(8):
            assert httpx.get(f"{proxy.url}/admin/models", cookies=kept).status_code == 303
            assert other.get("/admin/models").status_code == 200
        csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', other.get("/admin/models").text)
        assert csrf
        other.post("/admin/logout", data={"csrf": csrf[1], "everywhere": "on"})
        assert other.get("/admin/models").status_code == 303


def test_a_revoked_key_ends_its_sessions(proxy: LLMProxy, keys: dict[Role, str]) -> None:
    with signed_in(proxy, keys[Role.OPERATOR]) as client:
        proxy.command("admins", "revoke", "operator")
        wait_until(lambda: client.get("/admin/models").status_code == 303, what="the revoked key")


def test_signing_in_pauses_after_five_failures(proxy: LLMProxy) -> None:
    def attempt() -> int:
        return httpx.post(f"{proxy.url}/admin/login", data={"key": "wrong"}).status_code

    assert [attempt() for _ in range(7)] == [401] * 5 + [429] * 2
