"""The portal is away, slow or wrong: what the caller gets follows the mode."""

from __future__ import annotations

import openai
import pytest

from countersign import guard
from countersign.tests.client_world import world

HELLO = [{"role": "user", "content": "Hello there."}]
ASK = {"model": "gpt-4o-mini", "messages": HELLO}
FAULTS = pytest.mark.parametrize("fault", ["500", "503", "half", "nothing", "garbage", "nonsense"])


def client_of(here, **options) -> openai.OpenAI:
    options = {"max_retries": 0, "api_key": "k", **options}
    return here.own(
        guard(here.portal, openai.OpenAI(base_url=f"{here.provider.url}/v1", **options))
    )


@FAULTS
def test_strict_refuses_with_503_while_no_record_can_be_made(tmp_path, fault):
    with world(tmp_path, mode="strict") as here:
        here.portal.desk.get_ready()
        here.double.fail(*[fault] * 10)
        with pytest.raises(openai.InternalServerError, match="could not record") as caught:
            client_of(here).chat.completions.create(**ASK)
        assert caught.value.status_code == 503
        assert here.provider.requests == []


def test_an_sdk_may_try_again_and_get_through(tmp_path):
    with world(tmp_path, mode="strict") as here:
        here.portal.desk.get_ready()
        here.double.fail("500", "500")
        client_of(here, max_retries=3).chat.completions.create(**ASK)
        assert here.outcomes().count("succeeded") == 1
        assert len(here.provider.requests) == 1


@FAULTS
def test_spool_goes_on_and_tells_later(tmp_path, fault):
    with world(tmp_path, mode="spool") as here:
        here.portal.desk.get_ready()
        here.double.fail(fault)
        client_of(here).chat.completions.create(**ASK)
        assert len(here.provider.requests) == 1
        assert here.end()["outcome"] == "succeeded"


def test_observe_goes_on_and_counts_the_gap(tmp_path):
    with world(tmp_path, mode="observe") as here:
        here.portal.desk.get_ready()
        here.double.fail("500", "500")
        client_of(here).chat.completions.create(**ASK)
        assert len(here.provider.requests) == 1


def test_a_client_may_be_tighter_than_its_bundle(tmp_path):
    with world(tmp_path, mode="observe", settings={"mode": "strict"}) as here:
        here.portal.desk.get_ready()
        here.double.fail(*["500"] * 5)
        with pytest.raises(openai.InternalServerError):
            client_of(here).chat.completions.create(**ASK)
        assert here.provider.requests == []


def test_a_client_cannot_be_looser_than_its_bundle(tmp_path):
    with world(tmp_path, mode="strict", settings={"mode": "observe"}) as here:
        here.portal.desk.get_ready()
        here.double.fail(*["500"] * 5)
        with pytest.raises(openai.InternalServerError):
            client_of(here).chat.completions.create(**ASK)
        assert here.provider.requests == []


def test_without_any_bundle_nothing_goes(tmp_path):
    with world(tmp_path, mode="observe") as here:
        here.double.away = True
        with pytest.raises(openai.InternalServerError, match="bundle"):
            client_of(here).chat.completions.create(**ASK)
        assert here.provider.requests == []


def test_watching_records_a_denial_and_goes_on(tmp_path):
    with world(tmp_path, enforcement="monitor") as here:
        here.double.deny = ["baa-not-in-force"]
        client_of(here).chat.completions.create(**ASK)
        assert len(here.provider.requests) == 1
        assert here.calls[0]["enforcement"] == "monitor"
        assert here.end()["outcome"] == "succeeded"


def test_a_client_may_enforce_where_its_bundle_watches(tmp_path):
    told = {"enforcement": "enforce"}
    with world(tmp_path, enforcement="monitor", settings=told) as here:
        here.double.deny = ["baa-not-in-force"]
        with pytest.raises(openai.PermissionDeniedError):
            client_of(here).chat.completions.create(**ASK)
        assert here.provider.requests == []


def test_watching_goes_on_without_the_portal_whatever_its_last_word_was(tmp_path):
    with world(tmp_path, mode="spool", enforcement="monitor") as here:
        here.double.content["facts"]["baa_in_force"] = False
        here.portal.desk.get_ready()
        here.double.fail("500")
        client_of(here).chat.completions.create(**ASK)
        assert len(here.provider.requests) == 1
        assert here.end()["outcome"] == "succeeded"
