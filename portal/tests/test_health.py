from django.db import connection
from django.test import Client

from audits.models import Call


def test_a_probe_needs_no_sign_in(db):
    for path in ("/healthz", "/readyz"):
        answer = Client().get(path)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
    assert not Call.objects.exists()


def test_it_is_not_ready_where_no_record_can_be_stored(db):
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    assert Client().get("/healthz").status_code == 200
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "records cannot be stored"}
