"""A real witness on loopback cosigns a ledger that grows, and refuses to see two of it."""

from __future__ import annotations

import ipaddress
import subprocess
import sys

import pytest
from django.conf import settings as site
from django.db import transaction

from audits.models import CheckpointDelivery, Cosignature
from audits.models import Ledger as LedgerRow
from audits.services import witnesses
from audits.tests.make_ledger import NOON, ORIGIN, Ledger, signer
from countersign import checkpoints, cosignatures

pytestmark = pytest.mark.django_db


def countersign(*arguments: str, **more) -> subprocess.Popen:
    command = [sys.executable, "-m", "countersign", *arguments]
    return subprocess.Popen(command, cwd=site.BASE_DIR, text=True, stderr=subprocess.PIPE, **more)


@pytest.fixture
def witness(tmp_path, settings):
    """A process of its own with its own memory; the settings name its key and address."""
    key = tmp_path / "key"
    made = countersign(
        "keygen", "--name", "witness.example/w1", "--out", str(key), stdout=subprocess.PIPE
    )
    vkey = made.communicate(timeout=60)[0].split()[-1]
    process = countersign(
        "witness",
        *("--state", str(tmp_path / "state")),
        *("--key", str(key)),
        *("--log", signer().vkey),
        *("--listen", "127.0.0.1:0"),
    )
    try:
        line = process.stderr.readline()
        port = line.strip().rpartition(":")[2]
        assert port.isdecimal(), line
        settings.OUTBOUND_ALLOW = [ipaddress.ip_network("127.0.0.0/8")]
        settings.LEDGER_WITNESSES = [f"{vkey} http://127.0.0.1:{port}"]
        yield cosignatures.Witness.from_vkey(vkey)
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stderr.close()


def ask() -> list[CheckpointDelivery]:
    return witnesses.ask_all(LedgerRow.objects.get(pk=1), at=NOON)


def cosigned_sizes() -> list[int]:
    return list(Cosignature.objects.order_by("size").values_list("size", flat=True))


def test_it_cosigns_growth_and_no_other_history(witness):
    with transaction.atomic():
        made = Ledger().grow(3, 300)
        assert [(row.ok, row.recipient) for row in ask()] == [(True, "witness.example/w1")]
        made.grow(40)
        assert [row.ok for row in ask()] == [True]
        assert cosigned_sizes() == [303, 343]
        # What it has cosigned it is not asked again.
        assert ask() == []
        note = witnesses.newest_cosigned(1)
        assert checkpoints.opened(note, [signer(ORIGIN).verifier]).size == 343
        assert cosignatures.opened(note, [witness])[0].name == "witness.example/w1"
        transaction.set_rollback(True)
    # A second database with another tree, signed by the same key, of another length each time.
    for size, word in ((343, "other"), (400, "other"), (100, "")):
        with transaction.atomic():
            Ledger().grow(size, word=word)
            (row,) = ask()
            assert not row.ok
            assert row.error in ("it answered 422", "it answered 409", "it saw a longer ledger")
            assert cosigned_sizes() == []
            transaction.set_rollback(True)


def test_it_is_asked_from_what_it_saw_even_if_we_lost_its_cosignatures(witness):
    with transaction.atomic():
        Ledger().grow(20)
        assert [row.ok for row in ask()] == [True]
        transaction.set_rollback(True)
    made = Ledger().grow(20)
    made.grow(5)
    assert [row.ok for row in ask()] == [True]
    assert cosigned_sizes() == [25]


def test_one_that_does_not_answer_is_kept_as_a_failure(settings, witness):
    Ledger().grow(3)
    settings.LEDGER_WITNESSES = [f"{witness.vkey} http://127.0.0.1:9"]
    (row,) = ask()
    assert (row.ok, row.channel) == (False, "witness")
    assert row.error.startswith("no answer came")
