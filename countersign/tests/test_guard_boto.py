"""guard_boto(): what boto3 signs for Bedrock is the masked body, and each attempt is recorded."""

from __future__ import annotations

import json
import threading

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from countersign import Portal, guard_boto
from countersign.client.recording import Recorder
from countersign.tests.guarded import ASKED, SAID, SCHEMA, counted, stage
from countersign.tests.provider import USAGE, Fault, signatures

MODEL = "anthropic.claude-test-v1:0"
CONVERSE = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": ASKED}]}]}
BODY = json.dumps(
    {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": ASKED}],
    }
)
BILLED = USAGE.input - USAGE.cached


@pytest.fixture
def bedrock(tmp_path):
    with stage(tmp_path, provider="aws.bedrock", vendor="aws") as set_up:
        set_up.client = made(set_up)
        yield set_up
        set_up.client.close()


def made(set_up, *, attempts=1, read_timeout=5, **more):
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=set_up.provider.url,
        region_name=signatures.REGION,
        config=Config(
            retries={"total_max_attempts": attempts, "mode": "standard"}, read_timeout=read_timeout
        ),
        **{
            "aws_access_key_id": signatures.ACCESS_KEY,
            "aws_secret_access_key": signatures.SECRET_KEY,
            **more,
        },
    )
    return guard_boto(set_up.portal, client)


def said(events):
    return "".join(
        event["contentBlockDelta"]["delta"]["text"]
        for event in events
        if "contentBlockDelta" in event
    )


def test_converse(bedrock):
    done = bedrock.client.converse(**CONVERSE)
    assert bedrock.portal.reveal(done["output"]["message"]["content"][0]["text"]) == SAID
    tool = {"toolSpec": {"name": "look_up", "inputSchema": {"json": SCHEMA}}}
    used = bedrock.client.converse(**CONVERSE, toolConfig={"tools": [tool]})
    found = used["output"]["message"]["content"][0]["toolUse"]["input"]["patient"]
    assert bedrock.portal.reveal(found) == SAID
    bedrock.is_masked(requests=2)
    for call, completion in bedrock.pairs():
        assert (call["model"], call["operation"], call["stream"]) == (MODEL, "chat", False)
        assert (completion["outcome"], completion["http_status"]) == ("succeeded", 200)
        assert completion["provider_request_id"].startswith("00000000-0000-4000-8000-")
        counted(completion, input=BILLED, cache=USAGE.cached)


def test_converse_stream(bedrock):
    events = bedrock.client.converse_stream(**CONVERSE)["stream"]
    assert bedrock.portal.reveal(said(events)) == SAID
    bedrock.is_masked()
    call, completion = bedrock.told()
    assert (call["stream"], completion["outcome"]) == (True, "succeeded")
    counted(completion, input=BILLED)


def test_invoke_model(bedrock):
    for body in (BODY, BODY.encode()):
        whole = json.loads(bedrock.client.invoke_model(modelId=MODEL, body=body)["body"].read())
        assert bedrock.portal.reveal(whole["content"][0]["text"]) == SAID
    bedrock.is_masked(requests=2)
    for _, completion in bedrock.pairs():
        assert completion["outcome"] == "succeeded"
        counted(completion, input=BILLED)


def test_invoke_model_with_response_stream(bedrock):
    answer = bedrock.client.invoke_model_with_response_stream(modelId=MODEL, body=BODY)
    events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    text = "".join(
        event["delta"]["text"] for event in events if event["type"] == "content_block_delta"
    )
    assert bedrock.portal.reveal(text) == SAID
    bedrock.is_masked()
    _, completion = bedrock.told()
    assert (completion["outcome"], completion["finish_reason"]) == ("succeeded", "end_turn")
    assert completion["usage"]["output"] == USAGE.output


def test_a_denial_is_the_clients_own_error_and_nothing_is_sent(bedrock):
    bedrock.double.deny = ["baa-not-in-force"]
    with pytest.raises(bedrock.client.exceptions.AccessDeniedException, match="baa-not") as raised:
        bedrock.client.converse(**CONVERSE)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert "Zofia" not in str(raised.value)
    assert bedrock.provider.requests == []
    assert len(bedrock.double.calls) == 1


