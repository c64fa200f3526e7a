"""A relay in front of a server that refuses, drops or cuts off what it passes on, for as long as a test wants."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Final, Literal

Fault = Literal["none", "busy", "unreachable", "cut off", "read-only"]
_BODY: Final = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_BUSY: Final = b"HTTP/1.1 503 Slow Down\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(_BODY), _BODY)
_CUT_AFTER: Final = 900
"""Bytes of an answer, its head included."""


class UnreliableServer:
    """`fault` says what becomes of requests from now on, also on connections that are open.

    `busy`: every request is answered 503. `unreachable`: connections are closed at once. `cut off`: answers end in their
    midst. `read-only`: what is stored is answered 503, what is read is passed on.
    """

    def __init__(self, port: int) -> None:
        self.fault: Fault = "none"
        self.refused = 0
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self._port)) as server:
            threading.Thread(target=self._answer, args=(server, client), daemon=True).start()
            while piece := client.recv(1 << 16):
                if self.fault == "unreachable":
                    self.refused += 1
                    return
                if self.fault == "busy" or (self.fault == "read-only" and piece.startswith((b"PUT ", b"POST "))):
                    self.refused += 1
                    client.sendall(_BUSY)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(1 << 16):  # else the answer would be lost with the connection
                        pass
                    return
                server.sendall(piece)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sent = 0
            while piece := server.recv(1 << 16):
                if self.fault == "cut off" and sent + len(piece) > _CUT_AFTER:
                    self.refused += 1
                    client.sendall(piece[: max(0, _CUT_AFTER - sent)])
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(piece)
                sent = sent + len(piece) if self.fault == "cut off" else 0
            client.shutdown(socket.SHUT_WR)
