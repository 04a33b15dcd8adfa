"""Clients of other makers against a server with simulated models: ``python -m tests.foreign_clients.run --only NAME``.

Each client is installed from a registry into a folder of its own below ``.cache/foreign``, and runs its program there.
The results are written into ``docs/conformance.md``. Not part of ``make test``: it installs gigabytes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.clients.matrix import FOREIGN
from tests.fakes.llmproxy_server import LLMProxy, simulated
from tests.tools import ROOT

PAGE = ROOT / "docs" / "conformance.md"
PROGRAMS = ROOT / "tests" / "foreign_clients" / "programs"
CACHE = ROOT / ".cache" / "foreign"
CHECKS = ("chat", "stream", "tools", "structured_output", "embeddings", "responses")
SECONDS = 300


@dataclass(frozen=True, slots=True)
class ForeignClient:
    """A client library or command.

    Args:
        title: its name, for people.
        program: name of its program, without ``use_`` and the ending.
        packages: what is installed; the version of the first one is shown.
        node: it is one for Node.
    """

    title: str
    program: str
    packages: tuple[str, ...]
    node: bool = False

    @property
    def shown(self) -> str:
        """Title and version, for the table."""
        name, _, version = self.packages[0].rpartition("@" if self.node else "==")
        return f"{self.title} (`{name.partition('[')[0]}` {version})"


CLIENTS = (
    ForeignClient(
        "LangChain and LangGraph", "langchain", ("langchain-openai==1.7.4", "langgraph==1.2.22", "langchain==1.5.2")
    ),
    ForeignClient(
        "LlamaIndex",
        "llama_index",
        ("llama-index-llms-openai-like==0.8.1", "llama-index-embeddings-openai-like==0.4.0"),
    ),
    ForeignClient("Instructor", "instructor", ("instructor==1.17.0",)),
    ForeignClient("Pydantic AI", "pydantic_ai", ("pydantic-ai-slim[openai]==2.68.0",)),
    ForeignClient("OpenAI Agents", "openai_agents", ("openai-agents==0.24.0",)),
    ForeignClient("LiteLLM's SDK", "litellm", ("litellm==1.106.2", "mcp==2.3.0")),
    ForeignClient("Haystack", "haystack", ("haystack-ai==3.4.1",)),
    ForeignClient("Semantic Kernel", "semantic_kernel", ("semantic-kernel==1.45.0",)),
    ForeignClient("AutoGen", "autogen", ("autogen-ext[openai]==0.7.5", "autogen-agentchat==0.7.5")),
    ForeignClient("smolagents", "smolagents", ("smolagents[openai]==1.26.0",)),
    ForeignClient("DSPy", "dspy", ("dspy==3.4.1", "numpy==2.4.6")),
    ForeignClient("CrewAI", "crewai", ("crewai==1.15.30",)),
    ForeignClient("Agno", "agno", ("agno==3.1.10", "openai==3.57.0")),
    ForeignClient("Strands Agents", "strands", ("strands-agents[openai]==1.62.0",)),
    ForeignClient("CAMEL", "camel", ("camel-ai==0.2.90", "mcp<2")),
    ForeignClient("Mirascope", "mirascope", ("mirascope[openai]==2.8.2",)),
    ForeignClient("magentic", "magentic", ("magentic==0.41.1",)),
    ForeignClient("Outlines", "outlines", ("outlines[openai]==1.3.3",)),
    ForeignClient("any-llm", "any_llm", ("any-llm-sdk[openai]==1.40.2",)),
    ForeignClient("aisuite", "aisuite", ("aisuite[openai]==0.2.0",)),
    ForeignClient("chatlas", "chatlas", ("chatlas[openai]==0.23.0",)),
    ForeignClient("the `llm` command", "llm", ("llm==0.36",)),
    ForeignClient("the `aider` command", "aider", ("aider-chat==0.86.2",)),
    ForeignClient("Vercel AI SDK", "ai_sdk", ("ai@7.0.173", "@ai-sdk/openai@4.0.118", "zod@4.6.7"), node=True),
    ForeignClient(
        "Vercel AI SDK, compatible provider",
        "ai_sdk_compatible",
        ("@ai-sdk/openai-compatible@3.0.92", "ai@7.0.173", "zod@4.6.7"),
        node=True,
    ),
    ForeignClient(
        "LangChain.js",
        "langchain_js",
        ("@langchain/openai@1.6.0", "@langchain/core@1.4.0", "zod@4.6.7"),
        node=True,
    ),
    ForeignClient("LlamaIndex.TS", "llamaindex_js", ("@llamaindex/openai@0.4.23", "llamaindex@0.12.1"), node=True),
    ForeignClient("OpenAI Agents JS", "openai_agents_js", ("@openai/agents@0.20.0", "zod@4.6.7"), node=True),
    ForeignClient(
        "Instructor JS",
        "instructor_js",
        ("@instructor-ai/instructor@1.7.0", "openai@4.104.0", "zod@3.25.76"),
        node=True,
    ),
    ForeignClient("openai-edge", "openai_edge", ("openai-edge@1.2.3",), node=True),
)


def main() -> None:
    """Run the programs, and write what they found into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", help="Program to run; repeatable. The page is not written then.")
    only = parser.parse_args().only
    chosen = [client for client in CLIENTS if not only or client.program in only]
    found: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        proxy = LLMProxy(
            Path(folder),
            simulated("simulated-chat", operations=["ChatCompletion", "Responses"]),
            simulated("simulated-embeddings", operations=["embeddings"]),
        )
        try:
            for client in chosen:
                found[client.shown] = _tried(client, {"BASE_URL": f"{proxy.url}/v1", "KEY": proxy.key})
                print(client.shown, found[client.shown], flush=True)  # noqa: T201 - a command
        finally:
            proxy.stop()
    if not only:
        kept = PAGE.read_text("utf-8").partition(FOREIGN)[0].rstrip("\n")
        PAGE.write_text(f"{kept}\n\n{FOREIGN}{_table(found)}", encoding="utf-8")
    sys.exit(any(fault for checks in found.values() for fault in checks.values()))


