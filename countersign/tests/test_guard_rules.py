"""The bundle's rules applied on the way: masked before it is recorded, refused or put back."""

from __future__ import annotations

import json

import anthropic
import httpx2
import openai
import pytest

from countersign import guard
from countersign.tests.client_world import world
from countersign.tests.make_rules import ask, document, every, forbid, starter, transform
from countersign.tests.portal_double import _part as part

MAIL = "maria.sandoval@mail.test"
SSN = "219-09-9999"
TEXT = f"Write to {MAIL}, SSN {SSN}, about the visit."


def asking(text: str, **members) -> dict:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **members}


def client_of(here, **options) -> openai.OpenAI:
    options = {"max_retries": 0, "api_key": "k", **options}
    return here.own(
        guard(here.portal, openai.OpenAI(base_url=f"{here.provider.url}/v1", **options))
    )


@pytest.fixture
def here(tmp_path):
    with world(tmp_path, policy=True, echo=True) as made:
        yield made


def rules(*made, **members) -> dict:
    return part(document(*made, **members))


def test_identifiers_leave_as_tokens_and_come_back(here):
    answer = client_of(here).chat.completions.create(**asking(TEXT))
    sent = here.provider.requests[0].text
    assert MAIL not in sent
    assert SSN not in sent
    assert "about the visit" in sent
    assert here.portal.reveal(answer.choices[0].message.content) == f"You said: {TEXT}"
    (call,) = here.calls
    assert call["masked"] == {"identifiers": 2}
    assert call["input_digest"] != call["sent_digest"]
    assert here.end()["outcome"] == "succeeded"


def test_a_streamed_answer_comes_back_in_pieces(here):
    stream = client_of(here).chat.completions.create(**asking(TEXT, stream=True))
    revealer = here.portal.revealing()
    parts = [revealer.feed(c.choices[0].delta.content or "") for c in stream if c.choices]
    assert "".join(parts) + revealer.close() == f"You said: {TEXT}"
    assert revealer.restored == 2


def test_a_conversation_keeps_its_tokens_and_shares_them_with_nobody(here):
    client = client_of(here)
    with here.portal.session("visit-7") as session:
        first = client.chat.completions.create(**asking(f"Mail {MAIL}"))
        second = client.chat.completions.create(**asking(f"Mail {MAIL}"))
        told = first.choices[0].message.content
        assert told == second.choices[0].message.content
        assert here.portal.reveal(told) == f"You said: Mail {MAIL}"
        assert session.reveal(told).restored == 1
    other = client.chat.completions.create(**asking(f"Mail {MAIL}")).choices[0].message.content
    assert other != told
    assert here.portal.reveal(told) == told


def test_another_actors_tokens_are_not_revealed(here):
    client = client_of(here)
    with here.portal.actor("user:1"):
        told = client.chat.completions.create(**asking(f"Mail {MAIL}")).choices[0].message.content
    with here.portal.actor("user:2"):
        assert here.portal.reveal(told) == told


def test_known_values_are_swept_out_wherever_they_stand(here):
    with here.portal.session(known={"NAME": ["Zephyrine Quillfeather"]}):
        client_of(here).chat.completions.create(**asking("Is QUILLFEATHER, zephyrine well?"))
    assert "uillfeather" not in here.provider.requests[0].text.lower()


def test_what_a_tool_is_told_is_masked_too(here):
    tool = {
        "type": "function",
        "function": {"name": "find", "parameters": {"type": "object", "properties": {}}},
    }
    said = [
        {"role": "user", "content": "Look it up."},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "find", "arguments": json.dumps({"mail": MAIL})},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": f"SSN {SSN}"},
    ]
    client_of(here).chat.completions.create(model="gpt-4o-mini", messages=said, tools=[tool])
    sent = here.provider.requests[0].text
    assert MAIL not in sent
    assert SSN not in sent


def test_a_secret_blocks_and_is_one_blocked_record(here):
    begin, end = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    secret = f"{begin}\nMC4CAQAwBQYDK2VwBCIEI{'A' * 43}\n{end}"
    with pytest.raises(openai.PermissionDeniedError, match="no-secrets") as caught:
        client_of(here, max_retries=3).chat.completions.create(**asking(secret))
    assert "PRIVATE KEY" not in str(caught.value)
    assert here.provider.requests == []
    assert "sent_digest" not in here.calls[0]
    end = here.end()
    assert (end["outcome"], end["error"]) == ("blocked", "PolicyBlocked")


def test_watching_changes_nothing_and_says_what_it_would_have(tmp_path):
    with world(tmp_path, policy=True, enforcement="monitor") as here:
        client_of(here).chat.completions.create(**asking(TEXT))
        assert MAIL in here.provider.requests[0].text
        (call,) = here.calls
        assert call["masked"] == {"identifiers": 2}
        assert call["input_digest"] == call["sent_digest"]


