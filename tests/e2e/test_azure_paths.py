"""The paths of Azure's clients, by hand: every operation, every spelling of a deployment, and what it keeps out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import httpx
import pytest

from tests.fakes.every_operation import BODIES, EVERYTHING, FORMS, PATHS, check_error, line_of
from tests.fakes.llmproxy_server import LLMProxy, Simulator, simulated, upstream
from tests.fakes.raw_http import RawAnswer, exchange, request

CODE = "org/team/große Häfen"
VERSION = "api-version=2025-04-01-preview"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Iterator[LLMProxy]:
    made = LLMProxy(
        tmp_path_factory.mktemp("azure"),
        upstream("plain", simulator.url, id="plain-id", operations=EVERYTHING),
        upstream(CODE, simulator.url, id="harbours", operations=EVERYTHING),
        simulated("chat", operations=EVERYTHING),
        simulated("private", operations=EVERYTHING, private=True, projects=["somebody-else"]),
        simulated("only-chat"),
    )
    yield made
    made.stop()


@pytest.fixture
def client(proxy: LLMProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, headers={"api-key": proxy.key}, timeout=30) as made:
        yield made


def ask(client: httpx.Client, url: str, path: str, **members: object) -> httpx.Response:
    """Send a valid call of an operation with only the models given here."""
    if path in BODIES:
        return client.post(url, json={**BODIES[path], **members})
    fields, files = FORMS[path]
    return client.post(url, data={**fields, **members}, files=files)


def by_hand(proxy: LLMProxy, target: str, members: Mapping[str, object], **headers: str) -> RawAnswer:
    """Send a call whose request line is not normalised by a client."""
    body = json.dumps(members).encode()
    given = {"api-key": proxy.key, "content-length": str(len(body)), **headers}
    return exchange(proxy.port, request("POST", target, given) + body)


def served_by(proxy: LLMProxy, answer: httpx.Response | RawAnswer) -> str:
    """Return the document that answered, according to the ledger."""
    assert answer.status_code == 200, answer.text
    document: str = line_of(proxy, answer.headers["x-request-id"])["document_id"]
    return document


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["plain", "plain-id", quote(CODE), quote(CODE, safe="")])
def test_every_operation_of_every_deployment(proxy: LLMProxy, client: httpx.Client, name: str, path: str) -> None:
    wanted = "plain-id" if name.startswith("plain") else "harbours"
    for query in ("", f"?{VERSION}"):  # a missing version harms nobody
        assert served_by(proxy, ask(client, f"/openai/deployments/{name}/{path}{query}", path)) == wanted
    other = ask(client, f"/openai/deployments/{name}/{path}?{VERSION}", path, model="only-chat")
    assert served_by(proxy, other) == wanted


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("prefix", ["/openai/v1", "/openai", "/v1"])
def test_paths_without_a_deployment(proxy: LLMProxy, client: httpx.Client, prefix: str, path: str) -> None:
    assert served_by(proxy, ask(client, f"{prefix}/{path}?{VERSION}", path, model="plain")) == "plain-id"
    assert served_by(proxy, ask(client, f"{prefix}/{path}", path, model=CODE)) == "harbours"
    check_error(ask(client, f"{prefix}/{path}", path), 400, "missing_required_parameter", "model")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["nothing", "private", "plain%00", "plain%20", "pl%C3", "%2e%2e", "plain/x", "'"])
def test_deployments_that_are_none(client: httpx.Client, name: str, path: str) -> None:
    answer = ask(client, f"/openai/deployments/{name}/{path}?{VERSION}", path, model="plain")
    assert "does not exist" in check_error(answer, 404, "model_not_found", "model")


@pytest.mark.parametrize("path", [path for path in PATHS if path not in {"chat/completions", "completions"}])
def test_what_a_deployment_cannot_do(client: httpx.Client, path: str) -> None:
    answer = ask(client, f"/openai/deployments/only-chat/{path}?{VERSION}", path)
    message = check_error(answer, 400, "operation_not_supported", "model")
    assert message.endswith("It supports: /v1/chat/completions, /v1/completions.")


def test_the_longest_ending_is_the_operation(proxy: LLMProxy) -> None:
    """``chat`` is a deployment, too: the path of its completions is that of chat completions of one without a name."""
    completion = dict(BODIES["completions"])
    answer = by_hand(proxy, f"/openai/deployments/chat/completions?{VERSION}", completion)
    assert served_by(proxy, answer) == "chat"
    assert json.loads(answer.text)["object"] == "text_completion"
    chat = by_hand(proxy, "/openai/deployments/chat/chat/completions", BODIES["chat/completions"])
    assert json.loads(chat.text)["object"] == "chat.completion"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/openai/deployments/plain/embeddings", 200),
        ("/openai/deployments/plain/embeddings?", 200),
        ("/openai/deployments/plain/embeddings?api-version=", 200),
        ("/openai/deployments/plain/embeddings?api-version=1&api-version=2&%ff=%zz", 200),
        ("/openai/deployments/%70%6c%61in/embeddings", 200),
        ("http://somewhere.example/openai/deployments/plain/embeddings", 200),
        ("/openai/deployments/plain%2Fembeddings", 200),
        ("/openai/deployments/plain/embeddings/", 404),
        ("/openai/deployments/plain/", 404),
        ("/openai/deployments/plain", 404),
        ("/openai/deployments//embeddings", 404),
        ("//openai/deployments/plain/embeddings", 404),
        ("/OpenAI/deployments/plain/embeddings", 404),
        ("/openai/deployments/plain/embeddings;x", 404),
        ("/openai/deployments/pl%zzain/embeddings", 404),
        ("/openai/deployments/pl%ffain/embeddings", 404),
        ("/openai/deployments/pl\xe4in/embeddings", 400),
        ("/openai/deployments/../embeddings", 404),
        ("/openai/deployments/" + "x" * 5000 + "/embeddings", 404),
        ("*", 404),
    ],
)
def test_request_lines_that_no_client_writes(proxy: LLMProxy, target: str, status: int) -> None:
    answer = by_hand(proxy, target, BODIES["embeddings"])
    if status == 200:
        assert served_by(proxy, answer) == "plain-id"
    else:
        error = json.loads(answer.text)["error"]
        check_error(answer, status, error["code"], error["param"])
        assert len(answer.text) < 1000


@pytest.mark.parametrize("headers", [{"api-key": ""}, {"api-key": "sk-nobody"}, {"authorization": "Bearer sk-nobody"}])
@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_here_either(proxy: LLMProxy, path: str, headers: dict[str, str]) -> None:
    for prefix in ("/openai/deployments/plain", "/openai/v1", "/openai"):
        answer = httpx.post(f"{proxy.url}{prefix}/{path}?{VERSION}", headers=headers, json=BODIES.get(path, {}))
        check_error(answer, 401, "invalid_api_key")


def test_streams_and_stored_responses(client: httpx.Client) -> None:
    for prefix in ("/openai", "/openai/v1"):
        made = client.post(f"{prefix}/responses?{VERSION}", json={"model": CODE, "input": "Why?"}).json()
        kept = client.get(f"{prefix}/responses/{made['id']}?{VERSION}")
        assert kept.json()["output"] == made["output"]
        assert client.get(f"{prefix}/responses/{made['id']}/input_items?{VERSION}").status_code == 200
        assert client.post(f"{prefix}/responses/{made['id']}/cancel?{VERSION}").status_code == 400  # it is complete
        assert client.delete(f"{prefix}/responses/{made['id']}?{VERSION}").status_code == 200
        check_error(client.get(f"{prefix}/responses/{made['id']}?{VERSION}"), 404, "response_not_found", "response_id")
    streamed = ask(client, "/openai/deployments/plain/chat/completions", "chat/completions", stream=True)
    assert streamed.text.endswith("data: [DONE]\n\n")
    spoken = ask(client, "/openai/deployments/plain/audio/speech", "audio/speech")
    assert spoken.headers["content-type"] == "audio/mpeg"


def test_models_of_other_projects_are_not_listed(client: httpx.Client) -> None:
    for prefix in ("/openai", "/openai/v1", "/v1"):
        listed = [model["id"] for model in client.get(f"{prefix}/models?{VERSION}").json()["data"]]
        assert listed == sorted(["plain", CODE, "chat", "only-chat"])
        check_error(client.get(f"{prefix}/models/private?{VERSION}"), 404, "model_not_found", "model")
