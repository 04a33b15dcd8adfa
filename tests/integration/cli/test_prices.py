"""``llmproxy catalog validate --prices`` with the list of the installed LiteLLM."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from domain.documents import exact_json
from tests.builders import model_body
from tests.integration.cli.conftest import ROOT, Command

EXAMPLES = ROOT / "deploy/examples/models"


def test_the_examples_have_one_price_in_the_wrong_unit(llmproxy: Command) -> None:
    assert llmproxy("catalog", "validate", EXAMPLES).code == 0
    done = llmproxy("catalog", "validate", EXAMPLES, "--prices")
    assert done.code == 1
    errors = [line for line in done.out.splitlines() if ": error: " in line]
    assert [line.split(": ")[:3] for line in errors] == [
        ["gpt-4-azure.json:18:5", "error", "costs.cost_input_1Mtokens"],
        ["gpt-4-azure.json:19:5", "error", "costs.cost_output_1Mtokens"],
    ]
    assert "price per 1,000 tokens; expected 30" in errors[0]
    assert "deepseek-vertex: info: not in the price list" in done.out
    assert "4 of 5 documents compared with the price list of LiteLLM" in done.out


def test_json_names_what_was_compared_with_what(llmproxy: Command) -> None:
    done = llmproxy("catalog", "validate", EXAMPLES, "--prices", "--json")
    assert done.code == 1
    compared = {one["id"]: one for one in done.json["prices"]["documents"]}
    assert compared["deepseek-vertex"]["entry"] is None
    assert (compared["gpt-4-azure"]["entry"], compared["gpt-4-azure"]["exact"]) == ("azure/gpt-4", True)
    assert compared["gpt-4-azure"]["listed"]["input"] == "30"
    assert done.json["errors"] == 2
    assert "prices" not in llmproxy("catalog", "validate", EXAMPLES, "--json").json


def test_warnings_alone_pass_unless_strict(llmproxy: Command, tmp_path: Path) -> None:
    body = model_body(
        id="gpt-4",
        code="gpt-4",
        provider="OpenAI",
        model_type="OpenAI",
        parameters={"secret_name": "OPENAI_API_KEY", "max_tokens": 100_000},
        operations=["ChatCompletion", "embeddings"],
        costs={"currency": "USD", "cost_input_1Mtokens": Decimal("36.5"), "cost_output_1Mtokens": 60},
    )
    (tmp_path / "model.json").write_text(exact_json.encode(body))
    done = llmproxy("catalog", "validate", tmp_path / "model.json", "--prices")
    assert done.code == 0, done.out
    for expected in ("costs.cost_input_1Mtokens: is 36.5", "operations: offers embeddings", "parameters.max_tokens"):
        assert f": warning: {expected}" in done.out
    assert llmproxy("catalog", "validate", tmp_path / "model.json", "--prices", "--strict").code == 1
    assert llmproxy("catalog", "validate", tmp_path / "model.json", "--strict").code == 0
