"""HTTP to the portal with nothing but Python: kept connections, one deadline for all of it.

Redirects are not followed and proxies of the environment are not used: the key is for the address
that was configured. Certificates are always checked.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from countersign.client.connections import Answer, Connection

if TYPE_CHECKING:
    from countersign.client.settings import Settings

__all__ = ["Answer", "PortalHttp", "Unreachable"]

MAX_IDLE = 16
_PREFIX = "/api/v1"
# What must not stand in the head of a request, where it could be read as more than its value.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Unreachable(Exception):
    """No whole answer came. `code` says how it failed; nothing of what came is quoted."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PortalHttp:
    """The portal's API, as one key sees it. Safe to use from many threads, and after a fork.

    A thread has a connection to itself while it asks, and the last one that was given back is the
    next one taken: so there are as many as threads asked at once, and threads that end leave none.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises: OSError or ssl.SSLError if the file of certificates cannot be read."""
        parts = urlsplit(settings.url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._root = parts.path.rstrip("/")
        self._timeout_s = settings.timeout_s
        self._context: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._context = ssl.create_default_context(cafile=settings.ca_file)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._fields = (
            f"Host: {_host_field(parts.scheme, self._host, self._port)}\r\n"
            "Accept-Encoding: identity\r\n"
            f"Authorization: Bearer {settings.key}\r\n"
            "Accept: */*\r\n"
            f"User-Agent: {settings.client}\r\n"
        )
        self._idle: deque[Connection] = deque(maxlen=MAX_IDLE)

    def post(
        self, path: str, body: bytes, *, media_type: str = "application/json", packing: str = ""
    ) -> Answer:
        """The answer to a POST; sent again once if a kept connection had been closed meanwhile.

        So only what the portal takes for a repeat, by its ids, may be posted. Raises: Unreachable.
        """
        headers = {"Content-Type": media_type}
        if packing:
            headers["Content-Encoding"] = packing
        return self._asked("POST", self._root + _PREFIX + path, body, headers)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a GET. Raises: Unreachable."""
        return self._asked("GET", self._root + _PREFIX + path, None, dict(headers or {}))

    def ready(self) -> Answer:
        """The portal's own word on whether it can store a record now. Raises: Unreachable."""
        return self._asked("GET", self._root + "/readyz", None, {})

    @property
    def kept(self) -> int:
        """How many connections are open and not in use."""
        return len(self._idle)

    def close(self) -> None:
        """Close what is kept; it opens again when it is needed."""
        while self._idle:
            with contextlib.suppress(IndexError):
                self._idle.pop().close()

    def forked(self) -> None:
        """In a child: what the parent opened is the parent's; closing our copies ends none."""
        inherited, self._idle = self._idle, deque(maxlen=MAX_IDLE)
        for each in inherited:
            each.close()

    def _asked(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        deadline = time.monotonic() + self._timeout_s
        request = self._request(method, path, body, headers)
        while True:
            connection = self._taken(deadline)
            kept = connection.used
            try:
                answer = connection.exchange(method, request)
            except (ConnectionError, HTTPException) as error:
                connection.close()
                # A kept connection that the portal had closed says nothing of the portal.
                if not kept or not isinstance(error, ConnectionError):
                    raise Unreachable(_code(error)) from None
                self.close()
            except (OSError, ValueError) as error:
                connection.close()
                raise Unreachable(_code(error)) from None
            except BaseException:
                connection.close()
                raise
            else:
                self._give_back(connection)
                return answer

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> bytes:
        """The request as it goes out: in one packet, one TLS record. Raises: Unreachable."""
        if body is not None:
            headers["Content-Length"] = str(len(body))
        if _CONTROL.search("".join((path, *headers.values()))) or " " in path:
            raise Unreachable("no-whole-answer")
        fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"{method} {path} HTTP/1.1\r\n{self._fields}{fields}\r\n"
        try:
            return head.encode("latin-1") + (body or b"")
        except UnicodeEncodeError:
            raise Unreachable("no-whole-answer") from None

    def _taken(self, deadline: float) -> Connection:
        try:
            connection = self._idle.pop()
        except IndexError:
            try:
                return Connection(self._host, self._port, self._context, deadline)
            except (OSError, ValueError) as error:
                raise Unreachable(_code(error)) from None
        connection.deadline = deadline
        return connection

    def _give_back(self, connection: Connection) -> None:
        if connection.ended or len(self._idle) >= MAX_IDLE:
            connection.close()
        else:
            self._idle.append(connection)


def _host_field(scheme: str, host: str, port: int) -> str:
    """What the request says of the host. Source: RFC 9110, 7.2."""
    try:
        named = f"[{host}]" if ":" in host else host.encode("idna").decode()
    except UnicodeError:
        named = ""  # no such host is found either
    usual = 443 if scheme == "https" else 80
    return named if port == usual else f"{named}:{port}"


# From the narrower to the wider: the first that fits names it.
_CODES: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "timeout"),
    (ssl.SSLCertVerificationError, "certificate-refused"),
    (ssl.SSLError, "tls-failed"),
    (socket.gaierror, "name-not-found"),
    (ConnectionRefusedError, "connection-refused"),
    (ConnectionError, "connection-lost"),
    (HTTPException, "no-whole-answer"),
    (ValueError, "no-whole-answer"),
)


def _code(error: BaseException) -> str:
    return next((code for kind, code in _CODES if isinstance(error, kind)), "not-reachable")
