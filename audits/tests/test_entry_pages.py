"""The ledger as pages: entries of every type, and a proof that anybody can verify."""

import base64
import json

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audits.models import Call, Event, Ledger, LedgerHead, ReadEvent
from audits.services import verifications
from audits.services.appending import NewEvent, append_events
from audits.tests import make
from countersign import merkle, notes
from countersign.checkpoints import opened
from countersign.verifying.chain import Options
from countersign.verifying.records import verify

LIST = "/ledger/"


@pytest.fixture
def calls(api) -> list[Call]:
    """An allowed and completed call, and a denied one."""
    ids = [api.open(region=r).json()["call_id"] for r in ("us-east-1", "eu-west-1")]
    api.post(f"calls/{ids[0]}/lease", {})
    api.complete(ids[0])
    return [Call.objects.get(call_id=each) for each in ids]


def text(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def detail(index: int, slug: str = "live") -> str:
    return reverse("audits:entry-detail", args=[slug, index])


def proof(index: int, slug: str = "live") -> str:
    return reverse("audits:entry-proof", args=[slug, index])


def types(answer) -> list[str]:
    return [entry.type.code for entry in answer.context["page"].rows]


def test_entries_of_every_type_newest_first(officer, calls, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        answer = officer.get(LIST)
    assert types(answer) == ["completion", "lease", "denial", "call", "ledger-start"]
    page = text(answer)
    assert "Denied call" in page
    assert str(calls[0].call_id)[:18] in page
    assert [e.index for e in answer.context["page"].rows] == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    "code", ["call", "denial", "completion", "lease", "ledger-start", "lease-loss", "read"]
)
def test_entries_of_one_type(officer, calls, code):
    append_events([NewEvent("read", "audits.call", {})], at=timezone.now())
    found = types(officer.get(LIST, {"type": code}))
    assert found == ([] if code == "lease-loss" else [code])


def test_the_log_of_test_keys_is_another(officer, integration, calls):
    secret = make.key(integration, secret="csk_test_" + "t" * 30, livemode=False)[1]
    make.Api(Client(), secret).open()
    assert types(officer.get(LIST, {"log": "test"})) == ["call", "ledger-start"]
    assert "Test log" in text(officer.get(detail(1, "test")))


def test_pages_go_both_ways_without_counting(officer, calls):
    events = [NewEvent("read", f"s-{n}", {"n": n}) for n in range(60)]
    append_events(events, at=timezone.now())
    seen, cursor = [], ""
    for _ in range(3):
        answer = officer.get(LIST, {"cursor": cursor} if cursor else {})
        page = answer.context["page"]
        seen += [e.index for e in page.rows]
        cursor = page.older
    assert seen == list(range(64, -1, -1))
    assert not cursor
    back = officer.get(LIST, {"cursor": page.newer}).context["page"]
    assert [e.index for e in back.rows] == list(range(39, 14, -1))
    assert back.newer
    assert back.older
    assert officer.get(LIST, {"cursor": "nonsense"}).status_code == 400


def test_a_list_can_begin_at_an_entry(officer, calls):
    assert [e.index for e in officer.get(LIST, {"entry": 2}).context["page"].rows] == [2, 1, 0]
    for wrong in ({"entry": "-1"}, {"type": "Smith"}, {"log": "other"}):
        assert officer.get(LIST, wrong).status_code == 400


def test_an_entry_shows_what_it_says_and_where_it_stands(
    officer, calls, django_assert_max_num_queries
):
    with django_assert_max_num_queries(24):
        answer = officer.get(detail(calls[1].index))
    page = text(answer)
    for words in ("Denied call", "region-not-allowed", "Verify in this browser", "signed"):
        assert words in page
    assert answer.context["proof"].size == LedgerHead.objects.get(pk=1).size
    assert officer.get(detail(10**6)).status_code == 404
    assert officer.get(detail(0, "other")).status_code == 404


def test_the_proof_of_every_entry_verifies_offline(officer, calls):
    for index in range(5):
        content = officer.get(proof(index)).content
        vkey = json.loads(content)["keys"][0]
        options = Options(keys=[notes.Verifier.from_vkey(vkey)])
        report = verify(content, options)
        assert report.ok, report.problems
        assert report.first_index == index


def test_a_proof_of_a_changed_entry_does_not_verify(officer, calls):
    said = json.loads(officer.get(proof(1)).content)
    said["entry"] = said["entry"].replace("us-east-1", "us-west-1")
    assert not verify(json.dumps(said).encode(), Options()).ok


def test_the_tlog_proof_is_one_that_others_read(officer, calls):
    """Source: https://c2sp.org/tlog-proof."""
    answer = officer.get(proof(2), {"kind": "tlog-proof"})
    head, _, note = answer.content.decode().partition("\n\n")
    lines = head.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 2"]
    vkey = json.loads(officer.get(proof(2)).content)["keys"][0]
    checkpoint = opened(note, [notes.Verifier.from_vkey(vkey)])
    entry = json.loads(officer.get(proof(2)).content)["entry"].encode()
    path = [base64.b64decode(step) for step in lines[2:]]
    leaf = merkle.leaf_hash(entry)
    merkle.verify_inclusion(leaf, 2, checkpoint.size, path, checkpoint.root)
    assert answer["Content-Disposition"] == 'attachment; filename="live-2.tlog-proof"'
    assert officer.get(proof(2), {"kind": "exe"}).status_code == 400


def test_a_call_shows_its_entries(officer, calls, django_assert_max_num_queries):
    with django_assert_max_num_queries(22):
        answer = officer.get(reverse("audits:call-detail", args=[calls[0].call_id]))
    assert [e.type.code for e in answer.context["entries"]] == ["call", "lease", "completion"]
    page = text(answer)
    for entry in answer.context["entries"]:
        assert detail(entry.index) in page
        assert entry.line.leaf_hash.hex()[:16] in page


def test_each_look_is_recorded(officer, calls):
    officer.get(LIST, {"type": "call"})
    officer.get(detail(1))
    officer.get(proof(1))
    events = list(ReadEvent.objects.order_by("pk"))
    assert [(e.action, e.subject) for e in events] == [
        ("list", "audits.entry"),
        ("detail", "audits.entry"),
        ("download", "audits.entry"),
    ]
    assert events[0].filters == {"log": "live", "type": "call"}
    assert events[2].subject_id == "live/1"


def test_an_owner_sees_the_entries_of_the_own_calls_alone(integration, calls):
    client = Client()
    client.force_login(integration.owner)
    assert client.get(LIST).status_code == 403
    assert client.get(detail(calls[0].index)).status_code == 200
    assert client.get(proof(calls[0].index)).status_code == 200
    assert client.get(detail(0)).status_code == 403
    client.force_login(make.active_integration().owner)
    assert client.get(detail(calls[0].index)).status_code == 403
    assert client.get(proof(calls[0].index)).status_code == 403


def test_an_empty_ledger_says_so(officer):
    assert "No entries yet" in text(officer.get(LIST))
    assert not Event.objects.exists()


def test_the_banner_says_how_the_ledger_stands(officer, calls, tmp_path, settings):
    settings.DATA_DIR = tmp_path
    address = reverse("audits:ledger-integrity", args=["live"])
    assert address in text(officer.get(LIST))
    assert address in text(officer.get("/calls/"))
    assert "The ledger has not been verified yet." in text(officer.get(address))
    verifications.run(Ledger.objects.get(slug="live"), "full", at=timezone.now())
    page = text(officer.get(address))
    assert "Verified 5 of 5 entries" in page
    assert "up to entry 4" in page
    assert "0 gaps" in page
    assert officer.get(reverse("audits:ledger-integrity", args=["other"])).status_code == 404
