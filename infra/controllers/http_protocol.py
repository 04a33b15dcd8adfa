"""uvicorn's HTTP/1.1 protocol, with OpenAI-shaped answers to what is not HTTP at all."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from domain.errors import InvalidRequestError
from infra.controllers.callers import request_id_of
from infra.controllers.errors import body_of


class HttpProtocol(HttpToolsProtocol):
    """What fails before a request can be formed never reaches the application: it is answered here."""

    def send_400_response(self, msg: str) -> None:
        """Answer and close; where an answer is under way already, only close."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn declares it as never None
        answering = cycle is not None and cycle.response_started and not cycle.response_complete
        if not answering:
            body = body_of(InvalidRequestError(msg))
            self.transport.write(
                b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                b"x-request-id: %s\r\nconnection: close\r\n\r\n%s" % (len(body), request_id_of(()).encode(), body)
            )
        self.transport.close()
