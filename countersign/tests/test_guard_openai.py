"""guard() around the real openai package: one record before each request, one completion."""

from __future__ import annotations

import openai
import pytest

from countersign import guard
from countersign.tests.client_world import World, world
from countersign.tests.provider import USAGE, Fault

HELLO = [{"role": "user", "content": "Hello there."}]


@pytest.fixture
def here(tmp_path):
    with world(tmp_path) as made:
        yield made


def client_of(here: World, **options) -> openai.OpenAI:
    options = {"max_retries": 0, "api_key": "sk-test", **options}
    return here.own(
        guard(here.portal, openai.OpenAI(base_url=f"{here.provider.url}/v1", **options))
    )


def test_a_call_is_recorded_before_it_goes_and_completed_after(here):
    answer = client_of(here).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert answer.choices[0].message.content == here.provider.model.text
    (call,) = here.calls
    assert call["provider"] == "openai"
    assert call["operation"] == "chat"
    assert call["model"] == "gpt-4o-mini"
    assert call["endpoint_host"] == here.provider.url.removeprefix("http://")
    assert call["actor"] == {"type": "service", "id": "intake-summariser"}
    assert call["input_digest"] == call["sent_digest"]
    assert call["mode"] == "strict"
    end = here.end()
    assert end["outcome"] == "succeeded"
    assert end["http_status"] == 200
    assert end["finish_reason"] == "stop"
    assert end["usage_source"] == "provider"
    assert end["usage"] == {
        "input": USAGE.input,
        "output": USAGE.output,
        "cache": USAGE.cached,
        "reasoning": USAGE.reasoning,
    }
    assert end["response_model"] == "gpt-4o-mini"
    assert end["output_digest"].startswith("hmac-sha256:")


def test_nothing_of_what_was_said_reaches_the_portal(here):
    said = [{"role": "user", "content": "Zephyrine Quillfeather"}]
    client_of(here).chat.completions.create(model="gpt-4o-mini", messages=said)
    here.end()
    assert not any(b"Zephyrine" in asked.body for asked in here.double.asked)
    assert not any(here.provider.model.text.encode() in asked.body for asked in here.double.asked)


def test_a_denial_is_the_sdks_own_error_and_is_not_retried(here):
    here.double.deny = ["baa-not-in-force"]
    with pytest.raises(openai.PermissionDeniedError, match="baa-not-in-force") as caught:
        client_of(here, max_retries=3).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(here.calls) == 1
    assert here.provider.requests == []


def test_an_error_of_the_provider_is_a_failure(here):
    here.provider.fail(Fault.status(400))
    with pytest.raises(openai.BadRequestError):
        client_of(here).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    end = here.end()
    assert (end["outcome"], end["http_status"]) == ("failed", 400)


def test_retries_are_records_of_one_operation(here):
    here.provider.fail(Fault.status(429), Fault.status(500))
    client_of(here, max_retries=2).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert here.outcomes() == ["failed", "failed", "succeeded"]
    assert len({call["operation_id"] for call in here.calls}) == 1
    assert [call["attempt"] for call in here.calls] == [1, 2, 3]
    client_of(here).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert here.calls[3]["operation_id"] != here.calls[2]["operation_id"]
