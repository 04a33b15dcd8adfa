"""Headers of callers that a document passes on. Shared by all provider adapters."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from domain.documents.headers import HEADER_NAME, UNSAFE_VALUE, not_forwarded_because, plain_name

Headers = Iterable[tuple[bytes, bytes]]

_UNSAFE_VALUE = re.compile(UNSAFE_VALUE.pattern.encode())


class ForwardedHeaders:
    """A filter of callers' headers.

    Args:
        listed: ``forward_headers`` of the document: lower-case names, or prefixes that end in ``*``.
        own: names of the headers that the document sets, which win.
    """

    def __init__(self, listed: Iterable[str], own: Iterable[str]) -> None:
        self._names = frozenset(each.encode() for each in listed if not each.endswith("*"))
        self._prefixes = tuple(each[:-1].encode() for each in listed if each.endswith("*"))
        self._own = frozenset(map(plain_name, own))

    def select(self, headers: Headers, own: Collection[str] = ()) -> Iterator[tuple[bytes, bytes]]:
        """Yield the headers that are passed on, with lower-case names.

        Never a credential, nor anything that concerns the connection or the body, whatever the document lists.

        Args:
            headers: of the caller.
            own: lower-case names of headers of this call that win over the caller's.
        """
        listed = [(name.lower(), value) for name, value in headers]
        nominated = {
            token.strip().lower() for name, value in listed if name == b"connection" for token in value.split(b",")
        }
        for name, value in listed:
            if (name in self._names or name.startswith(self._prefixes)) and name not in nominated:
                text = name.decode("latin-1")
                if self._is_allowed(text) and text not in own and not _UNSAFE_VALUE.search(value):
                    yield name, value

    def _is_allowed(self, name: str) -> bool:
        valid = HEADER_NAME.fullmatch(name) is not None
        return valid and not_forwarded_because(name) is None and plain_name(name) not in self._own

    def lines(self, headers: Headers, own: Collection[str] = ()) -> bytes:
        """Return the headers that are passed on as they are sent."""
        return b"".join(b"%b: %b\r\n" % header for header in self.select(headers, own))
