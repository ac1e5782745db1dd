"""What no transport sees: websockets and realtime sessions; and what sends nothing at all."""

from __future__ import annotations

import httpx2
import openai
import pytest

from countersign import guard
from countersign.client.refusals import Denied
from countersign.client.sockets import OPENAI, Later
from countersign.tests.client_world import world


def client_of(here) -> openai.OpenAI:
    return here.own(
        guard(here.portal, openai.OpenAI(base_url=f"{here.provider.url}/v1", api_key="sk-test"))
    )


@pytest.mark.parametrize(
    "connect",
    [
        lambda client: client.realtime.connect(model="gpt-realtime"),
        lambda client: client.responses.connect(),
        lambda client: client.with_options(timeout=3).realtime.connect(model="gpt-realtime"),
    ],
)
def test_realtime_is_refused_in_strict_mode_with_a_sentence(tmp_path, connect):
    with world(tmp_path) as here, pytest.raises(Denied, match="use the HTTP API"):
        connect(client_of(here))


def test_realtime_opens_where_the_mode_lets_it(tmp_path):
    with world(tmp_path, mode="spool") as here:
        manager = client_of(here).realtime.connect(model="gpt-realtime")
        assert type(manager).__name__ == "RealtimeConnectionManager"


def test_an_upgrade_on_the_transport_is_refused_as_well(tmp_path):
    with world(tmp_path) as here, httpx2.Client() as client:
        asked = {"Upgrade": "websocket", "Connection": "upgrade"}
        answer = guard(here.portal, client).get(here.provider.url, headers=asked)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "not-http"


def test_requests_without_a_body_send_nothing_and_pass(tmp_path):
    with world(tmp_path) as here, httpx2.Client() as client:
        guard(here.portal, client).get(f"{here.provider.url}/v1/models")
        assert len(here.provider.requests) == 1
        assert here.calls == []


def test_guarding_loads_no_part_of_the_sdk_before_it_is_used(tmp_path):
    with world(tmp_path) as here:
        client = client_of(here)
        assert all(isinstance(vars(client)[name], Later) for name in OPENAI)
        assert client.responses.create is not None
        assert type(client.responses).__name__ == "Responses"
        assert isinstance(vars(client)["beta"], Later)