BAD = {
    "not-json": (b'{"model": "gpt', "application/json"),
    "not-text": (b'{"model": "gpt\xff\xfe"}', "application/json"),
    "nested-too-deep": (b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", "application/json"),
    "too-large": (b'{"a": "' + b"x" * (20 * 1024 * 1024) + b'"}', "application/json"),
    "opaque-content": (b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png"),
}


@pytest.mark.parametrize("code", BAD)
def test_a_body_that_no_rule_can_read_is_refused_and_recorded_once(here, code):
    body, kind = BAD[code]
    with guard(here.portal, httpx2.Client(headers={"authorization": "Bearer k"})) as client:
        address = f"{here.provider.url}/v1/chat/completions"
        answer = client.post(address, content=body, headers={"content-type": kind})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == code
    assert here.provider.requests == []
    assert here.end()["outcome"] == "blocked"


def test_a_body_in_parts_without_end_is_refused(here):
    def parts():
        while True:
            yield b"x" * 1024 * 1024

    with guard(here.portal, httpx2.Client(headers={"authorization": "Bearer k"})) as client:
        answer = client.post(f"{here.provider.url}/v1/chat/completions", content=parts())
    assert answer.json()["error"]["code"] == "too-large"
    assert here.end()["outcome"] == "blocked"


def test_a_compressed_body_is_refused(here):
    with guard(here.portal, httpx2.Client(headers={"authorization": "Bearer k"})) as client:
        address, headers = f"{here.provider.url}/v1/files", {"content-encoding": "gzip"}
        answer = client.post(address, content=b"\x1f\x8b...", headers=headers)
    assert answer.json()["error"]["code"] == "packed-body"
    assert here.provider.requests == []


def test_a_body_that_is_signed_already_is_refused_where_it_would_change(here):
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=x", "content-type": "application/json"}
    with guard(here.portal, httpx2.Client()) as client:
        address = f"{here.provider.url}/model/m-1/invoke"
        answer = client.post(address, content=json.dumps(asking(TEXT)), headers=signed)
    assert answer.json()["error"]["code"] == "signed-body"


ANSWERS = every(ask("direction", "response"), ask("kind", "EMAIL"))


def answering(*made):
    pass_all = transform("requests", ask("kind", ["EMAIL", "SSN"]), action="mask")
    return rules(pass_all, *made)


def saying(here, text: str) -> None:
    here.provider.model.text = text


def test_an_answer_is_masked_where_a_rule_speaks_of_answers(tmp_path):
    policy = answering(transform("answers", ANSWERS, action="mask"))
    with world(tmp_path, policy=policy) as here:
        saying(here, f"Ask {MAIL} then.")
        answer = client_of(here).chat.completions.create(**asking("Whom do I ask?"))
        assert MAIL not in answer.choices[0].message.content
        assert "[[EMAIL]]" in answer.choices[0].message.content
        assert here.end()["outcome"] == "succeeded"


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_is_blocked_where_a_rule_forbids_it(tmp_path, stream):
    policy = answering(forbid("answers", ANSWERS))
    with world(tmp_path, policy=policy) as here:
        saying(here, f"Ask {MAIL} then.")
        with pytest.raises(openai.PermissionDeniedError) as caught:
            list(client_of(here).chat.completions.create(**asking("Whom?", stream=stream)))
        assert MAIL not in str(caught.value)
        end = here.end()
        assert (end["outcome"], end["error"]) == ("blocked", "AnswerBlocked")
        assert end["usage"]["input"] > 0


def test_a_stream_that_no_rule_for_answers_touches_passes(tmp_path):
    policy = answering(forbid("answers", ANSWERS))
    with world(tmp_path, policy=policy) as here:
        chunks = list(client_of(here).chat.completions.create(**asking("Whom?", stream=True)))
        told = "".join(c.choices[0].delta.content or "" for c in chunks)
        assert told == here.provider.model.text
        assert here.end()["outcome"] == "succeeded"


def test_what_a_tool_is_called_with_is_looked_at_in_anthropics_stream(tmp_path):
    policy = answering(forbid("answers", ANSWERS))
    tool = {
        "name": "find",
        "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
    }
    with world(tmp_path, policy=policy) as here:
        saying(here, f"Ask {MAIL} then.")
        client = anthropic.Anthropic(base_url=here.provider.url, api_key="k", max_retries=0)
        body = {**asking("Whom?"), "model": "claude-test-1", "max_tokens": 9, "tools": [tool]}
        with pytest.raises(anthropic.PermissionDeniedError):
            list(here.own(guard(here.portal, client)).messages.create(**body, stream=True))
        assert here.end()["outcome"] == "blocked"


def test_a_policy_on_trial_is_counted_and_changes_nothing(tmp_path):
    trial = part(document(forbid("mail", ask("kind", "EMAIL"))))
    with world(tmp_path, policy=part(starter()), shadow=trial) as here:
        client_of(here).chat.completions.create(**asking(f"Mail {MAIL}"))
        assert here.calls[0]["masked"] == {"identifiers": 1, "shadow:blocked": 1}
        assert len(here.provider.requests) == 1


def test_a_block_without_http_is_masked_and_put_back(here):
    with here.portal.session(), here.portal.call(model="m", text=f"Mail {MAIL}") as call:
        assert MAIL not in call.text
        assert here.portal.reveal(call.text) == f"Mail {MAIL}"


KEYED = part(document(transform("mail", ask("kind", "EMAIL"), action="hash", scheme="hmac")))


def test_a_keyed_scheme_gives_one_token_to_a_value_everywhere(tmp_path):
    with world(tmp_path, policy=KEYED, settings={"token_key": "ab" * 32}) as here:
        for _ in range(2):
            client_of(here).chat.completions.create(**asking(f"Mail {MAIL}"))
        first, second = (each.json["messages"] for each in here.provider.requests)
        assert first == second
        assert "[[EMAIL:hmac:" in first[0]["content"]


def test_a_keyed_scheme_without_its_key_lets_nothing_out(tmp_path):
    with world(tmp_path, policy=KEYED) as here, pytest.raises(openai.PermissionDeniedError):
        client_of(here).chat.completions.create(**asking(f"Mail {MAIL}"))
    assert here.provider.requests == []
