"""portal.call(): the same rules and the same record for what is not HTTP."""

from __future__ import annotations

import asyncio

import pytest

from countersign.client.refusals import Denied, Unavailable
from countersign.tests.client_world import world


@pytest.fixture
def here(tmp_path):
    with world(tmp_path) as made:
        yield made


def test_a_block_is_one_call(here):
    with (
        here.portal.actor("user:42"),
        here.portal.call(model="local-7b", provider="ollama") as call,
    ):
        assert here.calls[0]["call_id"] == call.call_id
        call.result(usage={"input": 3, "output": 4}, finish_reason="stop")
    (record,) = here.calls
    assert (record["provider"], record["model"]) == ("ollama", "local-7b")
    assert record["actor"] == {"type": "user", "id": "42"}
    end = here.end()
    assert (end["outcome"], end["finish_reason"]) == ("succeeded", "stop")
    assert end["usage"] == {"input": 3, "output": 4}


def test_usage_may_have_the_providers_names(here):
    with here.portal.call(model="m") as call:
        call.result(usage={"prompt_tokens": 3, "completion_tokens": 4})
    assert here.end()["usage"] == {"input": 3, "output": 4}


def test_an_exception_is_a_failure_and_its_text_stays_here(here):
    with pytest.raises(KeyError), here.portal.call(model="m"):
        raise KeyError("Ann Poe")
    end = here.end()
    assert (end["outcome"], end["error"]) == ("failed", "KeyError")
    assert not any(b"Ann Poe" in asked.body for asked in here.double.asked)


def test_a_timeout_is_one(here):
    with pytest.raises(TimeoutError), here.portal.call(model="m"):
        raise TimeoutError
    assert here.end()["outcome"] == "timeout"


def test_a_denial_keeps_the_block_from_running(here):
    here.double.deny = ["baa-not-in-force"]
    with pytest.raises(Denied, match="baa-not-in-force") as caught, here.portal.call(model="m"):
        pytest.fail("the block ran")
    assert caught.value.codes == ("baa-not-in-force",)
    assert isinstance(caught.value, PermissionError)


def test_no_record_no_call(here):
    here.portal.desk.get_ready()
    here.double.away = True
    with pytest.raises(Unavailable), here.portal.call(model="m"):
        pytest.fail("the block ran")
    here.double.away = False


def test_it_can_be_awaited(here):
    async def main() -> None:
        async with here.portal.call(model="m", operation="embeddings") as call:
            call.result(usage={"input": 3})

    asyncio.run(main())
    assert here.calls[0]["operation"] == "embeddings"
    assert here.end()["usage"] == {"input": 3}


def test_a_text_is_digested_and_never_sent(here):
    with here.portal.call(model="m", text="Ann Poe") as call:
        assert call.text == "Ann Poe"  # no policy, so no rule changes it
    assert here.calls[0]["input_digest"] == here.calls[0]["sent_digest"]
    here.end()
    assert not any(b"Ann Poe" in asked.body for asked in here.double.asked)
