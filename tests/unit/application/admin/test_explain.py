"""Explaining a call: the same verdict as the request path, and a reason for every document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from application.admin.catalog_reader import Readings, read_all
from application.admin.deployments import Upstreams
from application.admin.explain import Explanation, Question, explain
from application.admin.messages import Verdict
from application.ports.catalog_store import Kind
from application.serving.admit import eligible
from domain.catalog import Catalog
from domain.errors import GatewayError
from domain.model import Affinity, ModelDocument, Parameters, Strategy
from domain.operation import Endpoint, Operation
from domain.project import Project
from domain.vendors import VENDORS, ModelType
from infra.catalog_store.memory import MemoryCatalogStore
from tests.builders import api_key, model_body, model_document, project, project_body

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
KEY, OTHER_KEY = "sk-aaaaaaaaaaaaaaaa", "sk-bbbbbbbbbbbbbbbb"


BILLING = project(id="billing", keys=(api_key(),))
OTHER = project(id="other", keys=(api_key(OTHER_KEY),))


def readings(documents: Sequence[ModelDocument], projects: Sequence[Project] = (BILLING, OTHER)) -> Readings:
    return Readings(tuple(documents), Catalog.of(documents, projects))


def missing_secret(document: ModelDocument) -> str | None:
    return "a secret is missing" if document.parameters.secret_name == "NOT_SET" else None


UPSTREAMS = Upstreams(
    missing_secret, lambda document: f"up-{document.code}", lambda _: "wire", lambda name: "SET" in name
)


def ask(documents: Sequence[ModelDocument], projects: Sequence[Project] = (BILLING, OTHER), **over: Any) -> Explanation:
    given = {"model": "sim", "operation": Operation.CHAT_COMPLETION, "project": "billing"}
    question = Question(**(given | over))
    return explain(question, readings(documents, projects), UPSTREAMS, NOW)


def failures(explanation: Explanation) -> list[str]:
    return [f"{check.subject}: {check.text}" for check in explanation.checks if check.verdict is Verdict.FAIL]


def reasons(explanation: Explanation) -> dict[str, str]:
    return {one.document.id: one.reason for one in explanation.deployments}


def test_a_caller_who_is_refused_is_not_allowed() -> None:
    assert not ask([model_document()], key="sk-unknown").allowed
    assert ask([model_document()], key="sk-unknown").deployments[0].turn == 1


def test_without_authentication_the_models_are_those_of_project_default() -> None:
    document = model_document(private=True, projects=frozenset({"default"}))
    question = Question("sim", Operation.CHAT_COMPLETION, "billing")
    assert explain(question, readings([document]), UPSTREAMS, NOW, authentication=False).allowed
    assert not explain(question, readings([document]), UPSTREAMS, NOW).allowed


def test_an_allowed_call_has_no_failure_and_a_candidate() -> None:
    explanation = ask([model_document()], key=KEY)
    assert explanation.allowed
    assert {check.verdict for check in explanation.checks} == {Verdict.OK}
    (one,) = explanation.deployments
    assert (one.turn, one.share, one.adapter, one.upstream_model, one.reason) == (1, Decimal(100), "wire", "up-sim", "")
    assert str(one.example.money) == "0.0125 USD"


@pytest.mark.parametrize(
    ("document", "asked", "failure", "reason"),
    [
        ({"enabled": False}, {}, "model: every document of 'sim' is switched off", "switched off"),
        ({"private": True}, {}, "call: the caller gets model_not_found", "private, and does not list"),
        (
            {"operations": frozenset({Operation.EMBEDDINGS})},
            {},
            "call: the caller gets operation_not_supported",
            "does not offer ChatCompletion, but embeddings",
        ),
        (
            {"parameters": Parameters(enable_tools=False)},
            {"uses_tools": True},
            "call: the caller gets tools_not_supported",
            "takes no tools",
        ),
        ({"parameters": Parameters(secret_name="NOT_SET")}, {}, "deployments: 0 of 1", "a secret is missing"),
    ],
)
def test_documents_that_do_not_serve(
    document: dict[str, Any], asked: dict[str, Any], failure: str, reason: str
) -> None:
    explanation = ask([model_document(**document)], **asked)
    assert not explanation.allowed
    assert failures(explanation)[0].startswith(failure)
    assert reasons(explanation)["sim-1"].startswith(reason)
    assert explanation.deployments[0].turn is None


def test_an_unknown_model_comes_with_what_was_probably_meant() -> None:
    explanation = ask([model_document(code="gpt-4o")], model="gpt4o")
    assert failures(explanation) == ["model: no document has the code or the id 'gpt4o'; did you mean 'gpt-4o'?"]
    assert explanation.deployments == ()


def test_an_operation_that_no_endpoint_serves() -> None:
    served = {endpoint.operation for endpoint in Endpoint}
    for operation in set(Operation) - served:
        explanation = ask([model_document(operations=frozenset(Operation))], operation=operation)
        assert failures(explanation) == [f"operation: this version serves no {operation}"]


def test_each_path_of_an_operation_is_reported() -> None:
    makers = (each for each, vendor in VENDORS.items() if Endpoint.IMAGE_GENERATIONS in vendor.endpoints)
    maker = next(each for each in makers if Endpoint.IMAGE_EDITS not in VENDORS[each].endpoints)
    no_edits = model_document(id="no-edits", model_type=maker, operations=frozenset({Operation.IMAGES}))
    alone = ask([no_edits], operation=Operation.IMAGES)
    assert alone.allowed
    told = [(check.verdict, check.text) for check in alone.checks if check.subject == "operation"]
    assert told[0] == (Verdict.OK, "images is offered, on /v1/images/generations")
    assert told[1][0] is Verdict.WARN
    assert told[1][1].startswith("but not on /v1/images/edits: the caller gets operation_not_supported")
    assert alone.deployments[0].paths == ["/v1/images/generations"]
    both = ask([no_edits, model_document(operations=frozenset({Operation.IMAGES}))], operation=Operation.IMAGES)
    (check,) = [check for check in both.checks if check.subject == "operation"]
    assert check.text == "images is offered, on /v1/images/generations and /v1/images/edits"


def test_a_document_cannot_add_operations_to_its_model_type() -> None:
    whisper = model_document(id="whisper", model_type=ModelType.OPENAI, operations=frozenset({Operation.AUDIO_STT}))
    claude = model_document(
        id="claude", model_type=ModelType.GOOGLE_VERTEX_CLAUDE, operations=frozenset({Operation.AUDIO_STT})
    )
    explanation = ask([whisper, claude], operation=Operation.AUDIO_STT)
    assert [(one.document.id, one.turn) for one in explanation.deployments] == [("whisper", 1), ("claude", None)]
    assert reasons(explanation)["claude"] == "its model type GoogleVertexClaude cannot do audio_stt"
    assert not ask([claude], operation=Operation.AUDIO_STT).allowed


def test_candidates_come_in_the_order_of_their_turns_with_their_shares() -> None:
    documents = [
        model_document(id="later", priority=5),
        model_document(id="spare", weight=0),
        model_document(id="small", weight=1),
        model_document(id="large", weight=2),
        model_document(id="dead", weight=7, parameters=Parameters(secret_name="NOT_SET")),
        model_document(id="off", enabled=False),
    ]
    explanation = ask(documents)
    assert explanation.allowed
    assert [(one.document.id, one.turn, str(one.share)) for one in explanation.deployments] == [
        ("large", 1, "66.7"),
        ("small", 1, "33.3"),
        ("spare", 1, "0.0"),
        ("later", 2, "100.0"),
        ("dead", None, "0"),
        ("off", None, "0"),
    ]
    (check,) = [check for check in explanation.checks if check.subject == "deployments"]
    assert (check.verdict, check.text) == (Verdict.WARN, "4 of 5 that may serve can be called")


def test_a_code_wins_over_an_id() -> None:
    documents = [model_document(id="a", code="sim"), model_document(id="sim", code="else")]
    explanation = ask(documents)
    assert [(one.document.id, one.turn) for one in explanation.deployments] == [("a", 1), ("sim", None)]
    assert reasons(explanation)["sim"].startswith("not meant")
    switched_off = ask([model_document(id="a", enabled=False), documents[1]])
    assert [(one.document.id, one.turn) for one in switched_off.deployments] == [("sim", 1), ("a", None)]


async def test_documents_with_errors_are_named_with_them() -> None:
    store = MemoryCatalogStore()
    await store.put(Kind.MODEL, model_body(id="a", code="sim", operations=["nonsense"]))
    await store.put(Kind.PROJECT, project_body(budgets=5))
    found = await read_all(store)
    question = Question("sim", Operation.CHAT_COMPLETION, "billing")
    broken = explain(question, found, UPSTREAMS, NOW)
    assert [failure.split(":")[0] for failure in failures(broken)] == ["project", "model a"]
    assert "operations[0]" in failures(broken)[1]
    await store.put(Kind.MODEL, model_body(id="b", code="sim"))
    await store.put(Kind.PROJECT, project_body())
    beside = explain(question, await read_all(store), UPSTREAMS, NOW)
    assert beside.allowed
    assert [check.subject for check in beside.checks if check.verdict is Verdict.WARN] == ["project", "model a"]


def test_the_verdict_is_that_of_the_request_path() -> None:
    kinds = [
        model_document(
            id=f"{code}-{private}-{operation}-{tools}-{enabled}".lower(),
            code=code,
            private=private,
            projects=frozenset({"billing"}) if private == "mine" else frozenset(),
            operations=frozenset({operation}),
            parameters=Parameters(enable_tools=tools),
            enabled=enabled,
        )
        for code, private, operation, tools, enabled in product(
            ["sim", "else"],
            ["", "mine", "others"],
            [Operation.CHAT_COMPLETION, Operation.IMAGES],
            [True, False],
            [True, False],
        )
    ]
    pairs = [[one, other] for one in kinds for other in kinds if one is not other]
    for documents, model, tools in product(pairs[::7], ["sim", kinds[3].id], [True, False]):
        catalog = Catalog.of(documents, [BILLING])
        try:
            served = list(eligible(catalog, "billing", model, Endpoint.CHAT_COMPLETIONS, tools))
        except GatewayError:
            served = []
        explanation = ask(documents, [BILLING], model=model, uses_tools=tools)
        assert explanation.allowed is bool(served)
        assert {one.document.id for one in explanation.deployments if one.turn} == {one.id for one in served}
        for one in explanation.deployments:
            assert bool(one.reason) is (one.turn is None)
            assert "not served by this version" not in one.reason


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({}, "share the calls by weight (or LLMPROXY_ROUTING)"),
        ({"routing": Strategy.LEAST_BUSY}, "share the calls by least_busy"),
        ({"affinity": Affinity.PROMPT_CACHE}, "equal prompts prefer one"),
    ],
)
def test_how_deployments_share_the_calls_is_said(over: dict[str, Any], said: str) -> None:
    explanation = ask([model_document(id="a", **over), model_document(id="b")])
    assert any(said in check.text for check in explanation.checks)
    assert not any("share the calls" in check.text for check in ask([model_document(**over)]).checks)
