"""HTTP to the portal: TLS is verified, the key goes nowhere else, threads have their own."""

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from countersign import ed25519
from countersign.client.http import PortalHttp, Unreachable
from countersign.client.settings import Settings, SettingsError
from countersign.tests.portal_double import INTEGRATION, KEY, PortalDouble


@pytest.fixture
def portal():
    with PortalDouble() as portal:
        yield portal


@pytest.fixture
def http_of(portal, tmp_path):
    with contextlib.ExitStack() as stack:

        def make(**given) -> PortalHttp:
            http = PortalHttp(portal.settings(tmp_path, **given))
            stack.callback(http.close)
            return http

        yield make


# A key of the right form; nothing is signed with it here.
PUBLIC = ed25519.private_key(bytes(32)).public_key().public_bytes_raw().hex()
BUNDLE = f"/integrations/{INTEGRATION}/bundle"


def test_a_connection_is_kept_and_taken_again(portal, http_of):
    http = http_of()
    for _ in range(5):
        assert http.get(BUNDLE).status == 200
    assert http.kept == 1


def test_threads_that_ask_at_once_have_connections_of_their_own(portal, http_of):
    http = http_of()
    start, statuses = threading.Barrier(6), []

    def ask():
        start.wait()
        statuses.append([http.get(BUNDLE).status for _ in range(20)])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert statuses == [[200] * 20] * 6
    assert 1 <= http.kept <= 6


def test_a_proxy_of_the_environment_is_not_asked(portal, http_of, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert http_of().get(BUNDLE).status == 200


def test_a_redirect_is_not_followed(portal, http_of):
    portal.fail("redirect", path=BUNDLE)
    assert http_of().get(BUNDLE).status == 307


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("half", "no-whole-answer"),
        ("garbage", "no-whole-answer"),
        ("slow", "timeout"),
        ("drip", "timeout"),
        ("nothing", "connection-lost"),
    ],
)
def test_what_is_no_whole_answer_is_none(portal, http_of, fault, code):
    portal.fail(fault, path=BUNDLE)
    with pytest.raises(Unreachable, match=code):
        http_of(timeout_s=0.3).get(BUNDLE)


def test_a_refused_connection_says_so(portal, http_of):
    http = http_of()
    portal.server.server_close()
    with pytest.raises(Unreachable, match=r"connection-refused|connection-lost|timeout"):
        http.get(BUNDLE)


def certificate(folder, name: str):
    """A certificate for a name or address of loopback, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "double")])
    now = dt.datetime.now(dt.UTC)
    try:
        known = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        known = x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([known]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{name}.pem", folder / f"{name}.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private


@pytest.mark.parametrize(
    ("named", "trusted", "code"),
    [
        ("127.0.0.1", True, ""),
        ("127.0.0.1", False, "certificate-refused"),
        ("another.example", True, "certificate-refused"),
    ],
)
def test_certificates_are_verified(portal, tmp_path, named, trusted, code):
    public, private = certificate(tmp_path, named)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    portal.server.socket = context.wrap_socket(portal.server.socket, server_side=True)
    told = {
        "integration": INTEGRATION,
        "bundle_key": portal.bundle_key,
        "ca_file": public if trusted else None,
        "timeout_s": 2,
    }
    url = portal.url.replace("http:", "https:")
    http = PortalHttp(Settings.read(url, KEY, environment={}, **told))
    if code:
        with pytest.raises(Unreachable, match=code):
            http.get(BUNDLE)
    else:
        assert http.get(BUNDLE).status == 200
    http.close()


GOOD = {
    "COUNTERSIGN_URL": "https://portal.example/",
    "COUNTERSIGN_KEY": KEY,
    "COUNTERSIGN_INTEGRATION": "i",
    "COUNTERSIGN_BUNDLE_KEY": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
}


def test_settings_come_from_the_environment_and_arguments_win(tmp_path):
    found = Settings.read(environment=GOOD)
    assert (found.url, found.integration, found.mode) == ("https://portal.example", "i", None)
    assert (found.key_id, found.livemode) == ("Ab3" * 4, False)
    assert KEY not in repr(found)
    assert Settings.read(environment={**GOOD, "COUNTERSIGN_MODE": "spool"}).mode == "spool"
    assert Settings.read("https://other.example", environment=GOOD).url == "https://other.example"
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    told = {**GOOD, "COUNTERSIGN_KEY": "", "COUNTERSIGN_KEY_FILE": str(path)}
    assert Settings.read(environment=told).key == KEY


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COUNTERSIGN_URL", "http://portal.example"),
        ("COUNTERSIGN_URL", "https://user:secret@portal.example"),
        ("COUNTERSIGN_URL", "https://portal.example:99999"),
        ("COUNTERSIGN_URL", "file:///etc/passwd"),
        ("COUNTERSIGN_URL", ""),
        ("COUNTERSIGN_KEY", "secret"),
        ("COUNTERSIGN_KEY", KEY[:30] + "y" + KEY[31:]),
        ("COUNTERSIGN_KEY", ""),
        ("COUNTERSIGN_INTEGRATION", "Mr Smith"),
        ("COUNTERSIGN_BUNDLE_KEY", "00" * 32),
        ("COUNTERSIGN_BUNDLE_KEY", ""),
        ("COUNTERSIGN_MODE", "loose"),
        ("COUNTERSIGN_TIMEOUT_S", "never"),
    ],
)
def test_settings_that_cannot_be_are_refused_without_quoting_them(name, value):
    with pytest.raises(SettingsError) as refused:
        Settings.read(environment={**GOOD, name: value})
    assert not value or value not in str(refused.value)


class Said:
    """A portal that answers each request over a connection with the same bytes, cut in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.asked: list[bytes] = []
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> "Said":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self.connections += 1
                with connection:
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while request := connection.recv(65_536):
            self.asked.append(request)
            for number, piece in enumerate(self.pieces):
                if number:
                    time.sleep(0.02)
                connection.sendall(piece)
            if any(word in b"".join(self.pieces) for word in (b"HTTP/1.0", b"cut")):
                return


