"""guard() around the real anthropic package."""

from __future__ import annotations

import asyncio

import anthropic
import pytest

from countersign import guard
from countersign.tests.client_world import world
from countersign.tests.portal_double import facts
from countersign.tests.provider import USAGE, Fault

ASK = {
    "model": "claude-test-1",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello there."}],
}


@pytest.fixture
def here(tmp_path):
    with world(tmp_path, facts=facts(vendor="anthropic", provider="anthropic")) as made:
        yield made


def client_of(here, **options) -> anthropic.Anthropic:
    options = {"max_retries": 0, "api_key": "sk-test", **options}
    return here.own(guard(here.portal, anthropic.Anthropic(base_url=here.provider.url, **options)))


def test_a_call_is_recorded_and_completed(here):
    answer = client_of(here).messages.create(**ASK)
    assert answer.content[0].text == here.provider.model.text
    (call,) = here.calls
    assert (call["provider"], call["operation"]) == ("anthropic", "chat")
    assert call["model"] == ASK["model"]
    end = here.end()
    assert (end["outcome"], end["finish_reason"]) == ("succeeded", "end_turn")
    assert end["usage"]["output"] == USAGE.output
    assert end["usage"]["cache"] == USAGE.cached
    assert end["provider_request_id"]


def test_a_stream_passes_unchanged_and_brings_its_usage(here):
    with client_of(here).messages.stream(**ASK) as stream:
        assert "".join(stream.text_stream) == here.provider.model.text
    end = here.end()
    assert (end["outcome"], end["finish_reason"]) == ("succeeded", "end_turn")
    assert end["usage"]["output"] == USAGE.output
    assert here.provider.requests[0].json == {**ASK, "stream": True}


def test_a_denial_is_the_sdks_own_error(here):
    here.double.deny = ["baa-not-in-force"]
    with pytest.raises(anthropic.PermissionDeniedError, match="baa-not-in-force"):
        client_of(here, max_retries=3).messages.create(**ASK)
    assert len(here.calls) == 1
    assert here.provider.requests == []


def test_retries_share_an_operation(here):
    here.provider.fail(Fault.status(529), Fault.status(429))
    client_of(here, max_retries=2).messages.create(**ASK)
    assert here.outcomes() == ["failed", "failed", "succeeded"]
    assert len({call["operation_id"] for call in here.calls}) == 1


def test_breaking_off_is_cancelled(here):
    here.provider.fail(Fault.endless())
    with client_of(here).messages.create(**ASK, stream=True) as stream:
        for _, event in zip(range(4), stream, strict=False):
            assert event.type
    assert here.end()["outcome"] == "cancelled"


def test_death_in_the_middle_is_a_failure(here):
    here.provider.fail(Fault.dies(3))
    with pytest.raises(Exception):  # noqa: B017, PT011  (httpx2's or the SDK's, by release)
        list(client_of(here).messages.create(**ASK, stream=True))
    assert here.end()["outcome"] == "failed"


def test_the_async_client_does_the_same(here):
    async def main() -> str:
        client = anthropic.AsyncAnthropic(base_url=here.provider.url, api_key="k", max_retries=0)
        async with guard(here.portal, client):
            answer = await client.messages.create(**ASK)
            async with client.messages.stream(**ASK) as stream:
                streamed = "".join([text async for text in stream.text_stream])
        assert streamed == answer.content[0].text
        return streamed

    assert asyncio.run(main()) == here.provider.model.text
    assert here.outcomes() == ["succeeded", "succeeded"]


def test_what_derives_from_the_client_is_guarded_too(here):
    client_of(here).with_options(timeout=5).messages.create(**ASK)
    assert here.outcomes() == ["succeeded"]
