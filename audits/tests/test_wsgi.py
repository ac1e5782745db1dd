"""The hot path as the web server meets it."""

import io
import json

import pytest
from django.test import Client

from audits.api import ingest, wsgi
from audits.models import Call
from audits.tests import make


class Unread(io.BytesIO):
    """A body that must not be read."""

    def read(self, *args):
        raise AssertionError("the body was read")


def test_it_answers_without_django(live):
    secret = make.key(live)[1]
    answer = make.through_wsgi(secret, "calls", make.call_body())
    assert answer.status == "201 Created"
    assert json.loads(answer.body)["decision"] == "allow"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_both_ways_give_the_same_answer(live):
    secret = make.key(live)[1]
    body = make.call_body()
    first = json.loads(make.through_wsgi(secret, "calls", body).body)
    again = make.Api(Client(), secret).post("calls", body)
    assert (again.status_code, again.json()) == (200, first)


def test_a_body_that_is_too_large_is_not_even_read(live):
    secret = make.key(live)[1]
    environ = {"CONTENT_LENGTH": "5000000", "wsgi.input": Unread()}
    answer = make.through_wsgi(secret, "calls", b"", **environ)
    assert answer.status == "413 Request Entity Too Large"
    assert not Call.objects.exists()


@pytest.mark.parametrize("framing", [{}, {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}])
def test_what_is_a_little_too_large_is_read_to_its_end_and_refused(live, framing):
    """So that a caller who sends all before it reads hears the answer."""
    secret = make.key(live)[1]
    body = io.BytesIO(b" " * (ingest.largest_body(ingest.EVENTS) + 1))
    environ = {"CONTENT_LENGTH": str(len(body.getbuffer())), "wsgi.input": body, **framing}
    answer = make.through_wsgi(secret, "events", b"", **environ)
    assert answer.status == "413 Request Entity Too Large"
    assert body.tell() == len(body.getbuffer())


def test_a_chunked_body_is_read_to_its_limit(live):
    secret = make.key(live)[1]
    for size, status in [(0, "201 Created"), (70_000, "413 Request Entity Too Large")]:
        raw = json.dumps(make.call_body()).encode() + b" " * size
        answer = make.through_wsgi(
            secret,
            "calls",
            raw,
            CONTENT_LENGTH="",
            **{"wsgi.input": io.BytesIO(raw), "wsgi.input_terminated": True},
        )
        assert answer.status == status


def test_everything_else_goes_to_django():
    reached = []

    def django(environ, start_response):
        reached.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        return [b""]

    application = wsgi.before(django)
    asked = [
        ("GET", "/api/v1/calls"),
        ("POST", "/api/v1/calls/"),
        ("POST", "/api/v1/calls/1/completion"),
        ("POST", "/accounts/login/"),
        ("DELETE", "/api/v1/records"),
    ]
    for method, path in asked:
        application({"REQUEST_METHOD": method, "PATH_INFO": path}, lambda *_: None)
    assert reached == asked
