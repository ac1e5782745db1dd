"""Without a record there is no decision."""

import json

import pytest
from django.db import connection

from audits.models import Call
from audits.services import writing
from audits.tests import make


def said(answer) -> dict:
    return json.loads(answer.body)


def test_a_database_that_is_away_gives_503_and_no_decision(live, monkeypatch):
    secret = make.key(live)[1]
    assert make.hot(secret, "calls", make.call_body()).status == 201
    connection.close()
    writing.stop()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "HOST", "/nowhere")
        for path, body in (
            ("calls", make.call_body()),
            ("records", make.record()),
            (f"calls/{make.call_body()['call_id']}/completion", make.completion_body()),
        ):
            answer = make.hot(secret, path, body)
            assert answer.status == 503
            assert said(answer)["type"].endswith(":audit-unavailable")
            assert "decision" not in said(answer)
            assert dict(answer.headers)["Retry-After"] == "1"
    assert make.hot(secret, "calls", make.call_body()).status == 201
    assert Call.objects.count() == 2


def test_a_connection_that_was_cut_is_replaced_without_the_caller_noticing(live):
    secret = make.key(live)[1]
    assert make.hot(secret, "calls", make.call_body()).status == 201
    cut_the_writers_connection()
    assert make.hot(secret, "calls", make.call_body()).status == 201


@pytest.mark.parametrize("state", ["53100", "57P03", "25006"], ids=["disk", "starting", "readonly"])
def test_a_database_that_refuses_gives_503_without_its_words(live, caplog, state):
    """The trigger stands for a full disk and its like: the same error from the same place."""
    secret = make.key(live)[1]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION 'row of Smith' USING ERRCODE = '{state}'; END $$"
        )
        cursor.execute("CREATE TRIGGER fails BEFORE INSERT ON audits_call EXECUTE FUNCTION fails()")
    try:
        answer = make.hot(secret, "calls", make.call_body())
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION fails() CASCADE")
    assert answer.status == 503
    assert "Smith" not in answer.body.decode() + caplog.text
    assert not Call.objects.exists()


def cut_the_writers_connection() -> None:
    """As when the server restarts: the connection is dead and nobody has noticed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'countersign-writer' AND datname = current_database()"
        )
        assert cursor.fetchall() == [(True,)]
