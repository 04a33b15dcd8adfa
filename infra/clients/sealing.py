"""Deterministic authenticated encryption: AES-SIV (RFC 5297), safe without a nonce."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_PURPOSE = b"llmproxy aes-siv\0"


class AesSiv:
    """Seals texts of responses; see ``domain.response_id.Sealer``.

    Args:
        key: at least 32 unguessable bytes, the same for every replica.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(hashlib.sha512(_PURPOSE + key).digest())

    def seal(self, text: bytes, *context: bytes) -> bytes:
        """Encrypt a text; the context is authenticated with it, but not part of the result."""
        return self._cipher.encrypt(b"\0" + text, list(context))

    def unseal(self, sealed: bytes, *context: bytes) -> bytes | None:
        """Decrypt a text; None if it was not sealed in this context."""
        try:
            return self._cipher.decrypt(sealed, list(context))[1:]
        except (InvalidTag, ValueError):
            return None
