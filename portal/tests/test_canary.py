"""A prompt posted by mistake is found nowhere afterwards: no row, no log, no answer."""

from __future__ import annotations

import json
import logging
import uuid

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from audits.models import Batch, Event, Pending
from audits.services import checkpoints
from audits.services.sealing import seal_pending
from policies.services.keys import revoke_key
from policies.services.lifecycle import suspend
from policies.tests import make
from vendors.tests.make import fact

# Words of three kinds, so that no cutting or lower-casing hides all of them.
# The number is longer than any run of digits that a digest shows by chance.
CANARY = "Zebediah Quux, HIV positive, MRN 867530994421703358"
WORDS = ("zebediah", "quux", "867530994421703358")


def call(**fields) -> dict:
    return {
        "call_id": str(uuid.uuid4()),
        "provider": "openai",
        "operation": "chat",
        "model": "gpt-4.1",
        "region": "us-east-1",
        "phi_present": True,
        "actor": {"type": "user", "id": "u-1"},
        **fields,
    }


def completion(**fields) -> dict:
    return {"event_id": str(uuid.uuid4()), "outcome": "succeeded", **fields}


def seed(**fields) -> dict:
    return {
        "event_id": str(uuid.uuid4()),
        "timestamp_utc": timezone.now().timestamp(),
        "user_id": "u-1",
        "session_id": "s-1",
        "api_provider": "openai",
        "model": "gpt-4.1",
        "input_token_count": 0,
        "output_token_count": 0,
        "phi_present": True,
        "phi_hash": "ab" * 32,
        "response_status": 0,
        "latency_ms": 0.0,
        "data_residency_region": "us-east-1",
        "baa_reference_id": "BAA-1",
        **fields,
    }


OPTIONAL = {
    "call": [
        "integration", "operation_id", "attempt", "endpoint_host", "stream", "features",
        "data_classes", "session_id", "purpose", "input_digest", "sent_digest", "input_bytes",
        "masked", "bundle", "mode", "enforcement", "started_at", "client", "prompt",
    ],
    "completion": [
        "http_status", "error", "finish_reason", "usage", "usage_source", "ttfb_ms", "latency_ms",
        "provider_request_id", "response_model", "output_digest", "ended_at", "output",
    ],
    "seed": ["prompt"],
    "lease": ["note"],
}  # fmt: skip
SHAPES = (CANARY, [CANARY], {CANARY: 1}, {"id": CANARY, "type": CANARY})


@pytest.fixture
def api(db, client, caplog):
    """Posts JSON with a live key; gives the answers' texts."""
    caplog.set_level(logging.DEBUG)
    integration = make.active_integration()
    _key, secret = make.key(integration, at=timezone.now())

    def post(path: str, body: object, **headers: str) -> str:
        text = body if isinstance(body, str) else json.dumps(body)
        answer = client.post(
            f"/api/v1/{path}",
            text,
            content_type="application/json",
            headers={"authorization": f"Bearer {secret}", **headers},
        )
        assert answer.status_code < 500
        return answer.text + str(dict(answer.headers))

    return post


def rows_with_a_word() -> list[str]:
    """Tables in which any column of any row holds a word of the canary."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            name = connection.ops.quote_name(table)
            cursor.execute(
                f"SELECT count(*) FROM {name} AS t WHERE lower(t::text) ~ %s",  # noqa: S608
                ["|".join(WORDS)],
            )
            if cursor.fetchone()[0]:
                found.append(table)
    return found


def entries_with_a_word() -> list[str]:
    """Entries of the ledgers, notes for them and checkpoints that hold a word of the canary."""
    seal_pending(at=timezone.now())
    batches = Batch.objects.order_by("first_index")
    found = [line.decode() for b in batches for line in bytes(b.entries).split(b"\n")]
    assert found
    found += [checkpoints.note(batch) for batch in batches]
    found += [str(event.payload) for event in Event.objects.all()]
    return [text for text in found if any(word in text.lower() for word in WORDS)]


def assert_gone(answers: str, caplog) -> None:
    assert entries_with_a_word() == []
    seen = (answers + caplog.text).lower()
    assert [word for word in WORDS if word in seen] == []
    assert rows_with_a_word() == []


def test_the_search_for_the_canary_finds_it_where_it_is(db):
    make.person(email="quux@example.com")
    assert sorted(rows_with_a_word()) == ["auditlog_logentry", "portal_user"]


def test_what_is_written_about_people_and_vendors_gets_into_no_entry(db):
    """Names, notes and reasons stay in their rows; the ledger has their digests."""
    officer = make.person("officer", email="quux@example.com")
    integration = make.active_integration(name="Zebediah Quux", description=CANARY)
    suspend(integration, reason=CANARY, by=officer, at=timezone.now())
    key, _secret = make.key(integration, name=WORDS[-1])
    revoke_key(key, by=officer, at=timezone.now())
    make.grant(integration, make.person(), by=officer, at=timezone.now(), purpose=CANARY)
    vendor = integration.service.vendor
    vendor.name = vendor.legal_name = "Zebediah Quux"
    vendor.save()
    fact(integration.service, dimension="training", value="no", detail=CANARY)
    assert rows_with_a_word()
    assert entries_with_a_word() == []
    assert not Pending.objects.exists()


@pytest.mark.parametrize("kind", ["call", "completion", "seed", "lease"])
def test_no_field_of_any_body_lets_a_prompt_in(api, caplog, kind):
    body = {"call": call, "completion": completion, "seed": seed, "lease": dict}[kind]
    path = {
        "call": "calls",
        "completion": f"calls/{uuid.uuid4()}/completion",
        "seed": "records",
        "lease": f"calls/{uuid.uuid4()}/lease",
    }[kind]
    answers = ""
    for name in [*body(), *OPTIONAL[kind]]:
        for shape in SHAPES:
            answers += api(path, {**body(), name: shape})
    assert_gone(answers, caplog)


def test_no_body_that_is_none_is_repeated(api, caplog):
    answers = ""
    for body in (CANARY, f'"{CANARY}"', f'["{CANARY}"]', f'{{"call_id": "{CANARY}', "{" + CANARY):
        answers += api("calls", body)
    assert_gone(answers, caplog)


@pytest.mark.parametrize(
    "header",
    [
        "x-correlation-id",
        "x-request-id",
        "x-forwarded-for",
        "x-forwarded-port",
        "idempotency-key",
        "user-agent",
        "referer",
        "traceparent",
    ],
)
def test_no_header_is_kept(api, caplog, header):
    assert_gone(api("calls", call(), **{header: CANARY}), caplog)


def test_no_header_of_a_page_gets_into_the_history(db, client, caplog):
    client.force_login(make.person("administrator"))
    person = make.person("viewer")
    answer = client.post(
        reverse("portal:user-edit", args=[person.pk]),
        {"full_name": "Victor", "roles": ["Viewer"], "is_active": "on"},
        headers={"x-correlation-id": CANARY, "x-forwarded-for": CANARY, "user-agent": CANARY},
    )
    assert answer.status_code == 302
    assert_gone(answer.text, caplog)


def test_what_is_searched_for_is_kept_nowhere(db, client, caplog):
    client.force_login(make.person("officer"))
    assert client.post(reverse("portal:search"), {"q": CANARY}).status_code == 200
    assert [word for word in WORDS if word in caplog.text.lower()] == []
    assert rows_with_a_word() == []
