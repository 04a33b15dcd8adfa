"""Errors of the HTTP client.

::

    HttpError
    ├── ConnectError              no connection: refused, DNS, TLS, refused by the proxy
    │   ├── ConnectTimeoutError   no connection in time
    │   └── PoolBusyError         too many requests use, or wait for, connections
    ├── SilenceTimeoutError       nothing received or sent for too long
    ├── TotalTimeoutError         the whole call took too long
    ├── ProtocolError             not HTTP, incomplete, badly encoded, head too large
    └── DecodedBodyTooLargeError  larger than the reader's limit

``args[0]`` is a reason for logs, without host names and credentials.
"""

from __future__ import annotations


class HttpError(Exception):
    """Root of all errors of a call. Raised itself when the pool or the response is closed."""


class ConnectError(HttpError):
    """No connection could be made: nothing of the request was sent."""


class PoolBusyError(ConnectError):
    """Too many requests use, or wait for, connections to this server."""


class ConnectTimeoutError(ConnectError):
    """No connection within the connect timeout."""


class SilenceTimeoutError(HttpError):
    """Nothing was received, and nothing could be sent, for longer than the silence timeout."""


class TotalTimeoutError(HttpError):
    """The call took longer than the total timeout, waiting for a connection included."""


class ProtocolError(HttpError):
    """The response is not HTTP, is incomplete, has an unsupported encoding, or too large a head."""


class StaleConnectionError(ProtocolError):
    """A kept-alive connection was closed before the whole request was sent. Never leaves the pool."""


class DecodedBodyTooLargeError(HttpError):
    """The decoded body is larger than the limit of the reader."""
