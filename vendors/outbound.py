"""Requests to addresses that people configured, kept from reaching what they must not.

A name is resolved once and the connection made to that very address, so that it cannot mean
another host a moment later; private, local and special addresses are refused unless OUTBOUND_ALLOW
names their network; redirects are not followed; size and time have limits. Python's `is_global` is
not relied on: in 3.11 it takes NAT64 and 6to4 forms of private addresses for public ones.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

# Source: IANA's registries of special-purpose addresses (RFC 6890 and its updates), multicast, and
# reserved space. Of IPv6 only global unicast is taken, less what is tunnelled or for examples.
_DENIED_V4 = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
]
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
_DENIED_V6 = [
    ipaddress.ip_network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]


class Refused(Exception):
    """The address may not be asked. The text names the rule, never the address."""


class Unreachable(Exception):
    """No whole answer came. The text names the kind of failure, never the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take at most, all of it together."""

    seconds: float = 20.0
    answer_bytes: int = 5 * 1024 * 1024


DEFAULT_LIMITS = Limits()


def request(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Answer:
    """Send one request and read its answer; redirects are answers like others.

    Raises: Refused before anything is sent, Unreachable.
    """
    parts = checked(url)
    host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
    address = _resolved(host, port, plain=parts.scheme == "http")
    made = _connection(parts, address, port, limits.seconds)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # A socket's own timeout begins anew with each byte that drips in; this one does not.
    watchdog = threading.Timer(limits.seconds, _cut, [made])
    watchdog.start()
    try:
        made.request(method, path, body or None, {"Accept-Encoding": "identity", **(headers or {})})
        with made.getresponse() as response:
            content = _read(response, limits.answer_bytes)
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, content)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"no answer came: {type(error).__name__}") from None
    finally:
        watchdog.cancel()
        made.close()


def checked(url: str) -> SplitResult:
    """The parts of an address that may be configured. Raises: Refused."""
    try:
        parts = urlsplit(url)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        raise Refused("the address has not the form of a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_good:
        raise Refused("the address is not one of https")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused("the address holds a user, a password or a fragment")
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise Refused("the address holds characters that none may hold")
    return parts


def is_denied(address: Address) -> bool:
    """Whether the address is private, local, special or leads to such a one by a tunnel."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_denied(address.ipv4_mapped)
        return address not in _GLOBAL_V6 or any(address in network for network in _DENIED_V6)
    return any(address in network for network in _DENIED_V4)


def _resolved(host: str, port: int, *, plain: bool) -> str:
    """The address to connect to. One that may not be asked spoils its whole name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable("the name of the host is not known") from None
    allowed: Sequence[Network] = settings.OUTBOUND_ALLOW
    addresses = [ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]
    for address in addresses:
        inside = any(address in network for network in allowed)
        if not inside and is_denied(address):
            raise Refused("the address is private or special; OUTBOUND_ALLOW would allow it")
        if not inside and plain:
            raise Refused("plain HTTP is only for networks that OUTBOUND_ALLOW names")
    return str(addresses[0])


def _connection(
    parts: SplitResult, address: str, port: int, seconds: float
) -> http.client.HTTPConnection:
    host = str(parts.hostname)
    if parts.scheme == "http":
        return _Plain(host, port, address, seconds)
    return _Secure(host, port, address, seconds)


class _Plain(http.client.HTTPConnection):
    """Connects to an address that was resolved before; the name stays in the header Host."""

    def __init__(self, host: str, port: int, address: str, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self.address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), self.timeout)


class _Secure(http.client.HTTPSConnection):
    """The same with TLS, whose certificate must be that of the name."""

    def __init__(self, host: str, port: int, address: str, seconds: float) -> None:
        self.trust = ssl.create_default_context()
        super().__init__(host, port, timeout=seconds, context=self.trust)
        self.address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), self.timeout)
        self.sock = self.trust.wrap_socket(self.sock, server_hostname=self.host)


def _read(response: http.client.HTTPResponse, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read1(65536):
        size += len(chunk)
        if size > most:
            raise Unreachable("the answer is too long")
        chunks.append(chunk)
    if response.length:
        raise Unreachable("the answer broke off")
    return b"".join(chunks)


def _cut(made: http.client.HTTPConnection) -> None:
    if made.sock is not None:
        with contextlib.suppress(OSError):
            made.sock.shutdown(socket.SHUT_RDWR)
