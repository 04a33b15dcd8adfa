"""LiteLLM is imported late, quietly, and without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh process, in a directory with a ``.env`` that must not be read."""
    (directory / ".env").write_text("FOUND_IN_DOTENV=1\n", encoding="utf-8")
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script],
        cwd=directory,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_importing_the_adapter_imports_no_litellm(tmp_path: Path) -> None:
    done = run("import sys, infra.providers.litellm.provider; print('litellm' in sys.modules)", tmp_path)
    assert done.stdout == "False\n", done.stderr


def test_it_loads_in_the_background_once_and_says_so(tmp_path: Path) -> None:
    script = """
import asyncio, os, socket
from infra.providers.litellm.provider import LiteLLMProvider
def refuse(*_): raise AssertionError("network at import")
socket.socket.connect = refuse
async def main():
    provider = LiteLLMProvider(lambda _: None, silence_timeout=1, total_timeout=1)
    print(provider.state)
    provider.warm_up(); provider.warm_up()
    print(provider.state)
    await asyncio.gather(provider.loaded(), provider.loaded())
    print(provider.state)
    print(os.environ.get("FOUND_IN_DOTENV"))
asyncio.run(main())
"""
    done = run(script, tmp_path)
    assert done.stdout.split("\n") == ["not loaded", "loading", "ready", "None", ""], done.stderr
    assert done.stderr == ""


def test_an_import_that_fails_makes_documents_unusable_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "litellm.py").write_text("raise ImportError('a piece is missing')", encoding="utf-8")
    script = """
import asyncio
from domain.errors import DeploymentUnusableError
from domain.model import Parameters
from domain.vendors import ModelType
from infra.providers.litellm.provider import LiteLLMProvider
from tests.builders import model_document
async def main():
    provider = LiteLLMProvider(lambda _: None, silence_timeout=1, total_timeout=1)
    try:
        await provider.loaded()
    except DeploymentUnusableError as error:
        print(error.message)
    print(provider.state)
    print(provider.unusable_because(model_document(model_type=ModelType.ANTHROPIC, parameters=Parameters(api_key="k"))))
import sys
sys.path.insert(0, ".")
asyncio.run(main())
"""
    done = run(script, tmp_path)
    assert done.stdout.split("\n") == [
        "The model is not set up completely and cannot be called until an administrator has corrected it.",
        "failed: ImportError: a piece is missing",
        "LiteLLM failed: ImportError: a piece is missing",
        "",
    ], done.stderr


def test_a_failing_call_prints_and_logs_nothing(tmp_path: Path) -> None:
    script = """
import asyncio, logging, socket
logging.basicConfig(level=logging.DEBUG)
logging.getLogger("asyncio").setLevel(logging.WARNING)
from domain.call import Call
from domain.errors import GatewayError
from domain.model import Parameters
from domain.vendors import ModelType
from domain.operation import Endpoint
from infra.providers.litellm.provider import LiteLLMProvider
from tests.builders import model_document
with socket.create_server(("127.0.0.1", 0)) as probe:
    address = "http://127.0.0.1:%d" % probe.getsockname()[1]
fields = {"model": b'"m"', "messages": b'[{"role":"user","content":"my-prompt"}]'}
async def main():
    provider = LiteLLMProvider(lambda _: None, silence_timeout=60, total_timeout=60)
    await provider.loaded()
    for kind in (ModelType.ANTHROPIC, ModelType.BLACKBOX, ModelType.COHERE):
        document = model_document(model_type=kind, parameters=Parameters(api_key="my-key", endpoint=address))
        for attempt in (provider.answer, provider.stream):
            try:
                await attempt(Call(Endpoint.CHAT_COMPLETIONS, "m", fields), document)
            except GatewayError as error:
                print(type(error).__name__)
asyncio.run(main())
"""
    done = run(script, tmp_path)
    assert done.stdout == "UpstreamUnreachableError\n" * 6, done.stderr
    for word in ("my-prompt", "my-key", "127.0.0.1", "litellm", "LiteLLM"):
        assert word not in done.stderr
