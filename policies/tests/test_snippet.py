"""The snippet works as it is pasted: a Python of its own runs it against a running server."""

import shutil
import subprocess
import sys
from html import unescape
from socketserver import ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.urls import reverse

from policies.models import Integration
from policies.tests import make


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


@pytest.fixture
def server(committed):
    """The address of the site, served from a thread of this process."""
    made = make_server("127.0.0.1", 0, application, server_class=Server, handler_class=Quiet)
    thread = Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()
    thread.join()


def shown(client, settings, server, integration):
    """The page with a new key, as its engineer sees it."""
    settings.PUBLIC_URL = settings.INGEST_URL = server
    client.force_login(integration.owner)
    form = {
        "name": "pasted",
        "livemode": "live",
        "scopes": ["calls:write"],
        "expires_on": "2027-05-01",
    }
    answer = client.post(reverse("policies:key-create", args=[integration.slug]), form)
    assert answer.status_code == 200
    return answer


def run(words, source):
    return subprocess.run(  # noqa: PLW1510 - the test reads the exit status
        words, input=source, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def approved(server):
    integration = make.active_integration()
    integration.state = Integration.State.APPROVED
    integration.save()
    return integration


def test_python_asks_is_allowed_and_closes_the_record(client, settings, server, approved):
    answer = shown(client, settings, server, approved)
    source = answer.context["python"]
    assert source in unescape(answer.text)
    done = run([sys.executable, "-I", "-"], source)
    assert done.returncode == 0, done.stderr
    assert "decision: allow" in done.stdout
    assert "recorded:" in done.stdout
    call_id = done.stdout.split("recorded: ")[1].strip()
    with connection.cursor() as cursor:
        cursor.execute("SELECT decision FROM audits_call WHERE call_id = %s", [call_id])
        assert cursor.fetchall() == [("allow",)]
        cursor.execute("SELECT outcome FROM audits_completion WHERE call_id = %s", [call_id])
        assert cursor.fetchall() == [("succeeded",)]


def test_python_is_told_the_reasons_of_a_denial(client, settings, server, approved):
    answer = shown(client, settings, server, approved)
    agreement = approved.service.vendor.agreements.get()
    agreement.terminated_on = agreement.starts_on
    agreement.save()
    done = run([sys.executable, "-I", "-"], answer.context["python"])
    assert done.returncode == 0, done.stderr
    assert done.stdout == "decision: deny baa-expired\n"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")
def test_curl_asks_too(client, settings, server, approved):
    answer = shown(client, settings, server, approved)
    done = run(["/bin/sh"], answer.context["curl"])
    assert done.returncode == 0, done.stderr
    assert '"decision":"allow"' in done.stdout.replace(" ", "")
