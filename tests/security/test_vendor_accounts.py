"""A caller can neither use objects of a vendor's account nor choose what a document does not offer."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.llmproxy_server import Simulator, upstream
from tests.security.conftest import Victim

CHAT = {"messages": [{"role": "user", "content": "hi"}]}
FILE = {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-of-another"}}]}]}
OPERATIONS = ["ChatCompletion", "Responses", "audio_stt"]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[Victim]:
    key = {"endpoint": simulator.url, "api_key": "sk-any"}
    made = Victim(
        tmp_path_factory.mktemp("account"),
        upstream("plain", simulator.url, operations=OPERATIONS),
        upstream("files", simulator.url, vendor_objects=["file_id"], operations=OPERATIONS),
        upstream("router", simulator.url, model_type="OpenRouter", parameters=key),
        upstream("claude", simulator.url, model_type="Anthropic", parameters=key),
        upstream("bare", simulator.url, parameters={"endpoint": simulator.url, "enable_tools": False}),
        upstream("flex", simulator.url, parameters={"endpoint": simulator.url, "service_tier": "flex"}),
    )
    yield made
    made.stop()


def ask(account: Victim, path: str, model: str, **members: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {account.key}"}
    return httpx.post(f"{account.url}/v1/{path}", json={"model": model} | members, headers=headers, timeout=30)


@pytest.mark.parametrize(
    ("path", "members", "param"),
    [
        ("chat/completions", FILE, "file_id"),
        ("chat/completions", CHAT | {"data_sources": [{"type": "azure_search"}]}, "data_sources"),
        ("chat/completions", CHAT | {"cachedContent": "cachedContents/1"}, "cachedContent"),
        ("responses", {"input": "hi", "conversation": "conv_1"}, "conversation"),
        ("responses", {"prompt": {"id": "pmpt_1"}}, "prompt"),
        ("responses", {"input": [{"type": "item_reference", "id": "msg_1"}]}, "item_reference"),
        (
            "responses",
            {"input": "hi", "tools": [{"type": "file_search", "vector_store_ids": ["vs"]}]},
            "vector_store_ids",
        ),
        ("responses", {"input": "hi", "tools": [{"type": "code_interpreter", "container": "cntr_1"}]}, "container"),
    ],
)
def test_objects_of_the_account_are_refused(
    account: Victim, simulator: Simulator, path: str, members: dict[str, object], param: str
) -> None:
    simulator.reset()
    answer = ask(account, path, "plain", **members)
    assert answer.status_code == 400
    assert (answer.json()["error"]["param"], answer.json()["error"]["code"]) == (param, "vendor_object_not_allowed")
    assert simulator.operations() == {}


def test_a_document_or_a_project_can_allow_them(account: Victim) -> None:
    assert ask(account, "chat/completions", "files", **FILE).status_code == 200
    refused = ask(account, "responses", "files", input="hi", conversation="conv_1")
    assert refused.json()["error"]["param"] == "conversation"


def test_forms_are_searched_as_well(account: Victim) -> None:
    answer = httpx.post(
        f"{account.url}/v1/audio/transcriptions",
        data={"model": "plain", "file_id": "file-of-another"},
        files={"file": ("a.wav", b"RIFF")},
        headers={"authorization": f"Bearer {account.key}"},
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file_id")


def test_a_large_body_is_searched_to_its_end(account: Victim) -> None:
    items = [{"role": "user", "content": "x" * 1000} for _ in range(3000)]
    found = ask(account, "responses", "plain", input=[*items, {"id": "msg_of_another"}])
    assert (found.status_code, found.json()["error"]["param"]) == (400, "input")
    assert ask(account, "responses", "plain", input=items).status_code == 200


@pytest.mark.parametrize("member", ["models", "preset", "provider", "route", "fallbacks", "extra_body"])
@pytest.mark.parametrize("model", ["router", "plain"])
def test_an_upstream_with_many_models_gets_no_choice_of_the_caller(account: Victim, model: str, member: str) -> None:
    answer = ask(account, "chat/completions", model, **CHAT, **{member: ["other/expensive"]})
    assert answer.status_code == 400
    assert (answer.json()["error"]["param"], answer.json()["error"]["code"]) == (member, "parameter_not_allowed")


@pytest.mark.parametrize(
    "member", ["MODEL", "Model", "moDel", "Stream", "N", "Tools", "\u017ftream", "Previous_Response_ID"]
)
@pytest.mark.parametrize("model", ["plain", "claude"])
def test_members_in_another_spelling_are_refused(account: Victim, model: str, member: str) -> None:
    answer = ask(account, "chat/completions", model, **CHAT, **{member: "private"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, member)
    assert "did you mean" in answer.json()["error"]["message"].lower()


@pytest.mark.parametrize("field", ["MODEL", "Stream", "model[]", "model[0]", "stream[]", "N"])
def test_fields_of_forms_in_another_spelling_are_refused(account: Victim, field: str) -> None:
    answer = httpx.post(
        f"{account.url}/v1/audio/transcriptions",
        data={"model": "plain", field: "private"},
        files={"file": ("a.wav", b"RIFF")},
        headers={"authorization": f"Bearer {account.key}"},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] in {field, field.partition("[")[0]}


@pytest.mark.parametrize(
    "tools",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"functions": [{"name": "f"}]},
        {"web_search_options": {}},
        {"search_parameters": {"mode": "on"}},
        {"plugins": [{"id": "web"}]},
        {"mcp_servers": [{"url": "https://example.com"}]},
        {"enable_search": True},
    ],
)
def test_tools_are_refused_under_every_name(account: Victim, tools: dict[str, object]) -> None:
    answer = ask(account, "chat/completions", "bare", **CHAT, **tools)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "tools_not_supported")
    assert ask(account, "chat/completions", "bare", **CHAT, **dict.fromkeys(tools)).status_code == 200


def test_a_caller_chooses_no_dearer_tier(account: Victim) -> None:
    for tier, status in (("auto", 200), ("default", 200), ("priority", 400), ("flex", 400)):
        assert ask(account, "chat/completions", "plain", **CHAT, service_tier=tier).status_code == status, tier
    assert ask(account, "chat/completions", "flex", **CHAT, service_tier="flex").status_code == 200
    assert ask(account, "chat/completions", "flex", **CHAT, service_tier="priority").status_code == 400