def got(*pieces: bytes):
    """What comes of an answer: status, headers, body; or the code of why there is none."""
    with Said(*pieces) as said:
        http = PortalHttp(settings_for(said.url))
        try:
            found = http.post("/calls", b"{}")
        except Unreachable as error:
            return error.code, http.kept
        finally:
            http.close()
        return found.status, dict(found.headers), found.body


def settings_for(url: str) -> Settings:
    told = {"integration": INTEGRATION, "bundle_key": PUBLIC, "timeout_s": 1}
    return Settings.read(url, KEY, environment={}, **told)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A:  b \r\n\r\n{}",
        b"HTTP/1.1 201 \r\ncontent-length: 2\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n",
        b'HTTP/1.1 304 Not Modified\r\nETag: W/"a"\r\n\r\n',
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\nX-A: c\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 cut\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 cut\r\nContent-Le",
        b"HTTP/1.1 200 cut\r\nContent-Length: 99999999999\r\n\r\n{}",
        b"HTTP/1.1 200 cut\r\n" + b"X-A: b\r\n" * 101 + b"Content-Length: 2\r\n\r\n{}",
        b"HTTQ/1.1 200 cut\r\nContent-Length: 2\r\n\r\n{}",
        b"cut",
    ],
)
def test_an_answer_says_the_same_whole_or_in_pieces(answer):
    whole = got(answer)
    assert whole == got(answer[:4], answer[4:])
    assert whole[0] in {200, 201, 204, 304, 404, "no-whole-answer", "connection-lost"}


def test_what_follows_an_answer_unasked_is_nobodys_answer():
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with Said(first + b"HTTP/1.1 201 OK\r\nContent-Length: 2\r\n\r\n[]") as said:
        http = PortalHttp(settings_for(said.url))
        assert [http.post("/calls", b"{}").body for _ in range(2)] == [b"{}", b"{}"]
        assert (http.kept, said.connections) == (0, 2)


def test_head_and_body_of_a_request_go_out_in_one_piece():
    with Said(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as said:
        http = PortalHttp(settings_for(said.url))
        http.post("/events", b"abc", media_type="application/x-ndjson", packing="gzip")
        http.get("/bundle", {"If-None-Match": 'W/"a"'})
        http.close()
    head, _, body = said.asked[0].partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    assert line == "POST /api/v1/events HTTP/1.1"
    assert dict(field.split(": ") for field in fields) == {
        "Host": said.url.removeprefix("http://"),
        "Accept-Encoding": "identity",
        "Authorization": f"Bearer {KEY}",
        "Accept": "*/*",
        "User-Agent": settings_for(said.url).client,
        "Content-Type": "application/x-ndjson",
        "Content-Encoding": "gzip",
        "Content-Length": "3",
    }
    assert body == b"abc"
    assert said.asked[1].startswith(b"GET /api/v1/bundle HTTP/1.1\r\n")
    assert b'If-None-Match: W/"a"\r\n' in said.asked[1]
    assert b"Content-Length" not in said.asked[1]


@pytest.mark.parametrize("value", ["a\r\nX-A: b", "a\nb", "a\x00b", "\u20ac"])
def test_a_field_that_would_be_two_is_not_sent(value):
    with Said(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as said:
        http = PortalHttp(settings_for(said.url))
        with pytest.raises(Unreachable, match="no-whole-answer"):
            http.get("/bundle", {"If-None-Match": value})
    assert said.asked == []