def _tried(client: ForeignClient, variables: Mapping[str, str]) -> dict[str, str]:
    """Install a client and run its program; return each check with its fault, empty if it passed."""
    try:
        command = _node(client) if client.node else _python(client)
        env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "OPENAI_API_KEY": "none", **variables}
        done = _run(command, env=env)
        report: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    except (subprocess.SubprocessError, OSError, ValueError, IndexError) as error:
        return {"chat": f"not run: {type(error).__name__}"}
    return report


def _python(client: ForeignClient) -> Sequence[str]:
    python = CACHE / client.program / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    if not python.exists():
        _run([str(uv), "venv", "--quiet", "--python", sys.executable, str(CACHE / client.program)], check=True)
    _run([str(uv), "pip", "install", "--quiet", "--python", str(python), *client.packages], check=True)
    return [str(python), str(PROGRAMS / f"use_{client.program}.py")]


def _node(client: ForeignClient) -> Sequence[str]:
    folder = CACHE / client.program
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", *client.packages]
    _run(npm, cwd=folder, check=True)
    for name in ("common.mjs", f"use_{client.program}.mjs"):  # packages are looked up from where a program is
        (folder / name).write_bytes((PROGRAMS / name).read_bytes())
    return ["node", str(folder / f"use_{client.program}.mjs")]


def _run(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, check: bool = False
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - commands of this module
        command, env=env, cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=check
    )


def _table(found: Mapping[str, Mapping[str, str]]) -> str:
    names = [name.replace("_", " ") for name in CHECKS]
    rows = [["", *names]]
    for title, checks in found.items():
        cells = ["" if name not in checks else f"no: {checks[name]}" if checks[name] else "yes" for name in CHECKS]
        rows.append([title, *(" ".join(cell.replace("|", "/").split()) for cell in cells)])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]) + "\n"


if __name__ == "__main__":
    main()
