"""A pack has the campaigns and their lines, and their hashes can be made again from it."""

from __future__ import annotations

import hashlib
import json
import zipfile

import pytest

from countersign.canonical import digest
from evidence.models import EvidencePack
from evidence.models.packs import pack_storage
from evidence.services import packs_report
from evidence.tests import make_packs
from policies.tests import make
from portal.services.reviewing import Choice, Plan, close_review, decide, start_review, verify

pytestmark = pytest.mark.usefixtures("committed")
NOON = make.NOON


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """What a pack holds by path, of a campaign in which a permission was revoked."""
    monkeypatch.setitem(pack_storage().__dict__, "location", str(tmp_path))
    monkeypatch.setattr(
        packs_report, "render_pdf", lambda _html, _id, target, _alive: target.write(b"%PDF-")
    )
    officer, second = make.person("officer"), make.person("administrator")
    person = make.person("viewer", "outside@example.com")
    make.assign_perm("policies.view_output", person, make.active_integration())
    review = start_review(Plan("Q4", NOON.date(), officer, second), by=officer, at=NOON)
    for entry in review.entries.all():
        if entry.kind == "object":
            decide(entry, Choice("revoke", "Not needed."), by=officer, at=NOON)
            verify(entry, at=NOON)
        else:
            by = second if entry.user_id == officer.pk else officer
            decide(entry, Choice("keep", "Needed."), by=by, at=NOON)
    review = close_review(review, by=officer, at=NOON)
    made = make_packs.built()
    assert made.state == EvidencePack.State.READY, made.failure
    with zipfile.ZipFile(made.file.path) as archive:
        held = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    return review, held


def rows(held: dict[str, bytes], name: str) -> list[dict]:
    return [json.loads(line) for line in held[f"data/populations/{name}.jsonl"].splitlines()]


def test_campaigns_and_lines_are_in_a_pack_with_their_hashes(pack):
    review, held = pack
    manifest = held["manifest-sha256.txt"].decode()
    for name in ("access_reviews", "access_review_lines"):
        path = f"data/populations/{name}.jsonl"
        assert f"{hashlib.sha256(held[path]).hexdigest()}  {path}" in manifest
    (told,) = rows(held, "access_reviews")
    assert told["population_digest"] == review.population_digest
    assert told["closed_digest"] == review.closed_digest != ""
    query = hashlib.sha256(told["population_query"].encode()).hexdigest()
    assert told["population_query_sha256"] == query == review.population_query_sha256
    lines = rows(held, "access_review_lines")
    assert len(lines) == told["population_count"] == review.entries.count()
    (revoked,) = [line for line in lines if line["kind"] == "object"]
    assert [each["decision"] for each in revoked["decisions"]] == ["revoke"]
    assert [each["kind"] for each in revoked["proofs"]] == ["executed", "gone"]
    assert revoked["proofs"][1]["looks"][0]["found"] == 0
    assert (
        digest([entry.frozen() for entry in review.entries.order_by("number")])
        == told["population_digest"]
    )
