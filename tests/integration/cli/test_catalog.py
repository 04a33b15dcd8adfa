"""``llmproxy catalog`` with real files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from domain.documents import exact_json
from tests.builders import model_body
from tests.integration.cli.conftest import ROOT, Command

EXAMPLES = ROOT / "deploy/examples/models"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def write(path: Path, body: object) -> None:
    path.write_text(exact_json.encode(body), encoding="utf-8")


def test_the_examples_are_valid_and_warnings_alone_do_not_fail(llmproxy: Command) -> None:
    done = llmproxy("catalog", "validate", EXAMPLES)
    assert done.code == 0, done.out
    assert "5 documents in 5 files: 0 errors" in done.out
    assert re.search(r"gpt-4-omni.json:\d+:\d+: warning: costs:", done.out)
    assert llmproxy("catalog", "validate", EXAMPLES, "--strict").code == 1


def test_every_fault_is_named_with_file_field_wrong_and_right(llmproxy: Command, folder: Path) -> None:
    write(folder / "a.json", model_body(id="a/b", model_type="Simulatr", costs={"input": -1}))
    (folder / "b.json").write_text('{"id": "b", ')
    (folder / "c.json").write_bytes(b'{"id": "\xff"}')
    (folder / "d.json").write_text("[" * 100_000)
    (folder / "notes.txt").write_text("not read")
    done = llmproxy("catalog", "validate", folder)
    assert done.code == 1
    for expected in ("a.json:1:2: error: id:", " error: model_type:", "'Simulator'", "costs.input: is -1"):
        assert expected in done.out
    for name in "bcd":
        assert re.search(rf"^{name}.json(:\d+:\d+)?: error: is not readable", done.out, re.MULTILINE)
    found = llmproxy("catalog", "validate", folder, "--json")
    assert found.code == 1
    assert found.json["errors"] == 6
    assert {tuple(fault) for fault in found.json["faults"]} == {
        ("file", "field", "wrong", "expected", "severity", "line", "column")
    }


def test_no_secret_of_a_document_is_ever_printed(llmproxy: Command, folder: Path) -> None:
    parameters = {
        "api_key": "hunter2-hunter2",
        "endpoint": "https://u:hunter2@host",
        "timeout": "hunter2",
        "api_kye": "hunter2",
    }
    write(folder / "a.json", model_body(parameters=parameters, model_type="OpenAICompatible"))
    for arguments in (["validate"], ["validate", "--json"], ["apply"]):
        done = llmproxy("catalog", arguments[0], folder, *arguments[1:])
        assert done.code == 1
        assert "hunter2" not in done.out + done.err


def test_an_empty_folder_is_a_fault(llmproxy: Command, folder: Path) -> None:
    assert llmproxy("catalog", "validate", folder).code == 1


def test_apply_export_apply_changes_nothing(llmproxy: Command, tmp_path: Path) -> None:
    first = llmproxy("catalog", "apply", EXAMPLES, "--json")
    assert first.code == 0, first.err
    assert (len(first.json["added"]), first.json["changed"], first.json["unchanged"]) == (5, [], [])
    exported = tmp_path / "exported"
    assert llmproxy("catalog", "export", exported).code == 0
    names = sorted(path.name for path in exported.iterdir())
    assert names == sorted(path.name for path in EXAMPLES.iterdir())
    for name in names:
        assert json.loads((exported / name).read_text()) == json.loads((EXAMPLES / name).read_text())
    before = {name: (exported / name).read_bytes() for name in names}
    again = llmproxy("catalog", "apply", exported)
    assert again.out.endswith("0 added, 0 changed, 5 unchanged\n")
    assert llmproxy("catalog", "export", exported, "--json").json["documents"] == 5
    assert {name: (exported / name).read_bytes() for name in names} == before


def test_a_faulty_document_keeps_the_whole_folder_back(llmproxy: Command, folder: Path) -> None:
    write(folder / "good.json", model_body(id="good"))
    write(folder / "bad.json", model_body(id="bad", operations=[]))
    done = llmproxy("catalog", "apply", folder)
    assert done.code == 1
    assert "nothing was applied" in done.out
    (folder / "bad.json").unlink()
    assert llmproxy("catalog", "apply", folder, "--json").json["added"] == ["good"]


def test_one_file_with_a_list_of_documents(llmproxy: Command, folder: Path) -> None:
    write(folder / "all.json", [model_body(id="a"), model_body(id="b")])
    assert llmproxy("catalog", "apply", folder / "all.json", "--json").json["added"] == ["a", "b"]


def test_export_leaves_other_files_and_reports_them(llmproxy: Command, folder: Path) -> None:
    llmproxy("init")
    write(folder / "other.json", model_body(id="x"))
    done = llmproxy("catalog", "export", folder)
    assert done.code == 0
    assert "other.json" in done.err
    assert (folder / "other.json").exists()


def test_export_to_a_place_that_cannot_be_written_is_one_line(llmproxy: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = llmproxy("catalog", "export", tmp_path / "file" / "below")
    assert done.code == 1
    assert done.err.count("\n") == 1


def test_a_target_uri_of_azure_is_an_error_that_names_what_was_meant(llmproxy: Command, tmp_path: Path) -> None:
    endpoint = "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21"
    document = model_body(model_type="AzureOpenAI", parameters={"secret_name": "A_KEY", "endpoint": endpoint})
    write(tmp_path / "a.json", document)
    done = llmproxy("catalog", "validate", tmp_path / "a.json")
    assert done.code == 1
    assert '"https://x.openai.azure.com" and "deployment_name": "d" and "api_version": "2024-10-21"' in done.out
