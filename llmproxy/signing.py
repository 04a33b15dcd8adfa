"""The key that seals the ids of stored responses: one for all replicas, and no setting where it can be helped."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from llmproxy.settings import Settings

FILE = "signing.key"
_PURPOSE = b"llmproxy response ids\0"
_BYTES = 32


def shared_by_replicas(settings: Settings) -> bool:
    """Whether every replica with these settings has the same key."""
    return _secret(settings) is not None


def signing_key(settings: Settings) -> bytes:
    """The key: of the setting, else of the database's key, which replicas share, else of a file made once.

    Raises:
        OSError: the file can be neither read nor made.
    """
    secret = _secret(settings)
    if secret is not None:
        return hashlib.sha256(_PURPOSE + secret.encode()).digest()
    if settings.in_memory:
        return secrets.token_bytes(_BYTES)
    return _from_file(Path(settings.data_dir) / FILE)


def _secret(settings: Settings) -> str | None:
    secret = settings.llmproxy_signing_key or settings.cosmos_key
    return None if secret is None else secret.get_secret_value()


def _from_file(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written elsewhere first: of several processes that start at once none may read half a key.
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink(missing_ok=True)
    return path.read_bytes()
