"""LiteLLM's proxy asks: what the portal says and records, and that it keeps nothing else."""

from __future__ import annotations

import json
import logging
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from audits.api import litellm_tokens
from audits.models import Call, Completion
from audits.tests import make
from countersign.tests.make_rules import ALWAYS, ask, document, every, forbid, transform
from policies.services.lifecycle import suspend
from policies.tests import make as policies

PATH = "/api/v1/beta/litellm_basic_guardrail_api"
CANARY = "Zofia Adamczyk"
PROMPT = f"Patient: {CANARY}, zofia.adamczyk@example.org, asks for rest."
ANSWERS = ask("direction", "response")
POLICY = document(
    transform("out", ALWAYS),
    transform("in", every(ANSWERS, ask("kind", "EMAIL"))),
    forbid("leak", every(ANSWERS, ask("kind", "SSN"))),
    defaults={"timeout_ms": 5000},
)
# Tokens that the proxy's own key reads: the portal keeps nothing for them.
SEALED = document(
    transform("out", ALWAYS, action="tokenize", scheme="aes-siv"), defaults={"timeout_ms": 5000}
)
TOKEN_KEY = "5f" * 32
FORBIDS = document(
    forbid("no-mail", ask("kind", "EMAIL")),
    transform("out", ALWAYS),
    defaults={"timeout_ms": 5000},
)


def question(text=PROMPT, **members) -> dict:
    """As LiteLLM 1.106 sends it."""
    return {
        "input_type": "request",
        "litellm_call_id": str(uuid.uuid4()),
        "litellm_trace_id": str(uuid.uuid4()),
        "structured_messages": [{"role": "user", "content": text}],
        "images": None,
        "tools": None,
        "texts": [text],
        "request_data": {"user_api_key_user_id": "u-1042", "user_api_key_alias": None},
        "request_headers": {"user-agent": "OpenAI/Python", "authorization": "[present]"},
        "litellm_version": "1.106.2",
        "additional_provider_specific_params": {},
        "tool_calls": None,
        "model": "gpt-4.1",
        **members,
    }


@pytest.fixture
def integration(db):
    made = make.active_integration()
    policies.ruled(made, document=POLICY)
    return made


@pytest.fixture
def proxy(integration):
    return make.Api(Client(), make.key(integration)[1])


def asked(proxy, body, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return proxy.client.post(
        PATH, raw, content_type="application/json", headers=headers or proxy.headers()
    )


def said(proxy, body, **headers):
    answered = asked(proxy, body, **headers)
    assert answered.status_code == 200, answered.content
    return answered.json()


def test_a_prompt_goes_on_masked_and_is_recorded(proxy, integration):
    body = question()
    answer = said(proxy, body)
    assert answer["action"] == "GUARDRAIL_INTERVENED"
    (text,) = answer["texts"]
    assert CANARY not in text
    assert "example.org" not in text
    assert text.endswith("asks for rest.")
    assert answer["structured_messages"] == [{"role": "user", "content": text}]
    call = Call.objects.get()
    assert str(call.call_id) == body["litellm_call_id"]
    assert (call.decision, call.model, call.client) == ("allow", "gpt-4.1", "litellm/1.106.2")
    assert call.masked["out"] >= 2


def test_what_holds_nothing_goes_on_as_it_is(proxy):
    assert said(proxy, question("Does a fever of two days need rest?")) == {"action": "NONE"}
    assert Call.objects.count() == 1


def test_a_denial_of_the_gate_blocks_with_its_reason(proxy, integration):
    suspend(integration, by=policies.person("officer"), at=timezone.now(), reason="Its key leaked.")
    answer = said(proxy, question())
    assert answer["action"] == "BLOCKED"
    assert "integration-not-active" in answer["blocked_reason"]
    assert Call.objects.get().decision == "deny"


def test_a_rule_that_forbids_blocks_and_the_record_is_completed(db):
    made = make.active_integration()
    policies.ruled(made, document=FORBIDS)
    proxy = make.Api(Client(), make.key(made)[1])
    answer = said(proxy, question())
    assert answer["action"] == "BLOCKED"
    assert "no-mail" in answer["blocked_reason"]
    assert CANARY not in answer["blocked_reason"]
    assert Completion.objects.get().outcome == "blocked"


def test_an_answer_is_looked_through_and_the_call_completed_once(proxy):
    body = question()
    said(proxy, body)
    mail = "Write to ann.poe@example.org about it."
    answer = {"input_type": "response", "structured_messages": None}
    masked = said(proxy, body | answer | {"texts": [mail]})
    assert masked["action"] == "GUARDRAIL_INTERVENED"
    assert "ann.poe" not in masked["texts"][0]
    clean = said(proxy, body | answer | {"texts": ["Rest."]})  # a stream is asked about again
    assert clean == {"action": "NONE"}
    leak = said(proxy, body | answer | {"texts": ["Her SSN is 536-22-8145."]})
    assert leak["action"] == "BLOCKED"
    assert Completion.objects.get().outcome == "succeeded"


def test_what_litellm_cannot_rewrite_is_blocked(proxy):
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "mail", "arguments": json.dumps({"to": "ann.poe@example.org"})},
    }
    answer = said(proxy, question("Hello", tool_calls=[call]))
    assert answer["action"] == "BLOCKED"
    assert "tool call" in answer["blocked_reason"]


