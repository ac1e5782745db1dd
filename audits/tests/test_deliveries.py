"""Checkpoints leave the house: each minute to files, each day by mail and webhook."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import ipaddress
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core import mail

from audits.models import CheckpointDelivery
from audits.services import checkpoints, delivery, integrity, kept
from audits.tests.make_ledger import NOON, Ledger
from countersign import checkpoints as signed
from policies.tests.make import person

DAY = dt.timedelta(days=1)


@pytest.fixture
def ledger(db, tmp_path, settings):
    settings.DATA_DIR = tmp_path
    settings.OUTBOUND_ALLOW = [ipaddress.ip_network("127.0.0.0/8")]
    return Ledger().grow(3, 4)


@contextmanager
def receiver(status: int = 204):
    """A webhook on loopback that keeps what it gets."""
    got: list[tuple[dict, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        server.server_close()


def results() -> list[tuple[str, str, bool]]:
    rows = CheckpointDelivery.objects.order_by("id")
    return [(row.channel, row.recipient, row.ok) for row in rows]


def test_the_newest_is_kept_in_a_file_once(ledger):
    assert delivery.keep_newest(at=NOON) == 1
    assert delivery.keep_newest(at=NOON) == 0
    assert kept.latest_note("live") == ledger.notes[7]
    ledger.grow(1)
    assert delivery.keep_newest(at=NOON) == 1
    assert [note for _, note in kept.notes_of("live")] == [
        ledger.notes[7],
        ledger.notes[8],
        ledger.notes[8],
    ]


def test_by_default_nothing_leaves_but_files(ledger):
    person("officer")
    assert delivery.deliver(at=NOON) == []
    assert mail.outbox == []


def test_officers_and_addresses_get_one_mail_a_day(ledger, settings):
    officer = person("officer")
    settings.CHECKPOINT_MAIL = ["officers", "auditor@example.com"]
    delivery.deliver(at=NOON)
    delivery.deliver(at=NOON + dt.timedelta(hours=2))
    assert [message.to for message in mail.outbox] == [[officer.email], ["auditor@example.com"]]
    ((name, content, _),) = mail.outbox[1].attachments
    assert name == "checkpoint-live-7.txt"
    opened = signed.opened(content, checkpoints.verifiers(1))
    assert opened.size == 7
    assert "verify_ledger --ledger live --checkpoint FILE" in mail.outbox[1].body
    delivery.deliver(at=NOON + DAY)
    assert len(mail.outbox) == 4


def test_a_webhook_gets_a_signed_event(ledger, settings):
    secret = b"a secret of some bytes"
    settings.CHECKPOINT_WEBHOOK_SECRET = "whsec_" + base64.b64encode(secret).decode()
    with receiver() as (url, got):
        settings.CHECKPOINT_WEBHOOK = url
        delivery.deliver(at=NOON)
    ((headers, body),) = got
    signed_content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(secret, signed_content, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    event = json.loads(body)
    assert event["type"] == "countersign.checkpoint"
    assert event["data"]["checkpoint"] == ledger.notes[7]
    assert results() == [("webhook", "127.0.0.1", True)]


def test_without_a_secret_there_is_no_signature():
    assert "webhook-signature" not in delivery.webhook_headers("", "id", NOON, b"{}")
    with pytest.raises(ValueError, match="not base64"):
        delivery.webhook_headers("whsec_?", "id", NOON, b"{}")


def test_a_failure_is_kept_holds_up_no_other_and_is_tried_again(ledger, settings):
    settings.CHECKPOINT_MAIL = ["auditor@example.com"]
    with receiver(500) as (url, got):
        settings.CHECKPOINT_WEBHOOK = url
        delivery.deliver(at=NOON)
        delivery.deliver(at=NOON + dt.timedelta(hours=2))
    assert len(got) == 2
    assert results() == [
        ("mail", "auditor@example.com", True),
        ("webhook", "127.0.0.1", False),
        ("webhook", "127.0.0.1", False),
    ]
    assert CheckpointDelivery.objects.first().error == "it answered 500"


def test_a_private_address_is_not_asked(ledger, settings):
    settings.OUTBOUND_ALLOW = []
    settings.CHECKPOINT_WEBHOOK = "https://127.0.0.1:9/hook"
    (row,) = delivery.deliver(at=NOON)
    assert not row.ok
    assert row.error.startswith("the address is private")


def test_a_day_without_delivery_is_told(ledger, settings):
    with receiver() as (url, _):
        settings.CHECKPOINT_WEBHOOK = url
        delivery.deliver(at=NOON)
    delivery.deliver(at=NOON + DAY)
    assert list(integrity.undelivered(NOON + DAY)) == []
    late = NOON + DAY + dt.timedelta(hours=3)
    assert [each[1:] for each in integrity.undelivered(late)] == [("webhook", "127.0.0.1")]
