"""What can go wrong between us and an HTTP server.

::

    HttpError
    ├── ConnectError              no connection: refused, DNS, TLS, the proxy said no
    │   └── ConnectTimeoutError       it took too long
    ├── SilenceTimeoutError       nothing came, or nothing could be sent, for too long
    ├── TotalTimeoutError         the whole call took too long
    ├── ProtocolError             not HTTP, cut, badly encoded, head too large
    └── DecodedBodyTooLargeError         more than the reader is ready to hold

``args[0]`` is a reason for logs. It names no host and no credential.
"""

from __future__ import annotations


class HttpError(Exception):
    """Root of everything that a call can raise. Raised itself when the pool or the response is closed."""


class ConnectError(HttpError):
    """No connection could be made: nothing of the request was sent."""


class ConnectTimeoutError(ConnectError):
    """No connection within the connect timeout."""


class SilenceTimeoutError(HttpError):
    """Nothing was received, and nothing could be sent, for longer than the silence timeout."""


class TotalTimeoutError(HttpError):
    """The call took longer than the total timeout, waiting for a connection included."""


class ProtocolError(HttpError):
    """The answer is not HTTP, was cut, has an encoding that we do not read, or a head that is too large."""


class StaleConnectionError(ProtocolError):
    """A kept-alive connection turned out to be closed: not a byte of an answer came. Never leaves the pool."""


class DecodedBodyTooLargeError(HttpError):
    """The decoded body is larger than the limit of the reader."""
