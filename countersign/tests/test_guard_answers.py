"""Rules for answers: nobody sees a part of an answer before all of it was looked through."""

from __future__ import annotations

import asyncio
import json

import boto3
import httpx
import openai
import pytest
from google import genai

from countersign import guard, guard_boto
from countersign.client.events import MAX_EVENT
from countersign.tests.guarded import ASKED, USER, stage
from countersign.tests.make_rules import ALWAYS, ask, document, every, forbid, transform
from countersign.tests.provider import USAGE, Fault, signatures

ANSWERS = ask("direction", "response")
POLICY = document(
    transform("out", ALWAYS, "tokenize", "random"),
    transform("in", every(ANSWERS, ask("kind", "EMAIL"))),
    forbid("leak", every(ANSWERS, ask("kind", "SSN"))),
)
CLEAN = "Rest, and drink water."
EMAIL = "Write to ann.poe@example.org about it."
LEAK = "Her SSN is 536-22-8145, as you know."
CONVERSE = {"modelId": "amazon.nova", "messages": [{"role": "user", "content": [{"text": ASKED}]}]}
BODY = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": USER})


@pytest.fixture
def here(tmp_path):
    with stage(tmp_path, document=POLICY) as set_up:
        set_up.provider.model.echo = False
        yield set_up


@pytest.fixture
def gpt(here):
    keys = {"base_url": here.provider.url + "/v1", "api_key": "sk-test"}
    with guard(here.portal, openai.OpenAI(**keys)) as client:
        yield lambda **more: client.chat.completions.create(model="gpt-5", messages=USER, **more)


@pytest.fixture
def bedrock(here):
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=here.provider.url,
        region_name=signatures.REGION,
        aws_access_key_id=signatures.ACCESS_KEY,
        aws_secret_access_key=signatures.SECRET_KEY,
    )
    yield guard_boto(here.portal, client)
    client.close()


def says(here, text):
    here.provider.model.text = text


def is_masked(text):
    return "ann.poe" not in text and text.startswith("Write to ") and text.endswith("about it.")


def test_a_whole_answer_is_masked(here, gpt, bedrock):
    says(here, EMAIL)
    assert is_masked(gpt().choices[0].message.content)
    done = bedrock.converse(**CONVERSE)
    assert is_masked(done["output"]["message"]["content"][0]["text"])
    assert done["usage"]["totalTokens"] == USAGE.total
    body = bedrock.invoke_model(modelId="anthropic.claude-test", body=BODY)["body"].read()
    assert is_masked(json.loads(body)["content"][0]["text"])
    assert here.outcomes() == ["succeeded"] * 3


def test_an_answer_without_a_find_comes_as_it_is(here, gpt, bedrock):
    says(here, CLEAN)
    assert gpt().choices[0].message.content == CLEAN
    chunks = list(gpt(stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == CLEAN
    events = list(bedrock.converse_stream(**CONVERSE)["stream"])
    said = [e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e]
    assert "".join(said) == CLEAN
    streamed = bedrock.invoke_model_with_response_stream(modelId="anthropic.claude-test", body=BODY)
    kinds = [json.loads(event["chunk"]["bytes"])["type"] for event in streamed["body"]]
    assert kinds[-1] == "message_stop"
    assert here.outcomes() == ["succeeded"] * 4


@pytest.mark.parametrize(("text", "streams"), [(LEAK, False), (LEAK, True), (EMAIL, True)])
def test_what_must_not_come_in_or_cannot_be_rewritten_is_refused(here, gpt, bedrock, text, streams):
    says(here, text)
    with pytest.raises(openai.PermissionDeniedError) as refused:
        gpt(stream=streams)
    converse = bedrock.converse_stream if streams else bedrock.converse
    with pytest.raises(bedrock.exceptions.AccessDeniedException) as denied:
        converse(**CONVERSE)
    for error in (refused, denied):
        assert "answer-" in str(error.value)
        assert "ann.poe" not in str(error.value)
        assert "536" not in str(error.value)
    assert len(here.provider.requests) == 2
    assert here.outcomes() == ["blocked"] * 2


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/event-stream", f"data: {LEAK}\n\n"),
        ("text/event-stream", f"data: {json.dumps({'text': LEAK})}"),
        ("text/event-stream", f"data: {LEAK}" + " " * MAX_EVENT),
        ("application/x-ndjson", json.dumps({"text": LEAK})),
    ],
    ids=["no JSON", "cut off", "too long", "last line"],
)
def test_a_streams_odd_parts_are_looked_through_too(here, media_type, body):
    headers = {"content-type": media_type}
    answers = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, text=body))
    with guard(here.portal, httpx.Client(transport=answers)) as client:
        answer = client.post("http://ai.example/v1/chat", json={"text": "Hello there."})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "answer-stream-blocked")
    assert "536" not in answer.text
    assert here.outcomes() == ["blocked"]


def test_gemini_awaited(here):
    async def ask_both():
        options = genai.types.HttpOptions(base_url=here.provider.url)
        client = guard(here.portal, genai.Client(api_key="test", http_options=options))
        asked = {"model": "gemini-3-flash", "contents": ASKED}
        said = []
        for text in (EMAIL, CLEAN):
            says(here, text)
            said.append((await client.aio.models.generate_content(**asked)).text)
        stream = await client.aio.models.generate_content_stream(**asked)
        said.append("".join([chunk.text or "" async for chunk in stream]))
        says(here, EMAIL)
        stream = await client.aio.models.generate_content_stream(**asked)
        with pytest.raises(genai.errors.ClientError, match="answer-stream-blocked"):
            await anext(stream)
        await client.aio.aclose()
        client.close()
        return said

    masked, whole, streamed = asyncio.run(ask_both())
    assert is_masked(masked)
    assert whole == streamed == CLEAN
    assert here.outcomes() == ["succeeded"] * 3 + ["blocked"]


def test_an_answer_that_breaks_while_it_is_held_back_has_failed(here, gpt, bedrock):
    says(here, CLEAN)
    here.provider.fail(Fault.dies(3))
    with pytest.raises(Exception):  # noqa: B017, PT011 - urllib3's or botocore's
        bedrock.converse_stream(**CONVERSE)
    assert here.outcomes()[0] == "failed"
