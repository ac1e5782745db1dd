"""What comes out of the engine for messages and records."""

import base64
import datetime as dt
import json
import re
from urllib.parse import quote

import pytest

from countersign.detection.hits import KnownValue
from countersign.masking.engine import engine_for
from countersign.masking.tests.applying import SHARED, apply, engine, policy, sent
from countersign.masking.tokens import TOKEN, Session
from countersign.rules.facts import Facts
from countersign.rules.policy import Policy
from countersign.tests.make_rules import ask, document, every, forbid, permit, transform

NOTE = "DOB 12/19/1950, MRN B7303613, call 555-901-6523"


def chat(content, **more):
    return {
        "model": "gpt-4o-2024-08-06",
        "messages": [{"role": "user", "content": content}],
        **more,
    }


def test_a_body_without_identifiers_goes_as_it_came():
    body = b'{ "model": "gpt-4o", "messages": [ {"role":"user","content":"Is ibuprofen safe?"} ] }'
    outcome = apply(body, shape="openai.chat")
    assert outcome.ok
    assert outcome.body == body
    assert outcome.spans == ()


def test_values_become_tokens_and_come_back():
    session = Session()
    content = sent(chat(NOTE), shape="openai.chat", session=session)["messages"][0]["content"]
    assert not re.search(r"\d\d/|B7303613|901", TOKEN.sub("", content))
    assert session.reveal(content).text == NOTE


def test_the_frame_of_a_message_stays():
    body = chat(
        NOTE,
        temperature=0.20,
        user="u-1",
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "find_patient",
                    "parameters": {"type": "object", "properties": {"mrn": {"type": "string"}}},
                },
            }
        ],
    )
    out = sent(body, shape="openai.chat")
    assert {**out, "messages": 0} == {**body, "messages": 0}
    assert out["messages"][0]["role"] == "user"


def test_arguments_of_a_tool_call_stay_json_in_a_string():
    arguments = json.dumps({"patient": {"first_name": "Lynwood", "mrn": 73036135}, "limit": 3})
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "find", "arguments": arguments},
    }
    body = {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}
    out = sent(body, shape="openai.chat")["messages"][0]
    inner = json.loads(out["tool_calls"][0]["function"]["arguments"])
    assert out["content"] is None
    assert inner["limit"] == 3
    assert TOKEN.fullmatch(inner["patient"]["first_name"])
    assert TOKEN.fullmatch(inner["patient"]["mrn"])


def test_what_a_field_holds_is_swept_from_every_other_text():
    body = {
        "first_name": "Lynwood",
        "last_name": "Powlowski",
        "notes": ["POWLOWSKI, L. came in", "file powlowski_lynwood_2.txt", "Lýnwood said so"],
    }
    out = sent(body)
    assert not re.search("l.nwood|powlowski", json.dumps(out, ensure_ascii=False), re.IGNORECASE)


def test_what_the_caller_knows_is_found_in_any_spelling():
    known = [KnownValue("Zebulon Quarkstone", "NAME"), KnownValue("884-213-77", "MRN")]
    text = "ZEBULON QUARKSTONE; Quarkstone, Zebulon; Z. Quarkstone; 88421377; 884 213 77"
    out = sent(chat(text), shape="openai.chat", known=known)["messages"][0]["content"]
    assert TOKEN.sub("", out) == "; ; ; ; "


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        lambda text: base64.encodebytes(text.encode()).decode(),
        lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
        lambda text: text.encode().hex(),
        lambda text: "https://ehr.test/find?q=" + quote(text, safe=""),
        lambda text: quote(quote(text)),
        lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
        lambda text: "".join(f"&#{ord(sign)};" for sign in text),
        lambda text: "".join(f"\\u{ord(sign):04x}" for sign in text),
        lambda text: json.dumps({"a": [text]}),
        lambda text: json.dumps(json.dumps({"a": text})),
        lambda text: "Please read this: " + json.dumps({"a": [text]}) + " and answer.",
        lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
        "\u200b".join,
    ],
)
def test_an_encoded_value_does_not_survive(encoded):
    known = [KnownValue("Zebulon Quarkstone", "NAME")]
    body = chat(encoded("Zebulon Quarkstone"))
    session = Session()
    outcome = apply(body, shape="openai.chat", known=known, session=session)
    assert outcome.ok
    assert outcome.counts.get("NAME") or outcome.counts
    content = json.loads(outcome.body)["messages"][0]["content"]
    assert content != body["messages"][0]["content"]
    for text in decodings(content):
        assert "quark" not in text.lower()
        assert "zebulon" not in text.lower()


def decodings(text):
    """The text, and all that base64, hexadecimal and escapes in it stand for."""
    yield text
    for run in re.findall(r"[A-Za-z0-9+/_\n-]{8,}={0,2}", text):
        plain = run.replace("-", "+").replace("_", "/").replace("\n", "")
        try:
            inner = base64.b64decode(plain + "==").decode()
        except ValueError:
            continue
        yield inner
        if inner != text and len(inner) < len(text):
            yield from decodings(inner)


def test_base64_that_held_a_value_is_base64_of_the_masked_text():
    note = base64.b64encode(f"Seen again. {NOTE}".encode()).decode()
    out = sent({"data": note})["data"]
    assert base64.b64decode(out).decode().startswith("Seen again. DOB [[DATE_")


def test_names_of_fields_are_masked_too():
    out = sent(
        {
            "results": {"Lynwood Powlowski": 1, "other": 2},
            "last_name": "Powlowski",
            "first_name": "Lynwood",
        }
    )
    assert "Powlowski" not in json.dumps(out)
    assert list(out["results"].values()) == [1, 2]


