"""guard() around plain httpx and httpx2 clients, sync and async: wrapped by shape alone."""

from __future__ import annotations

import asyncio
import gzip
import json
from types import ModuleType

import httpx
import httpx2
import pytest

from countersign import guard
from countersign.client.guarding import CannotGuard
from countersign.client.portal import Portal
from countersign.client.transports import GuardedTransport
from countersign.tests.client_world import world
from countersign.tests.provider import USAGE

BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello there."}]}
KEY = {"authorization": "Bearer sk-test"}
PACKAGES = pytest.mark.parametrize("package", [httpx, httpx2], ids=["httpx", "httpx2"])


@pytest.fixture
def here(tmp_path):
    with world(tmp_path) as made:
        yield made


def address(here) -> str:
    return f"{here.provider.url}/v1/chat/completions"


@PACKAGES
def test_a_sync_client_is_recorded(here, package):
    with guard(here.portal, package.Client(headers=KEY)) as client:
        answer = client.post(address(here), json=BODY)
    assert answer.status_code == 200
    assert answer.json()["usage"]["prompt_tokens"] == USAGE.input
    assert here.end()["usage"]["input"] == USAGE.input


@PACKAGES
def test_an_async_client_is_recorded(here, package):
    async def main() -> int:
        async with guard(here.portal, package.AsyncClient(headers=KEY)) as client:
            answer = await client.post(address(here), json=BODY)
            return answer.status_code

    assert asyncio.run(main()) == 200
    assert here.end()["outcome"] == "succeeded"


@PACKAGES
def test_a_denial_is_an_answer_of_status_403(here, package):
    here.double.deny = ["baa-not-in-force"]
    with guard(here.portal, package.Client(headers=KEY)) as client:
        answer = client.post(address(here), json=BODY)
        with pytest.raises(package.HTTPStatusError):
            answer.raise_for_status()
    assert answer.status_code == 403
    assert answer.json()["reasons"][0]["code"] == "baa-not-in-force"
    assert here.provider.requests == []


@PACKAGES
def test_a_stream_comes_as_it_was_sent(here, package):
    body = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
    with (
        package.Client(headers=KEY) as bare,
        guard(here.portal, package.Client(headers=KEY)) as client,
    ):
        with client.stream("POST", address(here), json=body) as answer:
            guarded = b"".join(answer.iter_raw())
        with bare.stream("POST", address(here), json=body) as answer:
            assert len(b"".join(answer.iter_raw())) == len(guarded)
    assert here.end()["usage"]["output"] == USAGE.output


@PACKAGES
def test_a_body_that_comes_in_parts_is_read_before_it_is_sent(here, package):
    parts = [json.dumps(BODY)[:20].encode(), json.dumps(BODY)[20:].encode()]
    with guard(here.portal, package.Client(headers=KEY)) as client:
        headers = {"content-type": "application/json"}
        answer = client.post(address(here), content=iter(parts), headers=headers)
    assert answer.status_code == 200
    assert here.provider.requests[0].json == BODY
    assert here.calls[0]["input_bytes"] == len(json.dumps(BODY))


def test_an_async_body_in_parts_likewise(here):
    async def parts():
        yield json.dumps(BODY)[:20].encode()
        yield json.dumps(BODY)[20:].encode()

    async def main() -> None:
        async with guard(here.portal, httpx2.AsyncClient(headers=KEY)) as client:
            headers = {"content-type": "application/json"}
            await client.post(address(here), content=parts(), headers=headers)

    asyncio.run(main())
    assert here.provider.requests[0].json == BODY


@PACKAGES
def test_a_transport_without_network_is_guarded_alike(here, package: ModuleType):
    def answer(request):
        return package.Response(200, json={"model": "m-1", "usage": {"prompt_tokens": 3}})

    with guard(here.portal, package.Client(transport=package.MockTransport(answer))) as client:
        assert client.post("https://api.example/v1/chat/completions", json=BODY).is_success
    end = here.end()
    assert (end["response_model"], end["usage"]) == ("m-1", {"input": 3})


def test_a_packed_answer_is_read(here):
    def answer(request):
        assert request.headers["accept-encoding"] == "gzip, deflate"
        packed = gzip.compress(json.dumps({"usage": {"prompt_tokens": 4}}).encode())
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        return httpx.Response(200, headers=headers, content=packed)

    with guard(here.portal, httpx.Client(transport=httpx.MockTransport(answer))) as client:
        got = client.post("https://api.example/v1/chat/completions", json=BODY)
    assert got.json() == {"usage": {"prompt_tokens": 4}}
    assert here.end()["usage"] == {"input": 4}


def test_a_redirect_is_an_attempt_of_its_own(here):
    def answer(request):
        if request.url.host == "old.example":
            return httpx.Response(307, headers={"location": "https://new.example/v1/responses"})
        return httpx.Response(200, json={})

    transport = httpx.MockTransport(answer)
    client = httpx.Client(transport=transport, follow_redirects=True)
    guard(here.portal, client).post("https://old.example/v1/responses", json=BODY)
    assert [call["endpoint_host"] for call in here.calls] == ["old.example", "new.example"]
    assert len(here.ends()) == 2


def test_proxies_are_wrapped_as_well(here):
    client = httpx2.Client(mounts={"https://": httpx2.HTTPTransport()})
    guard(here.portal, client)
    mounts = vars(client)["_mounts"].values()
    assert [type(each) for each in mounts] == [GuardedTransport]


def test_guarding_twice_changes_nothing(here):
    with guard(here.portal, guard(here.portal, httpx.Client(headers=KEY))) as client:
        client.post(address(here), json=BODY)
    assert len(here.calls) == 1


def test_another_portal_cannot_take_over_a_client(here, tmp_path):
    client = guard(here.portal, httpx.Client())
    with Portal(recorder=here.portal.desk.recorder) as other, pytest.raises(CannotGuard):
        guard(other, client)


def test_what_is_not_known_is_refused_with_what_is(here):
    with pytest.raises(CannotGuard, match=r"OpenAI, .*httpx.Client.*portal.call"):
        guard(here.portal, object())


def test_the_callers_request_stays_as_it_was(here):
    with guard(here.portal, httpx2.Client(headers=KEY)) as client:
        answer = client.post(address(here), json={**BODY, "stream": True})
    assert "stream_options" in here.provider.requests[0].json
    assert json.loads(answer.request.content) == {**BODY, "stream": True}
