"""``llmproxy import``: what it writes can be applied, and its settings start a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Command
from tests.unit.application.admin.test_imported import LITELLM, LITERAL, PROVIDERS


@pytest.mark.parametrize(("arguments", "text", "models"), [(("litellm",), LITELLM, 5), ((), PROVIDERS, 3)])
def test_an_imported_configuration_is_applied(
    llmproxy: Command, tmp_path: Path, arguments: tuple[str, ...], text: str, models: int
) -> None:
    file = tmp_path / "theirs.yaml"
    file.write_text(text, "utf-8")
    done = llmproxy("import", *arguments, file, "--to", tmp_path / "made")
    assert done.code == 0, done.err
    assert f"{models} documents" in done.out
    assert "not carried over:" in done.out
    config = str(tmp_path / "made" / "config.yaml")
    applied = llmproxy("catalog", "apply", tmp_path / "made" / "models", LLMPROXY_CONFIG=config)
    assert applied.code == 0, applied.err
    written = [path.read_text("utf-8") for path in (tmp_path / "made").rglob("*") if path.is_file()]
    assert len(written) == models + 1
    assert LITERAL not in "".join([*written, done.out, done.err])
    again = llmproxy("import", *arguments, file, "--to", tmp_path / "made")
    assert (again.code, "made" in again.err) == (1, True)


def test_another_file_is_refused(llmproxy: Command, tmp_path: Path) -> None:
    file = tmp_path / "theirs.yaml"
    file.write_text("services: {}", "utf-8")
    assert "has no model_list or providers" in llmproxy("import", file).err
    assert llmproxy("import", "kong", file).code == 2
    file.write_text("a: [", "utf-8")
    assert "line 1" in llmproxy("import", file).err
