"""Every path by which a model is called: OpenAI's, and those of Azure's clients."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from application.ports.providers import Answer
from infra.controllers.openai.routes import ENDPOINTS
from tests.fakes.app_server import OpenProxy, open_proxy

_ANSWER = Answer(b'{"object":"fine"}', b"application/json", None)
_BODIES: dict[str, dict[str, object]] = {
    "chat/completions": {"messages": [{"role": "user", "content": "hi"}]},
    "responses": {"input": "hi"},
    "completions": {"prompt": "hi"},
    "embeddings": {"input": "hi"},
    "images/generations": {"prompt": "hi"},
}
_FORMS = ("images/edits", "audio/transcriptions", "audio/translations")
_PREFIXES = ("/v1", "/openai/v1", "/openai")


@pytest.fixture
async def served() -> OpenProxy:
    return await open_proxy(sim=_ANSWER, other=_ANSWER)


@pytest.fixture
async def client(served: OpenProxy) -> AsyncIterator[httpx.AsyncClient]:
    async with served.client() as made:
        yield made


def form(*names: str) -> list[tuple[str, tuple[str | None, bytes]]]:
    fields: list[tuple[str, tuple[str | None, bytes]]] = [(name, (None, b"sim")) for name in names]
    return [*fields, ("prompt", (None, b"hi")), ("image", ("a.png", b"png")), ("file", ("a.mp3", b"mp3"))]


def test_no_endpoint_is_forgotten_here() -> None:
    assert {path.removeprefix("/v1/") for path in ENDPOINTS} == {*_BODIES, *_FORMS, "audio/speech"}


@pytest.mark.parametrize("prefix", _PREFIXES)
@pytest.mark.parametrize("endpoint", _BODIES)
async def test_json_below_every_prefix(
    served: OpenProxy, client: httpx.AsyncClient, prefix: str, endpoint: str
) -> None:
    answer = await client.post(f"{prefix}/{endpoint}?api-version=preview", json={"model": "sim", **_BODIES[endpoint]})
    assert (answer.status_code, answer.content) == (200, _ANSWER.body)
    assert [call.endpoint.value for call in served.provider.calls] == [endpoint]


@pytest.mark.parametrize("prefix", _PREFIXES)
@pytest.mark.parametrize("endpoint", _FORMS)
async def test_forms_below_every_prefix(
    served: OpenProxy, client: httpx.AsyncClient, prefix: str, endpoint: str
) -> None:
    answer = await client.post(f"{prefix}/{endpoint}", files=form("model"))
    assert (answer.status_code, answer.content) == (200, _ANSWER.body)
    assert served.provider.parts == [
        ("model", None, b"sim"),
        ("prompt", None, b"hi"),
        ("image", "a.png", b"png"),
        ("file", "a.mp3", b"mp3"),
    ]


@pytest.mark.parametrize("name", ["sim", "vendor/sim", "vendor%2Fsim", "vendor%2fsim"])
@pytest.mark.parametrize("endpoint", _BODIES)
async def test_the_model_in_the_path_wins(
    served: OpenProxy, client: httpx.AsyncClient, name: str, endpoint: str
) -> None:
    for body in _BODIES[endpoint], {"model": "other", **_BODIES[endpoint]}:
        answer = await client.post(f"/openai/deployments/{name}/{endpoint}?api-version=1", json=body)
        assert answer.status_code == 200
    assert served.provider.called == ["sim", "sim"]
    assert {bytes(call.fields["model"]).decode() for call in served.provider.calls} == {
        f'"{name}"'.replace("%2F", "/").replace("%2f", "/")
    }


@pytest.mark.parametrize("fields", [(), ("model",)])
@pytest.mark.parametrize("endpoint", _FORMS)
async def test_the_model_in_the_path_wins_over_a_forms(
    served: OpenProxy, client: httpx.AsyncClient, endpoint: str, fields: tuple[str, ...]
) -> None:
    answer = await client.post(f"/openai/deployments/vendor%2Fother/{endpoint}", files=form(*fields))
    assert answer.status_code == 200
    assert served.provider.called == ["other"]
    assert [content for name, _, content in served.provider.parts if name == "model"] == [b"vendor/other"]


@pytest.mark.parametrize(
    "path",
    [
        "/openai/deployments/sim/nonsense",
        "/openai/deployments/sim",
        "/openai/deployments/chat/completions/",
        "/openai/deployments//embeddings",
        "/openai/nonsense",
        "/v1/deployments/sim/embeddings",
        "/v1/responses/",
        "/v1/responses/input_tokens",
        "/openai/responses/compact",
        "/v1/responses/resp_1/nonsense",
        "/v1/responses/resp_1/",
    ],
)
async def test_other_paths_are_unknown(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, json={})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_url"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        *((endpoint.removeprefix("/v1"), endpoint) for endpoint in ENDPOINTS if endpoint.startswith("/v1/")),
        *((f"/v1{endpoint}", endpoint) for endpoint in ENDPOINTS if endpoint.startswith("/v1/")),
        *(
            (f"{endpoint}{endpoint.removeprefix('/v1')}", endpoint)
            for endpoint in ENDPOINTS
            if endpoint != "/v1/responses"
        ),
        ("/chat/completions/", "/v1/chat/completions"),
        ("/v1//chat/completions", "/v1/chat/completions"),
        ("/proxy/v1/embeddings", "/v1/embeddings"),
        ("/models", "/v1/models"),
        ("/responses/resp_1/cancel", "/v1/responses/resp_1/cancel"),
        ("/usage", "/v1/usage"),
        ("/v1/nonsense", None),
        ("/api/chat", None),
    ],
)
async def test_the_error_names_the_path_that_was_meant(client: httpx.AsyncClient, path: str, meant: str | None) -> None:
    answer = await client.post(path, json={})
    assert answer.status_code == 404
    first, _, hint = answer.json()["error"]["message"].partition(". ")
    assert first.rstrip("./") == f"Unknown request URL: POST {path}".rstrip("/")
    assert hint == ("" if meant is None else f"Did you mean {meant}? The base URL of clients ends in /v1.")


@pytest.mark.parametrize("path", [*ENDPOINTS, "/openai/deployments/sim/embeddings", "/openai/responses"])
async def test_endpoints_are_posted_to(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("prefix", _PREFIXES)
async def test_the_list_of_models(client: httpx.AsyncClient, prefix: str) -> None:
    listed = (await client.get(f"{prefix}/models?api-version=1")).json()
    assert [model["id"] for model in listed["data"]] == ["vendor/other", "vendor/sim"]
    for name in "vendor/sim", "vendor%2Fsim":
        assert (await client.get(f"{prefix}/models/{name}")).json()["id"] == "vendor/sim"


@pytest.mark.parametrize("endpoint", [*_BODIES, "audio/speech"])
async def test_a_form_where_json_is_expected(client: httpx.AsyncClient, endpoint: str) -> None:
    answer = await client.post(f"/v1/{endpoint}", files=form("model"))
    assert answer.status_code == 400
    assert "must be a JSON object" in answer.json()["error"]["message"]


@pytest.mark.parametrize("endpoint", ["audio/transcriptions", "audio/translations"])
async def test_json_where_a_form_is_expected(client: httpx.AsyncClient, endpoint: str) -> None:
    answer = await client.post(f"/v1/{endpoint}", json={"model": "sim"})
    assert answer.status_code == 400
    assert "must be multipart/form-data" in answer.json()["error"]["message"]