def test_no_span_tells_a_value_by_its_path():
    outcome = apply({"Lynwood Powlowski": {"ssn": "123-45-6789"}, "last_name": "Powlowski"})
    assert "Powlowski" not in repr(outcome)
    assert {span.path for span in outcome.spans} >= {"/*/ssn"}


def test_a_name_that_stands_twice_in_an_object_hides_nothing():
    outcome = apply(b'{"a": "SSN 123-45-6789", "a": "nothing"}')
    assert b"45-6789" not in outcome.body


def test_a_secret_blocks():
    outcome = apply(chat("use sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5" + " please"))
    assert outcome.body is None
    assert outcome.refusal.reason == "blocked-by-rule"
    assert outcome.refusal.rule_ids == ("no-secrets",)


def test_counts_and_classes_say_what_was_found():
    outcome = apply(chat(NOTE), shape="openai.chat")
    assert outcome.counts == {"DATE": 1, "MRN": 1, "PHONE": 1}
    assert outcome.masked == {"identifiers": 3}
    assert outcome.data_classes == ("phi",)
    assert [(span.path, span.letter) for span in outcome.spans] == [
        ("/messages/0/content", "C"),
        ("/messages/0/content", "H"),
        ("/messages/0/content", "D"),
    ]


def by(*rules, **members):
    return engine(Policy.parse(document(*rules, **members)))


def test_what_no_rule_speaks_of_blocks():
    outcome = apply(chat(NOTE), by=by(transform("dates", ask("kind", "DATE"))), shape="openai.chat")
    assert outcome.refusal.reason == "blocked-by-rule"


def test_a_rule_may_name_a_path_alone():
    rules = by(
        transform("notes", ask("path", "/messages/*/name"), "drop"),
        transform("rest", {"all": []}, "mask"),
    )
    body = {"messages": [{"role": "user", "name": "anything", "content": "hello"}]}
    assert sent(body, by=rules, shape="openai.chat")["messages"][0]["name"] == ""


def test_only_listed_fields_pass_in_keep_list_mode():
    rules = by(transform("all", {"all": []}, "mask"), keep=["/question", "/age"])
    body = {"question": "What helps?", "age": 41, "room": "12", "vip": True, "more": {"a": 1.5}}
    assert sent(body, by=rules) == {
        "question": "What helps?",
        "age": 41,
        "room": "",
        "vip": None,
        "more": {"a": None},
    }


def test_a_policy_says_what_a_field_holds():
    rules = by(
        transform("all", ask("kind", "MRN"), "mask"), fields=[{"path": "/chart", "kind": "MRN"}]
    )
    assert sent({"chart": "QX-77", "text": "chart qx 77 is his"}, by=rules) == {
        "chart": "[[MRN]]",
        "text": "chart [[MRN]] is his",
    }


def test_a_forbid_may_ask_how_many():
    rules = by(
        forbid("many", every(ask("kind", "DATE"), {"fact": "count", ">=": 3})),
        transform("all", {"all": []}, "mask"),
    )
    few, many = "on 1/2/2020 and 1/3/2020", "on 1/2/2020, 1/3/2020 and 1/4/2020"
    assert apply(chat(few), by=rules, shape="openai.chat").ok
    assert apply(chat(many), by=rules, shape="openai.chat").refusal.rule_ids == ("many",)


def test_rules_for_tools_concern_calls_and_answers_of_tools():
    rules = by(
        transform("tools", every(ask("kind", "MRN"), ask("direction", "tool")), "drop"),
        transform("all", {"all": []}, "mask"),
    )
    body = {
        "messages": [
            {"role": "user", "content": "MRN B7303613"},
            {"role": "tool", "tool_call_id": "call_1", "content": "MRN B7303613"},
        ]
    }
    said, answered = sent(body, by=rules, shape="openai.chat")["messages"]
    assert said["content"] == "MRN [[MRN]]"
    assert answered["content"].strip() == "MRN"


def test_of_overlapping_finds_the_longest_is_replaced_by_the_strictest_action():
    rules = by(
        transform("mail", ask("kind", "EMAIL"), "drop"),
        transform("known", ask("kind", "NAME"), "mask"),
    )
    outcome = apply(
        chat("write to zebulon.quarkstone@example.com now"),
        by=rules,
        shape="openai.chat",
        known=[KnownValue("Quarkstone", "NAME")],
    )
    assert json.loads(outcome.body)["messages"][0]["content"] == "write to  now"


def test_an_allowed_kind_stays_and_is_told():
    rules = by(permit("urls", ask("kind", "URL")), transform("rest", ask("kind", "SSN")))
    outcome = apply(
        chat("see https://example.com/x and SSN 123-45-6789"),
        by=rules,
        shape="openai.chat",
        on=dt.date(2026, 11, 21),
    )
    assert b"https://example.com/x" in outcome.body
    assert {(span.kind, span.action) for span in outcome.spans} == {
        ("URL", "allow"),
        ("SSN", "mask"),
    }


def test_a_text_by_itself():
    outcome = SHARED.apply_text(NOTE, facts=Facts(), session=Session())
    assert outcome.body.startswith(b"DOB [[DATE_")


def test_the_same_engine_is_given_for_the_same_policy():
    assert engine_for(policy()) is engine_for(policy())
    assert engine_for(policy()) is not engine_for(policy("allow"))
