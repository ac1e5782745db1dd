"""Streams pass unchanged; however one ends, its record has exactly one completion."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time

import httpx2
import openai
import pytest
import trio

from countersign import guard
from countersign.tests.client_world import world
from countersign.tests.provider import USAGE, Fault

HELLO = [{"role": "user", "content": "Hello there."}]
ASK = {"model": "gpt-4o-mini", "messages": HELLO, "stream": True}


@pytest.fixture
def here(tmp_path):
    with world(tmp_path) as made:
        yield made


def client_of(here, **options) -> openai.OpenAI:
    options = {"max_retries": 0, "api_key": "sk-test", **options}
    return here.own(
        guard(here.portal, openai.OpenAI(base_url=f"{here.provider.url}/v1", **options))
    )


def async_client_of(here, **options) -> openai.AsyncOpenAI:
    options = {"max_retries": 0, "api_key": "sk-test", **options}
    return guard(here.portal, openai.AsyncOpenAI(base_url=f"{here.provider.url}/v1", **options))


def bare_client_of(here) -> openai.OpenAI:
    return here.own(openai.OpenAI(base_url=f"{here.provider.url}/v1", api_key="sk-test"))


def said(chunks) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def test_usage_is_asked_for_and_its_chunk_kept_from_the_caller(here):
    chunks = list(client_of(here).chat.completions.create(**ASK))
    assert here.provider.requests[0].json["stream_options"] == {"include_usage": True}
    assert said(chunks) == here.provider.model.text
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    end = here.end()
    assert (end["outcome"], end["finish_reason"]) == ("succeeded", "stop")
    assert end["usage"]["input"] == USAGE.input
    assert here.calls[0]["stream"] is True


def test_the_caller_sees_what_it_would_see_without_the_guard(here):
    guarded = [
        c.model_dump(exclude={"id", "created"}, exclude_unset=True)
        for c in client_of(here).chat.completions.create(**ASK)
    ]
    bare = [
        c.model_dump(exclude={"id", "created"}, exclude_unset=True)
        for c in bare_client_of(here).chat.completions.create(**ASK)
    ]
    assert guarded == bare


def test_a_caller_who_asks_for_usage_gets_it(here):
    asked = {"include_usage": True}
    chunks = list(client_of(here).chat.completions.create(**ASK, stream_options=asked))
    assert chunks[-1].usage.prompt_tokens == USAGE.input
    assert here.end()["usage"]["output"] == USAGE.output


def test_a_caller_who_wants_no_usage_is_obeyed(here):
    asked = {"include_usage": False}
    list(client_of(here).chat.completions.create(**ASK, stream_options=asked))
    assert here.provider.requests[0].json["stream_options"] == asked
    end = here.end()
    assert (end["outcome"], end["usage_source"]) == ("succeeded", "none")


def test_the_rest_of_the_body_stays_as_it_was(here):
    list(client_of(here).chat.completions.create(**ASK, seed=7))
    sent = here.provider.requests[0].json
    assert {k: v for k, v in sent.items() if k != "stream_options"} == {**ASK, "seed": 7}


def test_breaking_off_is_cancelled(here):
    here.provider.fail(Fault.endless())
    with client_of(here).chat.completions.create(**ASK) as stream:
        for number, _ in enumerate(stream):
            if number == 5:
                break
    assert here.end()["outcome"] == "cancelled"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # its socket, too
def test_a_stream_that_is_forgotten_is_cancelled(here):
    here.provider.fail(Fault.endless())
    client = client_of(here)
    stream = client.chat.completions.create(**ASK)
    next(iter(stream))
    del stream
    gc.collect()
    assert here.end()["outcome"] == "cancelled"


def test_a_stream_that_nobody_reads_is_cancelled(here):
    stream = client_of(here).chat.completions.create(**ASK)
    stream.close()
    assert here.end()["outcome"] == "cancelled"


def test_what_was_complete_when_the_caller_left_has_succeeded(here):
    stream = client_of(here).chat.completions.create(**ASK)
    for chunk in stream:
        if chunk.choices[0].finish_reason:
            break
    stream.close()
    assert here.end()["outcome"] == "succeeded"


def test_death_in_the_middle_is_a_failure(here):
    here.provider.fail(Fault.dies(3))
    with pytest.raises((openai.APIError, httpx2.HTTPError)):
        list(client_of(here).chat.completions.create(**ASK))
    end = here.end()
    assert (end["outcome"], end["error"]) == ("failed", "RemoteProtocolError")


def test_a_stream_that_stalls_is_a_timeout(here):
    here.provider.fail(Fault.stalls(2))
    with pytest.raises((openai.APITimeoutError, httpx2.TimeoutException)):
        list(client_of(here, timeout=1).chat.completions.create(**ASK))
    end = here.end()
    assert (end["outcome"], end["error"]) == ("timeout", "ReadTimeout")


def test_a_provider_that_says_nothing_is_a_timeout(here):
    here.provider.fail(Fault.slow(5))
    with pytest.raises(openai.APITimeoutError):
        client_of(here, timeout=1).chat.completions.create(**ASK)
    assert here.end()["outcome"] == "timeout"


def test_a_refused_connection_is_a_failure(here):
    client = openai.OpenAI(base_url=f"{here.provider.refused_url}/v1", api_key="k", max_retries=0)
    with pytest.raises(openai.APIConnectionError):
        here.own(guard(here.portal, client)).chat.completions.create(**ASK)
    end = here.end()
    assert (end["outcome"], end["error"]) == ("failed", "ConnectError")


def test_a_provider_that_hangs_up_is_a_failure(here):
    here.provider.fail(Fault.hangs_up())
    with pytest.raises(openai.APIConnectionError):
        client_of(here).chat.completions.create(**ASK)
    assert here.end()["outcome"] == "failed"


@pytest.mark.parametrize("stream", [True, False])
def test_garbage_reaches_the_caller_and_is_one_completion(here, stream):
    here.provider.fail(Fault.garbage())
    with contextlib.suppress(openai.OpenAIError, ValueError):
        answer = client_of(here).chat.completions.create(**{**ASK, "stream": stream})
        list(answer) if stream else None
    end = here.end()
    assert end["outcome"] in {"succeeded", "failed", "cancelled"}
    assert end["usage_source"] == "none"


def test_a_long_stream_extends_its_lease(here):
    here.double.lease_s = 0.3
    here.provider.fail(Fault.endless())
    # It ends by itself after the provider's patience.
    with client_of(here).chat.completions.create(**ASK) as stream:
        for _ in stream:
            if here.double.leases:
                break
    end = here.end()
    assert end["outcome"] == "cancelled"
    assert set(here.double.leases) == {here.calls[0]["call_id"]}


def test_a_call_that_waits_for_its_first_byte_extends_its_lease(here):
    here.double.lease_s = 0.2
    here.provider.fail(Fault.slow(20))
    asking = threading.Thread(
        target=client_of(here).chat.completions.create, kwargs={**ASK, "stream": False}
    )
    asking.start()
    here.until(lambda: len(here.double.leases) >= 2)
    here.provider.hurry()
    asking.join()
    assert here.end()["outcome"] == "succeeded"
    assert set(here.double.leases) == {here.calls[0]["call_id"]}
    time.sleep(0.5)  # one may have been on its way when it ended
    told = len(here.double.leases)
    time.sleep(0.5)
    assert len(here.double.leases) == told, "it has ended: nothing more is said of it"


def test_nothing_is_said_of_an_attempt_that_was_forgotten(here):
    here.double.lease_s = 0.2
    stream = client_of(here).chat.completions.create(**ASK)
    del stream
    gc.collect()
    assert here.end()["outcome"] in {"cancelled", "succeeded"}
    time.sleep(0.5)
    told = len(here.double.leases)
    time.sleep(0.5)
    assert len(here.double.leases) == told


# The SDK leaves generators of its own behind, of which Trio warns; without the guard too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_async_client_runs_on_trio(here):
    async def main() -> str:
        async with async_client_of(here) as client:
            async with await client.chat.completions.create(**ASK) as stream:
                said_first = said([chunk async for chunk in stream])
            here.provider.fail(Fault.slow(20))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask_again, client)
                await trio.to_thread.run_sync(here.until, lambda: len(here.provider.requests) == 2)
                nursery.cancel_scope.cancel()
            return said_first

    async def ask_again(client) -> None:
        await client.chat.completions.create(**{**ASK, "stream": False})

    assert trio.run(main) == here.provider.model.text
    assert here.outcomes() == ["succeeded", "cancelled"]


def test_the_async_client_streams_alike(here):
    async def main() -> str:
        async with async_client_of(here) as client:
            stream = await client.chat.completions.create(**ASK)
            return said([chunk async for chunk in stream])

    assert asyncio.run(main()) == here.provider.model.text
    end = here.end()
    assert (end["outcome"], end["usage"]["input"]) == ("succeeded", USAGE.input)


def test_a_cancelled_task_is_one_cancelled_call(here):
    here.provider.fail(Fault.stalls(2))

    async def main() -> None:
        async with async_client_of(here) as client:
            stream = await client.chat.completions.create(**ASK)
            task = asyncio.create_task(_drain(stream))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    end = here.end()
    assert (end["outcome"], end["error"]) == ("cancelled", "CancelledError")


def test_a_task_cancelled_before_the_answer_is_one_cancelled_call(here):
    here.provider.fail(Fault.slow(20))

    async def main() -> None:
        async with async_client_of(here) as client:
            asking = asyncio.create_task(client.chat.completions.create(**ASK))
            await asyncio.to_thread(here.until, lambda: here.provider.requests)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    asyncio.run(main())
    assert here.end()["outcome"] == "cancelled"


def test_a_task_cancelled_while_the_portal_is_asked_is_one_cancelled_call(here):
    here.portal.desk.get_ready()
    real = here.portal.desk.recorder.call
    asked, left = threading.Event(), threading.Event()

    def slow(*arguments):
        asked.set()
        assert left.wait(30)
        return real(*arguments)

    here.portal.desk.recorder.call = slow

    async def main() -> None:
        async with async_client_of(here) as client:
            asking = asyncio.create_task(client.chat.completions.create(**ASK))
            await asyncio.to_thread(asked.wait, 30)
            asking.cancel()
            # The task learns of it while the portal has not answered yet.
            await asyncio.sleep(0)
            left.set()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await asyncio.to_thread(here.until, lambda: here.double.completions)

    asyncio.run(main())
    assert here.end()["outcome"] == "cancelled"
    assert here.provider.requests == []


async def _drain(stream) -> None:
    async for _ in stream:
        pass
