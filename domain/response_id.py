"""Ids of stored responses that say where they are kept and whose they are, so that no database has to be asked.

A caller sees ``resp_`` and a text that holds the document and the upstream's own id, sealed for the project that made
the response: for any other project, and for whoever makes one up, it is the id of nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass, field

_PREFIX = "resp_"
_SEAL = 12  # bytes: nobody guesses one of 2^96
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class ResponseLocation:
    """Location of a stored response.

    Args:
        document_id: the deployment that made it.
        upstream_id: by which that deployment knows it.
    """

    document_id: str
    upstream_id: str


@dataclass(frozen=True, slots=True)
class ResponseIds:
    """Makes and reads these ids.

    Args:
        key: the same for every replica, and secret.
    """

    key: bytes = field(repr=False)

    def public(self, project_id: str, kept: ResponseLocation) -> str:
        """Return the id that a project sees."""
        content = f"{kept.document_id}\0{kept.upstream_id}".encode()
        return _PREFIX + urlsafe_b64encode(self._seal(project_id, content) + content).decode().rstrip("=")

    def read(self, project_id: str, public_id: str) -> ResponseLocation | None:
        """Invert :meth:`public`; None if this project has no response of this id."""
        if not public_id.startswith(_PREFIX) or len(public_id) > _LONGEST or not public_id.isascii():
            return None
        text = public_id.removeprefix(_PREFIX)
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (Base64Error, ValueError):
            return None
        seal, content = sealed[:_SEAL], sealed[_SEAL:]
        if not hmac.compare_digest(seal, self._seal(project_id, content)):
            return None
        document_id, _, upstream_id = content.decode().partition("\0")
        kept = ResponseLocation(document_id, upstream_id)
        # Base64 has several spellings of the same bytes; an id has one.
        return kept if self.public(project_id, kept) == public_id else None

    def _seal(self, project_id: str, content: bytes) -> bytes:
        return hmac.digest(self.key, f"{project_id}\0".encode() + content, hashlib.sha256)[:_SEAL]
