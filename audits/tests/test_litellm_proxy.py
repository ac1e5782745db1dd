"""The real proxy of LiteLLM asks the portal: whole and streamed, blocked, and with no portal there.

It lives in an environment of its own. One proxy answers all; the provider behind it is a fake.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection

from audits.api import litellm_tokens
from audits.models import Call, Completion
from audits.tests import make
from audits.tests.test_litellm import POLICY, PROMPT, SEALED, TOKEN_KEY
from countersign.tests.environments import python_with
from countersign.tests.provider import FakeProvider
from policies.tests import make as policies

MASTER_KEY = "sk-of-nobody-0123456789abcdef0123456789"
PATIENCE_S = 120
LEAK = "Her SSN is 536-22-8145, as you know."


class Silent(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nothing is printed."""


class Proxy:
    """A running proxy, and what it asks."""

    def __init__(self, url, provider, portal):
        self.url, self.provider, self.portal = url, provider, portal

    def said(self, text, **more):
        """What the caller gets to see of the answer to a prompt, whole or streamed."""
        answer = self.ask(messages=[{"role": "user", "content": text}], **more)
        if not more.get("stream"):
            return answer.json()["choices"][0]["message"]["content"]
        lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
        events = [json.loads(line) for line in lines if line != "[DONE]"]
        return "".join(
            choice["delta"].get("content") or "" for event in events for choice in event["choices"]
        )

    def ask(self, **more):
        body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": PROMPT}], **more}
        return httpx.post(
            f"{self.url}/v1/chat/completions",
            json=body,
            headers={"authorization": f"Bearer {MASTER_KEY}"},
            timeout=60,
        )

    def arrived(self):
        return [each for each in self.provider.requests if each.method == "POST"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings(provider: str, portal: str, secret: str, *, keyed: bool) -> str:
    """YAML, of which JSON is a part."""
    more = {"streaming_transform_mode": "incremental_diff"} if keyed else {}
    headers = {litellm_tokens.HEADER: "os.environ/COUNTERSIGN_TOKEN_KEY"} if keyed else {}
    guardrail = {
        **more,
        "guardrail": "generic_guardrail_api",
        "mode": ["pre_call", "post_call"],
        "default_on": True,
        "api_base": f"{portal}/api/v1",
        "headers": {"Authorization": f"Bearer {secret}", **headers},
        "unreachable_fallback": "fail_closed",
    }
    upstream = {"model": "openai/gpt-4.1", "api_base": f"{provider}/v1", "api_key": "sk-test"}
    return json.dumps(
        {
            "model_list": [{"model_name": "gpt-4.1", "litellm_params": upstream}],
            "guardrails": [{"guardrail_name": "countersign", "litellm_params": guardrail}],
        }
    )


@pytest.fixture
def portal(committed):
    """Django's own handler, served by a thread with a connection of its own."""
    handler = get_wsgi_application()

    def application(environ, start_response):
        answer = [b"".join(handler(environ, start_response))]
        connection.close()
        return answer

    server = make_server("127.0.0.1", 0, application, handler_class=Silent)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def keyed(request):
    """Whether the proxy brings a key for tokens; a test that is not parametrized brings none."""
    return getattr(request, "param", False)


@pytest.fixture
def proxy(portal, tmp_path, keyed):
    program = python_with("litellm").with_name("litellm")
    made = make.active_integration()
    policies.ruled(made, document=SEALED if keyed else POLICY)
    secret = make.key(made)[1]
    port = free_port()
    with FakeProvider(echo=True) as provider, (tmp_path / "log").open("w") as log:
        address = f"http://127.0.0.1:{portal.server_port}"
        (tmp_path / "proxy.yaml").write_text(settings(provider.url, address, secret, keyed=keyed))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MASTER_KEY": MASTER_KEY,
            "COUNTERSIGN_TOKEN_KEY": TOKEN_KEY,
        }
        command = [program, "--config", tmp_path / "proxy.yaml", "--port", str(port)]
        with subprocess.Popen(
            [*command, "--host", "127.0.0.1"], env=environment, stdout=log, stderr=log
        ) as process:
            try:
                url = f"http://127.0.0.1:{port}"
                wait_for(url, process)
                yield Proxy(url, provider, portal)
            finally:
                process.kill()


def wait_for(url: str, process: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/health/liveliness", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    pytest.fail("LiteLLM's proxy did not start.")


def test_the_real_proxy_is_answered(proxy):
    whole = proxy.ask().json()["choices"][0]["message"]["content"]
    assert whole.endswith("asks for rest.")
    streamed = proxy.ask(stream=True)
    assert streamed.text.rstrip().endswith("data: [DONE]")
    assert len(proxy.arrived()) == 2
    for received in proxy.arrived():
        assert "asks for rest." in received.text
        assert "Zofia" not in received.text
        assert "example.org" not in received.text
    assert [call.decision for call in Call.objects.all()] == ["allow", "allow"]
    assert [end.outcome for end in Completion.objects.all()] == ["succeeded", "succeeded"]

    proxy.provider.model.echo, proxy.provider.model.text = False, LEAK
    blocked = proxy.ask()
    assert blocked.status_code == 400
    assert "leak" in blocked.json()["error"]["message"]
    cut = proxy.ask(stream=True).text
    assert "[DONE]" not in cut
    assert "8145" not in cut

    proxy.portal.shutdown()
    proxy.portal.socket.close()
    before = len(proxy.arrived())
    assert proxy.ask().status_code >= 400
    assert len(proxy.arrived()) == before


@pytest.mark.parametrize("keyed", [True], indirect=True)
def test_the_real_proxy_gets_its_values_back(proxy):
    for more in ({}, {"stream": True}):
        assert proxy.said(PROMPT, **more).endswith(PROMPT)
    assert len(proxy.arrived()) == 2
    for received in proxy.arrived():
        assert "[[NAME:siv:" in received.text
        assert "Zofia" not in received.text
        assert "example.org" not in received.text
