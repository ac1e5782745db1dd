"""A process that is killed in the middle of a guarded call: its record ends as unknown, once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from countersign.client.recording import Recorder
from countersign.tests.portal_double import PortalDouble
from countersign.tests.provider import FakeProvider, Fault

KILLED = """
import json, sys
import openai
from countersign import Portal, guard
from countersign.client.recording import Recorder
from countersign.client.settings import Settings
told, url, stream = json.loads(sys.argv[1])
portal = Portal(recorder=Recorder(Settings.read(environment={}, **told)))
client = guard(portal, openai.OpenAI(base_url=url, api_key="k", max_retries=0))
ask = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello there."}]}
for _ in client.chat.completions.create(**ask, stream=stream):
    pass
"""


@pytest.mark.parametrize("mode", ["strict", "spool"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_kill_in_the_middle_of_a_call_is_told_by_the_next_process(tmp_path, mode, stream):
    with PortalDouble() as double, FakeProvider() as provider:
        double.content.update(policy=None, mode=mode)
        settings = double.settings(tmp_path)
        provider.fail(Fault.endless() if stream else Fault.slow(30))
        told = {
            "url": double.url,
            "key": double.key,
            "integration": settings.integration,
            "bundle_key": double.bundle_key,
            "spool_dir": str(settings.spool_dir),
        }
        argument = json.dumps([told, f"{provider.url}/v1", stream])
        child = subprocess.Popen([sys.executable, "-c", KILLED, argument])
        deadline = time.monotonic() + 30
        while not provider.requests and time.monotonic() < deadline:
            time.sleep(0.02)
        child.kill()
        assert child.wait(10) == -signal.SIGKILL
        assert len(provider.requests) == 1, "the call was under way"
        following = Recorder(settings)
        assert following.drain(10)
        following.close()
        (call_id,) = double.calls
        assert double.outcomes(call_id) == ["unknown"]
