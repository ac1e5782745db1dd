"""Whose call it is: actors in blocks, tasks, threads and child processes never mix."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress

import httpx2
import openai
import pytest

from countersign import guard
from countersign.tests.client_world import world
from countersign.tests.provider import Fault

HELLO = [{"role": "user", "content": "Hello there."}]
ASK = {"model": "gpt-4o-mini", "messages": HELLO}


@pytest.fixture
def here(tmp_path):
    with world(tmp_path) as made:
        yield made


def client_of(here) -> openai.OpenAI:
    options = {"api_key": "k", "max_retries": 0}
    return here.own(
        guard(here.portal, openai.OpenAI(base_url=f"{here.provider.url}/v1", **options))
    )


def actors(here) -> list[str]:
    return [f"{call['actor']['type']}:{call['actor']['id']}" for call in here.calls]


def test_a_block_says_who_calls_and_why(here):
    client = client_of(here)
    with here.portal.actor("user:42", purpose="treatment"):
        client.chat.completions.create(**ASK)
        with here.portal.session("visit-7"):
            client.chat.completions.create(**ASK)
        with here.portal.actor("agent:triage"):
            client.chat.completions.create(**ASK)
    client.chat.completions.create(**ASK)
    assert actors(here) == ["user:42", "user:42", "agent:triage", "service:intake-summariser"]
    assert [call.get("purpose") for call in here.calls] == ["treatment", "treatment", None, None]
    assert [call.get("session_id") for call in here.calls] == [None, "visit-7", None, None]


@pytest.mark.parametrize("actor", ["42", "user:", "user:Ann Poe", "doctor:42", "user:4\n2"])
def test_what_is_no_actor_is_refused_and_not_quoted(here, actor):
    with pytest.raises(ValueError, match="type:id") as caught, here.portal.actor(actor):
        pass
    assert actor not in str(caught.value)


def test_a_purpose_is_a_word(here):
    said = "Because Ann Poe asked"
    with (
        pytest.raises(ValueError, match="word") as caught,
        here.portal.actor("user:1", purpose=said),
    ):
        pass
    assert "Ann" not in str(caught.value)


def test_threads_do_not_inherit_an_actor(here):
    client = client_of(here)
    ready = threading.Barrier(2)

    def call(actor: str) -> None:
        with here.portal.actor(actor):
            ready.wait(5)
            for _ in range(5):
                client.chat.completions.create(**ASK)

    threads = [threading.Thread(target=call, args=(f"user:{n}",)) for n in (1, 2)]
    with here.portal.actor("user:main"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        bare = threading.Thread(target=lambda: client.chat.completions.create(**ASK))
        bare.start()
        bare.join()
    assert sorted(actors(here)) == [
        "service:intake-summariser",
        *["user:1"] * 5,
        *["user:2"] * 5,
    ]


def test_tasks_keep_the_actor_they_were_made_with(here):
    async def call(client, actor: str) -> None:
        with here.portal.actor(actor):
            await asyncio.sleep(0)
            await client.chat.completions.create(**ASK)
            await asyncio.sleep(0)
            await client.chat.completions.create(**ASK)

    async def main() -> None:
        client = openai.AsyncOpenAI(base_url=f"{here.provider.url}/v1", api_key="k")
        async with guard(here.portal, client):
            await asyncio.gather(*(call(client, f"user:{n}") for n in range(8)))

    asyncio.run(main())
    assert sorted(actors(here)) == sorted([f"user:{n}" for n in range(8)] * 2)
    assert set(here.outcomes()) == {"succeeded"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_makes_its_own_calls_and_completes_only_those(here):
    here.provider.fail(Fault.endless())
    with httpx2.Client(headers={"authorization": "Bearer k"}) as http:
        client = guard(here.portal, http)
        address = f"{here.provider.url}/v1/chat/completions"
        with client.stream("POST", address, json={**ASK, "stream": True}) as stream:
            next(stream.iter_raw())
            pid = os.fork()
            if pid == 0:
                # The parent's stream is open here as well; its end is not the child's to tell.
                code = 1
                with suppress(BaseException):
                    stream.close()
                    fresh = guard(here.portal, httpx2.Client(headers=dict(http.headers)))
                    with here.portal.actor("user:child"):
                        fresh.post(address, json=ASK)
                    code = 0 if here.portal.flush(5) else 2
                os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert actors(here) == ["service:intake-summariser", "user:child"]
    assert here.outcomes() == ["cancelled", "succeeded"]