def test_without_a_portal_nothing_is_sent(bedrock):
    bedrock.client.converse(**CONVERSE)
    bedrock.double.away = True
    bedrock.double.close_connections()
    with pytest.raises(bedrock.client.exceptions.ServiceUnavailableException):
        bedrock.client.converse(**CONVERSE)
    assert len(bedrock.provider.requests) == 1
    bedrock.double.away = False


def test_each_retry_is_a_record_of_one_operation(bedrock):
    bedrock.provider.fail(Fault.status(500), Fault.hangs_up())
    client = made(bedrock, attempts=3)
    client.converse(**CONVERSE)
    client.close()
    pairs = bedrock.pairs()
    assert [completion["outcome"] for _, completion in pairs] == ["failed", "failed", "succeeded"]
    assert [call["attempt"] for call, _ in pairs] == [1, 2, 3]
    assert len({call["operation_id"] for call, _ in pairs}) == 1
    bedrock.is_masked(requests=3)


@pytest.mark.parametrize(
    ("fault", "patience_s", "outcome"),
    [
        (Fault.hangs_up(), 30, "failed"),
        (Fault.slow(9), 0.2, "timeout"),
        (Fault.status(429), 30, "failed"),
    ],
)
def test_no_answer_is_one_completion(bedrock, fault, patience_s, outcome):
    bedrock.provider.fail(fault)
    client = made(bedrock, read_timeout=patience_s)
    with pytest.raises(Exception):  # noqa: B017, PT011 - botocore has one for each
        client.converse(**CONVERSE)
    client.close()
    assert bedrock.outcomes() == [outcome]


def test_a_stream_that_breaks_has_failed(bedrock):
    bedrock.provider.fail(Fault.dies(3))
    events = bedrock.client.converse_stream(**CONVERSE)["stream"]
    with pytest.raises(Exception):  # noqa: B017, PT011 - urllib3's or botocore's
        list(events)
    assert bedrock.outcomes() == ["failed"]


def test_a_stream_that_is_left_is_cancelled(bedrock):
    bedrock.provider.fail(Fault.stalls(3))
    events = bedrock.client.converse_stream(**CONVERSE)["stream"]
    next(iter(events))
    events.close()
    assert bedrock.provider.requests[0].wait() in {"gone", "broken"}
    assert bedrock.outcomes() == ["cancelled"]


def test_an_attempt_that_could_not_be_signed_is_closed(bedrock, monkeypatch):
    def no_credentials(*_, **__):
        raise NoCredentialsError

    monkeypatch.setattr(bedrock.client._request_signer, "sign", no_credentials)  # noqa: SLF001
    with pytest.raises(NoCredentialsError):
        bedrock.client.converse(**CONVERSE)
    assert bedrock.outcomes() == ["cancelled"]


def test_threads_do_not_take_each_others_attempts(bedrock):
    def ask(number):
        with bedrock.portal.actor(f"user:{number}"):
            bedrock.client.converse(**CONVERSE)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pairs = bedrock.pairs()
    assert {call["actor"]["id"] for call, _ in pairs} == {str(number) for number in range(8)}
    assert {completion["outcome"] for _, completion in pairs} == {"succeeded"}


def test_what_it_does_not_take(bedrock, tmp_path):
    assert guard_boto(bedrock.portal, bedrock.client) is bedrock.client
    with pytest.raises(TypeError, match="bedrock-runtime"):
        guard_boto(bedrock.portal, boto3.client("s3", region_name=signatures.REGION))
    with pytest.raises(TypeError, match="bedrock-runtime"):
        guard_boto(bedrock.portal, object())
    settings = bedrock.double.settings(tmp_path / "other")
    with Portal(recorder=Recorder(settings)) as other, pytest.raises(TypeError, match="another"):
        guard_boto(other, bedrock.client)
    bedrock.client.converse(**CONVERSE)
    assert bedrock.outcomes() == ["succeeded"]
