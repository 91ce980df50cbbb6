"""HTTP as llhttp reads it, which takes half the time of a reader in Python, within limits.

A body is counted where it is read. What is not one, such as a head, trailers or the extensions of
chunks, this reader would collect without end.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes in which a head, or what else stands between the parts of a body, has to end.
MAX_HEAD = 65536
#: Requests that may come on a connection before the first is answered.
MAX_AHEAD = 16


class LimitedProtocol(HttpToolsProtocol):
    """A connection; what goes beyond the limits is answered as what is no HTTP is, with 400."""

    _n_unread = 0

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        self._n_unread += len(data)
        super().data_received(data)
        if self._n_unread > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_headers_complete(self) -> None:
        """Begin to answer, once the head is whole.

        Raises
        ------
        ValueError
            Too many requests come before the first is answered.
        """
        self._n_unread = 0
        if len(self.pipeline) >= MAX_AHEAD:
            raise ValueError("too many requests at once")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._n_unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of the request."""
        self._n_unread = 0
        super().on_message_complete()

    def handle_websocket_upgrade(self, *arguments: Any) -> None:
        """Hand the connection over, with which this has no more to do."""
        self._n_unread = 0
        super().handle_websocket_upgrade(*arguments)