def test_it_is_asked_with_the_key_as_litellm_sends_one(proxy):
    assert said(proxy, question(), **{"x-api-key": proxy.secret})["action"] != "NONE"
    assert asked(proxy, question(), accept="*/*").status_code == 401
    assert asked(proxy, question(), authorization="Bearer csk_live_nobody").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not JSON", 400),
        (b'{"input_type": "other"}', 400),
        (b'{"texts": ["x"]}', 400),
        (b'{"input_type": "request", "texts": "x"}', 400),
        (b"[" * 100_000, 400),
        (b'{"input_type": "request", "texts": ["' + b"x" * 9_000_000 + b'"]}', 413),
    ],
)
def test_bad_bodies_are_refused_and_nothing_is_recorded(proxy, body, status):
    answer = asked(proxy, body)
    assert answer.status_code == status
    assert ("8 MiB" in answer.text) is (status == 413)
    assert Call.objects.count() == 0


def test_a_member_that_a_later_release_adds_is_passed_over(proxy):
    assert said(proxy, question("Hello", next_year={"a": 1})) == {"action": "NONE"}


def test_no_log_and_no_row_holds_the_body(proxy, caplog):
    caplog.set_level(logging.DEBUG)
    body = question()
    said(proxy, body)
    said(proxy, body | {"input_type": "response", "texts": [PROMPT]})
    asked(proxy, body | {"input_type": PROMPT})
    assert CANARY not in caplog.text
    assert "zofia" not in caplog.text.lower()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'history')"
        )
        for schema, table in cursor.fetchall():
            query = f'SELECT 1 FROM "{schema}"."{table}" t WHERE t::text ILIKE %s'  # noqa: S608
            cursor.execute(query, ["%zofia%"])
            assert cursor.fetchone() is None, table


@pytest.fixture
def sealing(db):
    made = make.active_integration()
    policies.ruled(made, document=SEALED)
    return make.Api(Client(), make.key(made)[1])


def keyed(proxy, body, key=TOKEN_KEY):
    return asked(proxy, body, **proxy.headers(), **{litellm_tokens.HEADER: key})


def test_values_come_back_by_the_key_that_the_proxy_brings(sealing):
    sent = keyed(sealing, question()).json()["texts"][0]
    assert CANARY not in sent
    assert "example.org" not in sent
    assert sent.count(":siv:") >= 2
    back = keyed(sealing, question(sent, input_type="response")).json()
    assert back["action"] == "GUARDRAIL_INTERVENED"
    assert back["texts"] == [PROMPT]
    again = keyed(sealing, question()).json()["texts"][0]
    assert again == sent  # derived from the value: the same in each call of this proxy


def test_without_the_key_nothing_is_sealed_or_read(sealing):
    sent = keyed(sealing, question()).json()["texts"][0]
    assert asked(sealing, question()).json()["action"] == "BLOCKED"
    assert asked(sealing, question(sent, input_type="response")).json() == {"action": "NONE"}
    other = keyed(sealing, question(sent, input_type="response"), "6a" * 32).json()
    assert (other["action"], other["texts"]) == ("NONE", [sent])


@pytest.mark.parametrize("key", ["short", "zz" * 32, TOKEN_KEY + "00"])
def test_what_is_no_key_is_refused_without_quoting_it(sealing, key):
    answer = keyed(sealing, question(), key)
    assert answer.status_code in {400, 422}
    assert key not in answer.content.decode()


def test_a_token_of_nobody_stays_and_a_changed_one_too(sealing):
    sent = keyed(sealing, question()).json()["texts"][0]
    start = sent.index(":siv:") + 5
    other = "a" if sent[start] != "a" else "b"
    changed = sent[:start] + other + sent[start + 1 :] + " [[WHAT:siv:aaaaaaaaaaaaaaaaaaaa]]"
    back = keyed(sealing, question(changed, input_type="response")).json()["texts"][0]
    assert "[[NAME:siv:" in back
    assert "[[WHAT:siv:aaaaaaaaaaaaaaaaaaaa]]" in back
    assert CANARY not in back
    assert "zofia.adamczyk@example.org" in back


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("done", 0),
        ("done [", 1),
        ("a [[", 2),
        ("a [[NAME:siv:abc", 14),
        ("a [[NAME:siv:abc]", 15),
        ("a [[NAME:siv:abc]]", 0),
        ("a [b", 0),
        ("[[" + "a" * 5000, 0),
    ],
)
def test_a_stream_holds_back_what_may_begin_a_token(text, held):
    assert litellm_tokens.held_back([text, ""]) == [held, 0]


def test_neither_key_nor_value_reaches_a_row_or_a_log(sealing, caplog):
    caplog.set_level(logging.DEBUG)
    sent = keyed(sealing, question()).json()["texts"][0]
    keyed(sealing, question(sent, input_type="response"))
    assert TOKEN_KEY not in caplog.text
    assert CANARY not in caplog.text
    row = str(Call.objects.values().get()) + str(Completion.objects.values().first())
    assert TOKEN_KEY not in row
    assert CANARY not in row
