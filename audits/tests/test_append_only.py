import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audits.models import Batch, Call, Completion, Gap, Lease, ReadEvent, SecurityEvent, Verdict
from audits.services.reads import Read, record_read
from audits.services.security import note_security
from audits.tests import make
from policies.tests.make import person

TABLES = [Call, Completion, Gap, Lease, ReadEvent, SecurityEvent, Batch, Verdict]


@pytest.fixture
def stored(api):
    """One row in each table."""
    call_id = api.open().json()["call_id"]
    api.post(f"calls/{call_id}/lease", {})
    api.complete(call_id)
    api.post("gaps", make.gap_body())
    record_read(Read("list", "audits.call", 1), by=person(), at=timezone.now())
    note_security("signed-out", user=person(), at=timezone.now())


def sql(statement: str, model):
    with connection.cursor() as cursor:
        # Deferred checks of foreign keys would refuse a TRUNCATE before the trigger does.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement.format(model._meta.db_table))


def some_column(model) -> str:
    """One that is no part of the key."""
    return model._meta.concrete_fields[-1].column


@pytest.mark.parametrize("model", TABLES)
@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.objects.update(**{some_column(model): None}),
        lambda model: model.objects.all().delete(),
        lambda model: model.objects.first().save(force_update=True),
        lambda model: sql(f"UPDATE {{}} SET {some_column(model)} = NULL", model),  # noqa: S608
        lambda model: sql("DELETE FROM {}", model),
        lambda model: sql("TRUNCATE {}", model),
        lambda model: sql("TRUNCATE {} CASCADE", model),
    ],
    ids=["update", "delete", "save", "raw update", "raw delete", "truncate", "cascade"],
)
def test_what_is_stored_stays_as_it_is(stored, model, change):
    before = list(model.objects.values())
    assert before
    with pytest.raises(IntegrityError, match=r"append-only|referenced"), transaction.atomic():
        change(model)
    assert list(model.objects.values()) == before
