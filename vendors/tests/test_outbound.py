"""Where requests of the portal may go, and what they may take."""

from __future__ import annotations

import ipaddress
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vendors import outbound

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "100.64.0.1",
        "192.168.1.1",
        "0.1.2.3",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fec0::1",
        "fd00::1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:0:1::1",
    ],
)
def test_private_and_special_addresses_are_denied(address):
    assert outbound.is_denied(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111"])
def test_public_addresses_are_not(address):
    assert not outbound.is_denied(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https:///path",
        "https://example.com:99999/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "gopher://127.0.0.1/",
    ],
)
def test_addresses_of_another_form_are_refused(url):
    with pytest.raises(outbound.Refused):
        outbound.request("GET", url)


@contextmanager
def serving(answer):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            answer(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/x?y=1"
    finally:
        server.shutdown()
        server.server_close()


def plain(handler, status=200, body=b"hello", **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_loopback_is_asked_only_where_the_setting_names_it(settings):
    with serving(plain) as url:
        with pytest.raises(outbound.Refused, match="OUTBOUND_ALLOW"):
            outbound.request("GET", url)
        settings.OUTBOUND_ALLOW = LOOPBACK
        answer = outbound.request("GET", url)
        assert (answer.status, answer.body) == (200, b"hello")


def test_a_name_that_means_a_private_address_is_refused_too():
    with pytest.raises(outbound.Refused):
        outbound.request("GET", "https://localhost/")


def test_a_redirect_is_an_answer_and_not_followed(settings):
    settings.OUTBOUND_ALLOW = LOOPBACK
    with serving(lambda h: plain(h, 302, b"", Location="http://169.254.169.254/")) as url:
        answer = outbound.request("GET", url)
    assert answer.status == 302
    assert answer.headers["location"].startswith("http://169.254")


def test_a_long_answer_is_cut_off(settings):
    settings.OUTBOUND_ALLOW = LOOPBACK
    with (
        serving(lambda h: plain(h, body=b"x" * 2000)) as url,
        pytest.raises(outbound.Unreachable, match="too long"),
    ):
        outbound.request("GET", url, limits=outbound.Limits(answer_bytes=1000))


def test_an_answer_that_drips_is_cut_off(settings):
    settings.OUTBOUND_ALLOW = LOOPBACK

    def drip(handler):
        try:
            for _ in range(100):
                handler.wfile.write(b"H")
                time.sleep(0.1)
        except OSError:
            pass

    began = time.monotonic()
    with serving(drip) as url, pytest.raises(outbound.Unreachable):
        outbound.request("GET", url, limits=outbound.Limits(seconds=0.5))
    assert time.monotonic() - began < 5
