"""guard() against this portal itself: its signed bundle, its gate, its records, its papers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import openai
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.utils import timezone

from audits.models import Call, Completion
from countersign import Portal, guard
from countersign.tests.provider import FakeProvider
from policies.models import Integration
from policies.services.bundle_keys import public_key
from policies.tests import make

MAIL = "maria.sandoval@mail.test"


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, format, *args):  # noqa: A002 - the name is the base class's
        """Nothing: pytest shows what matters."""


def application(environ, start_response):
    """The site; each request gives its connection back, as a thread's end would not."""
    try:
        return list(get_wsgi_application()(environ, start_response))
    finally:
        connection.close()


@dataclass
class Here:
    """A portal with one ruled integration, and a client of a provider that it guards."""

    integration: Integration
    portal: Portal
    provider: FakeProvider

    @property
    def client(self) -> openai.OpenAI:
        bare = openai.OpenAI(base_url=f"{self.provider.url}/v1", api_key="sk-test", max_retries=0)
        return guard(self.portal, bare)

    def ask(self, text: str, **options):
        said = [{"role": "user", "content": text}]
        model = self.integration.model_patterns[0].replace("*", "-mini")
        return self.client.chat.completions.create(model=model, messages=said, **options)


@pytest.fixture
def here(committed, tmp_path) -> Iterator[Here]:
    integration = make.active_integration()
    at = timezone.now() - dt.timedelta(minutes=1)
    make.ruled(integration, at=at)
    _, secret = make.key(integration, at=timezone.now())
    server = make_server("127.0.0.1", 0, application, server_class=Server, handler_class=Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    settings = {
        "integration": integration.slug,
        "bundle_key": public_key(),
        "spool_dir": tmp_path / "spool",
        "timeout_s": 20,
    }
    address = f"http://127.0.0.1:{server.server_port}"
    with FakeProvider(echo=True) as provider, Portal(address, secret, **settings) as portal:
        yield Here(integration, portal, provider)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_guarded_call_is_masked_decided_recorded_and_put_back(here):
    with here.portal.actor("user:42", purpose="treatment"):
        answer = here.ask(f"Write to {MAIL}.")
        told = here.portal.reveal(answer.choices[0].message.content)
    assert told == f"You said: Write to {MAIL}."
    assert MAIL not in here.provider.requests[0].text
    assert here.portal.flush(20)
    call = Call.objects.get()
    assert (call.decision, call.actor_id) == ("allow", "42")
    assert call.masked == {"identifiers": 1}
    assert call.input_digest != call.sent_digest
    assert Completion.objects.get().outcome == "succeeded"
    first = call.pk

    agreement = here.integration.service.vendor.agreements.get()
    agreement.terminated_on = agreement.starts_on
    agreement.save()
    with pytest.raises(openai.PermissionDeniedError, match="baa-expired"):
        here.ask("Hello.", stream=True)
    assert len(here.provider.requests) == 1
    assert Call.objects.exclude(pk=first).get().decision == "deny"
