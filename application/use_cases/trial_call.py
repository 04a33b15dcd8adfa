"""A call that an administrator makes to try a model: by the rules of every call, and charged to a project."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from application.serving.accounting import CallAccount
from application.serving.serve import Serving
from application.use_cases.chat_completion import CHAT_COMPLETION
from domain.errors import InvalidRequestError
from domain.ledger import LedgerLine
from domain.project import Caller

MOST_TOKENS = 1000
LONGEST_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Result of a trial.

    Args:
        text: of the answer; empty if it has none.
        line: the ledger line of the call.
    """

    text: str
    line: LedgerLine | None


class TrialCalls:
    """Makes trial calls.

    Args:
        serving: serves them.
        new_id: returns an unguessable id.
    """

    def __init__(self, serving: Serving, new_id: Callable[[], str]) -> None:
        self._serving = serving
        self._new_id = new_id

    async def call(self, model: str, project_id: str, text: str, administrator: str) -> TrialResult:
        """Call a model once.

        Args:
            model: its name, or the id of a document.
            project_id: the project that pays, within its limits and budgets.
            text: of the one message.
            administrator: who makes the call; it stands in the ledger line in place of a key.

        Raises:
            InvalidRequestError: the project does not exist or is disabled, or the text is missing or too long.
            GatewayError: the call cannot be served.
        """
        account = self._admit(model, project_id, text, administrator, stream=False)
        answer = await self._serving.answer(account)
        return TrialResult(_text_of(answer.body), account.line)

    async def stream(
        self, model: str, project_id: str, text: str, administrator: str
    ) -> AsyncGenerator[str | TrialResult, None]:
        """Call a model once, and yield its answer as it arrives: pieces of text, then the result.

        Takes and raises what ``call`` does, also between two pieces. The iterator must be closed.
        """
        account = self._admit(model, project_id, text, administrator, stream=True)
        relay = await self._serving.stream(account)
        pieces: list[str] = []
        rest = b""
        async with aclosing(relay.blocks) as blocks:
            async for block in blocks:
                *lines, rest = (rest + block).split(b"\n")
                for piece in filter(None, map(_piece_of, lines)):
                    pieces.append(piece)
                    yield piece
        yield TrialResult("".join(pieces), account.line)

    def _admit(self, model: str, project_id: str, text: str, administrator: str, *, stream: bool) -> CallAccount:
        project = self._serving.view.catalog.projects.get(project_id)
        if project is None or not project.enabled:
            raise InvalidRequestError(f"Project '{project_id}' does not exist or is disabled.", param="project")
        if not 0 < len(text) <= LONGEST_TEXT:
            raise InvalidRequestError(f"The message needs 1 to {LONGEST_TEXT} characters.", param="message")
        members = {
            "model": model,
            "messages": [{"role": "user", "content": text}],
            "max_completion_tokens": MOST_TOKENS,
            "stream": stream,
        }
        fields = {name: json.dumps(value).encode() for name, value in members.items()}
        call = CHAT_COMPLETION.read(fields, f"trial-{self._new_id()}")
        account = self._serving.admit(CHAT_COMPLETION, call, Caller(project, f"administrator {administrator}"))
        account.fallbacks = None  # what is tried is this model
        return account


def _text_of(body: bytes, member: str = "message") -> str:
    try:
        content = json.loads(body)["choices"][0][member]["content"]
    except (ValueError, LookupError, TypeError):
        return ""
    return content if isinstance(content, str) else ""


def _piece_of(line: bytes) -> str:
    """Return the text that a line of a stream of events adds; empty if none."""
    return _text_of(line.removeprefix(b"data:"), "delta") if line.startswith(b"data:") else ""
