"""``llmproxy doctor`` on a real store."""

from __future__ import annotations

from pathlib import Path

from domain.documents import exact_json
from tests.builders import model_body
from tests.integration.cli.conftest import Command


def test_from_an_empty_store_to_one_that_can_serve(llmproxy: Command, tmp_path: Path) -> None:
    fresh = llmproxy("doctor")
    assert (fresh.code, "warn  stores: no LLM Proxy data in " in fresh.out) == (0, True)
    llmproxy("init")
    empty = llmproxy("doctor")
    assert empty.code == 0
    assert "warn  models: 0 of 0" in empty.out
    (tmp_path / "models.json").write_text(exact_json.encode([model_body()]))
    llmproxy("catalog", "apply", tmp_path / "models.json")
    llmproxy("projects", "create", "billing")
    llmproxy("keys", "create", "billing")
    good = llmproxy("doctor", "--json")
    assert good.code == 0
    assert good.json["ok"] is True
    assert {check["verdict"] for check in good.json["checks"]} == {"ok"}


def test_a_missing_secret_fails_until_it_is_there_and_is_never_shown(llmproxy: Command, tmp_path: Path) -> None:
    body = model_body(model_type="OpenAI", parameters={"secret_name": "VENDOR_API_KEY"})
    (tmp_path / "models.json").write_text(exact_json.encode(body))
    llmproxy("catalog", "apply", tmp_path / "models.json")
    missing = llmproxy("doctor")
    assert missing.code == 1
    assert "fail  model sim-1:" in missing.out
    assert "VENDOR_API_KEY" in missing.out
    there = llmproxy("doctor", VENDOR_API_KEY="hunter2-secret")
    assert there.code == 0, there.out
    assert "hunter2" not in there.out


def test_a_document_that_can_do_nothing_of_what_it_lists_fails(llmproxy: Command, tmp_path: Path) -> None:
    parameters = {"secret_name": "VENDOR_API_KEY"}
    useless = model_body(id="useless", model_type="Anthropic", operations=["images"], parameters=parameters)
    partly = model_body(
        id="partly", model_type="Anthropic", operations=["ChatCompletion", "images"], parameters=parameters
    )
    (tmp_path / "models.json").write_text(exact_json.encode([useless, partly]))
    llmproxy("catalog", "apply", tmp_path / "models.json")
    found = llmproxy("doctor", VENDOR_API_KEY="x")
    assert found.code == 1
    assert "fail  model useless: Anthropic supports none of the operations that the document lists" in found.out
    assert 'warn  model partly: operations[1]: is "images", which Anthropic does not support' in found.out
    assert "models: 1 of 2 documents can serve" in found.out


def test_wrong_settings_and_a_broken_store_are_findings(llmproxy: Command, tmp_path: Path) -> None:
    wrong = llmproxy("doctor", PORT="eighty")
    assert wrong.code == 1
    assert "fail  settings: PORT" in wrong.out
    (tmp_path / "file").write_text("")
    broken = llmproxy("doctor", DATA_DIR=str(tmp_path / "file"))
    assert broken.code == 1
    assert "fail  stores:" in broken.out
