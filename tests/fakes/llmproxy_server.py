"""The real server as a process, with documents, a project and a key made by its commands."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.fakes.processes import Running, environment, llmproxy, llmproxy_here, llmproxy_json, wait_until

PROJECT = "tests"
ADMIN_KEY = "admin-key-of-the-tests-with-enough-characters"


class Simulator(Running):
    """``llmproxy simulator`` on a free port.

    Args:
        options: of the command.
    """

    def __init__(self, *options: str) -> None:
        super().__init__(
            "simulator", "--port", "0", *options, env=environment(), ready=r"simulator listening on (\S+)/v1"
        )
        self._client = httpx.Client(base_url=self.base_url)

    @property
    def url(self) -> str:
        """The endpoint for a model document."""
        return f"{self.base_url}/v1"

    def calls(self) -> dict[str, int]:
        """Return its counters."""
        counted = self._counted()
        del counted["operations"]
        return counted

    def operations(self) -> dict[str, int]:
        """Count the calls of each operation, by its path below ``/v1/``."""
        by_operation: dict[str, int] = self._counted()["operations"]
        return by_operation

    def _counted(self) -> dict[str, Any]:
        counted: dict[str, Any] = self._client.get("/simulator/calls").raise_for_status().json()
        return counted

    def last(self) -> dict[str, Any]:
        """Return the last request."""
        seen: dict[str, Any] = self._client.get("/simulator/last").raise_for_status().json()
        return seen

    def reset(self) -> None:
        """Reset the counters."""
        self._client.post("/simulator/reset").raise_for_status()


class LLMProxy:
    """A server, its folder, its project and its key.

    Args:
        folder: for its data and its documents; kept when the server stops, so that another one can use it.
        documents: model documents.
        variables: further environment variables.
        options: of ``llmproxy serve``.
        prepare: a command to run before anything else.
    """

    max_body_bytes = 8 << 20

    def __init__(
        self,
        folder: Path,
        *documents: dict[str, object],
        variables: dict[str, str] | None = None,
        options: tuple[str, ...] = (),
        prepare: tuple[str, ...] = (),
    ) -> None:
        self._documents = folder / "models"
        self._options = options
        self.env = self.environment_of(folder, variables or {})
        if prepare:
            self.command(*prepare)
        if documents:
            self.apply(*documents)
        self.key = self.create_key()
        self.banner = ""
        self.start()

    @classmethod
    def environment_of(cls, folder: Path, variables: dict[str, str]) -> dict[str, str]:
        """Return the environment of the server and of commands."""
        defaults = {
            "DATA_DIR": str(folder / "data"),
            "LLMPROXY_MAX_BODY_BYTES": str(cls.max_body_bytes),
            "LLMPROXY_BODY_TIMEOUT": "2",
            "LLMPROXY_DRAIN_SECONDS": "10",  # a test that fails with a call under way must not wait for it
            "LLMPROXY_REFRESH_INTERVAL": "0.5",
            "LLMPROXY_ADMIN_KEY": ADMIN_KEY,
        }
        return environment(**defaults | variables)

    def start(self) -> None:
        """Start, or start again after ``kill`` or ``stop``."""
        self.running = Running(
            "serve", "--port", "0", *self._options, env=self.env, ready=r"llmproxy listening on (\S+)/v1"
        )

    def keep_port(self) -> None:
        """Listen on the present port after every further start."""
        self._options = (*self._options, "--port", str(self.port))

    @property
    def url(self) -> str:
        """Without ``/v1``."""
        return self.running.base_url

    @property
    def port(self) -> int:
        """On the loopback address."""
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def logs(self) -> str:
        """Its complete output."""
        return self.running.output()

    def kill(self) -> None:
        """``kill -9``."""
        self.running.kill()

    def stop(self) -> int:
        """Stop it and return its exit code."""
        return self.running.stop()

    def apply(self, *documents: dict[str, object]) -> None:
        """Write model documents as operators do: JSON files, then ``catalog apply``."""
        self._documents.mkdir(parents=True, exist_ok=True)
        for old in self._documents.iterdir():
            old.unlink()
        for number, document in enumerate(documents):
            (self._documents / f"{number}.json").write_text(json.dumps(document), encoding="utf-8")
        llmproxy_here("catalog", "apply", str(self._documents), env=self.env)

    def create_key(self, project: str = PROJECT, *options: str) -> str:
        """Make a key of a project, and the project if it does not exist."""
        llmproxy_here("projects", "create", project, env=self.env, check=False)
        made = llmproxy_here("keys", "create", project, "--name", "test", "--json", *options, env=self.env)
        key: str = json.loads(made)["key"]
        return key

    def command(self, *arguments: str, check: bool = True) -> str:
        """Run a command on the same data and return its output."""
        return llmproxy(*arguments, env=self.env, check=check).stdout

    def usage(self, by: str = "project", *options: str) -> list[dict[str, Any]]:
        """Return the rows of ``usage report``."""
        report = llmproxy_json("usage", "report", "--by", by, *options, env=self.env)
        rows: list[dict[str, Any]] = report["rows"]
        return rows

    def follow(self) -> None:
        """Wait until the server has compared its documents with the store after now."""
        edited = time.monotonic()

        def seen() -> bool:
            asked = time.monotonic()
            catalogue = self.health()["catalogue"]
            return catalogue["failure"] is None and asked - catalogue["checked_seconds_ago"] > edited + 0.2

        wait_until(seen, 20, "the latest documents")

    def health(self) -> dict[str, Any]:
        """``/health?detailed=true``, as the administrator sees it."""
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        body: dict[str, Any] = httpx.get(f"{self.url}/health", params={"detailed": "true"}, headers=headers).json()
        return body


def simulated(code: str = "sim", **over: object) -> dict[str, object]:
    """Make a document of the built-in simulator."""
    return {
        "id": code.replace("/", "-"),
        "code": code,
        "name": code,
        "provider": "Simulator",
        "model_type": "Simulator",
        "private": False,
        "projects": [],
        "parameters": {},
        "costs": {"currency": "USD", "cost_input_1Mtokens": 2.5, "cost_output_1Mtokens": 10},
        "operations": ["ChatCompletion"],
    } | over


def upstream(code: str, endpoint: str, **over: object) -> dict[str, object]:
    """Make a document of a server that speaks OpenAI's format."""
    return simulated(code, model_type="OpenAICompatible", provider="Local", parameters={"endpoint": endpoint}) | over
