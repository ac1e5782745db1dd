"""The ledger in the forms that others' tools read, and who may read it."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from django.test import Client

from audits.models import Cosignature, ReadEvent
from audits.services import checkpoints as stored
from audits.tests import make
from audits.tests.make_ledger import ORIGIN, Ledger
from countersign import checkpoints, merkle, notes, tiles
from countersign.cosignatures import Cosigner
from policies.tests.make import person

COSIGNER = Cosigner("witness.example/w1", bytes(range(32)))


@pytest.fixture
def ledger(db):
    return Ledger().grow(3, 297, 1)


@pytest.fixture
def auditor(db):
    return signed_in("auditor")


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(person(role))
    return client


def opened(note: bytes | str) -> checkpoints.Checkpoint:
    return checkpoints.opened(note, stored.verifiers(1))


@pytest.mark.parametrize("place", ["/log/", "/api/v1/log/"])
def test_the_newest_checkpoint_is_a_note_that_is_asked_for_anew(ledger, auditor, place):
    answer = auditor.get(f"{place}checkpoint", headers={"Accept": "text/plain"})
    assert opened(answer.content) == (ORIGIN, 301, ledger.walk.root(), ())
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Cache-Control"] == "no-cache"


def test_a_reader_of_tiles_proves_every_entry(ledger, auditor):
    """As a monitor does it: with the checkpoint and tiles alone."""
    size, root = opened(auditor.get("/log/checkpoint").content)[1:3]

    def fetch(tile):
        answer = auditor.get(f"/log/{tile.path()}")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
        return answer.content

    reader = tiles.Reader(size, fetch)
    assert merkle.root_at(size, reader) == root
    bundle = b"".join(
        auditor.get(f"/log/tile/entries/{place}").content for place in ("000", "001.p/45")
    )
    index = 0
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        entry, bundle = bundle[2 : 2 + length], bundle[2 + length :]
        proof = merkle.inclusion_proof(index, size, reader)
        merkle.verify_inclusion(merkle.leaf_hash(entry), index, size, proof, root)
        index += 1
    assert index == 301


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/001",
        "tile/0/001.p/46",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/0",
        "tile/0/x000/000",
        "tile/1/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/x",
        "tile/entries/001",
        "tile/entries/x",
        "proof/301",
        "proof/-1",
        "proof/0198d5c2-6a70-7c3e-9a41-5d2f8b6c1e07",
        "proof/0?size=302",
        "consistency?from=3&to=302",
        "consistency?from=4&to=3",
        "checkpoint/cosigned",
        "nothing",
    ],
)
def test_what_the_tree_has_not_is_not_found(ledger, auditor, path):
    answer = auditor.get(f"/log/{path}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    ["proof/0?size=0", "proof/0?size=x", "proof/0?other=1", "consistency", "consistency?from=1"],
)
def test_a_query_of_another_form_is_refused(ledger, auditor, path):
    assert auditor.get(f"/log/{path}").status_code == 400


def test_a_proof_leads_to_the_checkpoint_beside_it(ledger, auditor):
    answer = auditor.get("/log/proof/2").json()
    checkpoint = opened(answer["checkpoint"])
    merkle.verify_inclusion(
        bytes.fromhex(answer["leaf_hash"]),
        answer["index"],
        checkpoint.size,
        [bytes.fromhex(step) for step in answer["proof"]],
        checkpoint.root,
    )
    earlier = auditor.get("/log/proof/2?size=300").json()
    assert opened(earlier["checkpoint"]).size == 300
    assert auditor.get("/log/proof/2?size=200").json()["checkpoint"] is None


def test_a_call_is_proven_by_its_id(api, auditor):
    answered = api.open().json()
    proof = auditor.get(f"/log/proof/{answered['call_id']}").json()
    assert proof["index"] == answered["receipt"]["record"]
    assert proof["leaf_hash"] == answered["receipt"]["leaf_hash"]
    assert auditor.get(f"/log/test/proof/{answered['call_id']}").status_code == 404


def test_a_later_tree_is_proven_to_hold_an_earlier_one(ledger, auditor):
    answer = auditor.get("/log/consistency?from=3&to=301").json()
    roots = [opened(ledger.notes[size]).root for size in (3, 301)]
    proof = [bytes.fromhex(step) for step in answer["proof"]]
    merkle.verify_consistency(3, 301, proof, *roots)


def test_the_keys_are_those_that_signed(ledger, auditor, settings):
    settings.LEDGER_WITNESSES = [COSIGNER.witness.vkey]
    answer = auditor.get("/log/keys").json()
    assert answer["origin"] == ORIGIN
    (key,) = answer["keys"]
    verifier = notes.Verifier.from_vkey(key["vkey"])
    assert checkpoints.opened(ledger.notes[301], [verifier]).size == 301
    assert answer["witnesses"] == [COSIGNER.witness.vkey]


def test_the_log_of_test_keys_is_another_one(ledger, auditor):
    assert auditor.get("/log/test/checkpoint").status_code == 404
    other = Ledger(2, origin="portal.example/test").grow(2)
    note = auditor.get("/log/test/checkpoint").content.decode()
    assert note == other.notes[2]


def test_reading_entries_is_a_read_event_and_kept_by_nobody(ledger, auditor):
    answer = auditor.get("/log/tile/entries/001.p/45")
    assert answer["Cache-Control"] == "private, no-store"
    read = ReadEvent.objects.get()
    assert (read.subject, read.subject_id, read.row_count) == ("audits.entry", "live/256", 45)


@pytest.mark.parametrize(
    ("role", "hashes", "entries"),
    [
        ("officer", 200, 200),
        ("auditor", 200, 200),
        ("administrator", 200, 403),
        ("engineer", 403, 403),
        ("viewer", 403, 403),
    ],
)
def test_a_role_reads_what_it_may(ledger, role, hashes, entries):
    client = signed_in(role)
    for path in ("checkpoint", "tile/0/000", "proof/0", "keys"):
        assert client.get(f"/log/{path}").status_code == hashes
    assert client.get("/log/tile/entries/000").status_code == entries


def test_strangers_read_nothing_unless_the_ledger_is_public(ledger, settings):
    paths = ("checkpoint", "tile/0/000", "proof/0", "consistency?from=3&to=301", "keys")
    client = Client()
    assert {client.get(f"/log/{path}").status_code for path in paths} == {401}
    settings.LEDGER_PUBLIC = True
    assert {client.get(f"/log/{path}").status_code for path in paths} == {200}
    assert client.get("/log/tile/0/000")["Cache-Control"].startswith("public")
    assert client.get("/log/tile/entries/000").status_code == 401


def test_a_key_reads_hashes_of_its_own_ledger_alone(ledger, integration):
    Ledger(2, origin="portal.example/test").grow(2)

    def statuses(secret: str) -> list[int]:
        bearer = {"authorization": f"Bearer {secret}"}
        paths = ("checkpoint", "test/checkpoint", "tile/entries/000", "proof/0")
        return [Client().get(f"/log/{path}", headers=bearer).status_code for path in paths]

    live, test = ({"scopes": ["log:read"], "livemode": mode} for mode in (True, False))
    assert statuses(make.key(integration, **live)[1]) == [200, 403, 403, 200]
    assert statuses(make.key(integration, **test)[1]) == [403, 200, 403, 403]
    none = make.key(integration, scopes=["calls:read"])[1]
    assert statuses(none) == [403, 403, 403, 403]


def cosigned(note: str, by: Cosigner = COSIGNER, at: int | None = None) -> str:
    text = notes.parsed(note).text
    return note + by.line(text, int(time.time()) if at is None else at)


def give(client: Client, note: str | bytes):
    return client.post("/log/cosignatures", note, content_type="text/plain; charset=utf-8")


def test_a_witness_cosigns_and_is_served(ledger, auditor, settings):
    settings.LEDGER_WITNESSES = [COSIGNER.witness.vkey]
    note = cosigned(ledger.notes[300], at=1_795_000_000)
    answer = give(auditor, note)
    assert (answer.status_code, answer.json()) == (201, {"stored": 1})
    assert give(auditor, note).status_code == 200
    row = Cosignature.objects.get()
    assert (row.size, row.witness) == (300, "witness.example/w1")
    assert row.signed_at == dt.datetime.fromtimestamp(1_795_000_000, dt.UTC)
    assert auditor.get("/log/checkpoint/cosigned").content.decode() == note
    assert auditor.get("/log/checkpoint").content.decode() == ledger.notes[301]
    assert give(auditor, cosigned(ledger.notes[301])).status_code == 201
    newest = auditor.get("/log/checkpoint").content.decode()
    assert opened(newest).size == 301
    assert COSIGNER.witness.name in newest


@pytest.mark.parametrize(
    "note",
    [
        lambda made: "nothing of a note",
        lambda made: made.notes[301],
        lambda made: cosigned(made.notes[301], Cosigner("witness.example/w1", bytes(32))),
        lambda made: cosigned(made.signer.sign(f"{ORIGIN}\n301\n{'A' * 43}=\n")),
        lambda made: cosigned(made.signer.sign(f"{ORIGIN}\n999\n{'A' * 43}=\n")),
        lambda made: cosigned(made.signer.sign(f"another.example\n301\n{'A' * 43}=\n")),
        lambda made: cosigned(made.notes[301])[:-9] + "AAAAAAAA\n",
        lambda made: b"\xff\xfe",
    ],
    ids=["text", "none", "unknown", "another root", "longer", "another log", "spoilt", "bytes"],
)
def test_what_no_known_witness_signed_of_this_ledger_is_refused(ledger, auditor, settings, note):
    settings.LEDGER_WITNESSES = [COSIGNER.witness.vkey]
    assert give(auditor, note(ledger)).status_code == 422
    assert not Cosignature.objects.exists()


def test_a_body_that_is_too_large_is_refused(ledger, auditor):
    assert give(auditor, "x" * 70_000).status_code == 413


def test_the_description_names_each_address_once(auditor):
    paths = auditor.get("/api/v1/schema?format=json").json()["paths"]
    described = sorted(path for path in paths if "/log/" in path)
    assert described == [
        f"/api/v1/log/{each}"
        for each in (
            "checkpoint",
            "checkpoint/cosigned",
            "consistency",
            "cosignatures",
            "keys",
            "proof/{entry}",
            "tile/entries/{place}",
            "tile/{place}",
        )
    ]
