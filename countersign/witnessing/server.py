"""A witness over HTTP: POST /add-checkpoint, and its key at /."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from countersign.witnessing.answers import MAX_BODY_BYTES, TEXT_TYPE, Answer, Witness
from countersign.witnessing.memory import MemoryLost

PATH = "/add-checkpoint"
IDLE_SECONDS = 30


class Server(ThreadingHTTPServer):
    """Serves one witness. Put a proxy before it that speaks TLS."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        super().__init__(address, _Handler)
        self.witness = witness


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "countersign-witness"
    sys_version = ""
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(Answer(200, self.server.witness.cosigner.witness.vkey + "\n"))
        else:
            self._answer(Answer(404, "there is nothing at this address\n"))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        readable = (
            length.isascii() and length.isdecimal() and "Transfer-Encoding" not in self.headers
        )
        if not readable or len(length) > 9 or int(length) > MAX_BODY_BYTES:
            # What was sent stays unread: the connection cannot be used again.
            self.close_connection = True
            self._answer(Answer(413 if readable else 411, "send a short body and its length\n"))
            return
        content = self.rfile.read(int(length))
        if self.path != PATH:
            self._answer(Answer(404, "there is nothing at this address\n"))
        else:
            self._answer(self._cosigned(content))

    def _cosigned(self, content: bytes) -> Answer:
        try:
            return self.server.witness.add_checkpoint(content)
        except (MemoryLost, OSError):
            self.log_error("the witness cannot remember, and does not cosign")
            return Answer(500, "the witness cannot remember, and does not cosign\n")

    def _answer(self, answer: Answer) -> None:
        content = answer.text.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type or TEXT_TYPE)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        sys.stderr.write(f"{self.log_date_time_string()} {format % args}\n")
