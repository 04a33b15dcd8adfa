"""The table of paths that the handler serves. A new endpoint is a row here and a use case."""

from __future__ import annotations

from application.serving.use_case import UseCase
from application.use_cases.chat_completion import CHAT_COMPLETION

ENDPOINTS: dict[str, UseCase] = {f"/v1/{use_case.endpoint.value}": use_case for use_case in (CHAT_COMPLETION,)}
"""Path to use case; all of them are called with POST."""
