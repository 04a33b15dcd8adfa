"""TLS of the server itself: its certificate, which is loaded again when its files change."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from llmproxy.server_settings import ServerSettings

logger = logging.getLogger(__name__)

_INTERVAL = 2.0
"""Seconds between two looks at the files."""

Seen = tuple[tuple[int, int, int], ...]


class ServerCertificate:
    """The files of a certificate and its key.

    Args:
        certificate: PEM file with the certificate and its chain.
        key: PEM file with the private key; None if it is in the same file.
    """

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self.certificate = certificate
        self.key = key

    def load(self, context: ssl.SSLContext) -> None:
        """Load the files.

        Raises:
            OSError: they cannot be read, are not PEM, do not belong together, or the key has a passphrase.
        """
        context.load_cert_chain(self.certificate, self.key, password=_no_passphrase)

    async def follow(self, context: ssl.SSLContext) -> None:
        """Load the files again whenever they have changed; new connections then use them."""
        seen = self._state()
        while True:
            await asyncio.sleep(_INTERVAL)
            state = self._state()
            if state in {seen, ()}:
                continue
            seen = state
            try:
                self.load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # half of a pair must not get into the one in use
                self.load(context)
            except OSError as error:
                reason = error.strerror or str(error)
                logger.error("the new certificate cannot be used; the old one stays", extra={"reason": reason})  # noqa: TRY400 - the reason says all
            else:
                logger.info("the certificate is loaded again")

    def _state(self) -> Seen:
        """Return what tells versions of the files apart; nothing while one of them is missing."""
        try:
            found = [path.stat() for path in (self.certificate, self.key) if path is not None]
        except OSError:
            return ()
        return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in found)


def certificate_of(settings: ServerSettings) -> ServerCertificate | None:
    """Return the certificate that the settings name; None if the server speaks plain HTTP."""
    if settings.llmproxy_tls_cert is None:
        return None
    return ServerCertificate(settings.llmproxy_tls_cert, settings.llmproxy_tls_key)


def fault_of_certificate(settings: ServerSettings) -> str | None:
    """Return what is wrong with the certificate that the settings name; None if nothing is."""
    certificate = certificate_of(settings)
    if certificate is None:
        return "LLMPROXY_TLS_KEY needs LLMPROXY_TLS_CERT" if settings.llmproxy_tls_key is not None else None
    try:
        certificate.load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    except OSError as error:
        return f"LLMPROXY_TLS_CERT and LLMPROXY_TLS_KEY cannot be used: {error.strerror or error}"
    return None


def _no_passphrase() -> str:
    """Answer OpenSSL's question, which it would ask at the terminal."""
    return ""
