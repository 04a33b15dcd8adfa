"""Google's service-account JSON: what can be known about it without a network."""

from __future__ import annotations

import json

from domain.errors import DeploymentUnusableError

_SHORTEST_SECRET = 6


def check_service_account(text: str) -> None:
    """Refuse what is no service account before LiteLLM takes it for the name of a file.

    Raises:
        DeploymentUnusableError: it is no JSON object that says its ``type``.
    """
    try:
        account = json.loads(text)
    except ValueError:
        account = None
    if not isinstance(account, dict) or not isinstance(account.get("type"), str):
        raise DeploymentUnusableError("the credential is not the JSON of a Google service account")


def credential_texts(credential: str | None) -> tuple[str, ...]:
    """The credential and, where it is JSON, every text in it: none of them may show up in a message."""
    if credential is None:
        return ()
    try:
        account = json.loads(credential)
    except ValueError:
        return (credential,)
    if not isinstance(account, dict):
        return (credential,)
    members = (str(value) for name, value in account.items() if name != "type")
    return (credential, *(text for text in members if len(text) >= _SHORTEST_SECRET))
