"""Permissions are the same for every operation: listed models work, everything else is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.fakes.every_operation import EVERYTHING, PATHS, check_error, client_of, line_of, lines, post
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.fakes.processes import llmproxy_json, wait_until

OWNERS, OTHERS = "owners", "others"
OPERATIONS = {
    "ChatCompletion": ["chat/completions", "completions"],
    "Responses": ["responses"],
    "embeddings": ["embeddings"],
    "images": ["images/generations", "images/edits"],
    "audio_tts": ["audio/speech"],
    "audio_stt": ["audio/transcriptions", "audio/translations"],
}
CANNOT = {
    "Perplexity": "/v1/chat/completions, /v1/completions, /v1/responses",
    "Cohere": "/v1/chat/completions, /v1/completions, /v1/embeddings, /v1/responses",
}
"""Model types and what they can do of all that their documents list here."""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("permissions"),
        simulated("everything", operations=EVERYTHING),
        simulated("private", operations=EVERYTHING, private=True, projects=[OWNERS]),
        # The same public name: for its owners all of it, for the others what the public deployment does.
        simulated("shared", id="shared-public", operations=["ChatCompletion"]),
        simulated("shared", id="shared-private", operations=EVERYTHING, private=True, projects=[OWNERS]),
        simulated("off", operations=EVERYTHING, enabled=False),
        *(simulated(f"only-{name}", operations=[name]) for name in OPERATIONS),
        *(
            simulated(f"a-{kind}", model_type=kind, operations=EVERYTHING, parameters={"api_key": "sk-nobody"})
            for kind in CANNOT
        ),
        simulated("realtime", operations=["audio_realtime"]),
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def keys(proxy: LLMProxy) -> dict[str, str]:
    made = {project: proxy.create_key(project) for project in (OWNERS, OTHERS, "blocked")}
    for key in made.values():
        wait_until(lambda key=key: client_of(proxy, key).get("/models").status_code == 200, 10, "the keys")
    return made


@pytest.fixture
def owners(proxy: LLMProxy, keys: dict[str, str]) -> Iterator[httpx.Client]:
    with client_of(proxy, keys[OWNERS]) as made:
        yield made


@pytest.fixture
def others(proxy: LLMProxy, keys: dict[str, str]) -> Iterator[httpx.Client]:
    with client_of(proxy, keys[OTHERS]) as made:
        yield made


def listed(client: httpx.Client) -> dict[str, list[str]]:
    """Return the models that a caller sees, and the operations of each."""
    return {model["id"]: model["operations"] for model in client.get("/models").json()["data"]}


@pytest.mark.parametrize("path", PATHS)
def test_a_private_model_is_there_for_its_owners_alone(
    owners: httpx.Client, others: httpx.Client, proxy: LLMProxy, path: str
) -> None:
    assert post(owners, path, "private").status_code == 200
    for name in ("private", "shared-private", "off", "nothing"):
        message = check_error(post(others, path, name), 404, "model_not_found", "model")
        assert message == f"The model `{name}` does not exist or you do not have access to it."
        check_error(others.get(f"/models/{name}"), 404, "model_not_found", "model")
    taken = post(owners, path, "shared")
    assert taken.status_code == 200
    if path not in OPERATIONS["ChatCompletion"]:
        assert line_of(proxy, taken.headers["x-request-id"])["document_id"] == "shared-private"
        message = check_error(post(others, path, "shared"), 400, "operation_not_supported", "model")
        assert message.endswith("It supports: /v1/chat/completions, /v1/completions.")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_model_does_what_its_document_lists(others: httpx.Client, operation: str, path: str) -> None:
    answer = post(others, path, f"only-{operation}")
    if path in OPERATIONS[operation]:
        assert answer.status_code == 200, answer.text
        return
    message = check_error(answer, 400, "operation_not_supported", "model")
    can = ", ".join(sorted(f"/v1/{each}" for each in OPERATIONS[operation]))
    (asked,) = [name for name, paths in OPERATIONS.items() if path in paths]
    assert message == f"The model `only-{operation}` does not support {asked} (/v1/{path}). It supports: {can}."


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", CANNOT)
def test_a_model_type_does_what_it_can(others: httpx.Client, proxy: LLMProxy, kind: str, path: str) -> None:
    if f"/v1/{path}" in CANNOT[kind].split(", "):
        return  # would be called, far from here
    before = len(lines(proxy))
    message = check_error(post(others, path, f"a-{kind}"), 400, "operation_not_supported", "model")
    assert message.endswith(f"It supports: {CANNOT[kind]}.")
    assert len(lines(proxy)) == before


@pytest.mark.parametrize("path", PATHS)
def test_a_model_that_can_do_nothing_yet(others: httpx.Client, path: str) -> None:
    message = check_error(post(others, path, "realtime"), 400, "operation_not_supported", "model")
    assert "It supports: no operation of this proxy" in message


def test_what_is_listed_is_what_is_allowed(owners: httpx.Client, others: httpx.Client) -> None:
    alone, shared = listed(others), listed(owners)
    assert {*shared} - {*alone} == {"private"}
    assert alone["everything"] == shared["private"] == shared["shared"] == sorted(EVERYTHING)
    assert alone["shared"] == ["ChatCompletion"]
    assert {"off", "realtime", "shared-private"}.isdisjoint(alone)
    for operation in OPERATIONS:
        assert alone[f"only-{operation}"] == [operation]
    assert alone["a-Perplexity"] == ["ChatCompletion", "Responses"]


def test_keys_that_are_revoked_and_projects_that_are_switched_off(proxy: LLMProxy, keys: dict[str, str]) -> None:
    revoked = proxy.create_key("blocked")
    with client_of(proxy, revoked) as leaving, client_of(proxy, keys["blocked"]) as blocked:
        wait_until(lambda: leaving.get("/models").status_code == 200, 10, "the second key")
        response_id = post(leaving, "responses", "everything").json()["id"]
        first, second = llmproxy_json("keys", "list", "blocked", env=proxy.env)
        proxy.command("keys", "revoke", "blocked", (first if revoked.startswith(first["prefix"]) else second)["id"])
        refused(leaving, response_id, "revoked")
        assert blocked.get(f"/responses/{response_id}").status_code == 200
        with closing(sqlite3.connect(Path(proxy.env["DATA_DIR"]) / "catalog.sqlite3")) as store, store:
            off = "UPDATE documents SET body = json_set(body, '$.enabled', json('false')) WHERE id = 'blocked'"
            assert store.execute(off).rowcount == 1
        refused(blocked, response_id, "disabled")


def refused(client: httpx.Client, response_id: str, says: str) -> None:
    """Every operation, soon after."""
    wait_until(lambda: client.get("/models").status_code == 401, 10, "the change")
    for path in PATHS:
        assert says in check_error(post(client, path, "everything"), 401, "invalid_api_key")
    check_error(client.get(f"/responses/{response_id}"), 401, "invalid_api_key")
