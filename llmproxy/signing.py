"""The key that seals the ids of stored responses: one for all replicas, without a setting where possible."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import time
from pathlib import Path

from application.errors import StoreUnavailableError
from llmproxy.settings import Settings

FILE = "signing.key"
_PURPOSE = b"llmproxy response ids\0"
_BYTES = 32
_LOOKS, _LOOK_SECONDS = 100, 0.02


def shared_by_replicas(settings: Settings) -> bool:
    """Return whether every replica with these settings has the same key."""
    return _secret(settings) is not None


def signing_key(settings: Settings) -> bytes:
    """Return the key: from the setting, else from the database's key, which replicas share, else from a file made once.

    Raises:
        StoreUnavailableError: the file can be neither read nor created.
    """
    secret = _secret(settings)
    if secret is not None:
        return hashlib.sha256(_PURPOSE + secret.encode()).digest()
    if settings.in_memory:
        return secrets.token_bytes(_BYTES)
    try:
        return _from_file(Path(settings.data_dir) / FILE)
    except OSError as error:
        raise StoreUnavailableError(f"{error.filename}: {error.strerror}") from None


def _secret(settings: Settings) -> str | None:
    secret = settings.llmproxy_signing_key or settings.cosmos_key
    return None if secret is None else secret.get_secret_value()


def _from_file(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _from_existing_file(path)
    key = secrets.token_bytes(_BYTES)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    return key


def _from_existing_file(path: Path) -> bytes:
    """Read the key of another process, which may still be writing it."""
    for _ in range(_LOOKS):
        key = path.read_bytes()
        if len(key) == _BYTES:
            return key
        time.sleep(_LOOK_SECONDS)
    raise OSError(errno.EINVAL, "incomplete key; delete the file to have a new one made", str(path))
