"""“Try it” shows what would leave, and keeps nothing of the text: not anywhere."""

from __future__ import annotations

import json
import logging

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client

from policies.services import versions
from policies.tests import make
from policies.tests.make import NOON

pytestmark = pytest.mark.django_db

CANARY = "Quillfeather"
NUMBER = "512-44-8273"
TEXT = f"Patient {CANARY} Okonkwo, SSN {NUMBER}, mail {CANARY.lower()}@clinic.test, chest pain."
TRIED = {"text": TEXT, "read_as": "text", "version": "draft", "direction": "request"}
URL = "/policies/data/notes/try/"


@pytest.fixture
def reader() -> Client:
    officer = make.person("officer")
    versions.create_policy(name="Notes", slug="notes", by=officer, at=NOON)
    client = Client()
    client.force_login(officer)
    return client


def test_spans_rules_and_the_outgoing_body_are_shown(reader):
    answer = reader.post(URL, TRIED)
    page = answer.content.decode()
    assert "It is sent, changed" in page and "identifiers" in page
    assert f"<mark>{NUMBER}<span" in page
    leaving = answer.context["tried"].body
    assert NUMBER not in leaving and "[[SSN_" in leaving and "chest pain" in leaving
    assert {span.kind for span in answer.context["tried"].spans} >= {"SSN", "EMAIL"}


def test_a_blocked_text_shows_why_and_no_body(reader):
    lines = ("-----BEGIN PRIVATE KEY-----", "MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAA")
    key = "\n".join([*lines, "-----END PRIVATE KEY-----"])
    answer = reader.post(URL, {**TRIED, "text": key})
    assert "The call is blocked" in answer.content.decode()
    assert "Rule no-secrets" in answer.content.decode()
    assert answer.context["tried"].body is None


def test_a_body_of_a_provider_is_read_by_its_fields(reader):
    body = {"model": "m", "messages": [{"role": "user", "content": f"SSN {NUMBER}"}]}
    answer = reader.post(URL, {**TRIED, "read_as": "openai.chat", "text": json.dumps(body)})
    (field,) = answer.context["tried"].fields
    assert field.path == "/messages/0/content"
    assert [part.text for part in field.parts if part.span] == [NUMBER]
    sent = json.loads(answer.context["tried"].body)
    assert sent["model"] == "m" and NUMBER not in sent["messages"][0]["content"]
    broken = reader.post(URL, {**TRIED, "read_as": "json", "text": "{" + TEXT})
    assert "It is said to be JSON and is not." in broken.content.decode()


@pytest.mark.parametrize(
    "body",
    [
        TRIED,
        {**TRIED, "read_as": "json", "text": json.dumps({"note": TEXT})},
        {**TRIED, "read_as": "json"},
        {**TRIED, "read_as": f"{CANARY}"},
        {**TRIED, "version": "99"},
    ],
    ids=["text", "json", "no json", "no form", "no version"],
)
def test_the_text_is_stored_and_logged_nowhere(reader, body, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    kept: list[str] = []
    for cache in caches.all():
        plain = cache.set
        monkeypatch.setattr(
            cache, "set", lambda *a, _plain=plain, **k: (kept.append(repr(a)), _plain(*a, **k))[1]
        )
    with connection.execute_wrapper(
        lambda run, sql, params, many, context: (
            kept.append(repr((sql, params))),
            run(sql, params, many, context),
        )[1]
    ):
        answer = reader.post(URL, body)
    assert answer.status_code == 200
    kept += [repr(dict(answer.headers)), repr(dict(reader.session)), str(answer.cookies)]
    kept += [caplog.text, everything_in_the_database()]
    for canary in (CANARY, CANARY.lower(), NUMBER):
        assert not [each for each in kept if canary in each]
    assert "no-store" in answer["Cache-Control"]
    assert reader.get(URL).context["form"]["text"].value() is None


def everything_in_the_database() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        tables = [row[0] for row in cursor.fetchall()]
        rows = []
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {table} t")  # noqa: S608 - names from the catalogue
            rows += [str(row[0]) for row in cursor.fetchall()]
    assert len(rows) > 100
    return "\n".join(rows)


def test_it_is_not_asked_by_an_address(reader):
    answer = reader.get(URL, {"text": TEXT, "read_as": "text", "version": "draft"})
    assert answer.context["tried"] is None
    assert answer.context["form"]["text"].value() is None


def test_it_cannot_be_put_into_a_frame_or_be_kept_by_a_browser(reader):
    answer = reader.post(URL, TRIED)
    assert {"no-store", "private"} <= {w.strip() for w in answer["Cache-Control"].split(",")}
    assert "form-action" in answer["Content-Security-Policy"]


def test_an_error_report_would_not_hold_it(reader, monkeypatch, caplog):
    """The engine itself fails: the answer is an error, and nothing of the text is in the log."""

    def fails(*_args, **_kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr("policies.services.trying.Engine.apply_text", fails)
    reader.raise_request_exception = False
    answer = reader.post(URL, TRIED)
    assert answer.status_code == 500
    assert CANARY not in answer.content.decode() + caplog.text and NUMBER not in caplog.text
