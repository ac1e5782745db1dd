"""The engine behind `guard()`, end to end: uploads, records, pictures, and no word of a value."""

from __future__ import annotations

import base64
import json
import logging
import traceback

import httpx
import openai
import pytest

from countersign import guard
from countersign.tests.client_world import world
from countersign.tests.make_rules import ask, document, every, forbid, transform
from countersign.tests.portal_double import _part as part

PATIENT = {
    "resourceType": "Patient",
    "id": "qx-4471",
    "name": [{"family": "Quarkstone", "given": ["Zebulon"]}],
    "birthDate": "1981-03-09",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-ssn", "value": "219-09-9999"}],
}
WORDS = ("quarkstone", "zebulon", "1981", "219-09-9999", "qx-4471")
NOTE = f"Zebulon Quarkstone, SSN 219-09-9999. {json.dumps(PATIENT)}"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(64)).decode()
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
ANSWERS = every(ask("direction", "response"), ask("kind", ["EMAIL", "DATE"]))


def client_of(here) -> openai.OpenAI:
    options = {"max_retries": 0, "api_key": "k", "base_url": f"{here.provider.url}/v1"}
    return here.own(guard(here.portal, openai.OpenAI(**options)))


def asking(content, **members) -> dict:
    return {
        "model": "gpt-4o-2024-08-06",
        "messages": [{"role": "user", "content": content}],
        **members,
    }


@pytest.fixture
def here(tmp_path):
    with world(tmp_path, policy=True) as made:
        yield made


def holds(text: str) -> list[str]:
    return [word for word in WORDS if word in text.lower()]


def test_a_record_in_a_prompt_leaves_without_its_patient(here):
    client_of(here).chat.completions.create(**asking(f"Summarise this chart: {NOTE}"))
    sent = here.provider.requests[0].text
    assert holds(sent) == []
    inner = json.loads(sent)["messages"][0]["content"].partition("999")[2] or sent
    assert "Patient" in inner
    assert here.end()["outcome"] == "succeeded"


def test_an_uploaded_file_is_masked_part_by_part(here):
    lines = "\n".join(json.dumps({"custom_id": str(n), "body": asking(NOTE)}) for n in range(3))
    client_of(here).files.create(file=("219-09-9999.jsonl", lines.encode()), purpose="batch")
    (received,) = here.provider.requests
    assert holds(received.text) == []
    assert received.text.count("custom_id") == 3
    assert "batch" in received.text
    assert here.calls[0]["masked"]["identifiers"] > 6
    assert here.end()["outcome"] == "succeeded"


def test_a_table_that_plain_httpx_uploads_is_masked(here):
    with guard(here.portal, httpx.Client(base_url=here.provider.url)) as client:
        table = "last name,ssn,dose\nQuarkstone,219-09-9999,10 mg\n"
        client.post(
            "/v1/files", files={"file": ("a.csv", table, "text/csv")}, data={"purpose": "x"}
        )
    (received,) = here.provider.requests
    assert holds(received.text) == []
    assert "last name,ssn,dose" in received.text
    assert "10 mg" in received.text


def test_a_picture_is_left_out_and_the_question_goes(here):
    client_of(here).chat.completions.create(
        **asking([{"type": "text", "text": "What is it?"}, PICTURE])
    )
    sent = json.loads(here.provider.requests[0].text)["messages"][0]["content"]
    assert sent == [
        {"type": "text", "text": "What is it?"},
        {"type": "text", "text": "[image removed]"},
    ]


def test_a_picture_blocks_where_the_policy_says_so(tmp_path):
    policy = part(document(transform("ssn", ask("kind", "SSN"))))
    with world(tmp_path, policy=policy) as here:
        with pytest.raises(openai.PermissionDeniedError):
            client_of(here).chat.completions.create(**asking([PICTURE]))
        assert here.provider.requests == []
        assert here.outcomes() == ["blocked"]


def test_embeddings_and_responses_are_masked_too(here):
    client = client_of(here)
    client.embeddings.create(model="text-embedding-3-small", input=["plain", NOTE])
    client.responses.create(model="gpt-4o-mini", input=NOTE, instructions=NOTE)
    assert [holds(each.text) for each in here.provider.requests] == [[], []]


@pytest.mark.parametrize("stream", [True, False])
def test_the_date_in_a_models_name_is_no_date_of_an_answer(tmp_path, stream):
    policy = part(document(forbid("answers", ANSWERS), transform("rest", {"all": []})))
    with world(tmp_path, policy=policy) as here:
        answer = client_of(here).chat.completions.create(**asking("Whom?", stream=stream))
        assert list(answer)
        assert here.end()["outcome"] == "succeeded"


REFUSED = [
    ("key", asking(f"{NOTE} sk-proj-aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5hJ7k")),
    (
        "deep",
        asking(NOTE, metadata={"a": json.loads("[" * 120 + '"' + "Quarkstone" + '"' + "]" * 120)}),
    ),
]


@pytest.mark.parametrize(("name", "body"), REFUSED, ids=[name for name, _ in REFUSED])
def test_a_refusal_tells_no_value_to_error_log_or_record(here, name, body, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(openai.APIStatusError) as caught:
        client_of(here).chat.completions.create(**body)
    assert here.provider.requests == []
    assert here.outcomes() == ["blocked"]
    error = caught.value
    told = f"{error} {error!r} {error.response.text} {error.body}"
    told += json.dumps([*here.double.calls.values(), here.double.completions], default=str)
    ours = [record for record in caplog.records if record.name.startswith("countersign")]
    told += "".join(record.getMessage() for record in ours) + "".join(capsys.readouterr())
    ending = traceback.format_exception_only(error)
    assert holds(told + "".join(ending)) == []


def test_what_is_recorded_of_a_masked_call_holds_no_value(here, caplog):
    caplog.set_level(logging.DEBUG, logger="countersign")
    client_of(here).chat.completions.create(**asking(NOTE, user="u-1"))
    here.end()
    told = json.dumps([*here.double.calls.values(), here.double.completions], default=str)
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("countersign")]
    assert holds(told + "".join(ours)) == []
